//! Huffman tables, as a file gives them and as blocks are read with them.

use crate::bits::Reader;
use crate::error::{Error, Result};
use crate::planes::boxed;

/// The bits of a code, and of the value behind it, that one lookup finds.
const LOOK: u32 = 11;

/// A table in a file: the number of codes of each length, and their symbols.
#[derive(Clone)]
pub(crate) struct Listed {
    counts: [u8; 16],
    symbols: [u8; 256],
}

impl Listed {
    /// Reads the part of a DHT segment behind the table's number. It also returns how many bytes it took.
    pub(crate) fn read(bytes: &[u8]) -> Result<(Self, usize)> {
        let short = || Error::damaged("a Huffman table is cut short");
        let counts = *bytes.first_chunk::<16>().ok_or_else(short)?;
        let total: usize = counts.iter().map(|count| usize::from(*count)).sum();
        let given = bytes.get(16..16 + total).ok_or_else(short)?;
        let mut symbols = [0; 256];
        let place = symbols.get_mut(..total);
        place
            .ok_or(Error::damaged("a Huffman table has more than 256 codes"))?
            .copy_from_slice(given);
        Ok((Self { counts, symbols }, 16 + total))
    }

    /// The tables of T.81, K.3.3, which frames of webcams leave out. They are for DC or AC, of luminance or
    /// chrominance.
    pub(crate) fn standard(ac: bool, chrominance: bool) -> Self {
        let (counts, given): ([u8; 16], &[u8]) = match (ac, chrominance) {
            (false, false) => ([0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], &DC),
            (false, true) => ([0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0], &DC),
            (true, false) => ([0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7D], &AC_LUMINANCE),
            (true, true) => ([0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77], &AC_CHROMINANCE),
        };
        let mut symbols = [0; 256];
        symbols.iter_mut().zip(given).for_each(|(to, from)| *to = *from);
        Self { counts, symbols }
    }
}

/// The next code in the data, packed into 32 bits. From the top there are a value (16 bits) and the number of a value's
/// bits that are still to be read (4). Then come the upper half of the symbol (4), which is a run of zeros, and the
/// number of bits of the code and the value (8).
///
/// 0 means that there is no entry. The value is 0 if its bits are still to be read, and if there is none.
#[derive(Clone, Copy)]
pub(crate) struct Entry(u32);

impl Entry {
    /// Returns whether there are no value and no bits of one. It is then an end of block, a run of 16 zeros, or a
    /// difference of 0.
    #[inline(always)]
    pub(crate) fn is_special(self) -> bool {
        self.0 >> 12 == 0
    }

    /// Returns the upper half of the symbol.
    #[inline(always)]
    pub(crate) fn run(self) -> usize {
        (self.0 >> 8 & 15) as usize
    }

    #[inline(always)]
    fn length(self) -> u32 {
        self.0 & 0xFF
    }

    /// Takes the code and the value out of the data. It takes at most 31 bits, which must be there.
    #[inline(always)]
    pub(crate) fn take(self, reader: &mut Reader<'_>) -> i32 {
        let size = self.0 >> 12 & 15;
        let value = if size == 0 {
            self.0 as i32 >> 16
        } else {
            extend(reader.peek(self.length()) & ((1 << size) - 1), size)
        };
        reader.skip(self.length());
        value
    }
}

/// Returns the value of `size` bits. The lower half of the codes are negative values.
#[inline(always)]
fn extend(bits: u32, size: u32) -> i32 {
    let lowest = if bits >> (size - 1) == 0 { (1 << size) - 1 } else { 0 };
    bits as i32 - lowest
}

/// A table in the form in which blocks are read.
pub(crate) struct Table {
    look: Box<[u32; 1 << LOOK]>,
    /// For each length, one more than its largest code, shifted up to 16 bits.
    ends: [u32; 17],
    /// The number to add to a code of each length to get the place of its symbol.
    shifts: [i32; 17],
    symbols: [u8; 256],
}

