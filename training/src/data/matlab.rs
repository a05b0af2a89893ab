//! Reads MATLAB v5 files: structs, cells, numbers and text, compressed or not.
//!
//! The code is our own, because the `matfile` crate (0.5) reads neither structs nor cells, which IMDB-WIKI needs.

use std::collections::BTreeMap;
use std::io::Read;

use anyhow::{Context, Result, bail, ensure};
use flate2::read::ZlibDecoder;

/// A MATLAB value. Shapes are flattened in MATLAB's order.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Numbers of any class; of complex ones the real part.
    Numbers(Vec<f64>),
    /// Characters.
    Text(String),
    /// A cell array.
    Cells(Vec<Value>),
    /// A struct array: each field's values.
    Struct(BTreeMap<String, Vec<Value>>),
}

impl Value {
    /// Returns the numbers, or one number for each cell. It is NaN if a cell is empty or not a number.
    pub fn numbers(&self) -> Vec<f64> {
        match self {
            Self::Numbers(values) => values.clone(),
            Self::Cells(cells) => cells.iter().map(Self::number).collect(),
            _ => Vec::new(),
        }
    }

    /// Returns one number, or NaN if there is none.
    pub fn number(&self) -> f64 {
        match self {
            Self::Numbers(values) => values.first().copied().unwrap_or(f64::NAN),
            Self::Cells(cells) if cells.len() == 1 => cells[0].number(),
            _ => f64::NAN,
        }
    }

    /// Returns the text, also of a cell in a cell.
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Cells(cells) if cells.len() == 1 => cells[0].text(),
            _ => "",
        }
    }

    /// Returns the cells. A single value counts as one.
    pub fn cells(&self) -> &[Value] {
        match self {
            Self::Cells(cells) => cells,
            other => std::slice::from_ref(other),
        }
    }

    /// Field `name` of a struct of one element.
    pub fn field(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Struct(fields) => fields.get(name)?.first(),
            _ => None,
        }
    }
}

/// The most bytes that a variable may unpack to.
const LARGEST: u64 = 4 << 30;
/// The nesting of values is limited.
const DEEPEST: usize = 24;

/// The variables of a file.
pub fn read(bytes: &[u8]) -> Result<BTreeMap<String, Value>> {
    ensure!(bytes.len() >= 128, "the {} bytes are no MATLAB file", bytes.len());
    ensure!(
        !bytes.starts_with(b"MATLAB 7.3"),
        "it is a MATLAB 7.3 file: save it with -v7 or older"
    );
    let big = match &bytes[126..128] {
        b"IM" => false,
        b"MI" => true,
        _ => bail!("it is no MATLAB v5 file: its byte order mark is {:?}", &bytes[126..128]),
    };
    let mut reader = Reader { bytes: &bytes[128..], big };
    let mut found = BTreeMap::new();
    while !reader.bytes.is_empty() {
        let (kind, data) = reader.element()?;
        let unpacked;
        let data = if kind == 15 {
            let mut out = Vec::new();
            ZlibDecoder::new(data).take(LARGEST).read_to_end(&mut out).context("unpacking")?;
            unpacked = out;
            let mut inner = Reader { bytes: &unpacked, big };
            let (kind, data) = inner.element()?;
            ensure!(kind == 14, "a compressed element has the type {kind}, which is not supported");
            data
        } else if kind == 14 {
            data
        } else {
            continue;
        };
        let (name, value) = Reader { bytes: data, big }.matrix(0)?;
        found.insert(name, value);
    }
    Ok(found)
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    bytes: &'a [u8],
    big: bool,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        ensure!(
            count <= self.bytes.len(),
            "the file is cut short: {count} bytes are needed, but {} are left",
            self.bytes.len()
        );
        let (head, tail) = self.bytes.split_at(count);
        self.bytes = tail;
        Ok(head)
    }

    fn u32(&self, at: &[u8]) -> u32 {
        let bytes = [at[0], at[1], at[2], at[3]];
        if self.big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }

    /// Type and bytes of the next element.
    fn element(&mut self) -> Result<(u32, &'a [u8])> {
        let word = self.take(4)?;
        let first = self.u32(word);
        // Small elements keep their size in the upper half.
        if first >> 16 != 0 {
            let data = self.take(4)?;
            let size = (first >> 16) as usize;
            ensure!(size <= 4, "a small element has {size} bytes, which is not possible");
            return Ok((first & 0xffff, &data[..size]));
        }
        let size = self.take(4)?;
        let size = self.u32(size) as usize;
        let data = self.take(size)?;
        // Compressed elements are not padded.
        let padding = if first == 15 { 0 } else { size.next_multiple_of(8) - size };
        let _ = self.take(padding.min(self.bytes.len()))?;
        Ok((first, data))
    }

    fn numbers(&self, kind: u32, data: &[u8]) -> Result<Vec<f64>> {
        macro_rules! of {
            ($type:ty) => {
                data.chunks_exact(size_of::<$type>())
                    .map(|chunk| {
                        let mut bytes = [0; size_of::<$type>()];
                        bytes.copy_from_slice(chunk);
                        let value = if self.big {
                            <$type>::from_be_bytes(bytes)
                        } else {
                            <$type>::from_le_bytes(bytes)
                        };
                        value as f64
                    })
                    .collect()
            };
        }
        Ok(match kind {
            1 => of!(i8),
            2 | 16 => of!(u8),
            3 => of!(i16),
            4 | 17 => of!(u16),
            5 => of!(i32),
            6 | 18 => of!(u32),
            7 => of!(f32),
            9 => of!(f64),
            12 => of!(i64),
            13 => of!(u64),
            other => bail!("numbers of type {other} are not supported"),
        })
    }

    fn text(&self, kind: u32, data: &[u8]) -> Result<String> {
        if kind == 16 {
            return Ok(String::from_utf8_lossy(data).into_owned());
        }
        let codes = self.numbers(kind, data)?;
        if kind == 17 || kind == 4 {
            let units: Vec<u16> = codes.iter().map(|c| *c as u16).collect();
            return Ok(String::from_utf16_lossy(&units));
        }
        Ok(codes.iter().map(|c| char::from_u32(*c as u32).unwrap_or('\u{fffd}')).collect())
    }

    /// Name and value of a matrix.
    fn matrix(&mut self, depth: usize) -> Result<(String, Value)> {
        ensure!(depth < DEEPEST, "values are nested deeper than {DEEPEST}");
        if self.bytes.is_empty() {
            return Ok((String::new(), Value::Numbers(Vec::new())));
        }
        let (_, flags) = self.element()?;
        ensure!(
            flags.len() >= 8,
            "the array flags have {} bytes, which is not possible",
            flags.len()
        );
        let class = self.u32(flags) & 0xff;
        let (kind, dims) = self.element()?;
        let dims = self.numbers(kind, dims)?;
        let count = dims.iter().product::<f64>();
        let (_, name) = self.element()?;
        let name = String::from_utf8_lossy(name).into_owned();
        let value = match class {
            1 => {
                let count = self.fits(count)?;
                Value::Cells((0..count).map(|_| self.child(depth)).collect::<Result<_>>()?)
            }
            2 => {
                let (kind, length) = self.element()?;
                let length = self.numbers(kind, length)?.first().copied().unwrap_or(0.0) as usize;
                let (_, names) = self.element()?;
                ensure!(length > 0, "the field names of a struct have no length");
                let names: Vec<String> = names
                    .chunks(length)
                    .map(|name| name.split(|b| *b == 0).next().unwrap_or_default())
                    .map(|name| String::from_utf8_lossy(name).into_owned())
                    .collect();
                let mut fields: BTreeMap<String, Vec<Value>> = BTreeMap::new();
                for _ in 0..self.fits(count)? {
                    for name in &names {
                        let value = self.child(depth)?;
                        fields.entry(name.clone()).or_default().push(value);
                    }
                }
                Value::Struct(fields)
            }
            4 => {
                let (kind, data) = self.element()?;
                Value::Text(self.text(kind, data)?)
            }
            6..=15 => {
                let (kind, data) = self.element()?;
                Value::Numbers(self.numbers(kind, data)?)
            }
            other => {
                bail!(
                    "{name:?} is of class {other}, but it must be numbers, text, cells or a struct"
                )
            }
        };
        Ok((name, value))
    }

    /// An element takes at least eight bytes, so a false count is noticed here.
    fn fits(&self, count: f64) -> Result<usize> {
        let most = self.bytes.len() as f64 / 8.0;
        ensure!(
            count >= 0.0 && count <= most,
            "{count} values do not fit into {} bytes",
            self.bytes.len()
        );
        Ok(count as usize)
    }

    fn child(&mut self, depth: usize) -> Result<Value> {
        let (kind, data) = self.element()?;
        ensure!(kind == 14, "a value has the type {kind}, but it must be a matrix");
        Ok(Reader { bytes: data, big: self.big }.matrix(depth + 1)?.1)
    }
}

