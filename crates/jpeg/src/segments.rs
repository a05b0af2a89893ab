//! The segments of a file, one after another.

use crate::error::{Error, Result};

/// A marker and its data.
pub(crate) struct Segment<'a> {
    pub(crate) marker: u8,
    /// The data without the length.
    pub(crate) data: &'a [u8],
    /// The place of the length.
    pub(crate) start: usize,
}

/// The segments from a place on.
pub(crate) struct Segments<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) at: usize,
}

impl<'a> Segments<'a> {
    /// Returns the next segment, and skips bytes that are none. It is `None` at the end-of-image marker. If the bytes
    /// end, it is [`Error::truncated`].
    pub(crate) fn next_segment(&mut self) -> Result<Option<Segment<'a>>> {
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let found =
                rest.windows(2).position(|two| two[0] == 0xFF && !matches!(two[1], 0 | 0xFF));
            let skipped = found.ok_or_else(Error::truncated)?;
            let marker = rest[skipped + 1];
            self.at += skipped + 2;
            match marker {
                0xD9 => return Ok(None),
                0x01 | 0xD0..=0xD8 => {}
                _ => {
                    let start = self.at;
                    let length = self.bytes.get(start..start + 2).ok_or_else(Error::truncated)?;
                    let length = usize::from(length[0]) << 8 | usize::from(length[1]);
                    if length < 2 {
                        return Err(Error::damaged("a segment is shorter than its length"));
                    }
                    self.at += length;
                    let data = self.bytes.get(start + 2..self.at).ok_or_else(Error::truncated)?;
                    return Ok(Some(Segment { marker, data, start }));
                }
            }
        }
    }
}
