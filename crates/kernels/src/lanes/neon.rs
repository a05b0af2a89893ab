//! Two vectors of 128 bits on arm64.

use super::Lanes;
use std::arch::aarch64::*;

/// Two vectors of 128 bits.
#[derive(Clone, Copy)]
pub struct Neon(float32x4_t, float32x4_t);

// SAFETY: the fields are private, so a value comes from `splat` or `load`.
unsafe impl Lanes for Neon {
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: the caller promises NEON.
        unsafe { Neon(vdupq_n_f32(value), vdupq_n_f32(value)) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller promises NEON and eight readable numbers.
        unsafe { Neon(vld1q_f32(from), vld1q_f32(from.add(4))) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller promises eight writable numbers.
        unsafe {
            vst1q_f32(to, self.0);
            vst1q_f32(to.add(4), self.1);
        }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: a value exists, so the processor has NEON.
        unsafe { Neon(vaddq_f32(self.0, other.0), vaddq_f32(self.1, other.1)) }
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: a value exists, so the processor has NEON.
        unsafe { Neon(vsubq_f32(self.0, other.0), vsubq_f32(self.1, other.1)) }
    }

    #[inline(always)]
    fn mul_add(self, by: Self, plus: Self) -> Self {
        // SAFETY: a value exists, so the processor has NEON.
        unsafe { Neon(vfmaq_f32(plus.0, self.0, by.0), vfmaq_f32(plus.1, self.1, by.1)) }
    }

    #[inline(always)]
    fn relu(self) -> Self {
        // SAFETY: a value exists, so the processor has NEON. `vmaxq` returns NaN if either operand is NaN.
        unsafe {
            let zero = vdupq_n_f32(0.0);
            Neon(vmaxq_f32(self.0, zero), vmaxq_f32(self.1, zero))
        }
    }
}
