//! The memory of the kernels. It is aligned, grows once, and fails with an error instead of ending the process.
#![allow(unsafe_code)]

use std::fmt;

/// There is no memory for weights or scratch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory {
    /// The number of bytes that were asked for. It is `usize::MAX` if the number itself does not fit.
    pub bytes: usize,
}

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no memory for {} bytes of a convolution", self.bytes)
    }
}

impl std::error::Error for OutOfMemory {}

/// A cache line. A vector load at a multiple of eight numbers then never touches two of them.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; LINE]);

const LINE: usize = 16;

/// Numbers of type `f32` that start at a cache line.
#[derive(Default)]
pub struct Buffer(Vec<Line>);

impl Buffer {
    /// Makes at least `len` numbers, all zero.
    pub fn zeroed(len: usize) -> Result<Buffer, OutOfMemory> {
        let mut buffer = Buffer::default();
        buffer.grow_to(len)?;
        Ok(buffer)
    }

    /// Makes room for at least `len` numbers. Numbers that a larger buffer held are kept, so that a steady run neither
    /// allocates nor clears.
    pub fn grow_to(&mut self, len: usize) -> Result<&mut [f32], OutOfMemory> {
        let lines = len.div_ceil(LINE);
        if lines > self.0.len() {
            self.0
                .try_reserve_exact(lines - self.0.len())
                .map_err(|_| OutOfMemory { bytes: len.saturating_mul(size_of::<f32>()) })?;
            self.0.resize(lines, Line([0.0; LINE]));
        }
        Ok(&mut self.as_mut_slice()[..len])
    }

    /// Returns how many bytes it holds.
    pub fn bytes(&self) -> usize {
        self.0.len() * size_of::<Line>()
    }

    /// Returns the numbers.
    pub fn as_slice(&self) -> &[f32] {
        // SAFETY: a line is sixteen `f32` without padding (64 bytes, aligned to 64), and `Vec` has initialised lines
        // side by side.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), self.0.len() * LINE) }
    }

    /// Returns the numbers for writing.
    pub fn as_mut_slice(&mut self) -> &mut [f32] {
        // SAFETY: as for `as_slice`, and the borrow is unique.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), self.0.len() * LINE) }
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} bytes)", self.bytes())
    }
}

/// The working memory of one run of a kernel. One can serve any number of kernels in turn.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The transformed windows of a block of tiles.
    pub windows: Buffer,
    /// The products of a block of tiles.
    pub products: Buffer,
    /// The input, with channels last.
    pub input: Buffer,
    /// The residual that is added before the ReLU, with channels last.
    pub residual: Buffer,
    /// The output, with channels last.
    pub output: Buffer,
}

impl Scratch {
    /// Returns how many bytes it holds.
    pub fn bytes(&self) -> usize {
        [&self.windows, &self.products, &self.input, &self.residual, &self.output]
            .map(Buffer::bytes)
            .iter()
            .sum()
    }
}

/// Returns `a * b * ...`, or an error that no memory has room for so many numbers.
pub fn count(sizes: &[usize]) -> Result<usize, OutOfMemory> {
    sizes
        .iter()
        .try_fold(1usize, |product, size| product.checked_mul(*size))
        .filter(|product| *product <= isize::MAX as usize / size_of::<f32>())
        .ok_or(OutOfMemory { bytes: usize::MAX })
}

/// Returns whether `len` numbers are enough for `a * b * ...`.
pub fn fits_in(len: usize, sizes: &[usize]) -> bool {
    count(sizes).is_ok_and(|n| n <= len)
}
