//! UTKFace, FairFace, and sets of one's own.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use super::{Common, Funnel, finish};
use crate::data::manifest::Row;

/// Labels in names: age_gender_race_time.jpg.
#[derive(Args, Debug)]
#[command(after_help = "Example: face-train ingest utkface --images UTKFace --out utk.csv")]
pub struct Utkface {
    /// Folder of the pictures.
    #[arg(long)]
    images: PathBuf,
    #[command(flatten)]
    common: Common,
}

/// Nine brackets of age, seven groups.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: face-train ingest fairface --labels fairface_label_train.csv fairface_label_val.csv --images fairface --out ff.csv"
)]
pub struct Fairface {
    /// Tables of labels.
    #[arg(long, required = true, num_args = 1..)]
    labels: Vec<PathBuf>,
    /// Folder that has train and val.
    #[arg(long)]
    images: PathBuf,
    #[command(flatten)]
    common: Common,
}

/// Any folder on the way may be male or female, a year such as 34, or a bracket such as 20-29.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: face-train ingest folder --images photos --out own.csv   (photos/female/34/anna.jpg)"
)]
pub struct Folder {
    /// Folder of the pictures.
    #[arg(long)]
    images: PathBuf,
    /// Name of the set.
    #[arg(long, default_value = "folder")]
    source: String,
    #[command(flatten)]
    common: Common,
}

/// Columns as in the manifest; unknown ones are ignored.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: face-train ingest csv --table own.csv --images photos --out own-manifest.csv"
)]
pub struct Csv {
    /// CSV file; needs path or file.
    #[arg(long)]
    table: PathBuf,
    /// Folder that its paths start from.
    #[arg(long)]
    images: PathBuf,
    /// Name of the set, where the table has none.
    #[arg(long, default_value = "csv")]
    source: String,
    #[command(flatten)]
    common: Common,
}

/// Pictures below `folder`, with `/` between folders, sorted.
fn walk(folder: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut open = vec![(folder.to_owned(), String::new())];
    while let Some((folder, prefix)) = open.pop() {
        let entries =
            std::fs::read_dir(&folder).with_context(|| format!("folder {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let lower = name.to_lowercase();
            if entry.file_type()?.is_dir() {
                open.push((entry.path(), format!("{name}/")));
            } else if [".jpg", ".jpeg", ".png", ".webp", ".bmp"].iter().any(|e| lower.ends_with(e))
            {
                found.push(name);
            }
        }
    }
    ensure!(!found.is_empty(), "{} has no pictures", folder.display());
    found.sort();
    Ok(found)
}

const UTK_RACES: [&str; 5] = ["white", "black", "asian", "indian", "others"];

/// The labels in a name. Some lack the race: 61_1_20170109142408075.jpg.
fn utk_labels(name: &str) -> Option<(f32, &'static str, &'static str)> {
    let mut parts = name.rsplit('/').next()?.split('_');
    let age: f32 = parts.next()?.parse::<u8>().ok()?.into();
    let gender = match parts.next()? {
        "0" => "male",
        "1" => "female",
        _ => return None,
    };
    let race = parts.next()?.parse::<usize>().ok().and_then(|i| UTK_RACES.get(i));
    Some((age, gender, race.copied().unwrap_or_default()))
}

impl Utkface {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let mut funnel = Funnel::new(&["name without labels", "age above 116"]);
        let mut rows = Vec::new();
        let mut without_race = 0;
        for path in walk(&self.images)? {
            let labels = utk_labels(&path);
            funnel.rows.add(labels.map_or("", |l| l.1));
            match labels {
                None => funnel.drop("name without labels", ""),
                Some((age, gender, _)) if age > 116.0 => funnel.drop("age above 116", gender),
                Some((age, gender, race)) => {
                    without_race += usize::from(race.is_empty());
                    rows.push(Row {
                        path,
                        age: Some(age),
                        gender: gender.into(),
                        race: race.into(),
                        source: "utkface".into(),
                        ..Row::default()
                    });
                }
            }
        }
        println!("{without_race} names without a race");
        finish(&self.common, &self.images, "ingest utkface", rows, funnel)
    }
}

/// First and last year of a bracket, or of one year.
fn years(text: &str) -> Option<(f32, f32)> {
    let text = text.trim();
    if let Some(from) = text.strip_prefix("more than ") {
        return Some((from.parse().ok()?, 100.0));
    }
    if let Some(from) = text.strip_suffix('+') {
        return Some((from.parse().ok()?, 100.0));
    }
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    // Spreadsheets turn 3-9 into a date.
    let (from, to): (f32, f32) = match (from, to) {
        ("9", "Mar") | ("Mar", "9") => (3.0, 9.0),
        ("19", "Oct") | ("Oct", "19") => (10.0, 19.0),
        ("2", "Jan") => return None,
        _ => (from.trim().parse().ok()?, to.trim().parse().ok()?),
    };
    (from >= 0.0 && from <= to && to <= 130.0).then_some((from, to))
}

