//! What may happen to a face between the world and the library, imitated for training.

use face_predict::{Affine, DecodeLimits, Format, Image, Picture, Warp};
use rand::Rng;
use rand_pcg::Pcg64Mcg;
use serde::{Deserialize, Serialize};

use crate::outdoor;

/// How strongly pictures are changed. Lengths are in units of the crop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Augment {
    /// Chance of a mirror image.
    pub flip: f64,
    /// Standard deviation of the turn, in degrees.
    pub turn: f32,
    /// Standard deviation of the logarithm of the scale.
    pub zoom: f32,
    /// Standard deviation of the shift on each axis.
    pub shift: f32,
    /// Largest shear, as the tangent of its angle.
    pub shear: f32,
    /// Uniform instead of normal deviates, reaching to the numbers above.
    pub uniform: bool,
    /// Chance of a face placed by its box instead of its landmarks.
    pub by_box: f64,
    /// Chance of a picture taken as one face.
    pub by_picture: f64,
    /// Chance of each change of light and colour.
    pub light: f64,
    /// Chance of each loss of detail: small, blurred, JPEG, noise.
    pub degrade: f64,
    /// Chance of a covered rectangle, and of a repeated border.
    pub cover: f64,
    /// Chance of each thing that happens outdoors and in video: shadows, caps, two lights, motion, coarse colours, and of faces down to
    /// 16 pixels.
    #[serde(default)]
    pub outdoor: f64,
}

impl Augment {
    /// Nothing changes.
    pub const NONE: Self = Self {
        flip: 0.0,
        turn: 0.0,
        zoom: 0.0,
        shift: 0.0,
        shear: 0.0,
        uniform: false,
        by_box: 0.0,
        by_picture: 0.0,
        light: 0.0,
        degrade: 0.0,
        cover: 0.0,
        outdoor: 0.0,
    };

    /// Our own: the errors of a detector, and what cameras do.
    pub const DETECTOR: Self = Self {
        flip: 0.5,
        turn: 6.0,
        zoom: 0.08,
        shift: 0.04,
        by_box: 0.2,
        by_picture: 0.12,
        light: 0.3,
        degrade: 0.1,
        cover: 0.12,
        outdoor: 0.08,
        ..Self::NONE
    };

    /// The published study's for gender: rotation to 40 degrees, shear, zoom, horizontal flip.
    pub const PAPER: Self =
        Self { flip: 0.5, turn: 40.0, zoom: 0.2, shear: 0.2, uniform: true, ..Self::NONE };

    /// A random change of the crop's place, as a map within the crop's unit square.
    pub fn jitter(&self, rng: &mut Pcg64Mcg) -> Affine {
        let mut deviate = |size: f32| {
            size * if self.uniform {
                rng.random_range(-1.0..=1.0)
            } else {
                normal(rng).clamp(-3.0, 3.0)
            }
        };
        let angle = deviate(self.turn).to_radians();
        let scale = deviate(self.zoom).exp();
        let (dx, dy) = (deviate(self.shift), deviate(self.shift));
        let shear = Affine { xy: deviate(self.shear), ..Affine::IDENTITY };
        let mirror = if rng.random_bool(self.flip) { -1.0 } else { 1.0 };
        let to_centre = Affine { x0: -0.5, y0: -0.5, ..Affine::IDENTITY };
        Affine::similarity(scale, angle, 0.5 + dx, 0.5 + dy)
            .after(&shear)
            .after(&Affine::scale(mirror, 1.0))
            .after(&to_centre)
    }

    /// Changes the pixels: planes of red, green and blue from 0 to 255, `width` x `height` each.
    pub fn pixels(&self, planes: &mut [f32], width: usize, height: usize, rng: &mut Pcg64Mcg) {
        if rng.random_bool(self.cover) {
            border(planes, width, height, rng);
        }
        if rng.random_bool(self.light) {
            gain(planes, rng.random_range(0.55..1.45));
        }
        if rng.random_bool(self.light) {
            contrast(planes, rng.random_range(0.6..1.4));
        }
        if rng.random_bool(self.light) {
            saturation(planes, rng.random_range(0.3..1.5));
        }
        if rng.random_bool(self.light * 0.5) {
            tint(planes, rng);
        }
        if rng.random_bool(self.light * 0.25) {
            saturation(planes, 0.0);
        }
        if rng.random_bool(self.outdoor) {
            outdoor::cap(planes, width, height, rng);
        }
        if rng.random_bool(self.outdoor) {
            outdoor::shadow(planes, width, height, rng);
        }
        if rng.random_bool(self.outdoor) {
            outdoor::mixed_light(planes, width, height, rng);
        }
        if rng.random_bool(self.outdoor) {
            outdoor::gamma(planes, rng.random_range(-0.8f32..0.8).exp());
        }
        if rng.random_bool(self.outdoor) {
            let angle = rng.random_range(0.0..std::f32::consts::PI);
            outdoor::motion(planes, width, height, rng.random_range(2.0..9.0), angle);
        }
        if rng.random_bool(self.degrade) {
            shrink(planes, width, height, rng.random_range(0.2..0.8));
        } else if rng.random_bool(self.outdoor) {
            // The face is four fifths of the crop: 16 to 50 pixels, small ones as often as large ones.
            let pixels = rng.random_range(20f32.ln()..62f32.ln()).exp();
            shrink(planes, width, height, (pixels / width as f32).min(1.0));
        }
        if rng.random_bool(self.degrade) {
            blur(planes, width, height, rng.random_range(1..=2));
        }
        if rng.random_bool(self.degrade) {
            noise(planes, rng.random_range(2.0..14.0), rng);
        }
        if rng.random_bool(self.outdoor) {
            outdoor::coarse_colours(planes, width, height, rng.random_range(4..=12));
            jpeg(planes, width, height, rng.random_range(12..=40));
        }
        if rng.random_bool(self.degrade) {
            jpeg(planes, width, height, rng.random_range(20..=75));
        }
        if rng.random_bool(self.cover) {
            erase(planes, width, height, rng);
        }
        planes.iter_mut().for_each(|v| *v = v.clamp(0.0, 255.0));
    }
}

