//! The one-dimensional filters that make up Winograd convolutions.

use crate::lanes::Lanes;

/// Computes `M` outputs of a filter of three taps from a window of `N` inputs.
///
/// The window becomes `N` terms, and so do the taps. Terms of the same product lie side by side. Product `p` of the `P`
/// products sums [`PARTS`](Scheme::PARTS)`[p]` terms from [`FIRST`](Scheme::FIRST)`[p]` on.
pub trait Scheme<const N: usize, const P: usize, const M: usize> {
    /// The distance from one output to the next, in inputs.
    const STRIDE: usize;
    /// The number of terms that a product sums.
    const PARTS: [usize; P];
    /// The first of these terms.
    const FIRST: [usize; P];
    /// Returns the terms of the taps.
    const KERNEL: [[f64; 3]; N];

    /// Returns the terms of a window.
    fn window<L: Lanes>(inputs: [L; N]) -> [L; N];

    /// Returns the outputs from the products.
    fn outputs<L: Lanes>(products: [L; P]) -> [L; M];
}

/// This is F(4,3), by the points 0, 1, -1, 2, -2 and infinity (Lavin and Gray, section 4.3).
pub struct F43;

impl Scheme<6, 6, 4> for F43 {
    const STRIDE: usize = 1;
    const PARTS: [usize; 6] = [1; 6];
    const FIRST: [usize; 6] = [0, 1, 2, 3, 4, 5];
    const KERNEL: [[f64; 3]; 6] = [
        [1.0 / 4.0, 0.0, 0.0],
        [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
        [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
        [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
        [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
        [0.0, 0.0, 1.0],
    ];

    #[inline(always)]
    fn window<L: Lanes>(d: [L; 6]) -> [L; 6] {
        let even = d[2].scale_add(-4.0, d[4]);
        let odd = d[1].scale_add(-4.0, d[3]);
        let far_even = d[4].sub(d[2]);
        let far_odd = d[3].sub(d[1]);
        [
            d[0].scale_add(4.0, d[2].scale_add(-5.0, d[4])),
            even.add(odd),
            even.sub(odd),
            far_odd.scale_add(2.0, far_even),
            far_odd.scale_add(-2.0, far_even),
            d[1].scale_add(4.0, d[3].scale_add(-5.0, d[5])),
        ]
    }

    #[inline(always)]
    fn outputs<L: Lanes>(m: [L; 6]) -> [L; 4] {
        let (near, near_odd) = (m[1].add(m[2]), m[1].sub(m[2]));
        let (far, far_odd) = (m[3].add(m[4]), m[3].sub(m[4]));
        [
            m[0].add(near).add(far),
            far_odd.scale_add(2.0, near_odd),
            far.scale_add(4.0, near),
            far_odd.scale_add(8.0, near_odd).add(m[5]),
        ]
    }
}

/// This is F(2,3), by the points 0, 1, -1 and infinity (Lavin and Gray, section 4.1).
pub struct F23;

impl Scheme<4, 4, 2> for F23 {
    const STRIDE: usize = 1;
    const PARTS: [usize; 4] = [1; 4];
    const FIRST: [usize; 4] = [0, 1, 2, 3];
    const KERNEL: [[f64; 3]; 4] =
        [[1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.0, 0.0, 1.0]];

    #[inline(always)]
    fn window<L: Lanes>(d: [L; 4]) -> [L; 4] {
        [d[0].sub(d[2]), d[1].add(d[2]), d[2].sub(d[1]), d[1].sub(d[3])]
    }

    #[inline(always)]
    fn outputs<L: Lanes>(m: [L; 4]) -> [L; 2] {
        [m[0].add(m[1]).add(m[2]), m[1].sub(m[2]).sub(m[3])]
    }
}

/// This is for stride 2. The outer taps see every other sample. That is a filter of two taps, which F(2,2) computes
/// with three multiplications instead of four. The middle tap sees the rest, with one multiplication each. Both add up
/// to the same outputs, so they share products.
///
/// The taps are (1, 2, 3), and the inputs are (1, 2, 3, 4, 5). The first output is 1 + 4 + 9 = 14. The next one, two inputs
/// later, is 3 + 8 + 15 = 26:
///
/// ```text
/// inputs' terms:   1 - 3 = -2,   2,   3,           5 - 3 = 2,   4
/// taps' terms:             1,    2,   1 + 3 = 4,           3,   2
/// products:        -2 * 1 + 2 * 2 = 2,   3 * 4 = 12,   2 * 3 + 4 * 2 = 14
/// outputs:         2 + 12 = 14,   12 + 14 = 26
/// ```
pub struct F23Stride2;

impl Scheme<5, 3, 2> for F23Stride2 {
    const STRIDE: usize = 2;
    const PARTS: [usize; 3] = [2, 1, 2];
    const FIRST: [usize; 3] = [0, 2, 3];
    const KERNEL: [[f64; 3]; 5] =
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]];

    #[inline(always)]
    fn window<L: Lanes>(d: [L; 5]) -> [L; 5] {
        [d[0].sub(d[2]), d[1], d[2], d[4].sub(d[2]), d[3]]
    }

    #[inline(always)]
    fn outputs<L: Lanes>(m: [L; 3]) -> [L; 2] {
        [m[0].add(m[1]), m[1].add(m[2])]
    }
}
