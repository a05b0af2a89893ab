//! A detector's model file on whole pictures, in plain tract.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use face_predict::{Affine, DetectSpec, Image, InputSpec, Metadata, Warp};
use tch::Tensor;

use super::decode::{Found, decode, suppress};
use super::job::{normalise, scaled};
use crate::export::Tract;
use crate::onnx;

/// A picture scaled evenly, with its edge repeated at the right and the bottom up to whole strides.
pub struct Letterbox {
    /// Planes of red, green and blue, 0 to 255.
    pub planes: Vec<f32>,
    /// Pixels a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Pixels of the input for each of the picture's.
    pub scale: f32,
}

impl Letterbox {
    /// Scales the longer side to `side`, as the library does.
    pub fn fit(image: &Image<'_>, side: usize, stride: usize) -> Result<Self> {
        let (w, h) = image.upright_size();
        let scale = side as f32 / w.max(h) as f32;
        let whole =
            |size: usize| ((size as f32 * scale).ceil().max(1.0) as usize).next_multiple_of(stride);
        let (width, height) = (whole(w), whole(h));
        let mut planes = vec![0.0; 3 * width * height];
        let map = Affine::scale(1.0 / scale, 1.0 / scale);
        Warp::default().cut(image, &map, width, height, |i, rgb| {
            for (c, value) in rgb.into_iter().enumerate() {
                planes[c * width * height + i] = value;
            }
        })?;
        Ok(Self { planes, width, height, scale })
    }
}

/// `[1, 3, height, width]`.
pub fn tensor(planes: &[f32], width: usize, height: usize) -> Tensor {
    Tensor::from_slice(planes).view([1, 3, height as i64, width as i64])
}

/// A model file, ready for pictures of any size.
pub struct Finder {
    bytes: Vec<u8>,
    /// What the file says of its outputs.
    pub spec: DetectSpec,
    /// What the file says of itself.
    pub metadata: Metadata,
    plans: Mutex<BTreeMap<(usize, usize), Arc<Tract>>>,
}

impl Finder {
    /// Takes a file's bytes.
    pub fn new(bytes: Vec<u8>) -> Result<Self> {
        let props = onnx::decode(&bytes)?.metadata_props;
        let props = props.iter().map(|p| (p.key.as_str(), p.value.as_str()));
        let metadata = Metadata::from_props(props)?;
        let spec = metadata.detect.clone().context("the file holds no detector")?;
        Ok(Self { bytes, spec, metadata, plans: Mutex::default() })
    }

    fn plan(&self, width: usize, height: usize) -> Result<Arc<Tract>> {
        let mut plans = self.plans.lock().expect("no holder panics");
        if let Some(plan) = plans.get(&(width, height)) {
            return Ok(Arc::clone(plan));
        }
        let plan = Arc::new(Tract::load(&self.bytes, height, width)?);
        plans.insert((width, height), Arc::clone(&plan));
        Ok(plan)
    }

    /// The faces in `image` that score at least `threshold`, in its pixels, and the scale at which it was looked at.
    pub fn find(
        &self,
        image: &Image<'_>,
        side: usize,
        threshold: f32,
    ) -> Result<(Vec<Found>, f32)> {
        let last = self.spec.strides.last().copied().unwrap_or(32);
        let Letterbox { mut planes, width, height, scale } = Letterbox::fit(image, side, last)?;
        let input: &InputSpec = &self.metadata.input;
        normalise(input, &mut planes);
        let raw = self.plan(width, height)?.run(&tensor(&planes, width, height))?;
        let mut found = Vec::new();
        for (values, &stride) in raw.grids.iter().zip(&self.spec.strides) {
            decode(values, stride, height / stride, width / stride, threshold, &mut found);
        }
        suppress(&mut found, self.spec.overlap);
        for face in &mut found {
            face.rect = scaled(&face.rect, 1.0 / scale);
            for p in &mut face.landmarks {
                (p.x, p.y) = (p.x / scale, p.y / scale);
            }
        }
        Ok((found, scale))
    }
}
