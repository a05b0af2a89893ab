//! A run of a Winograd convolution. It goes block by block of tiles, so that the data between its three steps stay in
//! the cache.
#![allow(unsafe_code)]
// The transforms are matrices, for which indices are clearer than iterators.
#![allow(clippy::needless_range_loop)]

use crate::Size;
use crate::gemm::{Epilogue, Lhs, ROWS, gemm};
use crate::lanes::{LANES, Lanes, SimdKernel};
use crate::layout::padded;
use crate::memory::{Buffer, OutOfMemory, count};
use crate::schemes::Scheme;
use crate::simd::{SimdKind, with_lanes};

/// A convolution as it runs, with weights that are transformed for its scheme.
#[derive(Debug)]
pub(super) struct Transformed {
    pub(super) kind: SimdKind,
    pub(super) channels_in: usize,
    pub(super) channels_out: usize,
    pub(super) relu: bool,
    pub(super) weights: Buffer,
    pub(super) bias: Buffer,
    /// The zeros that windows read outside the picture.
    pub(super) zeros: Buffer,
}

/// The numbers of scratch that a block of tiles may take. With the weights of one position they stay in a second-level
/// cache of 512 KB.
const BLOCK: usize = 96 * 1024;

/// A run, before its scratch is measured.
pub(super) struct Job<'a> {
    pub(super) conv: &'a Transformed,
    pub(super) images: usize,
    pub(super) size: Size,
    /// The shape of the output.
    pub(super) out: Size,
    pub(super) from: &'a [f32],
    pub(super) residual: Option<&'a [f32]>,
    pub(super) to: &'a mut [f32],
    pub(super) scratch: (&'a mut Buffer, &'a mut Buffer),
}

