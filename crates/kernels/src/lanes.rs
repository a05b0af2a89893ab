//! Eight lanes of `f32`: AVX2 with FMA, NEON, SIMD128 of WebAssembly, or plain arrays.
//!
//! The kernels are written once over [`Lanes`], and compiled once for each of its kinds.
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "aarch64")]
mod neon;
mod plain;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd128;

#[cfg(target_arch = "x86_64")]
pub use avx2::Avx2;
#[cfg(target_arch = "aarch64")]
pub use neon::Neon;
pub use plain::Plain;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub use simd128::Simd128;

/// The lanes in a vector on every machine.
pub const LANES: usize = 8;

/// Eight `f32` numbers that are computed at once.
///
/// # Safety
/// A type implements this only if all of its values come from [`splat`](Lanes::splat) or [`load`](Lanes::load). A value
/// thus proves that the processor has its instructions, and arithmetic on it needs no further promise.
pub unsafe trait Lanes: Copy {
    /// The rows that a matrix product sums at once in registers, at most [`ROWS`](crate::gemm::ROWS).
    const TILE_ROWS: usize = 6;

    /// The vectors of columns that it sums at once, 1 or 2.
    const TILE_VECTORS: usize = 2;

    /// Puts the same number into every lane.
    ///
    /// # Safety
    /// The processor has the instructions of this kind.
    unsafe fn splat(value: f32) -> Self;

    /// Reads eight numbers from memory, with any alignment.
    ///
    /// # Safety
    /// The processor has the instructions of this kind, and eight numbers can be read at `from`.
    unsafe fn load(from: *const f32) -> Self;

    /// Writes eight numbers to memory, with any alignment.
    ///
    /// # Safety
    /// Eight numbers can be written at `to`.
    unsafe fn store(self, to: *mut f32);

    /// Computes `self + other` in each lane.
    fn add(self, other: Self) -> Self;

    /// Computes `self - other` in each lane.
    fn sub(self, other: Self) -> Self;

    /// Computes `self * by + plus` in each lane. It is rounded once if the machine can do so.
    fn mul_add(self, by: Self, plus: Self) -> Self;

    /// Computes `self * by + plus` in each lane, with the same factor in all.
    #[inline(always)]
    fn scale_add(self, by: f32, plus: Self) -> Self {
        // SAFETY: a value exists, so the processor has its instructions.
        self.mul_add(unsafe { Self::splat(by) }, plus)
    }

    /// Returns zero in each lane where `self` is below zero, and else `self`. NaN stays NaN.
    fn relu(self) -> Self;

    /// Fetches the cache line at `from`, which need not be readable memory.
    #[inline(always)]
    fn prefetch(from: *const f32) {
        let _ = from;
    }

    /// Transposes: rows become columns.
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
            // SAFETY: the chunk has eight numbers, and `rows` proves the instructions.
            *column = unsafe { Self::load(chunk.as_ptr()) };
        }
        columns
    }
}

/// A computation with lanes of any kind.
///
/// All functions that it calls are `#[inline(always)]`. `simd::with_lanes` compiles it once for each kind, with the
/// instructions of that kind.
pub trait SimdKernel {
    /// Runs it.
    ///
    /// # Safety
    /// The processor has the instructions of `L`.
    unsafe fn run<L: Lanes>(self);
}
