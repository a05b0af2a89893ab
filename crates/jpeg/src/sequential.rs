//! Baseline and extended JPEG, whose blocks each come as a whole.

use crate::bits::{Bits, Reader};
use crate::error::{Error, Result};
use crate::frame::{Frame, Scale};
use crate::header::Header;
use crate::huffman::Table;
use crate::pixels::{Picture, Pixels};
use crate::planes::Plane;
use crate::scan::{Restarts, Scan, Scans};
use crate::tables::Tables;
use crate::weights::{Sums, Touched, Weights};

/// Decodes all scans.
///
/// If the first scan has all components, no more than two rows of units are kept. Otherwise the whole planes are kept
/// until the last component has come.
pub(crate) fn decode(header: &Header<'_>, scale: Scale) -> Result<Pixels> {
    let frame = &header.frame;
    let mut scans = Scans::new(header);
    let mut picture = Picture::new(header, scale)?;
    let mut missing: Vec<usize> = (0..frame.components.len()).collect();
    let mut whole: Option<Vec<Plane>> = None;
    let unit_rows = frame.units().1;
    while !missing.is_empty() {
        let scan = scans.next_scan(frame, false)?.ok_or_else(Error::truncated)?;
        if scan.parts.iter().any(|(index, _, _)| !missing.contains(index)) {
            return Err(Error::damaged("a component has two scans"));
        }
        missing.retain(|index| scan.parts.iter().all(|(done, _, _)| done != index));
        let mut bits = scans.bits()?;
        if scan.parts.len() == frame.components.len() {
            let mut planes = Plane::all(frame, scale, unit_rows.min(2))?;
            decode_scan(&scan, frame, &scans.tables, &mut bits, &mut planes, |planes, row| {
                picture.advance(planes, (row + 1) * frame.down * scale.side());
            })?;
            return Ok(picture.finish());
        }
        let planes = match &mut whole {
            Some(planes) => planes,
            None => whole.insert(Plane::all(frame, scale, unit_rows)?),
        };
        decode_scan(&scan, frame, &scans.tables, &mut bits, planes, |_, _| {})?;
        scans.pass(bits)?;
    }
    picture.advance(&whole.unwrap_or_default(), usize::MAX);
    Ok(picture.finish())
}

/// The data that a scan needs about one of its components.
struct Part {
    index: usize,
    /// The blocks in a unit.
    across: usize,
    down: usize,
    /// The numbers of its tables.
    dc: usize,
    ac: usize,
    weights: Weights,
    /// The places in the plane where the rows of blocks in a row of units begin.
    starts: [usize; 4],
    /// The value to which the next difference is added.
    last: i32,
}

/// Decodes a scan. `done` is called after each row of units.
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
        readers.push(if ac { tables.ac(number) } else { tables.dc(number) }?);
        numbers.push((ac, number));
        Ok(numbers.len() - 1)
    };
    let mut parts = Vec::with_capacity(4);
    for &(index, dc, ac) in &scan.parts {
        let component = &frame.components[index];
        let (across, down) = scan.blocks(component);
        let weights =
            Weights::new(tables.quantisation(component.quantisation)?, planes[index].side);
        let (dc, ac) = (reader(false, dc)?, reader(true, ac)?);
        parts.push(Part { index, across, down, dc, ac, weights, starts: [0; 4], last: 0 });
    }
    let (across, down) = scan.units(frame);
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
                        let (touched, last) = bits.block(|reader| {
                            read_block(reader, dc, ac, part.last, &part.weights, &mut sums)
                        })?;
                        part.last = last;
                        let (out, stride) = plane.block(column * part.across + x, part.starts[y]);
                        part.weights.finish(&sums, touched, out, stride);
                    }
                }
            }
        }
        bits.check()?;
        done(planes, row);
    }
    Ok(())
}

/// Reads a block. It returns which sums it has, and its first coefficient.
#[inline(always)]
fn read_block(
    reader: &mut Reader<'_>,
    dc: &Table,
    ac: &Table,
    last: i32,
    weights: &Weights,
    sums: &mut Sums,
) -> Result<(Touched, i32)> {
    weights.start(sums);
    reader.refill();
    let entry = dc.next(reader)?;
    if entry.run() != 0 {
        return Err(Error::damaged("a difference has more than 15 bits"));
    }
    // In a damaged file, a sum of differences may leave the range. It then means nothing.
    let first = last.wrapping_add(entry.take(reader));
    let mut touched = weights.add(sums, 0, i32::from(first as i16));
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
        touched = touched | weights.add(sums, position, value);
        position += 1;
    }
    if position > 64 {
        return Err(Error::damaged("a block has more than 64 coefficients"));
    }
    Ok((touched, first))
}
