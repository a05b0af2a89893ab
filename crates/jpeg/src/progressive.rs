//! Progressive JPEG: the coefficients of all blocks come bit by bit, in many scans.

use crate::bits::{Bits, Reader};
use crate::error::{Error, Result};
use crate::frame::{Frame, Scale};
use crate::header::Header;
use crate::huffman::Table;
use crate::pixels::{Picture, Pixels};
use crate::planes::{Plane, zeros};
use crate::scan::{Restarts, Scan, Scans};
use crate::tables::Tables;
use crate::weights::{Sums, Weights};

/// The number of times that all blocks may be read. Writers use less than a dozen scans for each component, and most of
/// them have a few coefficients.
const PASSES: u64 = 32;
/// The cost of a block in each scan, in coefficients.
const BLOCK_COST: u64 = 8;

/// The coefficients of a component, block by block. Those of a block are in zigzag order.
struct Coefficients {
    data: Vec<i16>,
    /// The blocks in a row, in whole units.
    across: usize,
    /// The bit down to which each coefficient has come. 0 means all bits.
    known: [u32; 64],
    weights: Option<Weights>,
}

impl Coefficients {
    fn block(&mut self, across: usize, down: usize) -> &mut [i16; 64] {
        let start = (down * self.across + across) * 64;
        let block = self.data.get_mut(start..).and_then(|rest| rest.first_chunk_mut());
        block.expect("blocks are counted from the frame, which the memory was taken for")
    }
}

/// Decodes all scans, then the pixels row by row.
pub(crate) fn decode(header: &Header<'_>, scale: Scale) -> Result<Pixels> {
    let frame = &header.frame;
    let units = frame.units();
    // The pixels are reserved first. They take less memory, and a failure shows before the work.
    let mut picture = Picture::new(header, scale)?;
    let mut planes = Plane::all(frame, scale, units.1.min(2))?;
    let mut all = Vec::with_capacity(4);
    for component in &frame.components {
        let across = units.0 * component.across;
        let data = zeros(across * units.1 * component.down * 64)?;
        all.push(Coefficients { data, across, known: [u32::MAX; 64], weights: None });
    }
    read_scans(header, scale, &mut all)?;
    let mut sums = Sums::new();
    for row in 0..units.1 {
        for ((coefficients, component), plane) in
            all.iter_mut().zip(&frame.components).zip(&mut planes)
        {
            let Some(weights) = coefficients.weights.take() else {
                return Err(Error::truncated());
            };
            for y in row * component.down..(row + 1) * component.down {
                let start = plane.start(y);
                for x in 0..coefficients.across {
                    let block = coefficients.block(x, y);
                    weights.start(&mut sums);
                    let touched = weights.add_all(&mut sums, block);
                    let (out, stride) = plane.block(x, start);
                    weights.finish(&sums, touched, out, stride);
                }
            }
            coefficients.weights = Some(weights);
        }
        picture.advance(&planes, (row + 1) * frame.down * scale.side());
    }
    Ok(picture.finish())
}

/// Reads scans until the end of the image.
fn read_scans(header: &Header<'_>, scale: Scale, all: &mut [Coefficients]) -> Result<()> {
    let frame = &header.frame;
    let mut scans = Scans::new(header);
    let blocks = |index: usize| {
        let (across, down) = frame.blocks(&frame.components[index]);
        (across * down) as u64
    };
    let pass: u64 = (0..all.len()).map(|index| blocks(index) * (BLOCK_COST + 64)).sum();
    let mut work = 0;
    while let Some(scan) = scans.next_scan(frame, all.iter().all(|c| c.known == [0; 64]))? {
        check(&scan)?;
        for &(index, _, _) in &scan.parts {
            let coefficients = &mut all[index];
            work += blocks(index) * (BLOCK_COST + (scan.last - scan.first + 1) as u64);
            coefficients.known[scan.first..=scan.last].fill(scan.low);
            if coefficients.weights.is_none() {
                // A component uses the table that is current when the component begins.
                let component = &frame.components[index];
                let steps = scans.tables.quantisation(component.quantisation)?;
                coefficients.weights = Some(Weights::new(steps, frame.side(component, scale)));
            }
        }
        if work > PASSES * pass {
            return Err(Error::limit("the JPEG has more scans than any picture needs"));
        }
        let mut bits = scans.bits()?;
        if scan.first == 0 {
            read_first(&scan, frame, &scans.tables, &mut bits, all)?;
        } else {
            read_others(&scan, frame, &scans.tables, &mut bits, &mut all[scan.parts[0].0])?;
        }
        scans.pass(bits)?;
    }
    if all.iter().any(|coefficients| coefficients.known[0] == u32::MAX) {
        return Err(Error::truncated());
    }
    Ok(())
}

/// Returns whether the parameters of a scan are valid for a progressive one.
fn check(scan: &Scan) -> Result<()> {
    let band = if scan.first == 0 {
        scan.last == 0
    } else {
        scan.first <= scan.last && scan.last < 64 && scan.parts.len() == 1
    };
    let bits = scan.low <= 13 && (scan.high == 0 || scan.high == scan.low + 1);
    if band && bits {
        Ok(())
    } else {
        Err(Error::damaged("a progressive scan has impossible parameters"))
    }
}

