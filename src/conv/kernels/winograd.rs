//! 3 x 3 convolutions with a border of one, by Winograd's minimal filtering.
//!
//! A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016: transform
//! each window of the input, multiply position by position over the channels (a matrix product for
//! each position), transform back. F(4,3) spends 36 multiplications on 16 outputs where the plain
//! way spends 144, F(2,3) 16 on 4 instead of 36. Stride 2 takes the samples to the left and right of
//! each output as F(2,2) and the ones in the middle as they are: 25 on 4 instead of 36.
//!
//! Numbers that are not finite: an output whose own window holds a NaN is NaN, one whose window
//! holds an infinity is that infinity or NaN, and so may be any output of a tile (4 x 4 or 2 x 2
//! outputs) whose window does; other tiles are as if it were not there. ReLU keeps NaN. Finite
//! numbers beyond 1e36 may overflow on the way.
#![allow(unsafe_code)]
// The transforms are matrices: their indices say more than iterators would.
#![allow(clippy::needless_range_loop)]

use super::Size;
use super::gemm::{Finish, Left, ROWS, product};
use super::lanes::{Kind, LANES, Lanes, Work, with_lanes};
use super::layout::{clear_padding, padded};
use super::memory::{Buffer, OutOfMemory, count, padded_bias};
use super::schemes::{Four, Scheme, Two, TwoStrided};
use super::weights::transform;

/// How the work is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tiles {
    /// 4 x 4 outputs, stride 1.
    Four,
    /// 2 x 2 outputs, stride 1.
    Two,
    /// 2 x 2 outputs, stride 2.
    TwoStrided,
}

/// A 3 x 3 convolution with a border of one, its bias and ReLU, its weights transformed.
#[derive(Debug)]
pub struct Winograd {
    kind: Kind,
    tiles: Tiles,
    channels_in: usize,
    channels_out: usize,
    relu: bool,
    weights: Buffer,
    bias: Buffer,
    /// What windows read outside the picture.
    zeros: Buffer,
}

/// What a convolution is, apart from its numbers.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Channels of the input.
    pub channels_in: usize,
    /// Channels of the output.
    pub channels_out: usize,
    /// 1 or 2, in both directions.
    pub stride: usize,
    /// The size of the pictures it will see: any size works, this one is fast.
    pub size: Size,
    /// Whether what is below zero becomes zero.
    pub relu: bool,
}

impl Winograd {
    /// From weights `[out][in][3][3]` and a bias for each output channel.
    ///
    /// # Panics
    /// If the stride is neither 1 nor 2, or a slice is not as long as the shape says.
    pub fn new(
        kind: Kind,
        shape: Shape,
        weights: &[f32],
        bias: &[f32],
    ) -> Result<Winograd, OutOfMemory> {
        let Shape { channels_in, channels_out, stride, size, relu } = shape;
        assert!(stride == 1 || stride == 2);
        assert_eq!(weights.len(), count(&[channels_in, channels_out, 9])?);
        assert_eq!(bias.len(), channels_out);
        let tiles = match stride {
            2 => Tiles::TwoStrided,
            _ => choose(size),
        };
        let weights = match tiles {
            Tiles::Four => transform::<Four, 6, 6, 4>(kind, channels_in, channels_out, weights),
            Tiles::Two => transform::<Two, 4, 4, 2>(kind, channels_in, channels_out, weights),
            Tiles::TwoStrided => {
                transform::<TwoStrided, 5, 3, 2>(kind, channels_in, channels_out, weights)
            }
        }?;
        Ok(Winograd {
            kind,
            tiles,
            channels_in,
            channels_out,
            relu,
            weights,
            bias: padded_bias(bias)?,
            zeros: Buffer::zeroed(padded(channels_in))?,
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

    /// Bytes of the transformed weights.
    pub fn bytes(&self) -> usize {
        self.weights.bytes() + self.bias.bytes() + self.zeros.bytes()
    }

    /// The output's size for an input of this size.
    pub fn output_size(&self, input: Size) -> Size {
        let stride = if self.tiles == Tiles::TwoStrided { 2 } else { 1 };
        Size { height: input.height.div_ceil(stride), width: input.width.div_ceil(stride) }
    }

    /// `images` pictures, channels last (padded to a multiple of eight) on both sides; `residual`,
    /// of the output's shape, is added before ReLU.
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
        let outputs = count(&[images, out.height, out.width, padded(self.channels_out)])?;
        let inputs = count(&[images, size.height, size.width, padded(self.channels_in)])?;
        assert!(from.len() >= inputs);
        let to = &mut to[..outputs];
        assert!(residual.is_none_or(|residual| residual.len() >= outputs));
        let job = Job { conv: self, images, size, from, residual, to: &mut *to, scratch };
        match self.tiles {
            Tiles::Four => job.go::<Four, 6, 6, 4>(),
            Tiles::Two => job.go::<Two, 4, 4, 2>(),
            Tiles::TwoStrided => job.go::<TwoStrided, 5, 3, 2>(),
        }?;
        clear_padding(self.channels_out, to);
        Ok(())
    }
}

/// What fetching a weight costs, in multiplications, where it does not come from the nearest caches.
const FETCH: usize = 5;

/// Large tiles spend fewer multiplications, small ones less on the rim of a small map. With few
/// tiles each weight is fetched for few multiplications, and the fetching decides.
fn choose(size: Size) -> Tiles {
    let cost = |positions: usize, side: usize| {
        let tiles = size.height.div_ceil(side).saturating_mul(size.width.div_ceil(side));
        positions.saturating_mul(tiles.max(FETCH))
    };
    if cost(36, 4) <= cost(16, 2) { Tiles::Four } else { Tiles::Two }
}

/// Numbers of scratch that a block of tiles may take: with the weights of one position they stay
/// in a second-level cache of 512 KB.
const BLOCK: usize = 96 * 1024;

/// A run, before its scratch is measured.
struct Job<'a> {
    conv: &'a Winograd,
    images: usize,
    size: Size,
    from: &'a [f32],
    residual: Option<&'a [f32]>,
    to: &'a mut [f32],
    scratch: (&'a mut Buffer, &'a mut Buffer),
}

impl Job<'_> {
    fn go<S: Scheme<N, P, M>, const N: usize, const P: usize, const M: usize>(
        self,
    ) -> Result<(), OutOfMemory> {
        let Job { conv, images, size, from, residual, to, scratch } = self;
        let out = conv.output_size(size);
        let across = Size { height: out.height.div_ceil(M), width: out.width.div_ceil(M) };
        let tiles = count(&[images, across.height, across.width])?;
        if tiles == 0 || conv.channels_out == 0 {
            return Ok(());
        }
        let (depth, columns) = (padded(conv.channels_in), padded(conv.channels_out));
        let per_tile = N * N * depth + P * P * columns;
        let most = (BLOCK / per_tile.max(1)).max(ROWS).min(tiles);
        let block = tiles.div_ceil(tiles.div_ceil(most)).next_multiple_of(ROWS).min(tiles);
        let windows = scratch.0.grow(count(&[block, N * N, depth])?)?;
        let products = scratch.1.grow(count(&[block, P * P, columns])?)?;
        with_lanes(
            conv.kind,
            Run::<S, N, P, M> {
                conv,
                size,
                out,
                across,
                tiles,
                block,
                depth,
                columns,
                from,
                residual,
                to,
                windows,
                products,
                scheme: std::marker::PhantomData,
            },
        );
        Ok(())
    }
}

