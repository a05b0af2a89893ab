//! Small matrix products, which keep up to six rows by sixteen columns in registers.
//!
//! The right side holds the weights. They are packed once into panels of [`PANEL`] columns: `[panel][k][column]`. The
//! left side is read in place, one number at a time, in runs of neighbouring numbers. So the patches of a picture are
//! rows without being gathered.
#![allow(unsafe_code)]

use crate::lanes::{LANES, Lanes};
use crate::layout::padded;
use crate::memory::{Buffer, OutOfMemory, count};

/// The largest number of rows of a register tile. Six by two vectors are twelve sums. They hide the latency of the
/// multiply-add, and leave four of AVX2's sixteen registers. [`Lanes`] with fewer registers have smaller tiles.
pub const ROWS: usize = 6;

/// The columns of a panel of weights.
pub const PANEL: usize = 2 * LANES;

/// Packs weights `[columns][numbers]` for [`gemm`] with rows of `k` numbers. Numbers of a row beyond `numbers` are
/// multiplied by zeros.
///
/// # Panics
/// Panics if there are not `columns * numbers` weights, or `k` is less than `numbers`.
pub fn pack(
    weights: &[f32],
    numbers: usize,
    k: usize,
    columns: usize,
) -> Result<Buffer, OutOfMemory> {
    assert!(weights.len() == count(&[columns, numbers])? && numbers <= k);
    let all = padded(columns);
    let mut packed = Buffer::zeroed(count(&[k, all])?)?;
    let panels = packed.as_mut_slice();
    for (column, row) in weights.chunks_exact(numbers.max(1)).enumerate() {
        let first = column - column % PANEL;
        let width = PANEL.min(all - first);
        for (i, weight) in row.iter().enumerate() {
            panels[first * k + i * width + column - first] = *weight;
        }
    }
    Ok(packed)
}

/// The left side of a product. Row `r` starts at `start + r * row`, and its numbers are the runs of `run` numbers at
/// `offsets`.
#[derive(Clone, Copy)]
pub struct Lhs<'a> {
    /// The start of the first row.
    pub start: *const f32,
    /// The distance from one row to the next.
    pub row: usize,
    /// The starts of a row's runs.
    pub offsets: &'a [usize],
    /// The length of a run.
    pub run: usize,
}

/// What is done with the sums of eight columns of one row before they are stored.
#[derive(Clone, Copy)]
pub struct Epilogue {
    /// The bias that is added to each row, one number for each column. Null means none.
    pub bias: *const f32,
    /// Whether numbers below zero become zero.
    pub relu: bool,
}

impl Epilogue {
    /// Returns the epilogue of the columns from `columns` on.
    ///
    /// # Safety
    /// The bias, if it is not null, has so many columns.
    #[inline(always)]
    unsafe fn skip(self, columns: usize) -> Epilogue {
        if self.bias.is_null() {
            return self;
        }
        // SAFETY: the caller promises it.
        Epilogue { bias: unsafe { self.bias.add(columns) }, ..self }
    }
}

/// The weights of a tile's columns: their first line, and the distance from one line to the next.
#[derive(Clone, Copy)]
struct Panel {
    line: *const f32,
    step: usize,
}

/// The weights to fetch while others are multiplied: one line after each number of a row.
#[derive(Clone, Copy)]
struct Prefetch {
    start: *const f32,
    step: usize,
}