/// Returns year, month and day of a MATLAB serial day, by today's calendar, extended backwards (Hinnant,
/// "chrono-compatible low-level date algorithms").
pub fn date(serial: f64) -> Option<(i64, u32, u32)> {
    if !serial.is_finite() || serial.abs() > 1e7 {
        return None;
    }
    // Day 719,529 is 1 January 1970. The algorithm counts from 1 March of year 0.
    let days = serial.floor() as i64 - 719_529 + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = (of_year - (153 * month + 2) / 5 + 1) as u32;
    let month = if month < 10 { month + 3 } else { month - 9 } as u32;
    Some((year + era * 400 + i64::from(month <= 2), month, day))
}

/// Returns the whole years from a birth to 1 July of `year`. There are none for births before year 1.
pub fn age_in(serial: f64, year: f64) -> Option<i64> {
    let (born, month, day) = date(serial)?;
    (born >= 1 && year.is_finite()).then(|| year as i64 - born - i64::from((month, day) > (7, 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_days_are_dates() {
        assert_eq!(date(719_529.0), Some((1970, 1, 1)));
        assert_eq!(date(730_486.0), Some((2000, 1, 1)));
        assert_eq!(date(730_545.9), Some((2000, 2, 29)));
        assert_eq!(date(1.0), Some((0, 1, 1)));
        assert_eq!(date(-40.0).map(|d| d.0), Some(-1));
        assert_eq!(date(f64::NAN), None);
    }

    #[test]
    fn ages_turn_on_the_first_of_july() {
        // 1 July and 2 July 1980.
        let born = 723_363.0;
        assert_eq!(date(born), Some((1980, 7, 1)));
        assert_eq!(age_in(born, 2010.0), Some(30));
        assert_eq!(age_in(born + 1.0, 2010.0), Some(29));
        assert_eq!(age_in(100.0, 2010.0), None);
    }

    #[test]
    fn lies_about_sizes_are_errors() {
        let mut bytes = vec![b' '; 128];
        bytes[126..].copy_from_slice(b"IM");
        assert!(read(&bytes[..100]).is_err());
        assert!(read(&bytes).expect("no variables").is_empty());
        bytes.extend(14u32.to_le_bytes());
        bytes.extend(1000u32.to_le_bytes());
        assert!(read(&bytes).is_err());
    }
}
