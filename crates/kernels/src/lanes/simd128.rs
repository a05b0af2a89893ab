//! Two vectors of 128 bits in WebAssembly.

use super::Lanes;
use std::arch::wasm32::*;

/// Two vectors of 128 bits.
#[derive(Clone, Copy)]
pub struct Simd128(v128, v128);

// SAFETY: the fields are private, so a value comes from `splat` or `load`.
unsafe impl Lanes for Simd128 {
    // x86-64 runs these as SSE with 16 registers, of which the engine keeps one. The rest is used by ten sums, two
    // vectors of weights, one number of a row and one product.
    const TILE_ROWS: usize = 5;
    const TILE_VECTORS: usize = 1;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Simd128(f32x4_splat(value), f32x4_splat(value))
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller promises eight readable numbers.
        unsafe { Simd128(v128_load(from.cast()), v128_load(from.add(4).cast())) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller promises eight writable numbers.
        unsafe {
            v128_store(to.cast(), self.0);
            v128_store(to.add(4).cast(), self.1);
        }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Simd128(f32x4_add(self.0, other.0), f32x4_add(self.1, other.1))
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Simd128(f32x4_sub(self.0, other.0), f32x4_sub(self.1, other.1))
    }

    // It is rounded twice. A single multiply-add is part of relaxed SIMD, which not every browser has.
    #[inline(always)]
    fn mul_add(self, by: Self, plus: Self) -> Self {
        Simd128(
            f32x4_add(f32x4_mul(self.0, by.0), plus.0),
            f32x4_add(f32x4_mul(self.1, by.1), plus.1),
        )
    }

    // `pmax(a, b)` is `a < b ? b : a`, so NaN stays. `max` takes several instructions on x86-64.
    #[inline(always)]
    fn relu(self) -> Self {
        let zero = f32x4_splat(0.0);
        Simd128(f32x4_pmax(self.0, zero), f32x4_pmax(self.1, zero))
    }
}
