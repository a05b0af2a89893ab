//! The tables for reading and weighing blocks.

use crate::error::{Error, Result};
use crate::huffman::{Listed, Table};
use crate::segments::Segment;

/// The current tables, which segments between scans may change.
#[derive(Clone)]
pub(crate) struct Tables {
    /// The table in zigzag order.
    quantisation: [Option<[u16; 64]>; 4],
    dc: [Option<Listed>; 4],
    ac: [Option<Listed>; 4],
    /// The units between restart markers. 0 means that there are none.
    pub(crate) restart: usize,
}

impl Tables {
    /// The tables before any segment: no quantisation, and the Huffman tables that a file may leave out.
    pub(crate) fn new() -> Self {
        let standard =
            |ac| [Some(Listed::standard(ac, false)), Some(Listed::standard(ac, true)), None, None];
        Self { quantisation: [None; 4], dc: standard(false), ac: standard(true), restart: 0 }
    }

    /// Applies a segment between scans.
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
            *place.ok_or(Error::damaged("a Huffman table has an impossible number"))? =
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
                _ => {
                    return Err(Error::damaged("a quantisation table has an impossible precision"));
                }
            };
            let short = Error::damaged("a quantisation table is cut short");
            let values = rest.get(..64 * width).ok_or(short)?;
            let mut table = [0; 64];
            for (to, from) in table.iter_mut().zip(values.chunks_exact(width)) {
                *to = from.iter().fold(0, |value, byte| value << 8 | u16::from(*byte));
            }
            let place = self.quantisation.get_mut(usize::from(number & 15));
            *place.ok_or(Error::damaged("a quantisation table has an impossible number"))? =
                Some(table);
            data = &rest[64 * width..];
        }
        Ok(())
    }

    /// Returns the Huffman table with this number for first coefficients, in its reading form.
    pub(crate) fn dc(&self, number: usize) -> Result<Table> {
        ready(&self.dc, number)
    }

    /// Returns the one for the other coefficients.
    pub(crate) fn ac(&self, number: usize) -> Result<Table> {
        ready(&self.ac, number)
    }

    /// Returns the quantisation table with this number.
    pub(crate) fn quantisation(&self, number: usize) -> Result<&[u16; 64]> {
        let table = self.quantisation.get(number).and_then(Option::as_ref);
        table.ok_or(Error::damaged("a component's quantisation table is missing"))
    }
}

fn ready(tables: &[Option<Listed>; 4], number: usize) -> Result<Table> {
    let listed = tables.get(number).and_then(Option::as_ref);
    Table::new(listed.ok_or(Error::damaged("a scan needs a Huffman table that is missing"))?)
}
