//! Reads any table of faces.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use super::common::{Common, finish};
use super::funnel::Funnel;
use super::labels::{self, is_unknown};
use crate::data::columns::folded;
use crate::data::manifest::{Row, floored};

/// The columns are those of the manifest, in any order. file may stand for path, and family for group.
///
/// Column names may have capitals and spaces around them. Columns without a meaning here are listed. An age may be a
/// year or a bracket (20-29, 70+). A bracket with one end is open at the other. Rows with impossible labels are left
/// out, and counted by rule.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: face-train ingest table --table aaf.csv --images photos/aaf --prefix aaf --out aaf-manifest.csv"
)]
pub struct Table {
    /// Table with one row for each face. Its fields are separated by commas, semicolons, tabs or bars.
    #[arg(long)]
    table: PathBuf,
    /// Folder that its paths start from. Without it no picture is opened, and the table is not checked against them.
    #[arg(long)]
    images: Option<PathBuf>,
    /// Name of the set, if the table has none [default: the prefix, else the table's name].
    #[arg(long)]
    source: Option<String>,
    /// Another word of the table for male, such as 1. This may be given several times.
    #[arg(long)]
    male: Vec<String>,
    /// Another word of the table for female, such as 0. This may be given several times.
    #[arg(long)]
    female: Vec<String>,
    /// Take each picture as one face, even if the table has boxes, as the study takes published crops.
    #[arg(long)]
    whole: bool,
    /// Keep rows without age and gender, which can learn from a teacher (train --teacher).
    #[arg(long)]
    unlabelled: bool,
    /// Weight of rows without one of their own: how often they are drawn in training, where 1 is usual.
    #[arg(long)]
    weight: Option<f32>,
    #[command(flatten)]
    common: Common,
}

const NO_NUMBER: &str = "unreadable number";
const NO_LABEL: &str = "no label";

/// The entries of a table that were changed, which are reported.
#[derive(Default)]
struct Told {
    /// Words in place of a gender, with their counts.
    genders: BTreeMap<String, usize>,
    /// Words in place of a part, with their counts.
    parts: BTreeMap<String, usize>,
    /// Paths with backslashes.
    backslashes: usize,
    /// Brackets with one end.
    open: usize,
    /// Exact ages that are not whole years.
    fractions: usize,
}

