//! One vector of 256 bits.

use super::{LANES, Lanes};
use std::arch::x86_64::*;

/// One vector of 256 bits.
#[derive(Clone, Copy)]
pub struct Avx2(__m256);

// SAFETY: the field is private, so a value comes from `splat` or `load`.
unsafe impl Lanes for Avx2 {
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: the caller promises AVX2.
        Avx2(unsafe { _mm256_set1_ps(value) })
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller promises AVX2 and eight readable numbers.
        Avx2(unsafe { _mm256_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller promises eight writable numbers.
        unsafe { _mm256_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: a value exists, so the processor has AVX2.
        Avx2(unsafe { _mm256_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: a value exists, so the processor has AVX2.
        Avx2(unsafe { _mm256_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn mul_add(self, by: Self, plus: Self) -> Self {
        // SAFETY: a value exists, so the processor has AVX2 and FMA.
        Avx2(unsafe { _mm256_fmadd_ps(self.0, by.0, plus.0) })
    }

    #[inline(always)]
    fn relu(self) -> Self {
        // The instruction returns its second operand if either is NaN, so the order matters. SAFETY: a value exists, so
        // the processor has AVX2.
        Avx2(unsafe { _mm256_max_ps(_mm256_setzero_ps(), self.0) })
    }

    #[inline(always)]
    fn prefetch(from: *const f32) {
        // SAFETY: this is a hint that reads nothing and never faults, and SSE is part of x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) }
    }

    #[inline(always)]
    fn transpose(r: [Self; LANES]) -> [Self; LANES] {
        // SAFETY: values exist, so the processor has AVX2.
        unsafe {
            let a0 = _mm256_unpacklo_ps(r[0].0, r[1].0);
            let a1 = _mm256_unpackhi_ps(r[0].0, r[1].0);
            let a2 = _mm256_unpacklo_ps(r[2].0, r[3].0);
            let a3 = _mm256_unpackhi_ps(r[2].0, r[3].0);
            let a4 = _mm256_unpacklo_ps(r[4].0, r[5].0);
            let a5 = _mm256_unpackhi_ps(r[4].0, r[5].0);
            let a6 = _mm256_unpacklo_ps(r[6].0, r[7].0);
            let a7 = _mm256_unpackhi_ps(r[6].0, r[7].0);
            let b0 = _mm256_shuffle_ps::<0x44>(a0, a2);
            let b1 = _mm256_shuffle_ps::<0xee>(a0, a2);
            let b2 = _mm256_shuffle_ps::<0x44>(a1, a3);
            let b3 = _mm256_shuffle_ps::<0xee>(a1, a3);
            let b4 = _mm256_shuffle_ps::<0x44>(a4, a6);
            let b5 = _mm256_shuffle_ps::<0xee>(a4, a6);
            let b6 = _mm256_shuffle_ps::<0x44>(a5, a7);
            let b7 = _mm256_shuffle_ps::<0xee>(a5, a7);
            [
                Avx2(_mm256_permute2f128_ps::<0x20>(b0, b4)),
                Avx2(_mm256_permute2f128_ps::<0x20>(b1, b5)),
                Avx2(_mm256_permute2f128_ps::<0x20>(b2, b6)),
                Avx2(_mm256_permute2f128_ps::<0x20>(b3, b7)),
                Avx2(_mm256_permute2f128_ps::<0x31>(b0, b4)),
                Avx2(_mm256_permute2f128_ps::<0x31>(b1, b5)),
                Avx2(_mm256_permute2f128_ps::<0x31>(b2, b6)),
                Avx2(_mm256_permute2f128_ps::<0x31>(b3, b7)),
            ]
        }
    }
}
