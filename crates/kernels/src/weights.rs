//! The weights of Winograd convolutions, which are transformed once, when a network is loaded.
#![allow(unsafe_code)]
// The transforms are matrices, for which indices are clearer than iterators.
#![allow(clippy::needless_range_loop)]

use crate::gemm::PANEL;
use crate::lanes::{Lanes, SimdKernel};
use crate::layout::padded;
use crate::memory::{Buffer, OutOfMemory, count};
use crate::schemes::Scheme;
use crate::simd::{SimdKind, with_lanes};

/// Transforms weights `[out][in][3][3]` and packs them position by position, as [`gemm`](super::gemm::gemm) reads them.
/// This is done in `f64`, so that it adds only one rounding to those of the multiplications.
pub(super) fn transform<S: Scheme<N, P, M>, const N: usize, const P: usize, const M: usize>(
    kind: SimdKind,
    channels_in: usize,
    channels_out: usize,
    weights: &[f32],
) -> Result<Buffer, OutOfMemory> {
    let (depth, columns) = (padded(channels_in), padded(channels_out));
    let mut packed = Buffer::zeroed(count(&[N * N, depth, columns])?)?;
    let to = packed.as_mut_slice();
    with_lanes(
        kind,
        Transform::<S, N, P, M> {
            channels_in,
            channels_out,
            depth,
            columns,
            weights,
            to,
            scheme: std::marker::PhantomData,
        },
    );
    Ok(packed)
}

/// An example by F(2,3) (`N` = `P` = 4, `M` = 2), from 3 channels to 20:
///
/// In one dimension the taps (1, 2, 3) become the terms (1, 3, 1, 3). They are 1, (1 + 2 + 3) / 2, (1 - 2 + 3) / 2 and
/// 3. In two dimensions the columns of a 3 x 3 window come first (`half`), and then the rows. That makes 16 numbers,
/// one for each position.
///
/// `depth` is 8 and `columns` is 24. A position has 8 x 24 numbers: a panel of 16 columns, `[8 channels][16 columns]`,
/// and then one of
/// 8. The weight of position 5 from channel 2 to channel 18 is therefore at `5 * 8 * 24 + 16 * 8 + 2 * 8 + 2`. Channels
///    3 to 7 and columns 20 to 23 stay zero.
struct Transform<'a, S, const N: usize, const P: usize, const M: usize> {
    channels_in: usize,
    channels_out: usize,
    depth: usize,
    columns: usize,
    weights: &'a [f32],
    to: &'a mut [f32],
    scheme: std::marker::PhantomData<S>,
}

impl<S: Scheme<N, P, M>, const N: usize, const P: usize, const M: usize> SimdKernel
    for Transform<'_, S, N, P, M>
{
    #[inline(always)]
    unsafe fn run<L: Lanes>(self) {
        let Transform { channels_in, channels_out, depth, columns, weights, to, .. } = self;
        for first in (0..channels_out).step_by(PANEL) {
            let width = PANEL.min(columns - first);
            let real = PANEL.min(channels_out - first);
            for channel in 0..channels_in {
                let mut taps = [[[0f64; PANEL]; 3]; 3];
                for column in 0..real {
                    let start = ((first + column) * channels_in + channel) * 9;
                    for (tap, weight) in weights[start..start + 9].iter().enumerate() {
                        taps[tap / 3][tap % 3][column] = f64::from(*weight);
                    }
                }
                let mut half = [[[0f64; PANEL]; 3]; N];
                for i in 0..N {
                    for b in 0..3 {
                        half[i][b] =
                            weighted([&taps[0][b], &taps[1][b], &taps[2][b]], S::KERNEL[i]);
                    }
                }
                let mut start = 0;
                for p in 0..P {
                    for q in 0..P {
                        let k = S::PARTS[p] * S::PARTS[q] * depth;
                        for i in 0..S::PARTS[p] {
                            for j in 0..S::PARTS[q] {
                                let row = &half[S::FIRST[p] + i];
                                let value = weighted(
                                    [&row[0], &row[1], &row[2]],
                                    S::KERNEL[S::FIRST[q] + j],
                                );
                                let place = (i * S::PARTS[q] + j) * depth + channel;
                                let place = start + first * k + place * width;
                                for (to, value) in to[place..place + width].iter_mut().zip(value) {
                                    *to = value as f32;
                                }
                            }
                        }
                        start += k * columns;
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn weighted(rows: [&[f64; PANEL]; 3], by: [f64; 3]) -> [f64; PANEL] {
    let mut sum = [0.0; PANEL];
    for (row, by) in rows.into_iter().zip(by) {
        for (sum, value) in sum.iter_mut().zip(row) {
            *sum += by * value;
        }
    }
    sum
}
