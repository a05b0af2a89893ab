//! The places of a block's coefficients, and their weights.
//!
//! A block of 4, 2 or 1 pixels across holds the means of the whole block's pixels. The mean of a cosine over
//! neighbouring pixels is again a cosine, with a factor. Some frequencies become the same. So a coefficient is only
//! weighted, and added to its place among 16, 4 or 1. [`Weights`] holds the places and the factors, with the
//! quantisation.

use crate::idct::{byte, eight, four, low_eight, rows, two};

/// The place of each zigzag position in its block, row by row.
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// The sums of weighted coefficients.
#[derive(Clone, Copy)]
#[repr(align(32))]
pub(crate) struct Sums([f32; 64]);

impl Sums {
    pub(crate) fn new() -> Self {
        Self([0.0; 64])
    }
}

/// The bits of all places that sums were added to. There are none for a block of one colour.
#[derive(Clone, Copy, Default)]
pub(crate) struct Touched(u32);

impl std::ops::BitOr for Touched {
    type Output = Self;

    #[inline(always)]
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

#[derive(Clone, Copy)]
struct Place {
    at: u32,
    weight: f32,
}

/// The places of a component's coefficients, and their weights.
pub(crate) struct Weights {
    /// The pixels across a block.
    pub(crate) side: usize,
    places: [Place; 64],
}

impl Weights {
    pub(crate) fn new(quantisation: &[u16; 64], side: usize) -> Self {
        let mut places = [Place { at: 63, weight: 0.0 }; 64];
        for ((place, zigzag), step) in places.iter_mut().zip(ZIGZAG).zip(quantisation) {
            let (down, across) = (usize::from(zigzag) / 8, usize::from(zigzag) % 8);
            let (y, x) = (along(down, side), along(across, side));
            if let (Some((row, a)), Some((column, b))) = (y, x) {
                // Columns come first: the first half of the transform then yields what the second needs, transposed
                // once.
                place.at = (column * side + row) as u32;
                place.weight = (a * b * f64::from(*step)) as f32;
            }
        }
        Self { side, places }
    }

    /// The sums of a block without coefficients, which is a medium gray.
    #[inline(always)]
    pub(crate) fn start(&self, sums: &mut Sums) {
        let used = (self.side * self.side).max(16);
        match used {
            16 => sums.0[..16].fill(0.0),
            _ => sums.0.fill(0.0),
        }
        // It is a little more than that, so that halves are rounded up as in libjpeg.
        sums.0[0] = 128.0 + 1.0 / 256.0;
    }

    /// Adds a coefficient by its zigzag position. It returns the place.
    #[inline(always)]
    pub(crate) fn add(&self, sums: &mut Sums, position: usize, value: i32) -> Touched {
        let place = self.places[position & 63];
        sums.0[(place.at & 63) as usize] += value as f32 * place.weight;
        Touched(place.at)
    }

    /// Adds a whole block of coefficients.
    pub(crate) fn add_all(&self, sums: &mut Sums, block: &[i16; 64]) -> Touched {
        let mut touched = Touched::default();
        for (index, eight) in block.as_chunks::<8>().0.iter().enumerate() {
            // Most are zero beyond the first few.
            if *eight == [0; 8] {
                continue;
            }
            for (position, value) in eight.iter().enumerate() {
                if *value != 0 {
                    touched = touched | self.add(sums, 8 * index + position, i32::from(*value));
                }
            }
        }
        touched
    }

