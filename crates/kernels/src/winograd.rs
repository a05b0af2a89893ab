//! Convolutions of 3 x 3 with a border of one, by Winograd's minimal filtering.
//!
//! A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016. Each window of the input is
//! transformed. At each position there is a matrix product over the channels. The products are transformed back. F(4,3)
//! takes 36 multiplications for 16 outputs, where the plain way takes 144. F(2,3) takes 16 for 4 instead of 36. Stride
//! 2 takes the samples to the left and right of each output by F(2,2), and those in the middle as they are. It takes 25
//! for 4 instead of 36.
//!
//! If an output's own window holds a NaN, the output is NaN. If the window holds an infinity, the output is that
//! infinity or NaN. So may be any output of a tile (4 x 4 or 2 x 2 outputs) whose window holds such a number. Other
//! tiles are not affected. ReLU keeps NaN. Finite numbers beyond 1e36 may overflow on the way.

use crate::Size;
use crate::layout::{clear_padding, padded, padded_bias};
use crate::memory::{Buffer, OutOfMemory, count};
use crate::schemes::{F23, F23Stride2, F43};
use crate::simd::SimdKind;
use crate::tiles::{Job, Transformed};
use crate::weights::transform;

/// How the outputs are cut into tiles, and the scheme that computes each tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tiling {
    /// 4 x 4 outputs by F(4,3), stride 1.
    F43,
    /// 2 x 2 outputs by F(2,3), stride 1.
    F23,
    /// 2 x 2 outputs, stride 2.
    F23Stride2,
}

/// The cost of fetching a weight that is not in the nearest caches, in multiplications.
const FETCH: usize = 5;

impl Tiling {
    /// Returns the fastest tiling for maps of this size. Any tiling is correct for any size.
    ///
    /// Large tiles take fewer multiplications. Small ones waste less on the rim of a small map. With few tiles each
    /// weight is fetched for few multiplications, and the fetching decides.
    ///
    /// # Panics
    /// Panics if the stride is neither 1 nor 2.
    pub fn fastest(stride: usize, size: Size) -> Tiling {
        assert!(stride == 1 || stride == 2);
        if stride == 2 {
            return Tiling::F23Stride2;
        }
        let cost = |positions: usize, side: usize| {
            let tiles = size.height.div_ceil(side).saturating_mul(size.width.div_ceil(side));
            positions.saturating_mul(tiles.max(FETCH))
        };
        if cost(36, 4) <= cost(16, 2) { Tiling::F43 } else { Tiling::F23 }
    }
}

/// The properties of a convolution, apart from its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvShape {
    /// The channels of the input.
    pub channels_in: usize,
    /// The channels of the output.
    pub channels_out: usize,
    /// The stride, and how the outputs are cut into tiles.
    pub tiling: Tiling,
    /// Whether numbers below zero become zero.
    pub relu: bool,
}

/// A 3 x 3 convolution with a border of one, its bias, its ReLU and its transformed weights.
#[derive(Debug)]
pub struct Winograd {
    tiling: Tiling,
    conv: Transformed,
}

impl Winograd {
    /// Takes weights `[out][in][3][3]` and a bias for each output channel.
    ///
    /// # Panics
    /// Panics if a slice does not have the length that the shape implies.
    pub fn new(
        kind: SimdKind,
        shape: ConvShape,
        weights: &[f32],
        bias: &[f32],
    ) -> Result<Winograd, OutOfMemory> {
        let ConvShape { channels_in, channels_out, tiling, relu } = shape;
        assert_eq!(weights.len(), count(&[channels_in, channels_out, 9])?);
        assert_eq!(bias.len(), channels_out);
        let weights = match tiling {
            Tiling::F43 => transform::<F43, 6, 6, 4>(kind, channels_in, channels_out, weights),
            Tiling::F23 => transform::<F23, 4, 4, 2>(kind, channels_in, channels_out, weights),
            Tiling::F23Stride2 => {
                transform::<F23Stride2, 5, 3, 2>(kind, channels_in, channels_out, weights)
            }
        }?;
        let bias = padded_bias(bias)?;
        let zeros = Buffer::zeroed(padded(channels_in))?;
        let conv = Transformed { kind, channels_in, channels_out, relu, weights, bias, zeros };
        Ok(Winograd { tiling, conv })
    }

    /// The channels of the input.
    pub fn channels_in(&self) -> usize {
        self.conv.channels_in
    }

    /// The channels of the output.
    pub fn channels_out(&self) -> usize {
        self.conv.channels_out
    }

    /// Returns the bytes of the transformed weights.
    pub fn bytes(&self) -> usize {
        self.conv.weights.bytes() + self.conv.bias.bytes() + self.conv.zeros.bytes()
    }

    /// Returns the output's size for an input of this size.
    pub fn output_size(&self, input: Size) -> Size {
        let stride = if self.tiling == Tiling::F23Stride2 { 2 } else { 1 };
        Size { height: input.height.div_ceil(stride), width: input.width.div_ceil(stride) }
    }

    /// Convolves `images` pictures, with channels last (padded to a multiple of eight) on both sides. `residual` has
    /// the shape of the output, and is added before the ReLU.
    pub fn run(
        &self,
        images: usize,
        size: Size,
        from: &[f32],
        residual: Option<&[f32]>,
        to: &mut [f32],
        scratch: (&mut Buffer, &mut Buffer),
    ) -> Result<(), OutOfMemory> {
        let out = self.output_size(size);
        let outputs = count(&[images, out.height, out.width, padded(self.conv.channels_out)])?;
        let inputs = count(&[images, size.height, size.width, padded(self.conv.channels_in)])?;
        assert!(from.len() >= inputs);
        let to = &mut to[..outputs];
        assert!(residual.is_none_or(|residual| residual.len() >= outputs));
        let job =
            Job { conv: &self.conv, images, size, out, from, residual, to: &mut *to, scratch };
        match self.tiling {
            Tiling::F43 => job.go::<F43, 6, 6, 4>(),
            Tiling::F23 => job.go::<F23, 4, 4, 2>(),
            Tiling::F23Stride2 => job.go::<F23Stride2, 5, 3, 2>(),
        }?;
        clear_padding(self.conv.channels_out, to);
        Ok(())
    }
}
