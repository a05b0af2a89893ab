//! The segments of a file, up to each scan.

use crate::error::{Error, Result};
use crate::frame::{Frame, Scale};
use crate::huffman::Listed;
use crate::pixels::Pixels;
use crate::{progressive, sequential};

/// How the components of a picture are to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colors {
    Gray,
    Rgb,
    YCbCr,
    /// Inverted, as everyone stores it.
    Cmyk,
    Ycck,
}

/// Tables as they stand, which segments between scans may change.
#[derive(Clone)]
pub(crate) struct Tables {
    /// By zigzag position.
    pub(crate) quantisation: [Option<[u16; 64]>; 4],
    pub(crate) dc: [Option<Listed>; 4],
    pub(crate) ac: [Option<Listed>; 4],
    /// Units between restart markers, 0 for none.
    pub(crate) restart: usize,
}

/// A JPEG whose header has been read.
pub struct Jpeg<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) frame: Frame,
    pub(crate) tables: Tables,
    pub(crate) colors: Colors,
    /// Where the first scan's header begins, behind its marker.
    pub(crate) scan: usize,
    exif: Vec<&'a [u8]>,
}

impl<'a> Jpeg<'a> {
    /// Reads the header of a file. Nothing is allocated that depends on the picture's size.
    pub fn new(bytes: &'a [u8]) -> Result<Self> {
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
                    exif.extend(block);
                }
                0xEE if segment.data.starts_with(b"Adobe") => {
                    adobe = segment.data.get(11).copied().or(adobe);
                }
                0xDA => {
                    let frame =
                        frame.ok_or(Error::damaged("a scan comes before the frame's header"))?;
                    let colors = colors(&frame, jfif, adobe);
                    return Ok(Self { bytes, frame, tables, colors, scan: segment.start, exif });
                }
                _ => tables.read(&segment)?,
            }
        }
    }

    /// Pixels across the whole picture.
    pub fn width(&self) -> usize {
        self.frame.width
    }

    /// Rows of the whole picture.
    pub fn height(&self) -> usize {
        self.frame.height
    }

    /// The Exif blocks, each beginning with its TIFF header, in the order of the file.
    pub fn exif(&self) -> impl Iterator<Item = &'a [u8]> {
        self.exif.iter().copied()
    }

    /// The pixels at a scale: gray for a file of one component, otherwise red, green and blue.
    pub fn decode(&self, scale: Scale) -> Result<Pixels> {
        // The first coefficient of a block takes a bit at least: a small file cannot ask for much memory.
        if self.frame.block_count() > 8 * self.bytes.len() {
            return Err(Error::truncated());
        }
        if self.frame.progressive {
            progressive::decode(self, scale)
        } else {
            sequential::decode(self, scale)
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

/// What libjpeg takes components for.
fn colors(frame: &Frame, jfif: bool, adobe: Option<u8>) -> Colors {
    let ids = || frame.components.iter().map(|component| component.id);
    match (frame.components.len(), adobe) {
        (1, _) => Colors::Gray,
        (4, Some(2)) => Colors::Ycck,
        (4, _) => Colors::Cmyk,
        _ if jfif => Colors::YCbCr,
        (_, Some(0)) => Colors::Rgb,
        (_, Some(_)) => Colors::YCbCr,
        (_, None) if ids().eq(*b"RGB") => Colors::Rgb,
        (_, None) => Colors::YCbCr,
    }
}

impl Tables {
    /// Before any segment: no quantisation, and the Huffman tables that a file may leave out.
    fn new() -> Self {
        let standard =
            |ac| [Some(Listed::standard(ac, false)), Some(Listed::standard(ac, true)), None, None];
        Self { quantisation: [None; 4], dc: standard(false), ac: standard(true), restart: 0 }
    }

    /// Takes over what a segment between scans says.
    pub(crate) fn read(&mut self, segment: &Segment<'_>) -> Result<()> {
        match segment.marker {
            0xC4 => self.read_huffman(segment.data),
            0xDB => self.read_quantisation(segment.data),
            0xDD => {
                let interval = segment.data.first_chunk::<2>();
                let interval =
                    interval.ok_or(Error::damaged("the restart interval is cut short"))?;
                self.restart = u16::from_be_bytes(*interval).into();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn read_huffman(&mut self, mut data: &[u8]) -> Result<()> {
        while let [number, rest @ ..] = data {
            let (listed, length) = Listed::read(rest)?;
            let tables = if number >> 4 == 0 { &mut self.dc } else { &mut self.ac };
            let place = tables.get_mut(usize::from(number & 15)).filter(|_| number >> 4 < 2);
            *place.ok_or(Error::damaged("a Huffman table has a number that cannot be"))? =
                Some(listed);
            data = &rest[length..];
        }
        Ok(())
    }

    fn read_quantisation(&mut self, mut data: &[u8]) -> Result<()> {
        while let [number, rest @ ..] = data {
            let width = match number >> 4 {
                0 => 1,
                1 => 2,
                _ => return Err(Error::damaged("a quantisation table has no sensible precision")),
            };
            let short = Error::damaged("a quantisation table is cut short");
            let values = rest.get(..64 * width).ok_or(short)?;
            let mut table = [0; 64];
            for (to, from) in table.iter_mut().zip(values.chunks_exact(width)) {
                *to = from.iter().fold(0, |value, byte| value << 8 | u16::from(*byte));
            }
            let place = self.quantisation.get_mut(usize::from(number & 15));
            *place.ok_or(Error::damaged("a quantisation table has a number that cannot be"))? =
                Some(table);
            data = &rest[64 * width..];
        }
        Ok(())
    }
}

/// A marker with what belongs to it.
pub(crate) struct Segment<'a> {
    pub(crate) marker: u8,
    /// Without the length.
    pub(crate) data: &'a [u8],
    /// Where the length stands.
    pub(crate) start: usize,
}

/// The segments from a place on.
pub(crate) struct Segments<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) at: usize,
}

impl<'a> Segments<'a> {
    /// The next segment, passing over what is none. `None` at the end-of-image marker, [`Error::truncated`] where the bytes end.
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