    /// Writes the pixels of a block to rows that are `stride` apart.
    #[inline]
    pub(crate) fn finish(&self, sums: &Sums, touched: Touched, out: &mut [u8], stride: usize) {
        match self.side {
            8 if touched.0 == 0 => rows(out, stride, &[[byte(sums.0[0]); 8]; 8]),
            8 if touched.0 & 0b100_100 == 0 => rows(out, stride, &low_eight(&sums.0)),
            8 => rows(out, stride, &eight(&sums.0)),
            4 if touched.0 == 0 => rows(out, stride, &[[byte(sums.0[0]); 4]; 4]),
            4 => rows(out, stride, &four(&sums.0)),
            2 => rows(out, stride, &two(&sums.0)),
            _ => rows(out, stride, &[[byte(sums.0[0])]]),
        }
    }
}

/// Returns the place and the factor of a frequency along one axis. It is `None` if the frequency does not change the
/// means.
fn along(frequency: usize, side: usize) -> Option<(usize, f64)> {
    use std::f64::consts::{FRAC_1_SQRT_2, PI};

    let angle = frequency as f64 * PI / 16.0;
    let half = if frequency == 0 { 0.5 * FRAC_1_SQRT_2 } else { 0.5 };
    match (side, frequency) {
        (8, 0) => Some((0, half)),
        // The factors that Arai, Agui and Nakajima move out of the transform.
        (8, _) => Some((frequency, half * angle.cos())),
        (4, 4) => None,
        // cos((2 x + 1) u pi / 8) is the same for u and 8 - u, except for its sign.
        (4, 5..) => Some((8 - frequency, -half * angle.cos())),
        (4, _) => Some((frequency, half * angle.cos())),
        (2, 2 | 4 | 6) => None,
        (2, 0) => Some((0, half)),
        (2, _) => Some((1, half * angle.cos() * (2.0 * angle).cos() * (4.0 * angle).cos())),
        (_, 0) => Some((0, half)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The transform as the standard has it, in double precision.
    fn standard(coefficients: &[f64; 64]) -> [[f64; 8]; 8] {
        let cos = |x: usize, u: usize| {
            let c = if u == 0 { std::f64::consts::FRAC_1_SQRT_2 } else { 1.0 };
            c * ((2 * x + 1) as f64 * u as f64 * std::f64::consts::PI / 16.0).cos()
        };
        std::array::from_fn(|y| {
            std::array::from_fn(|x| {
                let sum: f64 =
                    (0..64).map(|i| coefficients[i] * cos(x, i % 8) * cos(y, i / 8)).sum();
                sum / 4.0 + 128.0
            })
        })
    }

    fn check(side: usize, values: &[i32; 64], steps: &[u16; 64]) {
        let mut natural = [0.0; 64];
        for i in 0..64 {
            natural[usize::from(ZIGZAG[i])] = f64::from(values[i]) * f64::from(steps[i]);
        }
        let whole = standard(&natural);
        let weights = Weights::new(steps, side);
        let mut sums = Sums([9.0; 64]);
        weights.start(&mut sums);
        let touched = weights.add_all(&mut sums, &values.map(|value| value as i16));
        let mut out = vec![7; 11 * side];
        weights.finish(&sums, touched, &mut out, 11);
        let part = 8 / side;
        for y in 0..side {
            for x in 0..side {
                let pixels =
                    (0..part * part).map(|i| whole[y * part + i / part][x * part + i % part]);
                let mean = pixels.sum::<f64>() / (part * part) as f64;
                let got = f64::from(out[y * 11 + x]);
                assert!(
                    (got - mean.clamp(0.0, 255.0)).abs() < 0.506,
                    "{side}: {x} {y}: {got} {mean}"
                );
            }
            assert!(out[y * 11 + side..(y + 1) * 11].iter().all(|v| *v == 7));
        }
    }

    #[test]
    fn each_size_is_the_mean_of_the_standards_pixels() {
        let steps = std::array::from_fn(|i| 1 + i as u16 / 3);
        let mut state = 1_u32;
        for side in [1, 2, 4, 8] {
            for i in 0..64 {
                check(side, &std::array::from_fn(|j| if i == j { 40 } else { 0 }), &steps);
            }
            for i in 0..16 {
                // Blocks with only low frequencies take another path.
                let low =
                    |j: usize| ZIGZAG[j] % 8 < 4 && ZIGZAG[j] < 32 && (i + j).is_multiple_of(3);
                check(side, &std::array::from_fn(|j| if low(j) { 20 } else { 0 }), &steps);
            }
            for range in [3, 12, 60] {
                let values = std::array::from_fn(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 16) as i32 % range - range / 2
                });
                check(side, &values, &steps);
            }
        }
    }

    #[test]
    fn absurd_values_are_clamped() {
        for side in [1, 2, 4, 8] {
            for value in [i16::MIN, i16::MAX] {
                let weights = Weights::new(&[u16::MAX; 64], side);
                let mut sums = Sums::new();
                weights.start(&mut sums);
                let mut block = [0; 64];
                (block[0], block[63]) = (value, value);
                let touched = weights.add_all(&mut sums, &block);
                let mut out = [1; 64];
                weights.finish(&sums, touched, &mut out, 8);
                // In the first pixel neither of the two outweighs the other.
                assert_eq!(out[0], if value < 0 { 0 } else { 255 });
            }
        }
    }
}
