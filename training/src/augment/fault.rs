//! Spoils faces on purpose, for calibration and for judging it. It runs on the processor alone, pixel by pixel. So
//! pictures may have any size, and the figures do not change from one version to the next.

use face_predict::{Affine, Format, Image, Warp};
use rand::Rng;
use rand_pcg::Pcg64Mcg;

use super::normal;

/// One kind of fault, from just noticeable to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Fault {
    /// The face has 10 to 40 pixels.
    Small,
    /// The face is out of focus.
    Blurred,
    /// The face is under-exposed.
    Dark,
    /// The face is over-exposed.
    Bright,
}

impl Fault {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Small, Self::Blurred, Self::Dark, Self::Bright];

    /// The pixels of small faces.
    pub const SMALL: std::ops::Range<f32> = 10.0..40.0;

    /// Changes planes of red, green and blue from 0 to 255.
    pub fn apply(self, planes: &mut [f32], width: usize, height: usize, rng: &mut Pcg64Mcg) {
        match self {
            Self::Small => {
                shrink(planes, width, height, rng.random_range(Self::SMALL) / width as f32);
            }
            // Three running means are nearly a Gaussian (Wells 1986).
            Self::Blurred => {
                let radius = rng.random_range(1..=4);
                (0..3).for_each(|_| blur(planes, width, height, radius));
            }
            Self::Dark => {
                let factor = rng.random_range(0.08..0.4);
                planes.iter_mut().for_each(|v| *v = (*v * factor + 2.0 * normal(rng)).round());
            }
            Self::Bright => {
                let factor = rng.random_range(1.6..3.5);
                planes.iter_mut().for_each(|v| *v = (*v * factor).min(255.0));
            }
        }
        planes.iter_mut().for_each(|v| *v = v.clamp(0.0, 255.0));
    }
}

fn to_bytes(planes: &[f32]) -> Vec<u8> {
    let size = planes.len() / 3;
    (0..size)
        .flat_map(|i| [0, 1, 2].map(|c| planes[i + c * size].clamp(0.0, 255.0) as u8))
        .collect()
}

/// Enlarges `image` into planes of `width` x `height`, even if it is very small.
fn read_back(image: &Image<'_>, planes: &mut [f32], width: usize, height: usize) {
    let size = width * height;
    let (w, h) = image.upright_size();
    if (w, h) == (width, height) && image.format() == Format::Rgb {
        for y in 0..height {
            for (x, rgb) in image.row(y).chunks_exact(3).enumerate() {
                let i = y * width + x;
                (0..3).for_each(|c| planes[i + c * size] = f32::from(rgb[c]));
            }
        }
        return;
    }
    let map = Affine::scale(w as f32 / width as f32, h as f32 / height as f32);
    Warp::default()
        .cut_planes(image, &map, width, height, &mut planes[..3 * size])
        .expect("a finite map and three planes");
}

fn shrink(planes: &mut [f32], width: usize, height: usize, factor: f32) {
    let bytes = to_bytes(planes);
    let image = Image::new(Format::Rgb, width, height, &bytes).expect("a whole picture");
    let small = |side: usize| ((side as f32 * factor) as usize).max(8);
    let (w, h) = (small(width), small(height));
    let map = Affine::scale(width as f32 / w as f32, height as f32 / h as f32);
    let pixels = Warp::default().cut_rgb(&image, &map, w, h).expect("a finite map");
    let image = Image::new(Format::Rgb, w, h, &pixels).expect("a whole picture");
    read_back(&image, planes, width, height);
}

/// Takes a running mean of 2 `radius` + 1 pixels along rows, then columns.
fn blur(planes: &mut [f32], width: usize, height: usize, radius: usize) {
    let mut line = vec![0.0; width.max(height)];
    for plane in planes.chunks_exact_mut(width * height) {
        for (step, start, count, length) in [(1, width, height, width), (width, 1, width, height)] {
            let line = &mut line[..length];
            for i in 0..count {
                for (j, value) in line.iter_mut().enumerate() {
                    let (from, to) = (j.saturating_sub(radius), (j + radius).min(length - 1));
                    let sum: f32 = (from..=to).map(|k| plane[i * start + k * step]).sum();
                    *value = sum / (to - from + 1) as f32;
                }
                for (j, value) in line.iter().enumerate() {
                    plane[i * start + j * step] = *value;
                }
            }
        }
    }
}