/// A run whose lengths are all checked, by [`Winograd::run`] and [`Job::go`].
struct Run<'a, S, const N: usize, const P: usize, const M: usize> {
    conv: &'a Winograd,
    size: Size,
    out: Size,
    /// Tiles of a picture.
    across: Size,
    /// Tiles of all pictures.
    tiles: usize,
    /// Tiles worked on at once.
    block: usize,
    /// Padded channels of the input.
    depth: usize,
    /// Padded channels of the output.
    columns: usize,
    from: &'a [f32],
    residual: Option<&'a [f32]>,
    to: &'a mut [f32],
    windows: &'a mut [f32],
    products: &'a mut [f32],
    scheme: std::marker::PhantomData<S>,
}

impl<S: Scheme<N, P, M>, const N: usize, const P: usize, const M: usize> Work
    for Run<'_, S, N, P, M>
{
    #[inline(always)]
    unsafe fn run<L: Lanes>(mut self) {
        let mut first = 0;
        while first < self.tiles {
            let tiles = self.block.min(self.tiles - first);
            for tile in 0..tiles {
                // SAFETY: the caller promises the instructions; `tile` is of this block.
                unsafe { self.window::<L>(first + tile, tile) }
            }
            // SAFETY: the caller promises the instructions; the block's windows are written.
            unsafe { self.multiply::<L>(tiles) }
            for tile in 0..tiles {
                // SAFETY: the caller promises the instructions; the block's products are written.
                unsafe { self.outputs::<L>(first + tile, tile) }
            }
            first += tiles;
        }
    }
}

