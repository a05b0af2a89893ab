//! The components of a picture's pixels, one reader for each way to store them, so that the loops over pixels are
//! compiled for each.

use super::layout::Plane;
use super::{Format, Image};

/// Stored components; the fourth number is only there because processors like four.
pub(super) type Stored = [f32; 4];

/// A way to store pixels. Blocks of them are summed in two steps, the first of which is plain enough for the compiler to
/// take many bytes at a time: the bytes of a column of rows, then the pixels of a block.
pub(super) trait Pixels {
    /// Adds the bytes of pixels `from` to before `to` of row `y` to `sums`, which [`room`](Self::room) numbers.
    fn add_row(&self, from: usize, to: usize, y: usize, sums: &mut [u32]);

    /// How many numbers [`add_row`](Self::add_row) adds to.
    fn room(&self, from: usize, to: usize) -> usize;

    /// Sums of blocks of `block` pixels, out of the sums of pixels `from` to before `to`.
    fn blocks(&self, from: usize, to: usize, sums: &[u32], block: usize, out: &mut [Stored]);
}

fn add_bytes(sums: &mut [u32], bytes: &[u8]) {
    for (sum, byte) in sums.iter_mut().zip(bytes) {
        *sum += u32::from(*byte);
    }
}

/// Adds every `step`th byte. Steps that cameras have are known when this is compiled.
fn add_each(sums: &mut [u32], bytes: &[u8], step: usize) {
    fn known<const STEP: usize>(sums: &mut [u32], bytes: &[u8]) {
        for (sum, byte) in sums.iter_mut().zip(bytes.chunks(STEP)) {
            *sum += u32::from(byte[0]);
        }
    }
    match step {
        1 => add_bytes(sums, bytes),
        2 => known::<2>(sums, bytes),
        4 => known::<4>(sums, bytes),
        _ => {
            for (sum, byte) in sums.iter_mut().zip(bytes.iter().step_by(step)) {
                *sum += u32::from(*byte);
            }
        }
    }
}

pub(super) struct Gray<'a>(Plane<'a>);

impl Pixels for Gray<'_> {
    fn add_row(&self, from: usize, to: usize, y: usize, sums: &mut [u32]) {
        add_bytes(sums, &self.0.data[y * self.0.stride..][from..to]);
    }

    fn room(&self, from: usize, to: usize) -> usize {
        to - from
    }

    fn blocks(&self, _: usize, _: usize, sums: &[u32], block: usize, out: &mut [Stored]) {
        for (pixels, sum) in sums.chunks(block).zip(out) {
            *sum = [pixels.iter().sum::<u32>() as f32; 4];
        }
    }
}

/// Pixels of `STEP` bytes, of which the first three are read.
pub(super) struct Packed<'a, const STEP: usize>(Plane<'a>);

impl<const STEP: usize> Pixels for Packed<'_, STEP> {
    fn add_row(&self, from: usize, to: usize, y: usize, sums: &mut [u32]) {
        // The last pixel's alpha may lie outside.
        let end = (to - 1) * STEP + 3;
        add_bytes(sums, &self.0.data[y * self.0.stride..][from * STEP..end]);
    }

    fn room(&self, from: usize, to: usize) -> usize {
        (to - from) * STEP
    }

    fn blocks(&self, _: usize, _: usize, sums: &[u32], block: usize, out: &mut [Stored]) {
        for (pixels, sum) in sums.chunks(block * STEP).zip(out) {
            let mut total = [0u32; 3];
            for pixel in pixels.chunks_exact(STEP) {
                for (total, value) in total.iter_mut().zip(&pixel[..3]) {
                    *total += value;
                }
            }
            *sum = [total[0] as f32, total[1] as f32, total[2] as f32, 0.0];
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

impl Subsampled<'_> {
    /// The first sample of U and V that pixels `from` to before `to` have, and how many.
    fn chroma(from: usize, to: usize) -> (usize, usize) {
        let first = from / 2;
        (first, (to - 1) / 2 + 1 - first)
    }
}

impl Pixels for Subsampled<'_> {
    fn add_row(&self, from: usize, to: usize, y: usize, sums: &mut [u32]) {
        let (sums, chroma) = sums.split_at_mut(to - from);
        let row = &self.y.data[y * self.y.stride..];
        add_each(sums, &row[from * self.y_step..(to - 1) * self.y_step + 1], self.y_step);
        let (first, count) = Self::chroma(from, to);
        let (u, v) = chroma.split_at_mut(count);
        for (sums, plane) in [(u, &self.u), (v, &self.v)] {
            let row = &plane.data[(y >> self.down) * plane.stride..];
            let (start, last) = (first * self.step, (first + count - 1) * self.step);
            add_each(sums, &row[start..=last], self.step);
        }
    }

    fn room(&self, from: usize, to: usize) -> usize {
        to - from + 2 * Self::chroma(from, to).1
    }

    fn blocks(&self, from: usize, to: usize, sums: &[u32], block: usize, out: &mut [Stored]) {
        let (luma, chroma) = sums.split_at(to - from);
        let (first, count) = Self::chroma(from, to);
        let (u, v) = chroma.split_at(count);
        let mut x = from;
        for (pixels, sum) in luma.chunks(block).zip(out) {
            let mut total = [0u32; 3];
            for value in pixels {
                let across = x / 2 - first;
                total[0] += value;
                total[1] += u[across];
                total[2] += v[across];
                x += 1;
            }
            *sum = [total[0] as f32, total[1] as f32, total[2] as f32, 0.0];
        }
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
