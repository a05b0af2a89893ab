//! Makes the input of a detector from whole pictures.

use anyhow::Result;
use face_predict::{Affine, Image, Warp};
use tch::Tensor;

/// A picture that is scaled evenly, with its edge repeated at the right and at the bottom up to whole strides.
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
        Warp::default().cut_planes(image, &map, width, height, &mut planes)?;
        Ok(Self { planes, width, height, scale })
    }
}

/// `[1, 3, height, width]`.
pub fn tensor(planes: &[f32], width: usize, height: usize) -> Tensor {
    Tensor::from_slice(planes).view([1, 3, height as i64, width as i64])
}
