//! Convolutions of 1 x 1, where each pixel is a row of a matrix product.
//!
//! The engine is as fast at these. They are used where channels already come last, to save two passes through memory.
#![allow(unsafe_code)]

use crate::gemm::{Epilogue, Lhs, gemm, pack};
use crate::lanes::{Lanes, SimdKernel};
use crate::layout::{clear_padding, padded, padded_bias};
use crate::memory::{Buffer, OutOfMemory, fits_in};
use crate::simd::{SimdKind, with_lanes};

/// A 1 x 1 convolution with its bias, its ReLU and its packed weights.
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
    /// Takes weights `[out][in]` and a bias for each output channel.
    ///
    /// # Panics
    /// Panics if a slice does not have the length that the others imply.
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

    /// Returns the channels of the input.
    pub fn channels_in(&self) -> usize {
        self.channels_in
    }

    /// Returns the channels of the output.
    pub fn channels_out(&self) -> usize {
        self.channels_out
    }

    /// Returns the bytes of the packed weights.
    pub fn bytes(&self) -> usize {
        self.weights.bytes() + self.bias.bytes()
    }

    /// Convolves `pixels` pixels, with channels last (padded to a multiple of eight) on both sides.
    pub fn run(&self, pixels: usize, from: &[f32], to: &mut [f32]) {
        let (depth, columns) = (padded(self.channels_in), padded(self.channels_out));
        assert!(fits_in(from.len(), &[pixels, depth]) && fits_in(to.len(), &[pixels, columns]));
        let from = &from[..pixels * depth];
        let to = &mut to[..pixels * columns];
        with_lanes(self.kind, Run { point: self, pixels, from, to: &mut *to });
        clear_padding(self.channels_out, to);
    }
}

/// [`Pointwise::run`] has cut the slices to size.
struct Run<'a> {
    point: &'a Pointwise,
    pixels: usize,
    from: &'a [f32],
    to: &'a mut [f32],
}

/// The rows that stay in the nearest cache while all weights are read.
const BLOCK: usize = 48;

impl SimdKernel for Run<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let Run { point, pixels, from, to } = self;
        let (depth, columns) = (padded(point.channels_in), padded(point.channels_out));
        let epilogue = Epilogue { bias: point.bias.as_slice().as_ptr(), relu: point.relu };
        let weights = point.weights.as_slice().as_ptr();
        for first in (0..pixels).step_by(BLOCK) {
            // SAFETY: `first + rows <= pixels`, and both slices are cut to that. The weights were packed for this depth
            // and these columns.
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
