//! Converts between `[channel][pixel]`, as networks are written, and `[pixel][channel]`, as the kernels work. Where
//! channels come last, they are padded with zeros to a multiple of eight.
#![allow(unsafe_code)]

use crate::lanes::{LANES, Lanes, SimdKernel};
use crate::memory::{Buffer, OutOfMemory, fits_in};
use crate::simd::{SimdKind, with_lanes};

/// Returns how many channels a pixel has in memory where channels come last.
pub fn padded(channels: usize) -> usize {
    channels.next_multiple_of(LANES)
}

/// Returns a bias for each column, and zero for the columns that padding adds.
pub fn padded_bias(bias: &[f32]) -> Result<Buffer, OutOfMemory> {
    let mut all = Buffer::zeroed(padded(bias.len()))?;
    all.as_mut_slice()[..bias.len()].copy_from_slice(bias);
    Ok(all)
}

/// Converts channels first to channels last, picture by picture of `pixels` pixels.
pub fn to_last(kind: SimdKind, from: &[f32], channels: usize, pixels: usize, to: &mut [f32]) {
    let lines = padded(channels);
    if channels * pixels == 0 {
        return;
    }
    let pictures = from.chunks_exact(channels * pixels);
    for (from, to) in pictures.zip(to.chunks_exact_mut(lines * pixels)) {
        let (rows, columns) = (channels, pixels);
        with_lanes(kind, Transpose { from, from_row: pixels, rows, columns, to, to_row: lines });
        clear_padding(channels, to);
    }
}

/// Sets the channels that padding adds to zero, in pixels with `channels` real ones. Products leave them at zero,
/// except for infinity times zero. The next layer would get that as NaN.
pub fn clear_padding(channels: usize, pixels: &mut [f32]) {
    let lines = padded(channels);
    if lines > channels {
        for pixel in pixels.chunks_exact_mut(lines) {
            pixel[channels..].fill(0.0);
        }
    }
}

/// Converts channels last to channels first, picture by picture of `pixels` pixels.
pub fn to_first(kind: SimdKind, from: &[f32], channels: usize, pixels: usize, to: &mut [f32]) {
    let lines = padded(channels);
    if channels * pixels == 0 {
        return;
    }
    let pictures = from.chunks_exact(lines * pixels);
    for (from, to) in pictures.zip(to.chunks_exact_mut(channels * pixels)) {
        let (rows, columns) = (pixels, channels);
        with_lanes(kind, Transpose { from, from_row: lines, rows, columns, to, to_row: pixels });
    }
}

/// Computes `to[column * to_row + row] = from[row * from_row + column]`.
struct Transpose<'a> {
    from: &'a [f32],
    from_row: usize,
    rows: usize,
    columns: usize,
    to: &'a mut [f32],
    to_row: usize,
}

impl SimdKernel for Transpose<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let Transpose { from, from_row, rows, columns, to, to_row } = self;
        assert!(columns <= from_row && fits_in(from.len(), &[rows, from_row]));
        assert!(rows <= to_row && fits_in(to.len(), &[columns, to_row]));
        let (from, to) = (from.as_ptr(), to.as_mut_ptr());
        let (whole_rows, whole_columns) = (rows - rows % LANES, columns - columns % LANES);
        // SAFETY: rows stay below `rows` and columns below `columns`, and the slices were just checked for that. The
        // caller promises the instructions.
        unsafe {
            for row in (0..whole_rows).step_by(LANES) {
                for column in (0..whole_columns).step_by(LANES) {
                    let mut block = [L::splat(0.0); LANES];
                    for (i, line) in block.iter_mut().enumerate() {
                        *line = L::load(from.add((row + i) * from_row + column));
                    }
                    for (i, line) in L::transpose(block).into_iter().enumerate() {
                        line.store(to.add((column + i) * to_row + row));
                    }
                }
            }
            for row in 0..rows {
                let first = if row < whole_rows { whole_columns } else { 0 };
                for column in first..columns {
                    *to.add(column * to_row + row) = *from.add(row * from_row + column);
                }
            }
        }
    }
}
