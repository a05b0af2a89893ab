//! Baseline and extended JPEG, whose blocks each come whole.

use crate::bits::{Bits, Reader};
use crate::error::{Error, Result};
use crate::frame::{Frame, Scale};
use crate::header::{Jpeg, Segments, Tables};
use crate::huffman::Table;
use crate::idct::{Seen, Sums, Weights};
use crate::pixels::{Picture, Pixels};
use crate::planes::Plane;
use crate::scan::{Scan, quantisation, table};

/// Decodes all scans.
///
/// Where the first scan has all components, no more than two rows of units are kept. Otherwise the planes are kept whole until
/// the last component has come.
pub(crate) fn decode(jpeg: &Jpeg<'_>, scale: Scale) -> Result<Pixels> {
    let frame = &jpeg.frame;
    let mut tables = jpeg.tables.clone();
    // Back to the first scan's marker.
    let mut segments = Segments { bytes: jpeg.bytes, at: jpeg.scan - 2 };
    let mut picture = Picture::new(jpeg, scale)?;
    let mut missing: Vec<usize> = (0..frame.components.len()).collect();
    let mut whole: Option<Vec<Plane>> = None;
    let unit_rows = frame.units().1;
    while !missing.is_empty() {
        let Some(segment) = segments.next_segment()? else {
            return Err(Error::truncated());
        };
        match segment.marker {
            0xDA => {}
            0xC0..=0xCF if segment.marker != 0xC4 => {
                return Err(Error::damaged("there are two frames"));
            }
            _ => {
                tables.read(&segment)?;
                continue;
            }
        }
        let scan = Scan::read(&segment, frame)?;
        if scan.parts.iter().any(|(index, _, _)| !missing.contains(index)) {
            return Err(Error::damaged("a component has two scans"));
        }
        missing.retain(|index| scan.parts.iter().all(|(done, _, _)| done != index));
        let mut bits = Bits::new(jpeg.bytes, segments.at);
        if scan.parts.len() == frame.components.len() {
            let mut planes = Plane::all(frame, scale, unit_rows.min(2))?;
            decode_scan(&scan, frame, &tables, &mut bits, &mut planes, |planes, row| {
                picture.advance(planes, (row + 1) * frame.down * scale.side());
            })?;
            return Ok(picture.finish());
        }
        let planes = match &mut whole {
            Some(planes) => planes,
            None => whole.insert(Plane::all(frame, scale, unit_rows)?),
        };
        decode_scan(&scan, frame, &tables, &mut bits, planes, |_, _| {})?;
        segments.at = bits.end()?;
    }
    picture.advance(&whole.unwrap_or_default(), usize::MAX);
    Ok(picture.finish())
}

/// What a scan knows of one of its components.
struct Part {
    index: usize,
    /// Blocks in a unit.
    across: usize,
    down: usize,
    /// Which of the tables are its.
    dc: usize,
    ac: usize,
    weights: Weights,
    /// Where the rows of blocks in a row of units begin in the plane.
    starts: [usize; 4],
    /// The value that the next difference counts from.
    last: i32,
}

/// Decodes a scan. `done` hears of each row of units.
fn decode_scan(
    scan: &Scan,
    frame: &Frame,
    tables: &Tables,
    bits: &mut Bits<'_>,
    planes: &mut [Plane],
    mut done: impl FnMut(&[Plane], usize),
) -> Result<()> {
    let mut readers = Vec::with_capacity(8);
    let mut numbers = Vec::with_capacity(8);
    let mut reader = |ac: bool, number: usize| -> Result<usize> {
        if let Some(at) = numbers.iter().position(|known| *known == (ac, number)) {
            return Ok(at);
        }
        readers.push(table(if ac { &tables.ac } else { &tables.dc }, number)?);
        numbers.push((ac, number));
        Ok(numbers.len() - 1)
    };
    let alone = scan.parts.len() == 1;
    let mut parts = Vec::with_capacity(4);
    for &(index, dc, ac) in &scan.parts {
        let component = &frame.components[index];
        let (across, down) = if alone { (1, 1) } else { (component.across, component.down) };
        let weights =
            Weights::new(quantisation(tables, component.quantisation)?, planes[index].side);
        let (dc, ac) = (reader(false, dc)?, reader(true, ac)?);
        parts.push(Part { index, across, down, dc, ac, weights, starts: [0; 4], last: 0 });
    }
    let (across, down) =
        if alone { frame.blocks(&frame.components[parts[0].index]) } else { frame.units() };
    let mut restarts = Restarts::new(tables.restart);
    let mut sums = Sums::new();
    for row in 0..down {
        for part in &mut parts {
            for (y, start) in part.starts.iter_mut().enumerate().take(part.down) {
                *start = planes[part.index].start(row * part.down + y);
            }
        }
        for column in 0..across {
            if restarts.due(bits)? {
                parts.iter_mut().for_each(|part| part.last = 0);
            }
            for part in &mut parts {
                let (dc, ac) = (&readers[part.dc], &readers[part.ac]);
                let plane = &mut planes[part.index];
                for y in 0..part.down {
                    for x in 0..part.across {
                        bits.ready()?;
                        let mut reader = bits.reader();
                        let read =
                            read_block(&mut reader, dc, ac, part.last, &part.weights, &mut sums);
                        let cursor = reader.cursor();
                        bits.put(cursor);
                        let (seen, last) = match read {
                            Ok(read) => read,
                            // Zeros behind the end may be no code.
                            Err(error) => return bits.check().and(Err(error)),
                        };
                        part.last = last;
                        let (out, stride) = plane.block(column * part.across + x, part.starts[y]);
                        part.weights.finish(&sums, seen, out, stride);
                    }
                }
            }
        }
        bits.check()?;
        done(planes, row);
    }
    Ok(())
}

/// Reads a block. Tells which sums it has, and its first coefficient.
#[inline(always)]
fn read_block(
    reader: &mut Reader<'_>,
    dc: &Table,
    ac: &Table,
    last: i32,
    weights: &Weights,
    sums: &mut Sums,
) -> Result<(Seen, i32)> {
    weights.start(sums);
    reader.refill();
    let entry = dc.next(reader)?;
    if entry.run() != 0 {
        return Err(Error::damaged("a difference has more than 15 bits"));
    }
    // A sum of differences may leave the range in a damaged file, and means nothing then.
    let first = last.wrapping_add(entry.take(reader));
    let mut seen = weights.add(sums, 0, i32::from(first as i16));
    let mut position = 1;
    while position < 64 {
        if reader.count() < 32 {
            reader.refill();
        }
        let entry = ac.next(reader)?;
        if entry.is_special() {
            entry.take(reader);
            if entry.run() != 15 {
                break;
            }
            position += 16;
            continue;
        }
        position += entry.run();
        let value = entry.take(reader);
        seen = seen | weights.add(sums, position, value);
        position += 1;
    }
    if position > 64 {
        return Err(Error::damaged("a block has more than 64 coefficients"));
    }
    Ok((seen, first))
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

    /// To be asked before each unit: passes over a restart marker where one is due, and tells so.
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
