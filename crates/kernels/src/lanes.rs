//! Eight `f32` lanes: AVX2 with FMA, NEON, SIMD128 of WebAssembly, or plain arrays.
//!
//! The kernels are written once over [`Lanes`] and compiled once for each of its kinds.
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

/// Lanes in a vector, whichever the machine.
pub const LANES: usize = 8;

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
/// All that it calls is `#[inline(always)]`: `simd::with_lanes` compiles it once for each kind, with that
/// kind's instructions switched on.
pub trait SimdKernel {
    /// Does it.
    ///
    /// # Safety
    /// The processor has the instructions of `L`.
    unsafe fn run<L: Lanes>(self);
}
