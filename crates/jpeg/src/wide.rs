//! Runs code that is compiled twice: for every processor of its kind, and for those with AVX2.

/// Runs `work`, with AVX2 where the processor has it. The compiler makes a copy for AVX2 only of what is inlined into
/// `work`, so every function that it calls needs `#[inline(always)]`.
#[inline(always)]
pub(crate) fn widest<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    {
        use fearless_simd::Simd;
        if let Some(avx2) = fearless_simd::Level::new().as_avx2() {
            return avx2.vectorize(work);
        }
    }
    work()
}