impl Table {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        if let Some(weight) = self.weight {
            ensure!(
                weight > 0.0 && weight.is_finite(),
                "--weight is {weight}, but it must be above 0"
            );
        }
        let shown = self.table.display().to_string();
        let bytes = std::fs::read(&self.table).with_context(|| format!("table {shown}"))?;
        // Spreadsheets write this mark at the start.
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
        let (delimiter, columns) = header(bytes, &shown)?;
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .has_headers(false)
            .from_reader(bytes);
        let mut funnel = Funnel::new(&[]);
        let mut told = Told::default();
        let mut rows = Vec::new();
        for (index, record) in reader.byte_records().enumerate().skip(1) {
            let record = record.with_context(|| format!("{shown} row {index}"))?;
            let cells: Vec<String> =
                record.iter().map(|c| String::from_utf8_lossy(c).trim().to_owned()).collect();
            if cells.len() != columns.len() {
                let why = format!(
                    "row {index} has {} fields, but the header has {}",
                    cells.len(),
                    columns.len()
                );
                funnel.read("", None);
                funnel.leave_out("row of another length", "", &cells.join(" | "), &why);
                continue;
            }
            let (row, fault) = self.row(&columns, &cells, delimiter, &mut told);
            funnel.read(&row.gender, row.rough_age().map(f64::from));
            match fault {
                Some((rule, why)) => {
                    let why = if why.is_empty() { format!("row {index}") } else { why };
                    funnel.leave_out(rule, &row.gender, &row.path, &why);
                }
                None => rows.push(row),
            }
        }
        told.tell(&shown);
        let command = format!("ingest table --table {shown}");
        let mut common = self.common;
        common.no_search |= self.whole;
        finish(&common, self.images.as_deref(), &command, rows, funnel)
    }

    fn source(&self) -> String {
        let stem = || self.table.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let prefix = self.common.prefix.trim_end_matches('/');
        match (&self.source, prefix) {
            (Some(source), _) => source.clone(),
            (None, "") => stem(),
            (None, prefix) => prefix.to_owned(),
        }
    }

    /// A row, with the rule that it breaks and the reason.
    fn row(
        &self,
        columns: &[String],
        cells: &[String],
        delimiter: u8,
        told: &mut Told,
    ) -> (Row, Option<(&'static str, String)>) {
        let mut row = Row { source: self.source(), weight: self.weight, ..Row::default() };
        let mut fault = None;
        let (mut family, mut score) = ("", None);
        for (column, cell) in columns.iter().zip(cells) {
            if column == "path" {
                row.path = self.path(cell, told);
                continue;
            }
            if is_unknown(cell) {
                continue;
            }
            match column.as_str() {
                "gender" => row.gender = self.gender(cell, told).to_owned(),
                "race" => row.race = cell.to_lowercase().replace('_', " "),
                "person" => row.person.clone_from(cell),
                "group" => row.group.clone_from(cell),
                "family" => family = cell,
                "source" => row.source.clone_from(cell),
                "split" => match labels::part(cell) {
                    Some(part) => row.split = part.to_owned(),
                    None => *told.parts.entry(cell.clone()).or_default() += 1,
                },
                "age" => match (number(cell, delimiter), labels::years(cell)) {
                    (Some(age), _) => row.age = Some(age),
                    (None, Some((first, last))) => {
                        (row.age_min, row.age_max) = (Some(first), Some(last));
                    }
                    _ => fault = Some((NO_NUMBER, format!("age {cell:?}"))),
                },
                "width" | "height" => match number(cell, delimiter) {
                    Some(pixels) if column == "width" => row.width = Some(pixels as u32),
                    Some(pixels) => row.height = Some(pixels as u32),
                    None => fault = Some((NO_NUMBER, format!("{column} {cell:?}"))),
                },
                "score" => score = number(cell, delimiter),
                _ => {
                    let Some(place) = field(&mut row, column) else { continue };
                    *place = number(cell, delimiter);
                    let valid = |value: f32| column != "weight" || value >= 0.0;
                    if !place.is_some_and(valid) {
                        fault = Some((NO_NUMBER, format!("{column} {cell:?}")));
                    }
                }
            }
        }
        // If no face was found, only the picture is known.
        if self.whole || score.is_some_and(|score| score <= 0.0) {
            row.clear_region();
        }
        // Tables write 0 for "in no group" and for "in no family". Otherwise all of these rows would be one group.
        if row.group.is_empty() || row.group == "0" {
            row.group = if family == "0" { String::new() } else { family.to_owned() };
        }
        told.open += usize::from(row.age_min.is_some() != row.age_max.is_some());
        let fraction = row.has_fraction();
        if fault.is_none() {
            fault = row.settle().err().map(|rule| (rule, String::new()));
        }
        if fault.is_none() && row.path.is_empty() {
            fault = Some(("no path", String::new()));
        }
        told.fractions += usize::from(fault.is_none() && fraction);
        // Training learns from guesses only beside the real age.
        let labelled = row.is_male().is_some() || row.has_age();
        if fault.is_none() && !labelled && !self.unlabelled {
            fault = Some((NO_LABEL, String::new()));
        }
        (row, fault)
    }

    /// Returns the path with `/` between folders.
    fn path(&self, cell: &str, told: &mut Told) -> String {
        let there = |images: &Path| images.join(cell).exists();
        // Outside of Windows, a name may contain a backslash.
        if !cell.contains('\\') || self.images.as_deref().is_some_and(there) {
            return cell.to_owned();
        }
        told.backslashes += 1;
        cell.replace('\\', "/")
    }

    fn gender(&self, cell: &str, told: &mut Told) -> &'static str {
        let is = |words: &[String]| words.iter().any(|word| word.trim() == cell);
        match labels::gender(cell) {
            _ if is(&self.male) => "male",
            _ if is(&self.female) => "female",
            "" => {
                *told.genders.entry(cell.to_owned()).or_default() += 1;
                ""
            }
            known => known,
        }
    }
}

