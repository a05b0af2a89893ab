//! Eight `f32` lanes: AVX2 with FMA, NEON, SIMD128 of WebAssembly, or plain arrays.
//!
//! The kernels are written once over [`Lanes`] and compiled once for each [`SimdKind`]; which of them
//! runs is decided when a network is loaded.
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd128;

#[cfg(target_arch = "x86_64")]
pub use avx2::Avx2;
#[cfg(target_arch = "aarch64")]
pub use neon::Neon;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub use simd128::Simd128;

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
    /// Two 128-bit vectors: WebAssembly that is compiled for them.
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    Simd128,
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
        // A module says what it needs as a whole, and does not start elsewhere: nothing is asked at run time.
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        {
            SimdKind::Simd128
        }
        #[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
        {
            SimdKind::Plain
        }
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
    /// Rows that a matrix product sums at once in registers, at most [`ROWS`](crate::gemm::ROWS).
    const TILE_ROWS: usize = 6;

    /// Vectors of columns that it sums at once, 1 or 2.
    const TILE_VECTORS: usize = 2;

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
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        // SAFETY: a module with these instructions starts only where they are.
        SimdKind::Simd128 => unsafe { work.run::<Simd128>() },
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