/// Reads a scan of first coefficients of one component or several.
fn read_first(
    scan: &Scan,
    frame: &Frame,
    tables: &Tables,
    bits: &mut Bits<'_>,
    all: &mut [Coefficients],
) -> Result<()> {
    let mut parts = Vec::with_capacity(4);
    for &(index, dc, _) in &scan.parts {
        let size = scan.blocks(&frame.components[index]);
        // Later bits come without a code.
        let dc = if scan.high == 0 { Some(tables.dc(dc)?) } else { None };
        parts.push((index, size, dc, 0_i32));
    }
    let (across, down) = scan.units(frame);
    let mut restarts = Restarts::new(tables.restart);
    for row in 0..down {
        for column in 0..across {
            if restarts.due(bits)? {
                parts.iter_mut().for_each(|part| part.3 = 0);
            }
            for (index, size, dc, last) in &mut parts {
                for i in 0..size.0 * size.1 {
                    let block =
                        all[*index].block(column * size.0 + i % size.0, row * size.1 + i / size.0);
                    bits.block(|reader| {
                        reader.refill();
                        first_value(reader, dc.as_ref(), last, scan.low, &mut block[0])
                    })?;
                }
            }
        }
        bits.check()?;
    }
    Ok(())
}

fn first_value(
    reader: &mut Reader<'_>,
    dc: Option<&Table>,
    last: &mut i32,
    low: u32,
    value: &mut i16,
) -> Result<()> {
    let Some(dc) = dc else {
        *value |= (reader.take(1) as i16) << low;
        return Ok(());
    };
    let entry = dc.next(reader)?;
    if entry.run() != 0 {
        return Err(Error::damaged("a difference has more than 15 bits"));
    }
    *last = last.wrapping_add(entry.take(reader));
    *value = (*last << low) as i16;
    Ok(())
}

/// Reads a scan of a band of the other coefficients of one component.
fn read_others(
    scan: &Scan,
    frame: &Frame,
    tables: &Tables,
    bits: &mut Bits<'_>,
    coefficients: &mut Coefficients,
) -> Result<()> {
    let (_, _, ac) = scan.parts[0];
    let ac = tables.ac(ac)?;
    let (across, down) = scan.units(frame);
    let mut restarts = Restarts::new(tables.restart);
    // The number of blocks without further data, including the next one.
    let mut empty = 0;
    for row in 0..down {
        for column in 0..across {
            if restarts.due(bits)? {
                empty = 0;
            }
            if scan.high == 0 && empty > 0 {
                empty -= 1;
                continue;
            }
            let block = coefficients.block(column, row);
            bits.block(|reader| {
                if scan.high == 0 {
                    new_values(reader, &ac, scan, &mut empty, block)
                } else {
                    later_bits(reader, &ac, scan, &mut empty, block)
                }
            })?;
        }
        bits.check()?;
    }
    Ok(())
}

/// Reads the upper bits of a block's band.
fn new_values(
    reader: &mut Reader<'_>,
    ac: &Table,
    scan: &Scan,
    empty: &mut u32,
    block: &mut [i16; 64],
) -> Result<()> {
    let mut position = scan.first;
    while position <= scan.last {
        if reader.count() < 32 {
            reader.refill();
        }
        let entry = ac.next(reader)?;
        let value = entry.take(reader);
        if entry.is_special() {
            if entry.run() == 15 {
                position += 16;
                continue;
            }
            *empty = (1 << entry.run()) - 1 + reader.take(entry.run() as u32);
            break;
        }
        position += entry.run();
        block[position & 63] = (value << scan.low) as i16;
        position += 1;
    }
    if position > 64 {
        Err(Error::damaged("a block has more than 64 coefficients"))
    } else {
        Ok(())
    }
}

/// Reads one more bit of a block's band: of coefficients that have begun, and of those that begin with it.
fn later_bits(
    reader: &mut Reader<'_>,
    ac: &Table,
    scan: &Scan,
    empty: &mut u32,
    block: &mut [i16; 64],
) -> Result<()> {
    let bit = 1_i16 << scan.low;
    let mut position = scan.first;
    while position <= scan.last && *empty == 0 {
        if reader.count() < 32 {
            reader.refill();
        }
        let entry = ac.next(reader)?;
        // No more than one bit can begin here. As in libjpeg, only the sign is used.
        let new = entry.take(reader).signum() as i16 * bit;
        if entry.is_special() && entry.run() != 15 {
            *empty = (1 << entry.run()) + reader.take(entry.run() as u32);
            break;
        }
        let mut zeros = entry.run();
        while position <= scan.last {
            let value = &mut block[position & 63];
            position += 1;
            if *value != 0 {
                refine(reader, value, bit);
            } else if zeros == 0 {
                *value = new;
                break;
            } else {
                zeros -= 1;
            }
        }
    }
    if *empty > 0 {
        *empty -= 1;
        let rest = block.get_mut(position..=scan.last).unwrap_or_default();
        let (eights, rest) = rest.as_chunks_mut::<8>();
        // In most blocks no coefficient has begun.
        for eight in eights.iter_mut().filter(|eight| **eight != [0; 8]) {
            refine_all(reader, eight, bit);
        }
        refine_all(reader, rest, bit);
    }
    Ok(())
}

fn refine_all(reader: &mut Reader<'_>, values: &mut [i16], bit: i16) {
    for value in values.iter_mut().filter(|value| **value != 0) {
        refine(reader, value, bit);
    }
}

#[inline(always)]
fn refine(reader: &mut Reader<'_>, value: &mut i16, bit: i16) {
    if reader.count() == 0 {
        reader.refill();
    }
    if reader.take(1) == 1 && *value & bit == 0 {
        *value = value.wrapping_add(if *value < 0 { -bit } else { bit });
    }
}
