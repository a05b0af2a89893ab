//! From coefficients to the pixels of a block, at each of its sizes.
//!
//! A block of 4, 2 or 1 pixels across holds the means of the whole one's pixels. The mean of a cosine over neighbouring
//! pixels is a cosine again, with a factor, and those of some frequencies coincide: so a coefficient needs no more than to be
//! weighed and added to its place among 16, 4 or 1. [`Weights`] holds places and factors, together with the quantisation.

/// The place of each zigzag position in its block, row by row.
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// Sums of weighed coefficients.
#[derive(Clone, Copy)]
#[repr(align(32))]
pub(crate) struct Sums([f32; 64]);

/// The bits of all places that sums were added to: none for a block that is all alike.
#[derive(Clone, Copy, Default)]
pub(crate) struct Seen(u32);

impl std::ops::BitOr for Seen {
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

/// Where the coefficients of a component go, and how much they count there.
pub(crate) struct Weights {
    /// Pixels across a block.
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
                // Columns first: the transform's first half then yields what its second needs, turned once.
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
        // A little more, so that halves are rounded up as libjpeg rounds them.
        sums.0[0] = 128.0 + 1.0 / 256.0;
    }

    /// Adds a coefficient by its zigzag position. Tells where.
    #[inline(always)]
    pub(crate) fn add(&self, sums: &mut Sums, position: usize, value: i32) -> Seen {
        let place = self.places[position & 63];
        sums.0[(place.at & 63) as usize] += value as f32 * place.weight;
        Seen(place.at)
    }

    /// Adds a whole block of coefficients.
    pub(crate) fn add_all(&self, sums: &mut Sums, block: &[i16; 64]) -> Seen {
        let mut seen = Seen::default();
        for (index, eight) in block.as_chunks::<8>().0.iter().enumerate() {
            // Most are, beyond the first few.
            if *eight == [0; 8] {
                continue;
            }
            for (position, value) in eight.iter().enumerate() {
                if *value != 0 {
                    seen = seen | self.add(sums, 8 * index + position, i32::from(*value));
                }
            }
        }
        seen
    }

    /// The pixels of a block to rows that are `stride` apart.
    #[inline]
    pub(crate) fn finish(&self, sums: &Sums, seen: Seen, out: &mut [u8], stride: usize) {
        match self.side {
            8 if seen.0 == 0 => rows(out, stride, &[[byte(sums.0[0]); 8]; 8]),
            8 if seen.0 & 0b100_100 == 0 => rows(out, stride, &low_eight(sums)),
            8 => rows(out, stride, &eight(sums)),
            4 if seen.0 == 0 => rows(out, stride, &[[byte(sums.0[0]); 4]; 4]),
            4 => rows(out, stride, &four(sums)),
            2 => rows(out, stride, &two(sums)),
            _ => rows(out, stride, &[[byte(sums.0[0])]]),
        }
    }
}

/// The place and the factor of a frequency along one axis. `None` where it leaves the means as they are.
fn along(frequency: usize, side: usize) -> Option<(usize, f64)> {
    use std::f64::consts::{FRAC_1_SQRT_2, PI};

    let angle = frequency as f64 * PI / 16.0;
    let half = if frequency == 0 { 0.5 * FRAC_1_SQRT_2 } else { 0.5 };
    match (side, frequency) {
        (8, 0) => Some((0, half)),
        // The factors that Arai, Agui and Nakajima take out of the transform.
        (8, _) => Some((frequency, half * angle.cos())),
        (4, 4) => None,
        // cos((2 x + 1) u pi / 8) is the same for u and 8 - u, but for its sign.
        (4, 5..) => Some((8 - frequency, -half * angle.cos())),
        (4, _) => Some((frequency, half * angle.cos())),
        (2, 2 | 4 | 6) => None,
        (2, 0) => Some((0, half)),
        (2, _) => Some((1, half * angle.cos() * (2.0 * angle).cos() * (4.0 * angle).cos())),
        (_, 0) => Some((0, half)),
        _ => None,
    }
}

fn rows<const N: usize>(out: &mut [u8], stride: usize, block: &[[u8; N]; N]) {
    for (to, from) in out.chunks_mut(stride).zip(block) {
        if let Some(to) = to.first_chunk_mut() {
            *to = *from;
        }
    }
}

