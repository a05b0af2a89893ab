//! Loads faces exactly as the library sees them. Worker threads decode, crop and normalise with its own code. It is
//! used for evaluation, calibration and comparison; [`feed`](super::feed) feeds the training.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::Result;
use face_predict::{CropRule, CropStats, InputSpec, Quality, Warp};
use tch::{Device, Kind, Tensor};

use super::manifest::Row;
use super::pictures;
use super::sampler::generator;
use super::stream::Stream;
use crate::augment::fault::Fault;
use crate::device::upload;

/// Faces of a batch, as numbers.
pub struct Exact {
    planes: Vec<f32>,
    side: (usize, usize),
    /// Index of each face in the rows that the loader was given.
    pub rows: Vec<usize>,
    /// The library's quality flags of each crop.
    pub qualities: Vec<Quality>,
}

impl Exact {
    /// `[N, 3, H, W]`, normalised.
    pub fn images(&self, device: Device) -> Tensor {
        let (height, width) = (self.side.0 as i64, self.side.1 as i64);
        let planes = Tensor::from_slice(&self.planes).view([-1, 3, height, width]);
        upload(planes, device, Kind::Float)
    }
}

/// How faces are placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Placement {
    /// Faces are placed by landmarks, else by the box, else as one face.
    Landmarks,
    /// Faces are placed by the box alone.
    Box,
    /// The picture is one face.
    Picture,
}

/// The faces to stream, and how.
pub struct Source {
    rows: Vec<Row>,
    root: PathBuf,
    input: InputSpec,
    placement: Placement,
    fault: Option<Fault>,
    failures: Mutex<BTreeMap<String, String>>,
}

impl Source {
    /// Loads the faces `rows`, whose pictures lie below `root`, for `input`.
    pub fn new(rows: Vec<Row>, root: &Path, input: InputSpec, placement: Placement) -> Arc<Self> {
        let (root, failures) = (root.to_owned(), Mutex::default());
        Arc::new(Self { rows, root, input, placement, fault: None, failures })
    }

    /// Loads the same faces by their landmarks, each with `fault`.
    pub fn spoiled(&self, fault: Fault) -> Arc<Self> {
        let (rows, root, input) = (self.rows.clone(), self.root.clone(), self.input.clone());
        let (placement, failures) = (Placement::Landmarks, Mutex::default());
        Arc::new(Self { rows, root, input, placement, fault: Some(fault), failures })
    }

    /// The rows.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Pictures that failed so far, with the reason.
    pub fn failures(&self) -> BTreeMap<String, String> {
        self.failures.lock().expect("no holder panics").clone()
    }

    /// Adds a face to a batch.
    fn add(&self, exact: &mut Exact, warp: &mut Warp, row: usize, place: usize) -> Result<()> {
        let face = &self.rows[row];
        let picture = pictures::open(&self.root.join(&face.path))?;
        let image = picture.image();
        let (width, height) = image.upright_size();
        let mut region = face.region().filter(|_| self.placement != Placement::Picture);
        if let (Placement::Box, Some(region)) = (self.placement, &mut region) {
            region.landmarks = None;
        }
        let rule: &CropRule = &self.input.crop;
        let map = match region {
            Some(region) => rule.place(&region)?,
            None => rule.place_picture(width, height),
        };
        let mut planes = vec![0.0; self.input.len()];
        self.input.cut(warp, &image, &map, &mut planes)?;
        if let Some(fault) = self.fault {
            // The fault is the same each time.
            let mut rng = generator(1, 0, 1 + place as u64);
            let _: f64 = rand::Rng::random(&mut rng);
            fault.apply(&mut planes, self.input.width, self.input.height, &mut rng);
        }
        let stats = CropStats::of(&planes, self.input.width, self.input.height);
        let mut quality = Quality::of_crop(&stats);
        if self.fault == Some(Fault::Small) {
            quality = quality | Quality::SMALL;
        }
        self.input.normalise(&mut planes);
        exact.planes.extend(planes);
        exact.rows.push(row);
        exact.qualities.push(quality);
        Ok(())
    }

    /// Streams all rows in batches, in order, from `workers` threads. Faces that cannot be read are left out.
    pub fn stream(self: &Arc<Self>, batch: usize, workers: usize) -> Stream<Exact> {
        let (source, count) = (Arc::clone(self), self.rows.len());
        Stream::new(count.div_ceil(batch), 0, workers, move |warp: &mut Warp, index| {
            let side = (source.input.height, source.input.width);
            let (planes, rows, qualities) = (Vec::new(), Vec::new(), Vec::new());
            let mut exact = Exact { planes, side, rows, qualities };
            for row in index * batch..count.min((index + 1) * batch) {
                if let Err(error) = source.add(&mut exact, warp, row, row) {
                    let mut failures = source.failures.lock().expect("no holder panics");
                    failures.insert(source.rows[row].path.clone(), format!("{error:#}"));
                }
            }
            exact
        })
    }
}
