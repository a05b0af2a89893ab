//! The scans of a file: their headers, their units, and the restart markers between the units.

use crate::bits::Bits;
use crate::error::{Error, Result};
use crate::frame::{Component, Frame};
use crate::header::Header;
use crate::segments::{Segment, Segments};
use crate::tables::Tables;

/// The contents of a scan's header.
pub(crate) struct Scan {
    /// The index of each component, with the numbers of its DC and AC tables.
    pub(crate) parts: Vec<(usize, usize, usize)>,
    /// The first and the last coefficient in zigzag order.
    pub(crate) first: usize,
    pub(crate) last: usize,
    /// The bit at which earlier scans ended (0 means that there was none), and the bit at which this one ends.
    pub(crate) high: u32,
    pub(crate) low: u32,
}

impl Scan {
    fn read(segment: &Segment<'_>, frame: &Frame) -> Result<Self> {
        let short = Error::damaged("a scan's header is cut short");
        let (&count, rest) = segment.data.split_first().ok_or(short.clone())?;
        let count = usize::from(count);
        if count == 0 || count > frame.components.len() {
            return Err(Error::damaged("a scan has more components than the frame"));
        }
        let mut parts = Vec::with_capacity(4);
        for part in rest.chunks_exact(2).take(count) {
            let index = frame.components.iter().position(|component| component.id == part[0]);
            let index = index
                .ok_or(Error::damaged("a scan names a component that the frame does not have"))?;
            if parts.iter().any(|(other, _, _)| *other == index) {
                return Err(Error::damaged("a scan names a component twice"));
            }
            parts.push((index, usize::from(part[1] >> 4), usize::from(part[1] & 15)));
        }
        let Some(&[first, last, bits]) = rest.get(2 * count..2 * count + 3) else {
            return Err(short);
        };
        let units = parts.iter().map(|(index, _, _)| &frame.components[*index]);
        if count > 1 && units.map(|part| part.across * part.down).sum::<usize>() > 10 {
            return Err(Error::damaged("a scan has more than ten blocks in one unit"));
        }
        let (first, last) = (usize::from(first), usize::from(last));
        let (high, low) = (u32::from(bits >> 4), u32::from(bits & 15));
        Ok(Self { parts, first, last, high, low })
    }

    /// Returns whether the scan has only one component. Its units are then single blocks, and only those in the
    /// picture.
    fn is_alone(&self) -> bool {
        self.parts.len() == 1
    }

    /// Returns the units in a row, and the rows of units.
    pub(crate) fn units(&self, frame: &Frame) -> (usize, usize) {
        match self.parts[..] {
            [(index, _, _)] => frame.blocks(&frame.components[index]),
            _ => frame.units(),
        }
    }

    /// Returns the blocks of a component in a unit, across and down.
    pub(crate) fn blocks(&self, component: &Component) -> (usize, usize) {
        if self.is_alone() { (1, 1) } else { (component.across, component.down) }
    }
}

/// The scans of a file, each with the tables that are current before it.
pub(crate) struct Scans<'a> {
    segments: Segments<'a>,
    pub(crate) tables: Tables,
}

impl<'a> Scans<'a> {
    pub(crate) fn new(header: &Header<'a>) -> Self {
        let segments = Segments { bytes: header.bytes, at: header.scan };
        Self { segments, tables: header.tables.clone() }
    }

    /// Returns the next scan's header. It is `None` at the end of the image. If all blocks have come, the end marker
    /// may be missing.
    pub(crate) fn next_scan(&mut self, frame: &Frame, all_there: bool) -> Result<Option<Scan>> {
        loop {
            let segment = match self.segments.next_segment() {
                Ok(Some(segment)) => segment,
                Ok(None) => return Ok(None),
                Err(_) if all_there => return Ok(None),
                Err(error) => return Err(error),
            };
            match segment.marker {
                0xDA => return Scan::read(&segment, frame).map(Some),
                0xC0..=0xCF if segment.marker != 0xC4 => {
                    return Err(Error::damaged("there are two frames"));
                }
                _ => self.tables.read(&segment)?,
            }
        }
    }

    /// Returns the data of the scan whose header was read last.
    pub(crate) fn bits(&self) -> Result<Bits<'a>> {
        Bits::new(self.segments.bytes, self.segments.at)
    }

    /// Continues behind those data.
    pub(crate) fn pass(&mut self, bits: Bits<'_>) -> Result<()> {
        self.segments.at = bits.end()?;
        Ok(())
    }
}

/// Counts the units between restart markers.
pub(crate) struct Restarts {
    interval: usize,
    left: usize,
    number: u8,
}

impl Restarts {
    pub(crate) fn new(interval: usize) -> Self {
        Self { interval, left: interval, number: 0 }
    }

    /// Call it before each unit. It skips a restart marker where one is due, and returns whether it did.
    #[inline]
    pub(crate) fn due(&mut self, bits: &mut Bits<'_>) -> Result<bool> {
        if self.interval == 0 {
            return Ok(false);
        }
        if self.left > 0 {
            self.left -= 1;
            return Ok(false);
        }
        bits.restart(self.number)?;
        self.number = (self.number + 1) % 8;
        self.left = self.interval - 1;
        Ok(true)
    }
}
