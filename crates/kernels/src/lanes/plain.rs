//! Arrays of eight numbers.

use super::{LANES, Lanes};

/// Plain arrays, for which the compiler uses the instructions of the machine.
#[derive(Clone, Copy)]
pub struct Plain([f32; LANES]);

// SAFETY: plain arithmetic needs no instruction that could be missing.
unsafe impl Lanes for Plain {
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Plain([value; LANES])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller promises eight readable numbers.
        Plain(unsafe { from.cast::<[f32; LANES]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller promises eight writable numbers.
        unsafe { to.cast::<[f32; LANES]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    fn add(mut self, other: Self) -> Self {
        for i in 0..LANES {
            self.0[i] += other.0[i];
        }
        self
    }

    #[inline(always)]
    fn sub(mut self, other: Self) -> Self {
        for i in 0..LANES {
            self.0[i] -= other.0[i];
        }
        self
    }

    // Where the target has no such instruction, `f32::mul_add` calls into libm, which is a hundred times slower.
    #[inline(always)]
    fn mul_add(mut self, by: Self, plus: Self) -> Self {
        for i in 0..LANES {
            self.0[i] = self.0[i] * by.0[i] + plus.0[i];
        }
        self
    }

    #[inline(always)]
    fn relu(mut self) -> Self {
        for value in &mut self.0 {
            *value = if *value < 0.0 { 0.0 } else { *value };
        }
        self
    }
}
