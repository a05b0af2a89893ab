//! Readers of pixels, one for each way to store them. So the compiler makes separate loops over pixels for each.

use crate::picture::color::Components;
use crate::picture::format::Format;
use crate::picture::layout::Plane;
use crate::picture::view::Image;

/// The sum of the bytes of at most [`MAX_ROWS`] rows. The type is small, because a vector instruction then adds more of them.
pub(super) type RowSum = u16;

/// Rows whose bytes a [`RowSum`] holds.
pub(super) const MAX_ROWS: usize = 256;

/// Reads the pixels of one format. Blocks of pixels are summed in two steps. The first adds whole rows, byte by byte, in a
/// loop that the compiler can vectorise. The second adds the pixels of each block.
pub(super) trait PixelReader {
    /// Adds the bytes of pixels `from` to before `to` of row `y` to `sums`, which [`sums_len`](Self::sums_len) numbers.
    fn add_row(&self, from: usize, to: usize, y: usize, sums: &mut [RowSum]);

    /// How many numbers [`add_row`](Self::add_row) adds to.
    fn sums_len(&self, from: usize, to: usize) -> usize;

    /// Sums of blocks of `block` pixels, out of the sums of pixels `from` to before `to`.
    fn blocks(&self, from: usize, to: usize, sums: &[RowSum], block: usize, out: &mut [Components]);
}

fn add_bytes(sums: &mut [RowSum], bytes: &[u8]) {
    for (sum, byte) in sums.iter_mut().zip(bytes) {
        *sum += RowSum::from(*byte);
    }
}

fn stored(total: [u32; 3]) -> Components {
    [total[0] as f32, total[1] as f32, total[2] as f32, 0.0]
}

pub(super) struct Gray<'a>(Plane<'a>);

impl PixelReader for Gray<'_> {
    fn add_row(&self, from: usize, to: usize, y: usize, sums: &mut [RowSum]) {
        add_bytes(sums, &self.0.data[y * self.0.stride..][from..to]);
    }

    fn sums_len(&self, from: usize, to: usize) -> usize {
        to - from
    }

    fn blocks(&self, _: usize, _: usize, sums: &[RowSum], block: usize, out: &mut [Components]) {
        for (pixels, sum) in sums.chunks(block).zip(out) {
            *sum = [pixels.iter().copied().map(u32::from).sum::<u32>() as f32; 4];
        }
    }
}

/// Pixels of `STEP` bytes, of which three in a row are read.
pub(super) struct Packed<'a, const STEP: usize>(Plane<'a>);

impl<const STEP: usize> Packed<'_, STEP> {
    fn total(pixels: &[RowSum]) -> Components {
        let mut total = [0u32; 3];
        for pixel in pixels.chunks_exact(STEP) {
            for (total, value) in total.iter_mut().zip(&pixel[..3]) {
                *total += u32::from(*value);
            }
        }
        stored(total)
    }

    /// Blocks of a size that is known when this is compiled.
    fn known<const BLOCK: usize>(sums: &[RowSum], out: &mut [Components]) {
        let blocks = sums.chunks_exact(BLOCK * STEP);
        let rest = blocks.remainder();
        let mut out = out.iter_mut();
        for (pixels, sum) in blocks.zip(&mut out) {
            *sum = Self::total(&pixels[..BLOCK * STEP]);
        }
        if let (false, Some(sum)) = (rest.is_empty(), out.next()) {
            *sum = Self::total(rest);
        }
    }
}

impl<const STEP: usize> PixelReader for Packed<'_, STEP> {
    fn add_row(&self, from: usize, to: usize, y: usize, sums: &mut [RowSum]) {
        // The last pixel's alpha may lie outside.
        let end = (to - 1) * STEP + 3;
        add_bytes(sums, &self.0.data[y * self.0.stride..][from * STEP..end]);
    }

    fn sums_len(&self, from: usize, to: usize) -> usize {
        (to - from) * STEP
    }

    fn blocks(&self, _: usize, _: usize, sums: &[RowSum], block: usize, out: &mut [Components]) {
        match block {
            1 => Self::known::<1>(sums, out),
            2 => Self::known::<2>(sums, out),
            3 => Self::known::<3>(sums, out),
            4 => Self::known::<4>(sums, out),
            _ => {
                for (pixels, sum) in sums.chunks(block * STEP).zip(out) {
                    *sum = Self::total(pixels);
                }
            }
        }
    }
}

/// Y for every pixel, U and V for every second across and, shifted by `down`, for one row or two.
///
/// With numbers: pixels 2 to before 6 of row 7, of NV12 (`y_step` 1, `step` 2, `down` 1). Their Y are bytes 2 to 5 of row 7. Pixels
/// 2 and 3 share sample 1 of U and V, pixels 4 and 5 sample 2: bytes 2 to 5 of row 7 / 2 = 3 of the second plane. `u` starts
/// at the first byte of that plane and `v` at the second, so the sums of a row are
///
/// ```text
/// Y2 Y3 Y4 Y5 | U1 V1 U2  0 | V1 U2 V2  0
/// ```
///
/// A block of two pixels, 2 and 3, sums to Y2 + Y3, 2 * U1 and 2 * V1. From pixel 3 on, a block would be 3 and 4, Y3 + Y4,
/// U1 + U2 and V1 + V2: only blocks from an even pixel on take whole samples.
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

    /// Sums of Y, and of each of U and V: all bytes from the first sample to the last, since leaving out those between takes
    /// longer.
    fn lengths(&self, from: usize, to: usize) -> (usize, usize) {
        ((to - from) * self.y_step, Self::chroma(from, to).1 * self.step)
    }

    /// Blocks of a size and of steps that are known when this is compiled, from an even pixel. Returns how many are whole.
    fn known<const BLOCK: usize, const Y: usize, const C: usize>(
        [y, u, v]: [&[RowSum]; 3],
        out: &mut [Components],
    ) -> usize {
        fn every<const STEP: usize>(sums: &[RowSum]) -> u32 {
            sums.chunks_exact(STEP).map(|step| u32::from(step[0])).sum()
        }
        let chroma = BLOCK / 2 * C;
        let blocks = y.chunks_exact(BLOCK * Y);
        let whole = blocks.len();
        let (u, v) = (u.chunks_exact(chroma), v.chunks_exact(chroma));
        for (((y, u), v), sum) in blocks.zip(u).zip(v).zip(out) {
            *sum = stored([every::<Y>(y), 2 * every::<C>(u), 2 * every::<C>(v)]);
        }
        whole
    }
}