impl<S: Scheme<N, P, M>, const N: usize, const P: usize, const M: usize> Run<'_, S, N, P, M> {
    /// Picture, first output row and column of a tile.
    #[inline(always)]
    fn place(&self, tile: usize) -> (usize, usize, usize) {
        let column = tile % self.across.width;
        let row = tile / self.across.width;
        (row / self.across.height, row % self.across.height * M, column * M)
    }

    /// Transforms the window of a tile into place `slot` of the block.
    ///
    /// # Safety
    /// The processor has the instructions of `L`; `slot < self.block`.
    #[inline(always)]
    unsafe fn window<L: Lanes>(&mut self, tile: usize, slot: usize) {
        let (image, y, x) = self.place(tile);
        let (depth, size) = (self.depth, self.size);
        let zeros = self.conv.zeros.as_slice().as_ptr();
        let mut pixels = [[zeros; N]; N];
        for (i, line) in pixels.iter_mut().enumerate() {
            // A window starts one before the picture; wrapping makes that row too large, not wrong.
            let row = (y * S::STRIDE + i).wrapping_sub(1);
            for (j, pixel) in line.iter_mut().enumerate() {
                let column = (x * S::STRIDE + j).wrapping_sub(1);
                if row < size.height && column < size.width {
                    *pixel = self.from
                        [((image * size.height + row) * size.width + column) * depth..]
                        .as_ptr();
                }
            }
        }
        let mut places = [[std::ptr::null_mut::<f32>(); N]; N];
        let mut start = self.windows.as_mut_ptr();
        // SAFETY: the positions' areas follow each other in `windows`; together they are N * N
        // numbers deep for each tile of a block and each channel. Pixels are `depth` numbers long.
        unsafe {
            for p in 0..P {
                for q in 0..P {
                    let parts = S::PARTS[p] * S::PARTS[q];
                    let row = start.add(slot * parts * depth);
                    for i in 0..S::PARTS[p] {
                        for j in 0..S::PARTS[q] {
                            places[S::FIRST[p] + i][S::FIRST[q] + j] =
                                row.add((i * S::PARTS[q] + j) * depth);
                        }
                    }
                    start = start.add(self.block * parts * depth);
                }
            }
            let mut channel = 0;
            while channel < depth {
                let mut half = [[L::splat(0.0); N]; N];
                for j in 0..N {
                    let mut column = [L::splat(0.0); N];
                    for i in 0..N {
                        column[i] = L::load(pixels[i][j].add(channel));
                    }
                    let column = S::window(column);
                    for i in 0..N {
                        half[i][j] = column[i];
                    }
                }
                for i in 0..N {
                    let row = S::window(half[i]);
                    for j in 0..N {
                        row[j].store(places[i][j].add(channel));
                    }
                }
                channel += LANES;
            }
        }
    }

    /// A matrix product for each position.
    ///
    /// # Safety
    /// The processor has the instructions of `L`; `tiles <= self.block`, and their windows are
    /// written.
    #[inline(always)]
    unsafe fn multiply<L: Lanes>(&mut self, tiles: usize) {
        let (depth, columns) = (self.depth, self.columns);
        let mut left = self.windows.as_ptr();
        let mut weights = self.conv.weights.as_slice().as_ptr();
        let mut to = self.products.as_mut_ptr();
        for p in 0..P {
            for q in 0..P {
                let k = S::PARTS[p] * S::PARTS[q] * depth;
                // SAFETY: windows, weights and products are laid out position by position with
                // these strides.
                unsafe {
                    let rows = Left { start: left, row: k, offsets: &[0], run: k };
                    let finish = Finish { bias: std::ptr::null(), relu: false };
                    product::<L>(rows, tiles, weights, columns, finish, to, columns);
                    left = left.add(self.block * k);
                    weights = weights.add(k * columns);
                    to = to.add(self.block * columns);
                }
            }
        }
    }

    /// Transforms the products at place `slot` of the block back and writes a tile's outputs.
    ///
    /// # Safety
    /// The processor has the instructions of `L`; `slot < self.block`, and its products are
    /// written.
    #[inline(always)]
    unsafe fn outputs<L: Lanes>(&mut self, tile: usize, slot: usize) {
        let (image, y, x) = self.place(tile);
        let (out, columns) = (self.out, self.columns);
        let (rows, width) = ((out.height - y).min(M), (out.width - x).min(M));
        let first = ((image * out.height + y) * out.width + x) * columns;
        let bias = self.conv.bias.as_slice().as_ptr();
        // SAFETY: products have `block * columns` numbers for each position; `rows` and `width` keep
        // the outputs inside the picture, and `to` and the residual have that many pixels.
        unsafe {
            let products = self.products.as_ptr().add(slot * columns);
            let to = self.to.as_mut_ptr().add(first);
            let residual = self.residual.map(|residual| residual.as_ptr().add(first));
            let mut column = 0;
            while column < columns {
                let mut half = [[L::splat(0.0); P]; M];
                for q in 0..P {
                    let mut line = [L::splat(0.0); P];
                    for p in 0..P {
                        line[p] =
                            L::load(products.add((p * P + q) * self.block * columns + column));
                    }
                    let line = S::outputs(line);
                    for i in 0..M {
                        half[i][q] = line[i];
                    }
                }
                let bias = L::load(bias.add(column));
                for i in 0..M {
                    if i >= rows {
                        break;
                    }
                    let line = S::outputs(half[i]);
                    for (j, value) in line.into_iter().enumerate() {
                        if j >= width {
                            break;
                        }
                        let place = (i * out.width + j) * columns + column;
                        let mut value = value.add(bias);
                        if let Some(residual) = residual {
                            value = value.add(L::load(residual.add(place)));
                        }
                        if self.conv.relu {
                            value = value.relu();
                        }
                        value.store(to.add(place));
                    }
                }
                column += LANES;
            }
        }
    }
}
