//! The part of a file before the first scan.

use crate::color::Colors;
use crate::error::{Error, Result};
use crate::frame::Frame;
use crate::segments::Segments;
use crate::tables::Tables;

/// A file's header, and the bytes that it was read from.
pub(crate) struct Header<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) frame: Frame,
    pub(crate) tables: Tables,
    pub(crate) colors: Colors,
    /// The place of the first scan's marker.
    pub(crate) scan: usize,
    pub(crate) exif: Vec<&'a [u8]>,
}

/// The Exif blocks that are kept.
const MOST_EXIF: usize = 16;

impl<'a> Header<'a> {
    /// Reads the header of a file. It allocates nothing that depends on the picture's size.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self> {
        if !bytes.starts_with(&[0xFF, 0xD8]) {
            return Err(Error::damaged("there is no start-of-image marker"));
        }
        let mut segments = Segments { bytes, at: 2 };
        let mut tables = Tables::new();
        let (mut frame, mut exif) = (None, Vec::new());
        let (mut jfif, mut adobe) = (false, None);
        loop {
            let Some(segment) = segments.next_segment()? else {
                return Err(Error::damaged("there is no picture before the end-of-image marker"));
            };
            match segment.marker {
                0xC0..=0xC2 => {
                    if frame.is_some() {
                        return Err(Error::damaged("there are two frames"));
                    }
                    frame = Some(Frame::read(segment.data, segment.marker == 0xC2)?);
                }
                0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF | 0xF7 => {
                    return Err(Error::unsupported(other_process(segment.marker)));
                }
                0xE0 if segment.data.starts_with(b"JFIF\0") => jfif = true,
                0xE1 => {
                    // The second byte of padding is not always a zero.
                    let block = segment.data.strip_prefix(b"Exif\0").and_then(|rest| rest.get(1..));
                    // Cameras write one or two. A file of nothing else would become a list of gigabytes.
                    exif.extend(block.filter(|_| exif.len() < MOST_EXIF));
                }
                0xEE if segment.data.starts_with(b"Adobe") => {
                    adobe = segment.data.get(11).copied().or(adobe);
                }
                0xDA => {
                    let frame =
                        frame.ok_or(Error::damaged("a scan comes before the frame's header"))?;
                    let colors = colors(&frame, jfif, adobe);
                    return Ok(Self {
                        bytes,
                        frame,
                        tables,
                        colors,
                        scan: segment.start - 2,
                        exif,
                    });
                }
                _ => tables.read(&segment)?,
            }
        }
    }
}

fn other_process(marker: u8) -> &'static str {
    match marker {
        0xC3 | 0xF7 => "lossless JPEG is not supported",
        0xC9..=0xCB => "arithmetic-coded JPEG is not supported",
        _ => "hierarchical JPEG is not supported",
    }
}

/// These are the rules of libjpeg for the meaning of components.
fn colors(frame: &Frame, jfif: bool, adobe: Option<u8>) -> Colors {
    let ids = || frame.components.iter().map(|component| component.id);
    match (frame.components.len(), adobe) {
        (1, _) => Colors::Gray,
        (4, None | Some(0)) => Colors::Cmyk,
        (4, Some(_)) => Colors::Ycck,
        _ if jfif => Colors::YCbCr,
        (_, Some(0)) => Colors::Rgb,
        (_, Some(_)) => Colors::YCbCr,
        (_, None) if ids().eq(*b"RGB") => Colors::Rgb,
        (_, None) => Colors::YCbCr,
    }
}
