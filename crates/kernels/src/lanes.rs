//! Eight `f32` lanes: AVX2 with FMA, NEON, or plain arrays.
//!
//! The kernels are written once over [`Lanes`] and compiled once for each [`SimdKind`]; which of them
//! runs is decided when a network is loaded.
#![allow(unsafe_code)]

/// Lanes in a vector, whichever the machine.
pub const LANES: usize = 8;

/// Which vectors a kernel is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SimdKind {
    /// Arrays of eight numbers: every machine.
    Plain,
    /// 256-bit vectors with fused multiply-add: x86-64, where the processor has both.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Two 128-bit vectors: every arm64 processor.
    #[cfg(target_arch = "aarch64")]
    Neon,
}

impl SimdKind {
    /// The fastest kind of this machine.
    pub fn best() -> SimdKind {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma")
        {
            return SimdKind::Avx2;
        }
        #[cfg(target_arch = "aarch64")]
        if std::arch::is_aarch64_feature_detected!("neon") {
            return SimdKind::Neon;
        }
        SimdKind::Plain
    }

    /// Every kind that this machine can run, the plain one first.
    pub fn available() -> Vec<SimdKind> {
        match SimdKind::best() {
            SimdKind::Plain => vec![SimdKind::Plain],
            #[allow(unreachable_patterns)]
            best => vec![SimdKind::Plain, best],
        }
    }
}

/// Eight `f32` numbers that are worked on at once.
///
/// # Safety
/// A type implements this only if no value of it can be made without [`splat`](Lanes::splat) or
/// [`load`](Lanes::load): that a value exists then proves that the processor has its instructions,
/// and arithmetic on it needs no further promise.
pub unsafe trait Lanes: Copy {
    /// The same number in every lane.
    ///
    /// # Safety
    /// The processor has the instructions of this kind.
    unsafe fn splat(value: f32) -> Self;

    /// Eight numbers from memory, of any alignment.
    ///
    /// # Safety
    /// The processor has the instructions of this kind, and eight numbers can be read at `from`.
    unsafe fn load(from: *const f32) -> Self;

    /// Writes eight numbers to memory, of any alignment.
    ///
    /// # Safety
    /// Eight numbers can be written at `to`.
    unsafe fn store(self, to: *mut f32);

    /// Lane by lane `self + other`.
    fn add(self, other: Self) -> Self;

    /// Lane by lane `self - other`.
    fn sub(self, other: Self) -> Self;

    /// Lane by lane `self * by + plus`, rounded once where the machine can.
    fn mul_add(self, by: Self, plus: Self) -> Self;

    /// Lane by lane `self * by + plus`, with the same factor in every lane.
    #[inline(always)]
    fn scale_add(self, by: f32, plus: Self) -> Self {
        // SAFETY: a value exists, so its instructions do.
        self.mul_add(unsafe { Self::splat(by) }, plus)
    }

    /// Lane by lane zero where `self` is below zero, else `self`; NaN stays NaN.
    fn relu(self) -> Self;

    /// Asks for the cache line at `from`, which need not be readable memory.
    #[inline(always)]
    fn prefetch(from: *const f32) {
        let _ = from;
    }

    /// Rows become columns.
    fn transpose(rows: [Self; LANES]) -> [Self; LANES] {
        let mut from = [0f32; LANES * LANES];
        let mut to = [0f32; LANES * LANES];
        for (row, chunk) in rows.iter().zip(from.chunks_exact_mut(LANES)) {
            // SAFETY: the chunk has eight numbers.
            unsafe { row.store(chunk.as_mut_ptr()) }
        }
        for (i, row) in from.chunks_exact(LANES).enumerate() {
            for (j, value) in row.iter().enumerate() {
                to[j * LANES + i] = *value;
            }
        }
        let mut columns = rows;
        for (column, chunk) in columns.iter_mut().zip(to.chunks_exact(LANES)) {
            // SAFETY: the chunk has eight numbers; `rows` proves the instructions.
            *column = unsafe { Self::load(chunk.as_ptr()) };
        }
        columns
    }
}

/// Something to do with lanes of whichever kind.
///
/// All that it calls is `#[inline(always)]`: [`with_lanes`] compiles it once for each kind, with that
/// kind's instructions switched on.
pub trait SimdKernel {
    /// Does it.
    ///
    /// # Safety
    /// The processor has the instructions of `L`.
    unsafe fn run<L: Lanes>(self);
}