/// One thing that goes wrong, from just noticeable to bad, for calibration and for judging it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Fault {
    /// A face of 10 to 40 pixels.
    Small,
    /// Out of focus.
    Blurred,
    /// Under-exposed.
    Dark,
    /// Over-exposed.
    Bright,
}

impl Fault {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Small, Self::Blurred, Self::Dark, Self::Bright];

    /// Pixels that small faces have.
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

fn normal(rng: &mut Pcg64Mcg) -> f32 {
    // Box and Muller.
    let u: f32 = rng.random_range(f32::EPSILON..1.0);
    let v: f32 = rng.random();
    (-2.0 * u.ln()).sqrt() * (std::f32::consts::TAU * v).cos()
}

fn gain(planes: &mut [f32], factor: f32) {
    planes.iter_mut().for_each(|v| *v = (*v * factor).min(255.0));
}

fn contrast(planes: &mut [f32], factor: f32) {
    let mean = planes.iter().sum::<f32>() / planes.len() as f32;
    planes.iter_mut().for_each(|v| *v = (mean + (*v - mean) * factor).clamp(0.0, 255.0));
}

fn saturation(planes: &mut [f32], factor: f32) {
    let size = planes.len() / 3;
    for i in 0..size {
        let rgb = [planes[i], planes[i + size], planes[i + 2 * size]];
        let grey = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
        for (c, value) in rgb.into_iter().enumerate() {
            planes[i + c * size] = grey + (value - grey) * factor;
        }
    }
}

fn tint(planes: &mut [f32], rng: &mut Pcg64Mcg) {
    let size = planes.len() / 3;
    for plane in planes.chunks_exact_mut(size) {
        gain(plane, rng.random_range(0.85..1.15));
    }
}

fn noise(planes: &mut [f32], sigma: f32, rng: &mut Pcg64Mcg) {
    planes.iter_mut().for_each(|v| *v += sigma * normal(rng));
}

fn to_bytes(planes: &[f32]) -> Vec<u8> {
    let size = planes.len() / 3;
    (0..size)
        .flat_map(|i| [0, 1, 2].map(|c| planes[i + c * size].clamp(0.0, 255.0) as u8))
        .collect()
}

/// Reads `image`, however small, back into planes of `width` x `height`.
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

fn jpeg(planes: &mut [f32], width: usize, height: usize, quality: u8) {
    let bytes = to_bytes(planes);
    let mut file = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, quality);
    let encoded = image::ImageEncoder::write_image(
        encoder,
        &bytes,
        width as u32,
        height as u32,
        image::ExtendedColorType::Rgb8,
    );
    encoded.expect("a small picture encodes");
    let picture = Picture::decode(&file, &DecodeLimits::default()).expect("what was just encoded");
    read_back(&picture.image(), planes, width, height);
}

/// A running mean of 2 `radius` + 1 pixels along rows, then columns.
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

/// Repeats the pixels of an inner rectangle outwards, as the library does around a tightly cropped picture; or one colour, as
/// programs do that pad pictures to a square.
fn border(planes: &mut [f32], width: usize, height: usize, rng: &mut Pcg64Mcg) {
    let mut inset = |side: usize| rng.random_range(0..=side / 8);
    let (left, right) = (inset(width), width - 1 - inset(width));
    let (top, bottom) = (inset(height), height - 1 - inset(height));
    let flat = rng.random_bool(0.4).then(|| rng.random_range(0.0..=255.0));
    for plane in planes.chunks_exact_mut(width * height) {
        for y in 0..height {
            for x in 0..width {
                let (near_x, near_y) = (x.clamp(left, right), y.clamp(top, bottom));
                let inside = (near_x, near_y) == (x, y);
                let value = plane[near_y * width + near_x];
                plane[y * width + x] = flat.filter(|_| !inside).unwrap_or(value);
            }
        }
    }
}

/// Covers a rectangle of 2 to 15 % with one colour (Zhong et al., "Random Erasing", 2020).
fn erase(planes: &mut [f32], width: usize, height: usize, rng: &mut Pcg64Mcg) {
    let area = rng.random_range(0.02..0.15) * (width * height) as f32;
    let shape: f32 = rng.random_range(0.4f32..2.5).sqrt();
    let w = ((area.sqrt() * shape) as usize).clamp(1, width);
    let h = ((area.sqrt() / shape) as usize).clamp(1, height);
    let (x0, y0) = (rng.random_range(0..=width - w), rng.random_range(0..=height - h));
    for plane in planes.chunks_exact_mut(width * height) {
        let colour: f32 = rng.random_range(0.0..255.0);
        for row in plane.chunks_exact_mut(width).skip(y0).take(h) {
            row[x0..x0 + w].fill(colour);
        }
    }
}
