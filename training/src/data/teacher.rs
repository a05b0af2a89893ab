//! What a teacher says of a face, to be learned from beside its label (Hinton et al. 2015, "Distilling the knowledge in a
//! neural network").

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};
use face_predict::{Image, Model, ModelOptions, Options, Predictions, Region, Workspace};
use half::f16;

use super::loader::YEARS;
use super::manifest::Row;
use super::versioned::Kind;

/// What a teacher outside the library says: `path`, the probability of male, then that of each year from 0.
const ANSWERS: Kind = Kind { word: "answers", called: "teacher's answers", version: 1 };

/// Models of the library, and answers that were written down. Each face is shown to the models once, undisturbed, and
/// what they say is kept: 0.2 KB a face.
pub struct Teacher {
    models: Vec<Model>,
    crops: usize,
    /// Sources of the faces that are asked about; none: all.
    sources: Vec<String>,
    /// For each file of answers, those for the faces in their order.
    written: Vec<Vec<Taught>>,
    known: Vec<OnceLock<Taught>>,
}

/// The mean of what the models say.
#[derive(Clone, Debug, PartialEq)]
pub struct Taught {
    years: Vec<f16>,
    /// Probability of male.
    pub male: f32,
}

impl Taught {
    /// Probability of each whole year.
    pub fn years(&self) -> impl Iterator<Item = f32> + '_ {
        self.years.iter().map(|p| p.to_f32())
    }
}

impl Teacher {
    /// Loads `files`, models or answers (`.csv`), for those of `faces` that come from `sources` (all where none is named); each
    /// answer of a model is the mean of `crops` crops.
    pub fn open(
        files: &[PathBuf],
        crops: usize,
        sources: &[String],
        faces: &[Row],
    ) -> Result<Self> {
        let (written, files): (Vec<&PathBuf>, Vec<&PathBuf>) =
            files.iter().partition(|file| file.extension().is_some_and(|e| e == "csv"));
        let written =
            written.into_iter().map(|file| answers(file, sources, faces)).collect::<Result<_>>()?;
        let load = |file: &PathBuf| {
            let bytes = std::fs::read(file).with_context(|| format!("teacher {}", file.display()));
            let model = Model::load_parts(&[&bytes?], &ModelOptions::new());
            model.with_context(|| format!("teacher {}", file.display()))
        };
        let models = files.into_iter().map(load).collect::<Result<_>>()?;
        let known = faces.iter().map(|_| OnceLock::new()).collect();
        let sources = sources.to_vec();
        Ok(Self { models, crops, sources, written, known })
    }

    /// Whether it is asked about a face.
    pub fn knows(&self, face: &Row) -> bool {
        asked(&self.sources, face)
    }

    /// What all say of face number `row`, at `region` of `image`; without one the picture is the face.
    pub fn ask(
        &self,
        row: usize,
        image: &Image<'_>,
        region: Option<&Region>,
        (workspace, answers): &mut (Workspace, Predictions),
    ) -> Result<&Taught> {
        if let Some(taught) = self.known[row].get() {
            return Ok(taught);
        }
        let (mut years, mut male) = (vec![0.0f32; YEARS], 0.0);
        let share = 1.0 / (self.models.len() + self.written.len()) as f32;
        for taught in self.written.iter().map(|answers| &answers[row]) {
            years.iter_mut().zip(taught.years()).for_each(|(sum, p)| *sum += share * p);
            male += share * taught.male;
        }
        for model in &self.models {
            let options = Options::new().crops(self.crops);
            let options = match region {
                Some(region) => options.regions(std::slice::from_ref(region)),
                None => options.cropped(true),
            };
            model.predict_into(image, &options, workspace, answers)?;
            let face = answers.face(0).context("no face came back from the teacher")?;
            let age = face.age().context("a teacher must tell age")?;
            ensure!(age.years().len() == YEARS, "a teacher's years must be 0 to {}", YEARS - 1);
            years.iter_mut().zip(age.years()).for_each(|(sum, p)| *sum += share * p);
            let female = face.female_probability().context("a teacher must tell gender")?;
            male += share * (1.0 - female);
        }
        let years = years.into_iter().map(f16::from_f32).collect();
        // Two threads that ask at once hear the same.
        Ok(self.known[row].get_or_init(|| Taught { years, male }))
    }
}

fn asked(sources: &[String], face: &Row) -> bool {
    sources.is_empty() || sources.contains(&face.source)
}

/// The answers in `file` for `faces`, in their order; an empty one for a face that is not asked about.
fn answers(file: &Path, sources: &[String], faces: &[Row]) -> Result<Vec<Taught>> {
    let mut known = HashMap::new();
    for (line, (path, male, years)) in ANSWERS.read::<(String, f32, Vec<f32>)>(file)? {
        let told = || format!("{} line {line}", file.display());
        let sum: f32 = years.iter().sum();
        let probable = |p: &f32| (0.0..=1.0).contains(p);
        ensure!(
            years.len() == YEARS && years.iter().all(probable) && (sum - 1.0).abs() < 0.01,
            "{}: not {YEARS} probabilities of years that sum to 1",
            told()
        );
        ensure!(probable(&male), "{}: {male} is no probability of male", told());
        let years = years.into_iter().map(|p| f16::from_f32(p / sum)).collect();
        let before = known.insert(path, Taught { years, male });
        ensure!(before.is_none(), "{}: its picture has an answer already", told());
    }
    let answer = |face: &Row| {
        if !asked(sources, face) {
            return Ok(Taught { years: Vec::new(), male: 0.5 });
        }
        known
            .get(&face.path)
            .cloned()
            .with_context(|| format!("{} has no answer for {}", file.display(), face.path))
    };
    faces.iter().map(answer).collect()
}
