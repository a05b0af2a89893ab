//! Which vectors the machine has, and kernels that are compiled for each.
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
use crate::lanes::Avx2;
#[cfg(target_arch = "aarch64")]
use crate::lanes::Neon;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
use crate::lanes::Simd128;
use crate::lanes::{Plain, SimdKernel};

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