impl Table {
    pub(crate) fn new(listed: &Listed) -> Result<Self> {
        let mut look = boxed()?;
        let (mut ends, mut shifts) = ([0; 17], [0; 17]);
        let (mut code, mut place) = (0_u32, 0_usize);
        for length in 1..=16_u32 {
            let count = usize::from(listed.counts[length as usize - 1]);
            shifts[length as usize] = place as i32 - code as i32;
            for symbol in listed.symbols.iter().skip(place).take(count) {
                if code >> length != 0 {
                    return Err(Error::damaged("a Huffman table has impossible codes"));
                }
                if length <= LOOK {
                    fill(&mut look, code, length, *symbol);
                }
                code += 1;
            }
            place += count;
            ends[length as usize] = code << (16 - length);
            code <<= 1;
        }
        Ok(Self { look, ends, shifts, symbols: listed.symbols })
    }

    /// Returns the next entry. There must be 16 bits, and no more are read unless [`Entry::take`] asks for them.
    #[inline(always)]
    pub(crate) fn next(&self, reader: &Reader<'_>) -> Result<Entry> {
        let entry = self.look[reader.peek(LOOK) as usize];
        if entry == 0 { self.next_long(reader) } else { Ok(Entry(entry)) }
    }

    #[cold]
    #[inline(never)]
    fn next_long(&self, reader: &Reader<'_>) -> Result<Entry> {
        let code = reader.peek(16);
        let length = (LOOK + 1..=16).find(|length| code < self.ends[*length as usize]);
        let length = length
            .ok_or(Error::damaged("the data contain a code that is not in their Huffman table"))?;
        let place = (code >> (16 - length)) as i32 + self.shifts[length as usize];
        let symbol = self.symbols.get(place as usize).copied().unwrap_or(0);
        Ok(Entry(pack(symbol, length)))
    }
}

/// Makes an entry whose value is still to be read.
fn pack(symbol: u8, length: u32) -> u32 {
    let (run, size) = (u32::from(symbol) >> 4, u32::from(symbol) & 15);
    size << 12 | run << 8 | (length + size)
}

/// Enters a symbol at each place that begins with its code. The value is entered, too, if it can be seen.
fn fill(look: &mut [u32; 1 << LOOK], code: u32, length: u32, symbol: u8) {
    let (run, size) = (u32::from(symbol) >> 4, u32::from(symbol) & 15);
    let free = LOOK - length;
    for rest in 0..1_u32 << free {
        let entry = if size == 0 || size > free {
            pack(symbol, length)
        } else {
            let value = extend(rest >> (free - size), size);
            (value as u32) << 16 | run << 8 | (length + size)
        };
        look[(code << free | rest) as usize] = entry;
    }
}

const DC: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

#[rustfmt::skip]
const AC_LUMINANCE: [u8; 162] = [
    0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07, 0x22, 0x71,
    0x14, 0x32, 0x81, 0x91, 0xA1, 0x08, 0x23, 0x42, 0xB1, 0xC1, 0x15, 0x52, 0xD1, 0xF0, 0x24, 0x33, 0x62, 0x72,
    0x82, 0x09, 0x0A, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2A, 0x34, 0x35, 0x36, 0x37,
    0x38, 0x39, 0x3A, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4A, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59,
    0x5A, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6A, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A, 0x83,
    0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0xA2, 0xA3,
    0xA4, 0xA5, 0xA6, 0xA7, 0xA8, 0xA9, 0xAA, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xB7, 0xB8, 0xB9, 0xBA, 0xC2, 0xC3,
    0xC4, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xDA, 0xE1, 0xE2,
    0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xF1, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8, 0xF9, 0xFA,
];

#[rustfmt::skip]
const AC_CHROMINANCE: [u8; 162] = [
    0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71, 0x13, 0x22,
    0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xA1, 0xB1, 0xC1, 0x09, 0x23, 0x33, 0x52, 0xF0, 0x15, 0x62, 0x72, 0xD1,
    0x0A, 0x16, 0x24, 0x34, 0xE1, 0x25, 0xF1, 0x17, 0x18, 0x19, 0x1A, 0x26, 0x27, 0x28, 0x29, 0x2A, 0x35, 0x36,
    0x37, 0x38, 0x39, 0x3A, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4A, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58,
    0x59, 0x5A, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6A, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A,
    0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A,
    0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA8, 0xA9, 0xAA, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xB7, 0xB8, 0xB9, 0xBA,
    0xC2, 0xC3, 0xC4, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xDA,
    0xE2, 0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8, 0xF9, 0xFA,
];
