//! What a teacher says of a face, to be learned from beside its label (Hinton et al. 2015, "Distilling the knowledge in a
//! neural network").

use std::path::PathBuf;
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};
use face_predict::{Image, Model, ModelOptions, Options, Predictions, Region};
use half::f16;

use super::loader::YEARS;

/// Models of the library. Each face is shown to them once, undisturbed, and what they say is kept: 0.2 KB a face.
pub struct Teacher {
    models: Vec<Model>,
    looks: usize,
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
    /// Loads `files`, for `faces` faces; each answer is the mean of `looks` looks.
    pub fn open(files: &[PathBuf], looks: usize, faces: usize) -> Result<Self> {
        let load = |file: &PathBuf| {
            let bytes = std::fs::read(file).with_context(|| format!("teacher {}", file.display()));
            let model = Model::load_parts(&[&bytes?], &ModelOptions::new());
            model.with_context(|| format!("teacher {}", file.display()))
        };
        let models = files.iter().map(load).collect::<Result<_>>()?;
        Ok(Self { models, looks, known: (0..faces).map(|_| OnceLock::new()).collect() })
    }

    /// What the models say of face number `row`, at `region` of `image`; without one the picture is the face.
    pub fn ask(
        &self,
        row: usize,
        image: &Image<'_>,
        region: Option<&Region>,
        answers: &mut Predictions,
    ) -> Result<&Taught> {
        if let Some(taught) = self.known[row].get() {
            return Ok(taught);
        }
        let (mut years, mut male) = (vec![0.0f32; YEARS], 0.0);
        let share = 1.0 / self.models.len() as f32;
        for model in &self.models {
            let options = Options::new().looks(self.looks);
            let options = match region {
                Some(region) => options.regions(std::slice::from_ref(region)),
                None => options.cropped(true),
            };
            model.predict_into(image, &options, answers)?;
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