/// Does the work with lanes of this kind, or with plain ones if the processor lacks it.
pub fn with_lanes<W: SimdKernel>(kind: SimdKind, work: W) {
    match kind {
        #[cfg(target_arch = "x86_64")]
        SimdKind::Avx2
            if std::arch::is_x86_feature_detected!("avx2")
                && std::arch::is_x86_feature_detected!("fma") =>
        {
            // SAFETY: both were just detected.
            unsafe { with_avx2(work) }
        }
        #[cfg(target_arch = "aarch64")]
        SimdKind::Neon if std::arch::is_aarch64_feature_detected!("neon") => {
            // SAFETY: it was just detected.
            unsafe { with_neon(work) }
        }
        // SAFETY: plain lanes need no instruction that could be missing.
        _ => unsafe { work.run::<Plain>() },
    }
}

/// # Safety
/// The processor has AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn with_avx2<W: SimdKernel>(work: W) {
    // SAFETY: the caller's promise.
    unsafe { work.run::<Avx2>() }
}

/// # Safety
/// The processor has NEON.
#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon")]
unsafe fn with_neon<W: SimdKernel>(work: W) {
    // SAFETY: the caller's promise.
    unsafe { work.run::<Neon>() }
}

/// Plain arrays, which the compiler turns into whatever the machine has.
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

    // `f32::mul_add` calls into libm, a hundred times slower, where the target has no such
    // instruction.
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

#[cfg(target_arch = "x86_64")]
pub use avx2::Avx2;

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::{LANES, Lanes};
    use std::arch::x86_64::*;

    /// One 256-bit vector.
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
            // SAFETY: a value exists, so AVX2 does.
            Avx2(unsafe { _mm256_add_ps(self.0, other.0) })
        }

        #[inline(always)]
        fn sub(self, other: Self) -> Self {
            // SAFETY: a value exists, so AVX2 does.
            Avx2(unsafe { _mm256_sub_ps(self.0, other.0) })
        }

        #[inline(always)]
        fn mul_add(self, by: Self, plus: Self) -> Self {
            // SAFETY: a value exists, so AVX2 and FMA do.
            Avx2(unsafe { _mm256_fmadd_ps(self.0, by.0, plus.0) })
        }

        #[inline(always)]
        fn relu(self) -> Self {
            // The instruction answers its second operand when either is NaN, so the order matters.
            // SAFETY: a value exists, so AVX2 does.
            Avx2(unsafe { _mm256_max_ps(_mm256_setzero_ps(), self.0) })
        }

        #[inline(always)]
        fn prefetch(from: *const f32) {
            // SAFETY: a hint that reads nothing and never faults; SSE is part of x86-64.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) }
        }

        #[inline(always)]
        fn transpose(r: [Self; LANES]) -> [Self; LANES] {
            // SAFETY: values exist, so AVX2 does.
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
}

#[cfg(target_arch = "aarch64")]
pub use neon::Neon;

#[cfg(target_arch = "aarch64")]
mod neon {
    use super::Lanes;
    use std::arch::aarch64::*;

    /// Two 128-bit vectors.
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
            // SAFETY: a value exists, so NEON does.
            unsafe { Neon(vaddq_f32(self.0, other.0), vaddq_f32(self.1, other.1)) }
        }

        #[inline(always)]
        fn sub(self, other: Self) -> Self {
            // SAFETY: a value exists, so NEON does.
            unsafe { Neon(vsubq_f32(self.0, other.0), vsubq_f32(self.1, other.1)) }
        }

        #[inline(always)]
        fn mul_add(self, by: Self, plus: Self) -> Self {
            // SAFETY: a value exists, so NEON does.
            unsafe { Neon(vfmaq_f32(plus.0, self.0, by.0), vfmaq_f32(plus.1, self.1, by.1)) }
        }

        #[inline(always)]
        fn relu(self) -> Self {
            // SAFETY: a value exists, so NEON does. `vmaxq` answers NaN when either is.
            unsafe {
                let zero = vdupq_n_f32(0.0);
                Neon(vmaxq_f32(self.0, zero), vmaxq_f32(self.1, zero))
            }
        }
    }
}