impl Told {
    fn tell(&self, table: &str) {
        let list = |words: &BTreeMap<String, usize>| {
            let some = words.iter().take(8).map(|(word, n)| format!("{word:?} {n} times"));
            some.collect::<Vec<_>>().join(", ")
        };
        if !self.genders.is_empty() {
            println!(
                "{table}: these genders are not understood, and count as unknown: {}. Sets differ in the meaning of 0 and 1: define it with --male and --female",
                list(&self.genders)
            );
        }
        if !self.parts.is_empty() {
            println!(
                "{table}: these parts are not understood, and are left empty: {}",
                list(&self.parts)
            );
        }
        if self.backslashes > 0 {
            println!("{table}: the backslashes of {} paths were replaced by /", self.backslashes);
        }
        if self.fractions > 0 {
            println!("{table}: {}", floored(self.fractions));
        }
        if self.open > 0 {
            println!("{table}: {} brackets with one end are open at the other", self.open);
        }
    }
}

/// Returns the number in a cell. If fields are not separated by commas, a comma may stand before decimals.
fn number(cell: &str, delimiter: u8) -> Option<f32> {
    let plain = cell.parse::<f32>().ok();
    let comma = || cell.replace(',', ".").parse::<f32>().ok();
    plain.or_else(|| comma().filter(|_| delimiter != b',')).filter(|value| value.is_finite())
}

/// A column of numbers that may have fractions.
fn field<'a>(row: &'a mut Row, column: &str) -> Option<&'a mut Option<f32>> {
    Some(match column {
        "age_min" => &mut row.age_min,
        "age_max" => &mut row.age_max,
        "apparent_age" => &mut row.apparent_age,
        "apparent_std" => &mut row.apparent_std,
        "weight" => &mut row.weight,
        "box_x" => &mut row.box_x,
        "box_y" => &mut row.box_y,
        "box_w" => &mut row.box_w,
        "box_h" => &mut row.box_h,
        "eye_left_x" => &mut row.eye_left_x,
        "eye_left_y" => &mut row.eye_left_y,
        "eye_right_x" => &mut row.eye_right_x,
        "eye_right_y" => &mut row.eye_right_y,
        "nose_x" => &mut row.nose_x,
        "nose_y" => &mut row.nose_y,
        "mouth_left_x" => &mut row.mouth_left_x,
        "mouth_left_y" => &mut row.mouth_left_y,
        "mouth_right_x" => &mut row.mouth_right_x,
        "mouth_right_y" => &mut row.mouth_right_y,
        _ => return None,
    })
}

/// Finds the separator of the fields and the names of the columns, and reports those without a meaning here.
fn header(bytes: &[u8], shown: &str) -> Result<(u8, Vec<String>)> {
    let names = |delimiter: u8| -> Result<Vec<String>> {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .from_reader(bytes);
        let first = reader.byte_records().next().with_context(|| format!("{shown} is empty"))?;
        Ok(first?.iter().map(|name| folded(&String::from_utf8_lossy(name))).collect())
    };
    let mut found = None;
    for delimiter in [b',', b';', b'\t', b'|'] {
        let columns = names(delimiter)?;
        if columns.iter().any(|name| name == "path") {
            found = Some((delimiter, columns));
            break;
        }
    }
    let Some((delimiter, columns)) = found else {
        let line = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
        bail!(
            "{shown} has neither path nor file among its columns, whether commas, semicolons, tabs or bars separate them: {:.200}",
            String::from_utf8_lossy(line).trim_end()
        );
    };
    if delimiter != b',' {
        println!("{shown}: fields are separated by {:?}", char::from(delimiter));
    }
    for (i, name) in columns.iter().enumerate() {
        ensure!(!columns[..i].contains(name), "{shown}: two columns are called {name:?}");
    }
    let known = |name: &&String| {
        let text = ["path", "gender", "race", "person", "group", "family", "source", "split"];
        let numbers = ["age", "width", "height", "score"];
        text.contains(&name.as_str())
            || numbers.contains(&name.as_str())
            || field(&mut Row::default(), name).is_some()
    };
    let unknown: Vec<_> = columns.iter().filter(|name| !known(name)).cloned().collect();
    if !unknown.is_empty() {
        println!("{shown}: these columns have no meaning here: {}", unknown.join(", "));
    }
    Ok((delimiter, columns))
}
