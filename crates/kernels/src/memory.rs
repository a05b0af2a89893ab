//! Memory of the kernels: aligned, grown once, and an error instead of an abort when there is none.
#![allow(unsafe_code)]

use std::fmt;

/// No memory for weights or scratch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory {
    /// How many bytes were asked for; `usize::MAX` if the count itself does not fit.
    pub bytes: usize,
}

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no memory for {} bytes of a convolution", self.bytes)
    }
}

impl std::error::Error for OutOfMemory {}

/// A cache line: a vector load at a multiple of eight numbers then never touches two.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; LINE]);

const LINE: usize = 16;

/// `f32` numbers that start at a cache line.
#[derive(Default)]
pub struct Buffer(Vec<Line>);

impl Buffer {
    /// At least `len` numbers, all zero.
    pub fn zeroed(len: usize) -> Result<Buffer, OutOfMemory> {
        let mut buffer = Buffer::default();
        buffer.grow_to(len)?;
        Ok(buffer)
    }

    /// Makes room for at least `len` numbers. What a larger buffer held is kept, so that a steady
    /// run neither allocates nor clears.
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

    /// How many bytes it holds.
    pub fn bytes(&self) -> usize {
        self.0.len() * size_of::<Line>()
    }

    /// The numbers.
    pub fn as_slice(&self) -> &[f32] {
        // SAFETY: a line is sixteen `f32` without padding (64 bytes, aligned to 64), and `Vec` has
        // them side by side, initialised.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), self.0.len() * LINE) }
    }

    /// The numbers, to write.
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

/// What one run of a kernel works in. One serves any number of kernels in turn.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Transformed windows of a block of tiles.
    pub windows: Buffer,
    /// Products of a block of tiles.
    pub products: Buffer,
    /// The input, channels last.
    pub input: Buffer,
    /// What is added before ReLU, channels last.
    pub residual: Buffer,
    /// The output, channels last.
    pub output: Buffer,
}

impl Scratch {
    /// How many bytes it holds.
    pub fn bytes(&self) -> usize {
        [&self.windows, &self.products, &self.input, &self.residual, &self.output]
            .map(Buffer::bytes)
            .iter()
            .sum()
    }
}

/// `a * b * ...`, or an error that says that no memory has room for so many numbers.
pub fn count(sizes: &[usize]) -> Result<usize, OutOfMemory> {
    sizes
        .iter()
        .try_fold(1usize, |product, size| product.checked_mul(*size))
        .filter(|product| *product <= isize::MAX as usize / size_of::<f32>())
        .ok_or(OutOfMemory { bytes: usize::MAX })
}

/// Whether `len` numbers are enough for `a * b * ...`.
pub fn fits_in(len: usize, sizes: &[usize]) -> bool {
    count(sizes).is_ok_and(|n| n <= len)
}
