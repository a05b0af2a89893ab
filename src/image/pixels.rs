//! The components of a picture's pixels, one reader for each way to store them, so that the loops over pixels are
//! compiled for each.

use super::layout::Plane;
use super::{Format, Image};

/// Stored components; the fourth number is only there because processors like four.
pub(super) type Stored = [f32; 4];

/// A way to store pixels.
pub(super) trait Pixels {
    /// The components of pixel `x` in row `y`; both within the picture.
    fn at(&self, x: usize, y: usize) -> Stored;

    /// Adds the pixels of row `y` from `from` to before `to` to `sums`, `block` pixels to each.
    fn add_blocks(&self, from: usize, to: usize, y: usize, block: usize, sums: &mut [Stored]) {
        let mut x = from;
        for sum in sums {
            let end = (x + block).min(to);
            while x < end {
                add(sum, self.at(x, y));
                x += 1;
            }
        }
    }
}

fn add(sum: &mut Stored, pixel: Stored) {
    for (sum, value) in sum.iter_mut().zip(pixel) {
        *sum += value;
    }
}

pub(super) struct Gray<'a>(Plane<'a>);

impl Pixels for Gray<'_> {
    fn at(&self, x: usize, y: usize) -> Stored {
        [f32::from(self.0.data[y * self.0.stride + x]); 4]
    }
}

/// Pixels of `STEP` bytes, of which the first three are read.
pub(super) struct Packed<'a, const STEP: usize>(Plane<'a>);

impl<const STEP: usize> Pixels for Packed<'_, STEP> {
    fn at(&self, x: usize, y: usize) -> Stored {
        let p = &self.0.data[y * self.0.stride + x * STEP..][..3];
        [f32::from(p[0]), f32::from(p[1]), f32::from(p[2]), 0.0]
    }

    fn add_blocks(&self, from: usize, to: usize, y: usize, block: usize, sums: &mut [Stored]) {
        let start = y * self.0.stride;
        let row = &self.0.data[start + from * STEP..start + (to - 1) * STEP + 3];
        for (pixels, sum) in row.chunks(block * STEP).zip(sums) {
            let mut total = [0u32; 3];
            for pixel in pixels.chunks(STEP) {
                for (total, value) in total.iter_mut().zip(&pixel[..3]) {
                    *total += u32::from(*value);
                }
            }
            add(sum, [total[0] as f32, total[1] as f32, total[2] as f32, 0.0]);
        }
    }
}

/// Y for every pixel, U and V for every second across and, shifted by `down`, for one row or two.
pub(super) struct Subsampled<'a> {
    y: Plane<'a>,
    y_step: usize,
    u: Plane<'a>,
    v: Plane<'a>,
    step: usize,
    down: usize,
}

impl Pixels for Subsampled<'_> {
    fn at(&self, x: usize, y: usize) -> Stored {
        let (across, row) = (x / 2 * self.step, y >> self.down);
        [
            f32::from(self.y.data[y * self.y.stride + x * self.y_step]),
            f32::from(self.u.data[row * self.u.stride + across]),
            f32::from(self.v.data[row * self.v.stride + across]),
            0.0,
        ]
    }
}

/// Calls `$body` with a reader for the image's format.
macro_rules! with_pixels {
    ($image:expr, $pixels:ident => $body:expr) => {{
        use crate::image::Format;
        use crate::image::pixels::{Gray, Packed, Subsampled};
        match $image.format() {
            Format::Gray => {
                let $pixels = Gray::new($image);
                $body
            }
            Format::Rgb | Format::Bgr => {
                let $pixels = Packed::<3>::new($image);
                $body
            }
            Format::Rgba | Format::Bgra => {
                let $pixels = Packed::<4>::new($image);
                $body
            }
            Format::Nv12 | Format::Nv21 | Format::I420 | Format::Yuyv => {
                let $pixels = Subsampled::new($image);
                $body
            }
        }
    }};
}
pub(super) use with_pixels;

impl<'a> Gray<'a> {
    pub(super) fn new(image: &Image<'a>) -> Self {
        Self(image.planes[0])
    }
}

impl<'a, const STEP: usize> Packed<'a, STEP> {
    pub(super) fn new(image: &Image<'a>) -> Self {
        Self(image.planes[0])
    }
}

impl<'a> Subsampled<'a> {
    pub(super) fn new(image: &Image<'a>) -> Self {
        let [y, second, third] = image.planes;
        let from = |plane: Plane<'a>, offset: usize| Plane { data: &plane.data[offset..], ..plane };
        match image.format {
            Format::Yuyv => Self { y, y_step: 2, u: from(y, 1), v: from(y, 3), step: 4, down: 0 },
            Format::Nv21 => Self { y, y_step: 1, u: from(second, 1), v: second, step: 2, down: 1 },
            Format::Nv12 => Self { y, y_step: 1, u: second, v: from(second, 1), step: 2, down: 1 },
            _ => Self { y, y_step: 1, u: second, v: third, step: image.chroma_step, down: 1 },
        }
    }
}
