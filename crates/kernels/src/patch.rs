//! Convolutions whose windows lie side by side (the kernel equals the stride, and there is no padding), as in a patch
//! stem.
//!
//! Each patch is a row of a matrix product. Its numbers are `channels * kernel` runs in the picture, which are read in
//! place.
#![allow(unsafe_code)]

use crate::Size;
use crate::gemm::{Epilogue, Lhs, gemm, pack};
use crate::lanes::{Lanes, SimdKernel};
use crate::layout::{clear_padding, padded, padded_bias};
use crate::memory::{Buffer, OutOfMemory, count, fits_in};
use crate::simd::{SimdKind, with_lanes};

/// A patch convolution with its bias, its ReLU and its packed weights.
#[derive(Debug)]
pub struct Patch {
    kind: SimdKind,
    kernel: usize,
    channels_in: usize,
    channels_out: usize,
    relu: bool,
    weights: Buffer,
    bias: Buffer,
}

impl Patch {
    /// Returns whether it can be made for this shape.
    pub fn takes(kernel: usize, channels_in: usize) -> bool {
        kernel >= 2 && channels_in >= 1 && channels_in.saturating_mul(kernel) <= MAX_RUNS
    }

    /// Takes weights `[out][in][kernel][kernel]` and a bias for each output channel.
    ///
    /// # Panics
    /// Panics if a slice does not have the length that the others imply, or if the shape is not one that it
    /// [takes](Patch::takes).
    pub fn new(
        kind: SimdKind,
        kernel: usize,
        channels_in: usize,
        weights: &[f32],
        bias: &[f32],
        relu: bool,
    ) -> Result<Patch, OutOfMemory> {
        assert!(Patch::takes(kernel, channels_in));
        let numbers = count(&[channels_in, kernel, kernel])?;
        Ok(Patch {
            kind,
            kernel,
            channels_in,
            channels_out: bias.len(),
            relu,
            weights: pack(weights, numbers, numbers, bias.len())?,
            bias: padded_bias(bias)?,
        })
    }

    /// Returns the channels of the output.
    pub fn channels_out(&self) -> usize {
        self.channels_out
    }

    /// Returns the channels of the input.
    pub fn channels_in(&self) -> usize {
        self.channels_in
    }

    /// Returns the bytes of the packed weights.
    pub fn bytes(&self) -> usize {
        self.weights.bytes() + self.bias.bytes()
    }

    /// Returns the output's size for an input of this size.
    pub fn output_size(&self, input: Size) -> Size {
        Size { height: input.height / self.kernel, width: input.width / self.kernel }
    }

    /// Convolves `images` pictures with channels first. The result has channels last, padded to a multiple of eight.
    pub fn run(&self, images: usize, size: Size, from: &[f32], to: &mut [f32]) {
        let Size { height, width } = self.output_size(size);
        let columns = padded(self.channels_out);
        assert!(fits_in(from.len(), &[images, self.channels_in, size.height, size.width]));
        assert!(fits_in(to.len(), &[images, height, width, columns]));
        let to = &mut to[..images * height * width * columns];
        with_lanes(self.kind, Run { patch: self, images, size, from, to: &mut *to });
        clear_padding(self.channels_out, to);
    }
}

/// [`Patch::run`] has checked the lengths.
struct Run<'a> {
    patch: &'a Patch,
    images: usize,
    size: Size,
    from: &'a [f32],
    to: &'a mut [f32],
}

/// The longest list of runs that is kept on the stack: 16 channels of an 8 x 8 patch.
const MAX_RUNS: usize = 128;

impl SimdKernel for Run<'_> {
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let Run { patch, images, size, from, to } = self;
        let Size { height, width } = patch.output_size(size);
        let columns = padded(patch.channels_out);
        let plane = size.height * size.width;
        let runs = patch.channels_in * patch.kernel;
        let mut offsets = [0; MAX_RUNS];
        for (i, offset) in offsets[..runs].iter_mut().enumerate() {
            *offset = i / patch.kernel * plane + i % patch.kernel * size.width;
        }
        let epilogue = Epilogue { bias: patch.bias.as_slice().as_ptr(), relu: patch.relu };
        for image in 0..images {
            for y in 0..height {
                // SAFETY: the patches of one row end within the picture's width, and their last line within its height.
                // `run` has checked both slices. The weights were packed for these columns.
                unsafe {
                    let start = image * patch.channels_in * plane + y * patch.kernel * size.width;
                    let lhs = Lhs {
                        start: from.as_ptr().add(start),
                        row: patch.kernel,
                        offsets: &offsets[..runs],
                        run: patch.kernel,
                    };
                    let to = to.as_mut_ptr().add((image * height + y) * width * columns);
                    let weights = patch.weights.as_slice().as_ptr();
                    gemm::<L>(lhs, width, weights, columns, epilogue, to, columns);
                }
            }
        }
    }
}
