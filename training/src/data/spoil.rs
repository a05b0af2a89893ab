//! Pictures that were degraded on purpose, to see whether the library marks them and widens its intervals.

use anyhow::{Result, ensure};
use face_predict::{Affine, Image, InputSpec, Region, Warp};
use rand::Rng;
use rand_pcg::Pcg64Mcg;

use crate::augment::fault::Fault;

/// A picture of packed RGB, and where its face lies.
pub struct Spoiled {
    /// Packed RGB.
    pub rgb: Vec<u8>,
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// The face.
    pub region: Region,
}

/// Degrades a picture as calibration degrades crops: at the scale at which `input` shows its face. So a blur of so many
/// pixels means the same to both. A small face lies in a small picture.
pub fn spoiled(
    image: &Image<'_>,
    region: &Region,
    input: &InputSpec,
    fault: Fault,
    rng: &mut Pcg64Mcg,
) -> Result<Spoiled> {
    let side = match fault {
        Fault::Small => rng.random_range(Fault::SMALL),
        _ => input.width as f32,
    };
    let scale = input.crop.place(region)?.magnification() / side;
    ensure!(scale.is_finite() && scale > 0.0, "the face has no size");
    let (width, height) = image.upright_size();
    let [width, height] =
        [width, height].map(|side| ((side as f32 / scale).round() as usize).max(1));
    let mut rgb = Warp::default().cut_rgb(image, &Affine::scale(scale, scale), width, height)?;
    if fault != Fault::Small {
        let size = width * height;
        let mut planes: Vec<f32> =
            (0..3 * size).map(|i| f32::from(rgb[i % size * 3 + i / size])).collect();
        fault.apply(&mut planes, width, height, rng);
        for (i, pixel) in rgb.chunks_exact_mut(3).enumerate() {
            (0..3).for_each(|c| pixel[c] = (planes[i + c * size] + 0.5) as u8);
        }
    }
    Ok(Spoiled { rgb, width, height, region: region.scaled(1.0 / scale) })
}