fn gender(text: &str) -> &'static str {
    match text.trim().to_lowercase().as_str() {
        "male" | "m" | "man" | "men" => "male",
        "female" | "f" | "woman" | "women" => "female",
        _ => "",
    }
}

#[derive(serde::Deserialize)]
struct Label {
    file: String,
    age: String,
    gender: String,
    #[serde(default)]
    race: String,
}

impl Fairface {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let mut funnel = Funnel::new(&["label not understood"]);
        let mut rows = Vec::new();
        for table in &self.labels {
            let mut reader = csv::Reader::from_path(table)
                .with_context(|| format!("table {}", table.display()))?;
            for (index, label) in reader.deserialize().enumerate() {
                let label: Label =
                    label.with_context(|| format!("{} row {}", table.display(), index + 1))?;
                let gender = gender(&label.gender);
                funnel.rows.add(gender);
                let Some((first, last)) = years(&label.age).filter(|_| !gender.is_empty()) else {
                    funnel.drop("label not understood", gender);
                    continue;
                };
                // Its val is what everybody tests on; a twentieth of its train takes that place.
                let split = match label.file.starts_with("val/") {
                    true => "test",
                    false if index % 20 == 19 => "val",
                    false => "train",
                };
                rows.push(Row {
                    path: label.file,
                    age_min: Some(first),
                    age_max: Some(last),
                    gender: gender.into(),
                    race: label.race.to_lowercase().replace('_', " "),
                    split: split.into(),
                    source: "fairface".into(),
                    ..Row::default()
                });
            }
        }
        finish(&self.common, &self.images, "ingest fairface", rows, funnel)
    }
}

impl Folder {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let mut funnel = Funnel::new(&["no label on the way"]);
        let mut rows = Vec::new();
        for path in walk(&self.images)? {
            let mut row = Row { source: self.source.clone(), ..Row::default() };
            for folder in path.split('/').rev().skip(1) {
                let (found, sex) = (years(folder), gender(folder));
                if !sex.is_empty() {
                    row.gender = sex.into();
                }
                match found {
                    Some((first, last)) if first == last => row.age = Some(first),
                    Some((first, last)) => {
                        (row.age_min, row.age_max) = (Some(first), Some(last));
                    }
                    None => {}
                }
            }
            row.path = path;
            funnel.rows.add(&row.gender);
            if row.gender.is_empty() && row.rough_age().is_none() {
                funnel.drop("no label on the way", "");
            } else {
                rows.push(row);
            }
        }
        finish(&self.common, &self.images, "ingest folder", rows, funnel)
    }
}

impl Csv {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let mut reader = csv::Reader::from_path(&self.table)
            .with_context(|| format!("table {}", self.table.display()))?;
        let headers: csv::StringRecord = reader
            .headers()?
            .iter()
            .map(|name| if name == "file" { "path" } else { name })
            .collect();
        if !headers.iter().any(|name| name == "path") {
            bail!("{} has neither path nor file among its columns", self.table.display());
        }
        let mut funnel = Funnel::new(&["no label"]);
        let mut rows = Vec::new();
        for (index, record) in reader.records().enumerate() {
            let place = || format!("{} row {}", self.table.display(), index + 1);
            let mut row: Row =
                record.with_context(place)?.deserialize(Some(&headers)).with_context(place)?;
            row.gender = gender(&row.gender).into();
            if row.source.is_empty() {
                row.source.clone_from(&self.source);
            }
            funnel.rows.add(&row.gender);
            let odd = |age: f32| !(0.0..=130.0).contains(&age);
            if row.rough_age().is_some_and(odd) {
                funnel.drop("age not within 0 to 130", &row.gender);
            } else if row.gender.is_empty() && row.rough_age().is_none() {
                funnel.drop("no label", "");
            } else {
                rows.push(row);
            }
        }
        let command = format!("ingest csv --table {}", self.table.display());
        finish(&self.common, &self.images, &command, rows, funnel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_names_of_utkface() {
        assert_eq!(utk_labels("25_0_2_2017.jpg.chip.jpg"), Some((25.0, "male", "asian")));
        assert_eq!(utk_labels("part1/61_1_20170109142408075.jpg"), Some((61.0, "female", "")));
        assert_eq!(utk_labels("53__0_2017.jpg"), None);
        assert_eq!(utk_labels("44_1_.jpg"), Some((44.0, "female", "")));
        assert_eq!(utk_labels("holiday.jpg"), None);
    }

    #[test]
    fn brackets_in_every_spelling() {
        assert_eq!(years("0-2"), Some((0.0, 2.0)));
        assert_eq!(years("more than 70"), Some((70.0, 100.0)));
        assert_eq!(years("70+"), Some((70.0, 100.0)));
        assert_eq!(years("34"), Some((34.0, 34.0)));
        assert_eq!(years("9-Mar"), Some((3.0, 9.0)));
        assert_eq!(years("30-20"), None);
        assert_eq!(years("NaN"), None);
    }
}
