//! 1 x 1 convolutions: each pixel is a row of a matrix product.
//!
//! The engine is as fast at these; they are here for where channels already lie last, to save two
//! ways through memory.
#![allow(unsafe_code)]

use crate::gemm::{Epilogue, Lhs, gemm, pack};
use crate::lanes::{Lanes, SimdKernel};
use crate::layout::{clear_padding, padded, padded_bias};
use crate::memory::{Buffer, OutOfMemory, fits_in};
use crate::simd::{SimdKind, with_lanes};

/// A 1 x 1 convolution with its bias and ReLU, its weights packed.
#[derive(Debug)]
pub struct Pointwise {
    kind: SimdKind,
    channels_in: usize,
    channels_out: usize,
    relu: bool,
    weights: Buffer,
    bias: Buffer,
}

impl Pointwise {
    /// From weights `[out][in]` and a bias for each output channel.
    ///
    /// # Panics
    /// If a slice is not as long as the others say.
    pub fn new(
        kind: SimdKind,
        channels_in: usize,
        weights: &[f32],
        bias: &[f32],
        relu: bool,
    ) -> Result<Pointwise, OutOfMemory> {
        Ok(Pointwise {
            kind,
            channels_in,
            channels_out: bias.len(),
            relu,
            weights: pack(weights, channels_in, padded(channels_in), bias.len())?,
            bias: padded_bias(bias)?,
        })
    }

    /// Channels of the input.
    pub fn channels_in(&self) -> usize {
        self.channels_in
    }

    /// Channels of the output.
    pub fn channels_out(&self) -> usize {
        self.channels_out
    }

    /// Bytes of the packed weights.
    pub fn bytes(&self) -> usize {
        self.weights.bytes() + self.bias.bytes()
    }

    /// `pixels` pixels, channels last (padded to a multiple of eight) on both sides.
    pub fn run(&self, pixels: usize, from: &[f32], to: &mut [f32]) {
        let (depth, columns) = (padded(self.channels_in), padded(self.channels_out));
        assert!(fits_in(from.len(), &[pixels, depth]) && fits_in(to.len(), &[pixels, columns]));
        let from = &from[..pixels * depth];
        let to = &mut to[..pixels * columns];
        with_lanes(self.kind, Run { point: self, pixels, from, to: &mut *to });
        clear_padding(self.channels_out, to);
    }
}

/// Lengths are cut to size by [`Pointwise::run`].
struct Run<'a> {
    point: &'a Pointwise,
    pixels: usize,
    from: &'a [f32],
    to: &'a mut [f32],
}

/// Rows that stay in the nearest cache while all weights go by.
const BLOCK: usize = 48;

impl SimdKernel for Run<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let Run { point, pixels, from, to } = self;
        let (depth, columns) = (padded(point.channels_in), padded(point.channels_out));
        let epilogue = Epilogue { bias: point.bias.as_slice().as_ptr(), relu: point.relu };
        let weights = point.weights.as_slice().as_ptr();
        for first in (0..pixels).step_by(BLOCK) {
            // SAFETY: `first + rows <= pixels`, for which both slices are cut; the weights were
            // packed for this depth and these columns.
            unsafe {
                let start = from.as_ptr().add(first * depth);
                let lhs = Lhs { start, row: depth, offsets: &[0], run: depth };
                let rows = BLOCK.min(pixels - first);
                let to = to.as_mut_ptr().add(first * columns);
                gemm::<L>(lhs, rows, weights, columns, epilogue, to, columns);
            }
        }
    }
}
