//! A file, from its header to its pixels.

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
    /// Reads the header of a file. Nothing is allocated that depends on the picture's size.
    pub fn new(bytes: &'a [u8]) -> Result<Self> {
        Ok(Self { header: Header::read(bytes)? })
    }

    /// Pixels across the whole picture.
    pub fn width(&self) -> usize {
        self.header.frame.width
    }

    /// Rows of the whole picture.
    pub fn height(&self) -> usize {
        self.header.frame.height
    }

    /// The Exif blocks, each beginning with its TIFF header, in the order of the file.
    pub fn exif(&self) -> impl Iterator<Item = &'a [u8]> {
        self.header.exif.iter().copied()
    }

    /// The pixels at a scale: gray for a file of one component, otherwise red, green and blue.
    pub fn decode(&self, scale: Scale) -> Result<Pixels> {
        let Header { bytes, frame, .. } = &self.header;
        // The first coefficient of a block takes a bit at least: a small file cannot ask for much memory.
        if frame.block_count() > 8 * bytes.len() {
            return Err(Error::truncated());
        }
        if frame.progressive {
            progressive::decode(&self.header, scale)
        } else {
            sequential::decode(&self.header, scale)
        }
    }
}
