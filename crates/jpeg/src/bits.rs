//! The bits of entropy-coded data.

use crate::error::{Error, Result};
use crate::planes::boxed;

/// The bytes that are unstuffed at a time.
const WINDOW: usize = 1 << 15;
/// More bytes than a block can take: 64 coefficients of 31 bits, and what one load reads ahead.
const BLOCK: usize = 64 * 31 / 8 + 16;

/// Reads the entropy-coded data of a scan, from the most significant bit of each byte on.
///
/// The data are first copied into a window, without the zero after each 0xFF. So a refill needs only one load of eight
/// bytes. Behind the end of the data there are enough zeros for a block. [`Bits::block`] then fails at the next one.
pub(crate) struct Bits<'a> {
    source: &'a [u8],
    /// The place where the source continues.
    next: usize,
    window: Box<[u8; WINDOW + BLOCK]>,
    /// The bytes of the window that are data.
    filled: usize,
    /// Whether a marker or the end of the source is at `next`.
    ended: bool,
    cursor: Cursor,
}

/// The place of the next bit in the window. A copy of this cursor stays in registers while a block is read.
#[derive(Clone, Copy)]
struct Cursor {
    /// The next bits, with the first one on top and zeros below.
    buffer: u64,
    /// The number of bits that are valid.
    count: u32,
    /// The byte of the window that is loaded next.
    at: usize,
}

/// The window and the cursor, which [`Bits::block`] lends.
pub(crate) struct Reader<'w> {
    window: &'w [u8; WINDOW + BLOCK],
    cursor: Cursor,
}

impl<'a> Bits<'a> {
    /// Starts at `next`, which is the first byte after a scan's header.
    pub(crate) fn new(source: &'a [u8], next: usize) -> Result<Self> {
        let window = boxed()?;
        let cursor = Cursor { buffer: 0, count: 0, at: 0 };
        Ok(Self { source, next, window, filled: 0, ended: false, cursor })
    }

    /// Reads a block.
    #[inline(always)]
    pub(crate) fn block<T>(
        &mut self,
        read: impl FnOnce(&mut Reader<'_>) -> Result<T>,
    ) -> Result<T> {
        self.ready()?;
        let mut reader = Reader { window: &self.window, cursor: self.cursor };
        let done = read(&mut reader);
        self.cursor = reader.cursor;
        match done {
            Ok(done) => Ok(done),
            // Zeros behind the end of the data may be no code.
            Err(error) => self.check().and(Err(error)),
        }
    }

    /// Makes sure that a whole block can be read. Fails if the last block read more than there was.
    #[inline]
    fn ready(&mut self) -> Result<()> {
        if self.cursor.at + BLOCK > self.filled { self.refill_window() } else { Ok(()) }
    }

    /// Fails if more was read than there was. Call it at the end of a scan, too.
    pub(crate) fn check(&self) -> Result<()> {
        let loaded = self.cursor.at * 8;
        if self.ended && loaded > self.filled * 8 + self.cursor.count as usize {
            Err(Error::truncated())
        } else {
            Ok(())
        }
    }

    /// Continues behind the restart marker with this number, 0 to 7.
    pub(crate) fn restart(&mut self, number: u8) -> Result<()> {
        self.check()?;
        self.skip_to_marker();
        match self.marker() {
            Some(marker) if marker == 0xD0 + number => {}
            Some(_) => return Err(Error::damaged("a restart marker is missing")),
            None => return Err(Error::truncated()),
        }
        (self.filled, self.ended) = (0, false);
        self.cursor = Cursor { buffer: 0, count: 0, at: 0 };
        Ok(())
    }

    /// Returns the place of the marker that ends the data, or the end of the source.
    pub(crate) fn end(mut self) -> Result<usize> {
        self.check()?;
        self.skip_to_marker();
        Ok(self.next)
    }

    /// Skips data that nobody asked for.
    fn skip_to_marker(&mut self) {
        while !self.ended {
            self.filled = 0;
            self.unstuff();
        }
    }

    /// Reads the marker at `next`, which may have fill bytes before it.
    fn marker(&mut self) -> Option<u8> {
        let rest = self.source.get(self.next..)?;
        let fill = rest.iter().position(|byte| *byte != 0xFF)?;
        self.next += fill + 1;
        rest.get(fill).copied()
    }

    #[cold]
    #[inline(never)]
    fn refill_window(&mut self) -> Result<()> {
        if self.ended {
            return self.check();
        }
        // The rest moves to the front. It is less than a block.
        let at = self.cursor.at.min(self.filled);
        self.window.copy_within(at..self.filled, 0);
        self.cursor.at -= at;
        self.filled -= at;
        self.unstuff();
        self.check()
    }

    /// Fills the window until it is full or the data end, and writes zeros behind them.
    fn unstuff(&mut self) {
        let mut filled = self.filled;
        while filled < WINDOW {
            if filled + 8 <= WINDOW
                && let Some(eight) = self.source.get(self.next..).and_then(|s| s.first_chunk::<8>())
                && !has_marker(u64::from_ne_bytes(*eight))
                && let Some(to) = self.window.get_mut(filled..filled + 8)
            {
                to.copy_from_slice(eight);
                filled += 8;
                self.next += 8;
                continue;
            }
            let Some(&byte) = self.source.get(self.next) else {
                self.ended = true;
                break;
            };
            if byte == 0xFF && self.source.get(self.next + 1) != Some(&0) {
                self.ended = true;
                break;
            }
            self.window[filled] = byte;
            filled += 1;
            self.next += if byte == 0xFF { 2 } else { 1 };
        }
        self.filled = filled;
        self.window[filled..filled + BLOCK].fill(0);
    }
}

/// Returns whether one of the eight bytes is 0xFF.
fn has_marker(word: u64) -> bool {
    let inverted = !word;
    inverted.wrapping_sub(0x0101_0101_0101_0101) & !inverted & 0x8080_8080_8080_8080 != 0
}

impl Reader<'_> {
    /// Afterwards there are at least 56 bits.
    #[inline(always)]
    pub(crate) fn refill(&mut self) {
        let cursor = &mut self.cursor;
        let word = self.window.get(cursor.at..).and_then(|rest| rest.first_chunk::<8>());
        // They are always there: see `BLOCK`.
        let word = word.map_or(0, |bytes| u64::from_be_bytes(*bytes));
        cursor.buffer |= word >> cursor.count;
        cursor.at += ((63 - cursor.count) >> 3) as usize;
        cursor.count |= 56;
    }

    /// Returns the next bits, 1 to 32 of them.
    #[inline(always)]
    pub(crate) fn peek(&self, count: u32) -> u32 {
        (self.cursor.buffer >> (64 - count)) as u32
    }

    #[inline(always)]
    pub(crate) fn skip(&mut self, count: u32) {
        self.cursor.buffer <<= count;
        self.cursor.count -= count;
    }

    /// The number of bits that are there without a refill.
    #[inline(always)]
    pub(crate) fn count(&self) -> u32 {
        self.cursor.count
    }

    /// Takes 0 to 16 bits as a number. They must be there.
    #[inline(always)]
    pub(crate) fn take(&mut self, count: u32) -> u32 {
        let value = (self.cursor.buffer >> 1 >> (63 - count)) as u32;
        self.skip(count);
        value
    }
}
