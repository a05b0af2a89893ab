//! A scan's header, and the tables that it needs.

use crate::error::{Error, Result};
use crate::frame::Frame;
use crate::header::{Segment, Tables};
use crate::huffman::{Listed, Table};

/// What a scan's header says.
pub(crate) struct Scan {
    /// Index of the component, with the numbers of its DC and AC tables.
    pub(crate) parts: Vec<(usize, usize, usize)>,
    /// The first and the last coefficient, by zigzag position.
    pub(crate) first: usize,
    pub(crate) last: usize,
    /// The bit that earlier scans ended with (0: there was none), and the one that this ends with.
    pub(crate) high: u32,
    pub(crate) low: u32,
}

impl Scan {
    pub(crate) fn read(segment: &Segment<'_>, frame: &Frame) -> Result<Self> {
        let short = Error::damaged("a scan's header is cut short");
        let (&count, rest) = segment.data.split_first().ok_or(short.clone())?;
        let count = usize::from(count);
        if count == 0 || count > frame.components.len() {
            return Err(Error::damaged("a scan has more components than the frame"));
        }
        let mut parts = Vec::with_capacity(4);
        for part in rest.chunks_exact(2).take(count) {
            let index = frame.components.iter().position(|component| component.id == part[0]);
            let index =
                index.ok_or(Error::damaged("a scan has a component that the frame has not"))?;
            if parts.iter().any(|(other, _, _)| *other == index) {
                return Err(Error::damaged("a scan has a component twice"));
            }
            parts.push((index, usize::from(part[1] >> 4), usize::from(part[1] & 15)));
        }
        let Some(&[first, last, bits]) = rest.get(2 * count..2 * count + 3) else {
            return Err(short);
        };
        let units = parts.iter().map(|(index, _, _)| &frame.components[*index]);
        if count > 1 && units.map(|part| part.across * part.down).sum::<usize>() > 10 {
            return Err(Error::damaged("a scan has more than ten blocks a unit"));
        }
        let (first, last) = (usize::from(first), usize::from(last));
        let (high, low) = (u32::from(bits >> 4), u32::from(bits & 15));
        Ok(Self { parts, first, last, high, low })
    }
}

/// The table of this number, ready to read with.
pub(crate) fn table(tables: &[Option<Listed>; 4], number: usize) -> Result<Table> {
    let listed = tables.get(number).and_then(Option::as_ref);
    Table::new(listed.ok_or(Error::damaged("a scan needs a Huffman table that is not there"))?)
}

/// The quantisation table of this number.
pub(crate) fn quantisation(tables: &Tables, number: usize) -> Result<&[u16; 64]> {
    let table = tables.quantisation.get(number).and_then(Option::as_ref);
    table.ok_or(Error::damaged("a component's quantisation table is not there"))
}
