//! CSV files whose first line says what they are, their version, and how they were made.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::columns;

/// A kind of file.
pub struct Kind {
    /// The word in the first line.
    pub word: &'static str,
    /// The name of such a file in errors.
    pub called: &'static str,
    /// The version of the format. Another one is refused.
    pub version: u32,
}

impl Kind {
    fn magic(&self) -> String {
        format!("# face-train {}", self.word)
    }

    /// The rows of a file, each with the number of its line. A missing version, or another one, is an error that names
    /// both.
    pub fn read<R: DeserializeOwned>(&self, path: &Path) -> Result<Vec<(usize, R)>> {
        rows(self.open(path)?, path)
    }

    /// Reads rows whose columns have names. Columns without a meaning are ignored, and named on stderr, because one may
    /// be mistyped.
    pub fn read_named<R>(&self, path: &Path) -> Result<Vec<(usize, R)>>
    where
        R: Default + Serialize + DeserializeOwned,
    {
        let mut reader = self.open(path)?;
        let known = serde_json::to_value(R::default())?;
        let known: Vec<&str> =
            known.as_object().into_iter().flatten().map(|f| f.0.as_str()).collect();
        let headers = reader.headers().with_context(|| format!("{} line 2", path.display()))?;
        let ignored = columns::ignored(headers.iter(), &known);
        if !ignored.is_empty() {
            let names = ignored.join(", ");
            eprintln!("{}: these columns are ignored: {names}", path.display());
        }
        rows(reader, path)
    }

    /// Checks the first line. What follows is a table with a header.
    fn open(&self, path: &Path) -> Result<csv::Reader<BufReader<File>>> {
        let file = File::open(path).with_context(|| format!("{} {}", self.word, path.display()))?;
        let mut reader = BufReader::new(file);
        let mut first = String::new();
        reader.read_line(&mut first)?;
        let rest = first.strip_prefix(&self.magic());
        match rest.and_then(|rest| rest.split_whitespace().next()) {
            Some(v) if v == self.version.to_string() => {}
            Some(v) => bail!(
                "{}: the {} is of version {v}, but this program reads {}",
                path.display(),
                self.word,
                self.version
            ),
            None => bail!(
                "{} is no {}: its first line is {:?}",
                path.display(),
                self.called,
                first.trim_end()
            ),
        }
        Ok(csv::Reader::from_reader(reader))
    }

    /// Writes a file, to a temporary name first, with `command` in its first line.
    pub fn write(&self, path: &Path, command: &str, rows: &[impl Serialize]) -> Result<()> {
        crate::files::replace(path, |file| {
            let mut out = BufWriter::new(file);
            let program = concat!("face-train ", env!("CARGO_PKG_VERSION"));
            writeln!(out, "{} {} | {program} | {command}", self.magic(), self.version)?;
            let mut csv = csv::Writer::from_writer(&mut out);
            for row in rows {
                csv.serialize(row)?;
            }
            csv.flush()?;
            drop(csv);
            out.flush()?;
            Ok(())
        })
    }
}

fn rows<R: DeserializeOwned>(
    reader: csv::Reader<BufReader<File>>,
    path: &Path,
) -> Result<Vec<(usize, R)>> {
    let rows = reader.into_deserialize().enumerate();
    rows.map(|(index, row)| {
        // There are two lines of header, and the CSV reader does not get the first.
        let line = index + 3;
        Ok((line, row.with_context(|| format!("{} line {line}", path.display()))?))
    })
    .collect()
}
