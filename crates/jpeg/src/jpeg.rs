//! Decodes a file, from its header to its pixels.

use crate::error::{Error, Result};
use crate::frame::Scale;
use crate::header::Header;
use crate::pixels::Pixels;
use crate::{progressive, sequential};

/// A JPEG whose header has been read.
pub struct Jpeg<'a> {
    header: Header<'a>,
}

impl<'a> Jpeg<'a> {
    /// Reads the header of a file. It allocates nothing that depends on the picture's size.
    pub fn new(bytes: &'a [u8]) -> Result<Self> {
        Ok(Self { header: Header::read(bytes)? })
    }

    /// Returns the pixels across the whole picture.
    pub fn width(&self) -> usize {
        self.header.frame.width
    }

    /// Returns the rows of the whole picture.
    pub fn height(&self) -> usize {
        self.header.frame.height
    }

    /// Returns the Exif blocks in the order of the file. Each begins with its TIFF header.
    pub fn exif(&self) -> impl Iterator<Item = &'a [u8]> {
        self.header.exif.iter().copied()
    }

    /// Returns the pixels at a scale. They are gray for a file with one component, and red, green and blue otherwise.
    pub fn decode(&self, scale: Scale) -> Result<Pixels> {
        let Header { bytes, frame, .. } = &self.header;
        // The first coefficient of a block takes at least one bit, so a small file cannot ask for much memory.
        if frame.block_count() > bytes.len().saturating_mul(8) {
            return Err(Error::truncated());
        }
        if frame.progressive {
            progressive::decode(&self.header, scale)
        } else {
            sequential::decode(&self.header, scale)
        }
    }
}