/// The nearest value of a byte.
#[inline(always)]
fn byte(value: f32) -> u8 {
    let low = if value > 0.0 { value } else { 0.0 };
    let within = if low < 255.0 { low } else { 255.0 };
    // 1.5 times two to the 23rd: the lowest bits of the sum are the rounded value.
    (within + 12_582_912.0).to_bits() as u8
}

/// Four values side by side, which is a register.
type Four = [f32; 4];

#[inline(always)]
fn both(a: Four, b: Four, f: impl Fn(f32, f32) -> f32) -> Four {
    [f(a[0], b[0]), f(a[1], b[1]), f(a[2], b[2]), f(a[3], b[3])]
}

#[inline(always)]
fn plus(a: Four, b: Four) -> Four {
    both(a, b, |a, b| a + b)
}

#[inline(always)]
fn minus(a: Four, b: Four) -> Four {
    both(a, b, |a, b| a - b)
}

#[inline(always)]
fn times(a: Four, factor: f32) -> Four {
    both(a, a, |a, _| a * factor)
}

/// Four transforms of eight values side by side, after Arai, Agui and Nakajima (1988).
#[inline(always)]
fn transform(low: [Four; 4], high: [Four; 4]) -> [Four; 8] {
    const SQRT_2: f32 = std::f32::consts::SQRT_2;

    let s = [low[0], low[1], low[2], low[3], high[0], high[1], high[2], high[3]];
    let (sum, difference) = (plus(s[0], s[4]), minus(s[0], s[4]));
    let inner = plus(s[2], s[6]);
    let outer = minus(times(minus(s[2], s[6]), SQRT_2), inner);
    let even =
        [plus(sum, inner), plus(difference, outer), minus(difference, outer), minus(sum, inner)];

    let (a, b) = (plus(s[5], s[3]), minus(s[5], s[3]));
    let (c, d) = (plus(s[1], s[7]), minus(s[1], s[7]));
    let first = plus(c, a);
    let middle = times(minus(c, a), SQRT_2);
    // Twice the cosine of pi / 8, and what it makes of the two others.
    let turned = times(plus(b, d), 1.847_759_1);
    let second = minus(minus(turned, times(b, 2.613_126)), first);
    let third = minus(middle, second);
    let fourth = minus(minus(turned, times(d, 1.082_392_2)), third);

    butterfly(even, [first, second, third, fourth])
}

/// The same where the upper four frequencies are zero.
#[inline(always)]
fn low_transform(s: [Four; 4]) -> [Four; 8] {
    const SQRT_2: f32 = std::f32::consts::SQRT_2;

    let outer = times(s[2], SQRT_2 - 1.0);
    let even = [plus(s[0], s[2]), plus(s[0], outer), minus(s[0], outer), minus(s[0], s[2])];
    let (first, difference) = (plus(s[1], s[3]), minus(s[1], s[3]));
    let turned = times(difference, 1.847_759_1);
    let second = minus(plus(turned, times(s[3], 2.613_126)), first);
    let third = minus(times(difference, SQRT_2), second);
    let fourth = minus(minus(turned, times(s[1], 1.082_392_2)), third);
    butterfly(even, [first, second, third, fourth])
}

#[inline(always)]
fn butterfly(even: [Four; 4], odd: [Four; 4]) -> [Four; 8] {
    [
        plus(even[0], odd[0]),
        plus(even[1], odd[1]),
        plus(even[2], odd[2]),
        plus(even[3], odd[3]),
        minus(even[3], odd[3]),
        minus(even[2], odd[2]),
        minus(even[1], odd[1]),
        minus(even[0], odd[0]),
    ]
}

#[inline(always)]
fn turned([a, b, c, d]: [Four; 4]) -> [Four; 4] {
    [
        [a[0], b[0], c[0], d[0]],
        [a[1], b[1], c[1], d[1]],
        [a[2], b[2], c[2], d[2]],
        [a[3], b[3], c[3], d[3]],
    ]
}

/// Four sums side by side: half a column of the block.
#[inline(always)]
fn four_sums(sums: &Sums, at: usize) -> Four {
    [sums.0[at], sums.0[at + 1], sums.0[at + 2], sums.0[at + 3]]
}

