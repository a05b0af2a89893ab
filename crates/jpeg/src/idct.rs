//! Makes the pixels of a block of eight, four or two across from sums of weighted coefficients.

use crate::wide::widest;

pub(crate) fn rows<const N: usize>(out: &mut [u8], stride: usize, block: &[[u8; N]; N]) {
    for (to, from) in out.chunks_mut(stride).zip(block) {
        if let Some(to) = to.first_chunk_mut() {
            *to = *from;
        }
    }
}

/// Returns the nearest value of a byte.
#[inline(always)]
pub(crate) fn byte(value: f32) -> u8 {
    let low = if value > 0.0 { value } else { 0.0 };
    let within = if low < 255.0 { low } else { 255.0 };
    // The constant is 1.5 times two to the 23rd, so the lowest bits of the sum are the rounded value.
    (within + 12_582_912.0).to_bits() as u8
}

/// Four values side by side, which fill a register.
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

/// Does four transforms of eight values side by side, after Arai, Agui and Nakajima (1988).
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
    // Twice the cosine of pi / 8, and two numbers that follow from it.
    let turned = times(plus(b, d), 1.847_759_1);
    let second = minus(minus(turned, times(b, 2.613_126)), first);
    let third = minus(middle, second);
    let fourth = minus(minus(turned, times(d, 1.082_392_2)), third);

    butterfly(even, [first, second, third, fourth])
}

/// Does the same where the upper four frequencies are zero.
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

/// Four sums side by side, which are half of a column of the block.
#[inline(always)]
fn four_sums(sums: &[f32; 64], at: usize) -> Four {
    [sums[at], sums[at + 1], sums[at + 2], sums[at + 3]]
}

/// The first transforms of four columns, which begin at place `at` of each line.
#[inline(always)]
fn half(sums: &[f32; 64], at: usize) -> [Four; 8] {
    let line = |line: usize| four_sums(sums, 8 * line + at);
    transform([line(0), line(1), line(2), line(3)], [line(4), line(5), line(6), line(7)])
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
pub(crate) fn eight(sums: &[f32; 64]) -> [[u8; 8]; 8] {
    widest(
        #[inline(always)]
        || eight_plain(sums),
    )
}

#[inline(always)]
fn eight_plain(sums: &[f32; 64]) -> [[u8; 8]; 8] {
    let ([a, b, c, d, e, f, g, h], [i, j, k, l, m, n, o, p]) = (half(sums, 0), half(sums, 4));
    let mut out = [[0; 8]; 8];
    let ([a, b, c, d], [i, j, k, l]) = (turned([a, b, c, d]), turned([i, j, k, l]));
    put_half(&mut out, 0, transform([a, b, c, d], [i, j, k, l]));
    let ([e, f, g, h], [m, n, o, p]) = (turned([e, f, g, h]), turned([m, n, o, p]));
    put_half(&mut out, 1, transform([e, f, g, h], [m, n, o, p]));
    out
}

/// Does the same where the upper half of the frequencies is zero along both axes.
#[inline(never)]
pub(crate) fn low_eight(sums: &[f32; 64]) -> [[u8; 8]; 8] {
    widest(
        #[inline(always)]
        || low_eight_plain(sums),
    )
}

#[inline(always)]
fn low_eight_plain(sums: &[f32; 64]) -> [[u8; 8]; 8] {
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

/// Does four transforms of four values side by side.
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
pub(crate) fn four(sums: &[f32; 64]) -> [[u8; 4]; 4] {
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
pub(crate) fn two(sums: &[f32; 64]) -> [[u8; 2]; 2] {
    let [mean, down, across, both, ..] = *sums;
    [
        [byte(mean + across + down + both), byte(mean - across + down - both)],
        [byte(mean + across - down - both), byte(mean - across - down + both)],
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_vectors_change_no_pixel() {
        let mut state = 1_u32;
        for range in [40.0, 400.0, 4e9] {
            for _ in 0..500 {
                let sums = std::array::from_fn(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state as f32 / u32::MAX as f32 - 0.5) * range
                });
                assert_eq!(eight(&sums), eight_plain(&sums));
                assert_eq!(low_eight(&sums), low_eight_plain(&sums));
            }
        }
    }
}