/// Computes `to[r][..columns] = epilogue(lhs[r] * weights)`, where rows of `to` are `stride` apart.
///
/// # Safety
/// The processor has the instructions of `L`. `lhs` can be read for `rows` rows. `weights` are packed panels for
/// `columns` columns, a multiple of eight, with as many numbers for each column as a row of `lhs` has. `to` can be
/// written for `rows` rows of `columns`. The bias, if it is not null, has `columns` numbers.
#[inline(always)]
pub unsafe fn gemm<L: Lanes>(
    lhs: Lhs<'_>,
    rows: usize,
    weights: *const f32,
    columns: usize,
    epilogue: Epilogue,
    to: *mut f32,
    stride: usize,
) {
    let k = lhs.offsets.len() * lhs.run;
    // Blocks have equal heights: 9 rows as 5 and 4, not as 6 and 3, keep more sums in progress.
    let blocks = rows.div_ceil(L::TILE_ROWS).max(1);
    let (height, taller) = (rows / blocks, rows % blocks);
    let mut column = 0;
    while column < columns {
        let wide = columns - column >= PANEL;
        let mut row = 0;
        for block in 0..blocks {
            let height = height + usize::from(block < taller);
            // SAFETY: `row + height <= rows`, and `column` plus the tile's width is at most `columns`. So each pointer
            // stays within what the caller promises. A full panel has k * PANEL numbers.
            unsafe {
                let lhs = Lhs { start: lhs.start.add(row * lhs.row), ..lhs };
                let weights = weights.add(column * k);
                // The weights of deep layers come from the third-level cache. It is slower than a tile of few rows, so
                // each block of rows fetches its share of the next panel.
                let prefetch = Prefetch {
                    start: weights.wrapping_add(PANEL * k + block * k * PANEL / blocks),
                    step: PANEL / blocks,
                };
                let to = to.add(row * stride + column);
                let epilogue = epilogue.skip(column);
                let panel = Panel { line: weights, step: if wide { PANEL } else { LANES } };
                if wide && L::TILE_VECTORS == 2 {
                    by_height::<L, 2>(lhs, height, panel, prefetch, epilogue, to, stride);
                } else {
                    by_height::<L, 1>(lhs, height, panel, prefetch, epilogue, to, stride);
                }
                if wide && L::TILE_VECTORS == 1 {
                    let panel = Panel { line: weights.add(LANES), ..panel };
                    let epilogue = epilogue.skip(LANES);
                    let to = to.add(LANES);
                    by_height::<L, 1>(lhs, height, panel, prefetch, epilogue, to, stride);
                }
            }
            row += height;
        }
        column += PANEL;
    }
}

/// # Safety
/// The promises are those of [`gemm`], for `height` rows (at most [`ROWS`]) and `V` vectors of columns.
#[inline(always)]
unsafe fn by_height<L: Lanes, const V: usize>(
    lhs: Lhs<'_>,
    height: usize,
    panel: Panel,
    prefetch: Prefetch,
    epilogue: Epilogue,
    to: *mut f32,
    stride: usize,
) {
    // SAFETY: the caller promises it for exactly this height.
    unsafe {
        match height {
            6 => tile::<L, 6, V>(lhs, panel, prefetch, epilogue, to, stride),
            5 => tile::<L, 5, V>(lhs, panel, prefetch, epilogue, to, stride),
            4 => tile::<L, 4, V>(lhs, panel, prefetch, epilogue, to, stride),
            3 => tile::<L, 3, V>(lhs, panel, prefetch, epilogue, to, stride),
            2 => tile::<L, 2, V>(lhs, panel, prefetch, epilogue, to, stride),
            1 => tile::<L, 1, V>(lhs, panel, prefetch, epilogue, to, stride),
            _ => {}
        }
    }
}

/// # Safety
/// The promises are those of [`gemm`], for `R` rows and `V` vectors of columns.
#[inline(always)]
unsafe fn tile<L: Lanes, const R: usize, const V: usize>(
    lhs: Lhs<'_>,
    mut panel: Panel,
    mut prefetch: Prefetch,
    epilogue: Epilogue,
    to: *mut f32,
    stride: usize,
) {
    // SAFETY: the caller promises it. `panel` moves on by one line for each number of a row, as the weights are packed.
    unsafe {
        let mut sums = [[L::splat(0.0); V]; R];
        for offset in lhs.offsets {
            let start = lhs.start.add(*offset);
            for i in 0..lhs.run {
                L::prefetch(prefetch.start);
                prefetch.start = prefetch.start.wrapping_add(prefetch.step);
                let mut line = [L::splat(0.0); V];
                for (v, value) in line.iter_mut().enumerate() {
                    *value = L::load(panel.line.add(v * LANES));
                }
                for (r, sums) in sums.iter_mut().enumerate() {
                    let value = L::splat(*start.add(r * lhs.row + i));
                    for (sum, line) in sums.iter_mut().zip(line) {
                        *sum = value.mul_add(line, *sum);
                    }
                }
                panel.line = panel.line.wrapping_add(panel.step);
            }
        }
        for v in 0..V {
            let bias = if epilogue.bias.is_null() {
                L::splat(0.0)
            } else {
                L::load(epilogue.bias.add(v * LANES))
            };
            for (r, sums) in sums.iter().enumerate() {
                let mut sum = sums[v].add(bias);
                if epilogue.relu {
                    sum = sum.relu();
                }
                sum.store(to.add(r * stride + v * LANES));
            }
        }
    }
}