#[inline(always)]
fn put_half(out: &mut [[u8; 8]; 8], half: usize, pixels: [Four; 8]) {
    for (to, from) in out.iter_mut().zip(pixels) {
        for (to, from) in to[4 * half..4 * half + 4].iter_mut().zip(from) {
            *to = byte(from);
        }
    }
}

#[inline(never)]
fn eight(sums: &Sums) -> [[u8; 8]; 8] {
    let line = |line: usize, half: usize| four_sums(sums, 8 * line + half);
    let half = |at: usize| {
        let low = [line(0, at), line(1, at), line(2, at), line(3, at)];
        let high = [line(4, at), line(5, at), line(6, at), line(7, at)];
        transform(low, high)
    };
    let ([a, b, c, d, e, f, g, h], [i, j, k, l, m, n, o, p]) = (half(0), half(4));
    let mut out = [[0; 8]; 8];
    let ([a, b, c, d], [i, j, k, l]) = (turned([a, b, c, d]), turned([i, j, k, l]));
    put_half(&mut out, 0, transform([a, b, c, d], [i, j, k, l]));
    let ([e, f, g, h], [m, n, o, p]) = (turned([e, f, g, h]), turned([m, n, o, p]));
    put_half(&mut out, 1, transform([e, f, g, h], [m, n, o, p]));
    out
}

/// The same where the upper half of the frequencies is zero along both axes.
#[inline(never)]
fn low_eight(sums: &Sums) -> [[u8; 8]; 8] {
    let [a, b, c, d, e, f, g, h] = low_transform([
        four_sums(sums, 0),
        four_sums(sums, 8),
        four_sums(sums, 16),
        four_sums(sums, 24),
    ]);
    let mut out = [[0; 8]; 8];
    put_half(&mut out, 0, low_transform(turned([a, b, c, d])));
    put_half(&mut out, 1, low_transform(turned([e, f, g, h])));
    out
}

/// Four transforms of four values side by side.
#[inline(always)]
fn short_transform(s: [Four; 4]) -> [Four; 4] {
    // The cosines of pi / 8, 2 pi / 8 and 3 pi / 8.
    const C: [f32; 3] = [0.923_879_5, std::f32::consts::FRAC_1_SQRT_2, 0.382_683_43];

    let side = times(s[2], C[1]);
    let (outer, inner) = (plus(s[0], side), minus(s[0], side));
    let far = plus(times(s[1], C[0]), times(s[3], C[2]));
    let near = minus(times(s[1], C[2]), times(s[3], C[0]));
    [plus(outer, far), plus(inner, near), minus(inner, near), minus(outer, far)]
}

#[inline(never)]
fn four(sums: &Sums) -> [[u8; 4]; 4] {
    let half = short_transform([
        four_sums(sums, 0),
        four_sums(sums, 4),
        four_sums(sums, 8),
        four_sums(sums, 12),
    ]);
    let mut out = [[0; 4]; 4];
    for (to, from) in out.iter_mut().zip(short_transform(turned(half))) {
        for (to, from) in to.iter_mut().zip(from) {
            *to = byte(from);
        }
    }
    out
}

#[inline(always)]
fn two(sums: &Sums) -> [[u8; 2]; 2] {
    let [mean, down, across, both, ..] = sums.0;
    [
        [byte(mean + across + down + both), byte(mean - across + down - both)],
        [byte(mean + across - down - both), byte(mean - across - down + both)],
    ]
}

impl Sums {
    pub(crate) fn new() -> Self {
        Self([0.0; 64])
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
        let seen = weights.add_all(&mut sums, &values.map(|value| value as i16));
        let mut out = vec![7; 11 * side];
        weights.finish(&sums, seen, &mut out, 11);
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
                // Low frequencies alone take a path of their own.
                let low =
                    |j: usize| ZIGZAG[j] % 8 < 4 && ZIGZAG[j] < 32 && (i + j).is_multiple_of(3);
                check(side, &std::array::from_fn(|j| if low(j) { 20 } else { 0 }), &steps);
            }
            for spread in [3, 12, 60] {
                let values = std::array::from_fn(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 16) as i32 % spread - spread / 2
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
                let seen = weights.add_all(&mut sums, &block);
                let mut out = [1; 64];
                weights.finish(&sums, seen, &mut out, 8);
                // The two outweigh each other nowhere in the first pixel.
                assert_eq!(out[0], if value < 0 { 0 } else { 255 });
            }
        }
    }
}