impl PixelReader for Subsampled<'_> {
    fn add_row(&self, from: usize, to: usize, y: usize, sums: &mut [RowSum]) {
        let (luma, chroma) = self.lengths(from, to);
        let (sums, rest) = sums.split_at_mut(luma);
        // The last sample's step may lie outside.
        let luma = luma + 1 - self.y_step;
        add_bytes(sums, &self.y.data[y * self.y.stride + from * self.y_step..][..luma]);
        let (u, v) = rest.split_at_mut(chroma);
        let (first, _) = Self::chroma(from, to);
        for (sums, plane) in [(u, &self.u), (v, &self.v)] {
            let row = (y >> self.down) * plane.stride;
            let bytes = chroma + 1 - self.step;
            add_bytes(sums, &plane.data[row + first * self.step..][..bytes]);
        }
    }

    fn sums_len(&self, from: usize, to: usize) -> usize {
        let (luma, chroma) = self.lengths(from, to);
        luma + 2 * chroma
    }

    fn blocks(
        &self,
        from: usize,
        to: usize,
        sums: &[RowSum],
        block: usize,
        out: &mut [Components],
    ) {
        let (luma, chroma) = self.lengths(from, to);
        let (luma, rest) = sums.split_at(luma);
        let (u, v) = rest.split_at(chroma);
        let planes = [luma, u, v];
        let done = match (from % 2, block, self.y_step, self.step) {
            (0, 2, 1, 1) => Self::known::<2, 1, 1>(planes, out),
            (0, 2, 1, 2) => Self::known::<2, 1, 2>(planes, out),
            (0, 2, 2, 4) => Self::known::<2, 2, 4>(planes, out),
            (0, 4, 1, 1) => Self::known::<4, 1, 1>(planes, out),
            (0, 4, 1, 2) => Self::known::<4, 1, 2>(planes, out),
            (0, 4, 2, 4) => Self::known::<4, 2, 4>(planes, out),
            _ => 0,
        };
        let (first, _) = Self::chroma(from, to);
        let mut x = from + done * block;
        for sum in &mut out[done..] {
            let mut total = [0u32; 3];
            for x in x..(x + block).min(to) {
                let across = (x / 2 - first) * self.step;
                total[0] += u32::from(luma[(x - from) * self.y_step]);
                total[1] += u32::from(u[across]);
                total[2] += u32::from(v[across]);
            }
            *sum = stored(total);
            x += block;
        }
    }
}

/// Calls `$body` with a reader for the image's format.
macro_rules! with_pixels {
    ($image:expr, $pixels:ident => $body:expr) => {{
        use crate::picture::format::Format;
        use crate::picture::sampling::pixels::{Gray, Packed, Subsampled};
        match $image.format() {
            Format::Gray => {
                let $pixels = Gray::new($image);
                $body
            }
            Format::Rgb | Format::Bgr => {
                let $pixels = Packed::<3>::new($image);
                $body
            }
            Format::Rgba | Format::Bgra | Format::Argb | Format::Abgr => {
                let $pixels = Packed::<4>::new($image);
                $body
            }
            Format::Nv12
            | Format::Nv21
            | Format::I420
            | Format::Yuyv
            | Format::Uyvy
            | Format::P010 => {
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
        // What is not read comes first: the plane begins a byte later.
        let alpha_first = matches!(image.format, Format::Argb | Format::Abgr);
        Self(starting(image.planes[0], usize::from(alpha_first)))
    }
}

/// A plane without its first bytes.
fn starting(plane: Plane<'_>, offset: usize) -> Plane<'_> {
    Plane { data: &plane.data[offset..], ..plane }
}

impl<'a> Subsampled<'a> {
    pub(super) fn new(image: &Image<'a>) -> Self {
        let [y, second, third] = image.planes;
        let from = starting;
        match image.format {
            Format::Yuyv => Self { y, y_step: 2, u: from(y, 1), v: from(y, 3), step: 4, down: 0 },
            Format::Uyvy => {
                Self { y: from(y, 1), y_step: 2, u: y, v: from(y, 2), step: 4, down: 0 }
            }
            // The upper byte of each sample is the second.
            Format::P010 => {
                let (u, v) = (from(second, 1), from(second, 3));
                Self { y: from(y, 1), y_step: 2, u, v, step: 4, down: 1 }
            }
            Format::Nv21 => Self { y, y_step: 1, u: from(second, 1), v: second, step: 2, down: 1 },
            Format::Nv12 => Self { y, y_step: 1, u: second, v: from(second, 1), step: 2, down: 1 },
            _ => Self { y, y_step: 1, u: second, v: third, step: image.chroma_step, down: 1 },
        }
    }
}
