//! Reads UTKFace, FairFace, and pictures in folders.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::common::{Common, finish};
use super::funnel::Funnel;
use super::labels::{gender, years};
use crate::data::manifest::Row;
use crate::data::pictures::{self, Fault};

/// Labels are in the names: age_gender_race_time.jpg.
#[derive(Args, Debug)]
#[command(after_help = "Example: face-train ingest utkface --images UTKFace --out utk.csv")]
pub struct Utkface {
    /// Folder of the pictures.
    #[arg(long)]
    images: PathBuf,
    #[command(flatten)]
    common: Common,
}

/// There are nine age brackets and seven groups.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: face-train ingest fairface --labels fairface_label_train.csv fairface_label_val.csv --images fairface --out ff.csv"
)]
pub struct Fairface {
    /// Tables of labels.
    #[arg(long, required = true, num_args = 1..)]
    labels: Vec<PathBuf>,
    /// Folder that contains train and val.
    #[arg(long)]
    images: PathBuf,
    #[command(flatten)]
    common: Common,
}

/// A folder on the way may be called male or female, a year such as 34, or a bracket such as 20-29. The innermost one
/// counts.
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

/// Returns the pictures below `folder`, sorted, with `/` between folders. Something that only has a picture's name,
/// such as a pipe, is counted.
fn walk(folder: &Path, funnel: &mut Funnel) -> Result<Vec<String>> {
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
                match pictures::fault(&entry.path()) {
                    Some((rule @ Fault::NoFile, why)) => {
                        funnel.read("", None);
                        funnel.leave_out(rule.name(), "", &name, &why);
                    }
                    _ => found.push(name),
                }
            }
        }
    }
    ensure!(!found.is_empty(), "{} has no pictures", folder.display());
    found.sort();
    Ok(found)
}

const UTK_RACES: [&str; 5] = ["white", "black", "asian", "indian", "others"];

/// Returns the labels in a name. Some names lack the race: 61_1_20170109142408075.jpg.
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
        for path in walk(&self.images, &mut funnel)? {
            let labels = utk_labels(&path);
            funnel.read(labels.map_or("", |l| l.1), labels.map(|l| f64::from(l.0)));
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
        finish(&self.common, Some(&self.images), "ingest utkface", rows, funnel)
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
                let (gender, age) = (gender(&label.gender), years(&label.age));
                funnel.read(gender, age.map(|(first, last)| f64::from(first + last) / 2.0));
                let Some((first, last)) = age.filter(|_| !gender.is_empty()) else {
                    funnel.drop("label not understood", gender);
                    continue;
                };
                // Its val is what everybody tests on, so a twentieth of its train takes that place.
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
        finish(&self.common, Some(&self.images), "ingest fairface", rows, funnel)
    }
}

/// Returns whether folders called f and m are genders. Beside a folder called a or 7, they are parts named by a hash.
fn letters_are_genders(paths: &[String]) -> bool {
    let folders = paths.iter().flat_map(|path| path.split('/').rev().skip(1));
    let mut single = folders.filter(|name| name.len() == 1);
    single.all(|name| !gender(name).is_empty() || name.parse::<u8>().is_ok())
}

/// Returns at most twelve of the names, and how many others there are.
fn listed(names: &BTreeSet<String>) -> String {
    let shown: Vec<&str> = names.iter().take(12).map(String::as_str).collect();
    match names.len() {
        0 => "none".into(),
        1..=12 => shown.join(", "),
        count => format!("{} and {} others", shown.join(", "), count - 12),
    }
}

impl Folder {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let mut funnel = Funnel::new(&["no label among the folders"]);
        let mut rows = Vec::new();
        let paths = walk(&self.images, &mut funnel)?;
        let letters = letters_are_genders(&paths);
        // The folders whose names were taken for genders, and for ages.
        let (mut genders, mut ages) = (BTreeSet::new(), BTreeSet::new());
        let mut letters_ignored = false;
        for path in paths {
            let mut row = Row { source: self.source.clone(), ..Row::default() };
            // The search goes from the picture outwards, since the nearest folder counts.
            for folder in path.split('/').rev().skip(1) {
                let sex = gender(folder);
                let shard = !letters && folder.len() == 1;
                letters_ignored |= shard && !sex.is_empty();
                if row.gender.is_empty() && !sex.is_empty() && !shard {
                    row.gender = sex.into();
                    genders.insert(folder.to_owned());
                }
                if let Some((first, last)) = years(folder).filter(|_| !row.has_age()) {
                    ages.insert(folder.to_owned());
                    if first == last {
                        row.age = Some(first);
                    } else {
                        (row.age_min, row.age_max) = (Some(first), Some(last));
                    }
                }
            }
            row.path = path;
            funnel.read(&row.gender, row.rough_age().map(f64::from));
            if let Err(rule) = row.settle() {
                funnel.leave_out(rule, &row.gender, &row.path, "");
                continue;
            }
            if row.gender.is_empty() && row.rough_age().is_none() {
                funnel.drop("no label among the folders", "");
            } else {
                rows.push(row);
            }
        }
        println!("folders taken for genders: {}", listed(&genders));
        println!("folders taken for ages: {}", listed(&ages));
        if letters_ignored {
            println!(
                "folders called f and m are not taken for genders, because another folder has a name of one letter"
            );
        }
        finish(&self.common, Some(&self.images), "ingest folder", rows, funnel)
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
}
