//! Finds the vectors of the machine, and runs kernels that are compiled for each kind.
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
use crate::lanes::Avx2;
#[cfg(target_arch = "aarch64")]
use crate::lanes::Neon;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
use crate::lanes::Simd128;
use crate::lanes::{Plain, SimdKernel};

/// The kind of vector that a kernel is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SimdKind {
    /// Arrays of eight numbers, on every machine.
    Plain,
    /// Vectors of 256 bits with fused multiply-add, on x86-64 processors that have both.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Two vectors of 128 bits, on every arm64 processor.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// Two vectors of 128 bits, in WebAssembly that is compiled for them.
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    Simd128,
}

impl SimdKind {
    /// Returns the fastest kind of this machine.
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
        // A module states what it needs as a whole, and starts nowhere else. So nothing is asked at run time.
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        {
            SimdKind::Simd128
        }
        #[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
        {
            SimdKind::Plain
        }
    }

    /// Returns every kind that this machine can run, with the plain one first.
    pub fn available() -> Vec<SimdKind> {
        match SimdKind::best() {
            SimdKind::Plain => vec![SimdKind::Plain],
            #[allow(unreachable_patterns)]
            best => vec![SimdKind::Plain, best],
        }
    }
}

/// Runs the computation with lanes of this kind, or with plain ones if the processor lacks it.
pub fn with_lanes<W: SimdKernel>(kind: SimdKind, work: W) {
    match kind {
        #[cfg(target_arch = "x86_64")]
        SimdKind::Avx2
            if std::arch::is_x86_feature_detected!("avx2")
                && std::arch::is_x86_feature_detected!("fma") =>
        {
            // SAFETY: the processor was just found to have both.
            unsafe { with_avx2(work) }
        }
        #[cfg(target_arch = "aarch64")]
        SimdKind::Neon if std::arch::is_aarch64_feature_detected!("neon") => {
            // SAFETY: the processor was just found to have it.
            unsafe { with_neon(work) }
        }
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        // SAFETY: a module with these instructions starts only where they exist.
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
    // SAFETY: the caller promises it.
    unsafe { work.run::<Avx2>() }
}

/// # Safety
/// The processor has NEON.
#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon")]
unsafe fn with_neon<W: SimdKernel>(work: W) {
    // SAFETY: the caller promises it.
    unsafe { work.run::<Neon>() }
}
