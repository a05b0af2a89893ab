//! Reads IMDB-WIKI (Rothe et al. 2016), whose metadata are in MATLAB files.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::common::{Common, finish};
use super::funnel::Funnel;
use crate::data::manifest::Row;
use crate::data::matlab::{self, Value};

/// The defaults are the published filters.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: face-train ingest imdb-wiki --mat imdb.mat wiki.mat --images imdb_wiki --out faces.csv --funnel funnel.json"
)]
pub struct ImdbWiki {
    /// MATLAB files: imdb.mat, wiki.mat. The file's stem names the source.
    #[arg(long, required = true, num_args = 1..)]
    mat: Vec<PathBuf>,
    /// Folder that the paths in the files start from.
    #[arg(long)]
    images: PathBuf,
    /// Youngest age that is kept.
    #[arg(long, default_value_t = 9)]
    min_age: i64,
    /// Oldest age that is kept.
    #[arg(long, default_value_t = 99)]
    max_age: i64,
    /// Score of the detector that a face must exceed. -inf keeps all, even those in which no face was found.
    #[arg(long, default_value_t = 1.0, allow_hyphen_values = true)]
    min_face_score: f64,
    /// Keep pictures in which a second face was found.
    #[arg(long)]
    allow_second_face: bool,
    /// The pictures are the whole ones, for which face_location holds. Without this, they are the published crops.
    #[arg(long)]
    whole_pictures: bool,
    #[command(flatten)]
    common: Common,
}

const RULES: [&str; 5] = [
    "gender neither 0 nor 1",
    "date of birth or photo impossible",
    "age out of range",
    "face score too low",
    "second face",
];

impl ImdbWiki {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let mut funnel = Funnel::new(&RULES);
        let mut rows = Vec::new();
        for path in &self.mat {
            let bytes = std::fs::read(path).with_context(|| format!("{}", path.display()))?;
            let file = matlab::read(&bytes).with_context(|| format!("{}", path.display()))?;
            drop(bytes);
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            // One variable, which is called imdb or wiki.
            let table = file
                .get(&stem)
                .or_else(|| file.values().find(|v| v.field("full_path").is_some()))
                .with_context(|| format!("{} has no struct with full_path", path.display()))?;
            self.rows(table, &stem, &mut rows, &mut funnel)
                .with_context(|| format!("{}", path.display()))?;
        }
        let names: Vec<String> = self.mat.iter().map(|p| p.display().to_string()).collect();
        let command = format!("ingest imdb-wiki --mat {}", names.join(" "));
        finish(&self.common, Some(&self.images), &command, rows, funnel)
    }

    fn rows(
        &self,
        table: &Value,
        source: &str,
        rows: &mut Vec<Row>,
        funnel: &mut Funnel,
    ) -> Result<()> {
        let field =
            |name: &str| table.field(name).with_context(|| format!("there is no field {name}"));
        let (born, taken) = (field("dob")?.numbers(), field("photo_taken")?.numbers());
        let (score, second) =
            (field("face_score")?.numbers(), field("second_face_score")?.numbers());
        let gender = field("gender")?.numbers();
        let paths = field("full_path")?.cells();
        let names = table.field("name").map_or(&[][..], Value::cells);
        let places = table.field("face_location").map_or(&[][..], Value::cells);
        for (name, length) in [
            ("dob", born.len()),
            ("photo_taken", taken.len()),
            ("gender", gender.len()),
            ("face_score", score.len()),
            ("second_face_score", second.len()),
        ] {
            ensure!(
                length == paths.len(),
                "{name} has {length} values, but full_path has {}",
                paths.len()
            );
        }
        for (i, path) in paths.iter().enumerate() {
            let label = match gender[i] {
                0.0 => "female",
                1.0 => "male",
                _ => "",
            };
            let age = matlab::age_in(born[i], taken[i]);
            funnel.read(label, age.map(|age| age as f64));
            let rule = match age {
                _ if label.is_empty() => Some(RULES[0]),
                None => Some(RULES[1]),
                Some(age) if age < self.min_age || age > self.max_age => Some(RULES[2]),
                // The row is also dropped if the score is not a number. Minus infinity says that no face was found. It
                // is kept only when asked for.
                _ if !(self.min_face_score == f64::NEG_INFINITY
                    || score[i] > self.min_face_score) =>
                {
                    Some(RULES[3])
                }
                _ if !second[i].is_nan() && !self.allow_second_face => Some(RULES[4]),
                _ => None,
            };
            if let Some(rule) = rule {
                funnel.drop(rule, label);
                continue;
            }
            let mut row = Row {
                path: path.text().replace('\\', "/"),
                age: age.map(|age| age as f32),
                gender: label.into(),
                person: names.get(i).map(Value::text).unwrap_or_default().trim().to_owned(),
                source: source.to_owned(),
                ..Row::default()
            };
            if let (true, Some(Value::Numbers(place))) = (self.whole_pictures, places.get(i))
                && let [left, top, right, bottom] = place[..]
            {
                // MATLAB counts pixels from one.
                row.box_x = Some(left as f32 - 1.0);
                row.box_y = Some(top as f32 - 1.0);
                row.box_w = Some((right - left) as f32);
                row.box_h = Some((bottom - top) as f32);
            }
            if row.path.is_empty() {
                funnel.drop("no path", label);
            } else {
                rows.push(row);
            }
        }
        Ok(())
    }
}