impl Job<'_> {
    pub(super) fn go<S: Scheme<N, P, M>, const N: usize, const P: usize, const M: usize>(
        self,
    ) -> Result<(), OutOfMemory> {
        let Job { conv, images, size, out, from, residual, to, scratch } = self;
        let grid = Size { height: out.height.div_ceil(M), width: out.width.div_ceil(M) };
        let tiles = count(&[images, grid.height, grid.width])?;
        if tiles == 0 || conv.channels_out == 0 {
            return Ok(());
        }
        let (depth, columns) = (padded(conv.channels_in), padded(conv.channels_out));
        let per_tile = N * N * depth + P * P * columns;
        let most = (BLOCK / per_tile.max(1)).max(ROWS).min(tiles);
        let block = tiles.div_ceil(tiles.div_ceil(most)).next_multiple_of(ROWS).min(tiles);
        let windows = scratch.0.grow_to(count(&[block, N * N, depth])?)?;
        let products = scratch.1.grow_to(count(&[block, P * P, columns])?)?;
        with_lanes(
            conv.kind,
            Run::<S, N, P, M> {
                conv,
                size,
                out,
                grid,
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

/// An example by F(4,3) (`N` = `P` = 6, `M` = 4): one picture of 7 x 5 outputs, from 3 channels to 20.
///
/// - `grid` is 2 x 2 tiles. Tile 3 has outputs of rows 4 to 6, and of column 4 alone. The rest of its 4 x 4 outputs
///   lies outside, and is not stored. Its window is rows 3 to 8 and columns 3 to 8 of the input, one more on each side.
///   Outside it reads `zeros`.
/// - `depth` is 8 and `columns` is 24, which are the channels padded to a multiple of eight. `block` is 4, which is all
///   tiles at once.
/// - `windows` is `[36 positions][4 tiles][8 channels]`. Position 6 * i + j of a tile is term (i, j) of its transformed window.
/// - `products` is `[36 positions][4 tiles][24 channels]`. For each position it is the matrix product of 4 x 8 windows
///   and 8 x 24 weights.
/// - The last step makes 4 x 4 outputs from the 36 products of a tile and a channel.
///
/// Stride 2 has 5 x 5 terms and 3 x 3 products. Position 0 has the terms (0, 0), (0, 1), (1, 0) and (1, 1) side by
/// side. Its row of `windows` is thus 4 * 8 numbers long, and one product sums them.
///
/// `Winograd::run` and [`Job::go`] have checked all lengths.
struct Run<'a, S, const N: usize, const P: usize, const M: usize> {
    conv: &'a Transformed,
    size: Size,
    out: Size,
    /// The tiles of a picture.
    grid: Size,
    /// The tiles of all pictures.
    tiles: usize,
    /// The tiles that are computed at once.
    block: usize,
    /// The padded channels of the input.
    depth: usize,
    /// The padded channels of the output.
    columns: usize,
    from: &'a [f32],
    residual: Option<&'a [f32]>,
    to: &'a mut [f32],
    windows: &'a mut [f32],
    products: &'a mut [f32],
    scheme: std::marker::PhantomData<S>,
}

impl<S: Scheme<N, P, M>, const N: usize, const P: usize, const M: usize> SimdKernel
    for Run<'_, S, N, P, M>
{
    #[inline(always)]
    unsafe fn run<L: Lanes>(mut self) {
        let mut first = 0;
        while first < self.tiles {
            let tiles = self.block.min(self.tiles - first);
            for tile in 0..tiles {
                // SAFETY: the caller promises the instructions, and `tile` is in this block.
                unsafe { self.window::<L>(first + tile, tile) }
            }
            // SAFETY: the caller promises the instructions, and the block's windows are written.
            unsafe { self.multiply::<L>(tiles) }
            for tile in 0..tiles {
                // SAFETY: the caller promises the instructions, and the block's products are written.
                unsafe { self.outputs::<L>(first + tile, tile) }
            }
            first += tiles;
        }
    }
}

impl<S: Scheme<N, P, M>, const N: usize, const P: usize, const M: usize> Run<'_, S, N, P, M> {
    /// Returns the picture, and the first output row and column, of a tile.
    #[inline(always)]
    fn place(&self, tile: usize) -> (usize, usize, usize) {
        let column = tile % self.grid.width;
        let row = tile / self.grid.width;
        (row / self.grid.height, row % self.grid.height * M, column * M)
    }

    /// Transforms the window of a tile into place `slot` of the block.
    ///
    /// # Safety
    /// The processor has the instructions of `L`, and `slot < self.block`.
    #[inline(always)]
    unsafe fn window<L: Lanes>(&mut self, tile: usize, slot: usize) {
        let (image, y, x) = self.place(tile);
        let (depth, size) = (self.depth, self.size);
        let zeros = self.conv.zeros.as_slice().as_ptr();
        let mut pixels = [[zeros; N]; N];
        for (i, line) in pixels.iter_mut().enumerate() {
            // A window starts one row before the picture. Wrapping then makes that row too large, and it counts as
            // outside.
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
        // SAFETY: the areas of the positions follow each other in `windows`. Together they have N * N numbers for each
        // tile of a block and each channel. A pixel has `depth` numbers.
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

    /// Computes a matrix product for each position.
    ///
    /// # Safety
    /// The processor has the instructions of `L`. `tiles <= self.block`, and their windows are written.
    #[inline(always)]
    unsafe fn multiply<L: Lanes>(&mut self, tiles: usize) {
        let (depth, columns) = (self.depth, self.columns);
        let mut lhs = self.windows.as_ptr();
        let mut weights = self.conv.weights.as_slice().as_ptr();
        let mut to = self.products.as_mut_ptr();
        for p in 0..P {
            for q in 0..P {
                let k = S::PARTS[p] * S::PARTS[q] * depth;
                // SAFETY: windows, weights and products are laid out position by position with these strides.
                unsafe {
                    let rows = Lhs { start: lhs, row: k, offsets: &[0], run: k };
                    let epilogue = Epilogue { bias: std::ptr::null(), relu: false };
                    gemm::<L>(rows, tiles, weights, columns, epilogue, to, columns);
                    lhs = lhs.add(self.block * k);
                    weights = weights.add(k * columns);
                    to = to.add(self.block * columns);
                }
            }
        }
    }

    /// Transforms the products at place `slot` of the block back, and writes a tile's outputs.
    ///
    /// # Safety
    /// The processor has the instructions of `L`. `slot < self.block`, and its products are written.
    #[inline(always)]
    unsafe fn outputs<L: Lanes>(&mut self, tile: usize, slot: usize) {
        let (image, y, x) = self.place(tile);
        let (out, columns) = (self.out, self.columns);
        let (rows, width) = ((out.height - y).min(M), (out.width - x).min(M));
        let first = ((image * out.height + y) * out.width + x) * columns;
        let bias = self.conv.bias.as_slice().as_ptr();
        // SAFETY: products have `block * columns` numbers for each position. `rows` and `width` keep the outputs inside
        // the picture, and `to` and the residual have so many pixels.
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
