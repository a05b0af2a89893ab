//! The answers of teachers to faces, from which the network learns beside the labels (Hinton et al. 2015, "Distilling
//! the knowledge in a neural network"). Each teacher answers a few fixed crops of a face, and the student sees exactly
//! those crops (Beyer et al. 2022, "Knowledge distillation: A good teacher is patient and consistent"). Answers are
//! kept, so that another run asks only about new faces.

mod ask;
mod written;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::config::settings::Settings;
use crate::data::feed::Teachers;
use crate::data::kept::key;
use crate::data::labels::Taught;
use crate::data::manifest::Row;
use crate::data::records::{Key, Records};
use crate::model::YEARS;

/// The teachers, and their answers about the faces of a run.
pub struct Teaching {
    crops: usize,
    voices: Vec<Voice>,
    /// The faces that are asked about.
    keys: Vec<Option<Key>>,
}

/// The place of a teacher's answers.
enum Voice {
    /// In a table, one for each face.
    Written(Vec<Option<Taught>>),
    /// In kept records, one for each crop.
    Kept(Records),
}

impl Teaching {
    /// Asks the teachers of `settings` about `rows`, and keeps their answers in `folder`.
    pub fn ask(
        settings: &Settings,
        rows: &[Row],
        folder: &Path,
        device: tch::Device,
    ) -> Result<Option<Self>> {
        let told = &settings.train.distillation;
        if told.teachers.is_empty() {
            return Ok(None);
        }
        let asked = |row: &Row| told.sources.is_empty() || told.sources.contains(&row.source);
        let voice = |file: &String| -> Result<Voice> {
            let file = PathBuf::from(file);
            if file.extension().is_some_and(|e| e == "csv") {
                return Ok(Voice::Written(written::answers(&file, rows, asked)?));
            }
            let question = ask::Question {
                root: &settings.root,
                input: &settings.train.input,
                augment: &settings.train.augment,
                crops: told.crops,
                workers: settings.workers,
                device,
            };
            let rows: Vec<&Row> = rows.iter().filter(|row| asked(row)).collect();
            Ok(Voice::Kept(question.put(&file, &rows, folder)?))
        };
        let voices = told.teachers.iter().map(voice).collect::<Result<_>>()?;
        let keys = rows.iter().map(|row| key(&settings.root, row).ok().filter(|_| asked(row)));
        Ok(Some(Self { crops: told.crops, voices, keys: keys.collect() }))
    }
}

impl Teachers for Teaching {
    fn crops(&self) -> usize {
        self.crops
    }

    fn said(&self, row: usize, crop_index: usize) -> Result<Option<Taught>> {
        let Some(key) = &self.keys[row] else { return Ok(None) };
        let mut mean = Taught { years: vec![0.0; YEARS], male: 0.0 };
        let share = 1.0 / self.voices.len() as f32;
        for voice in &self.voices {
            let taught = match voice {
                Voice::Written(answers) => answers[row].clone(),
                Voice::Kept(records) => {
                    records.get(key).and_then(|bytes| ask::unpack(&bytes, crop_index))
                }
            };
            let taught = taught.context("a teacher has no answer for it")?;
            mean.years.iter_mut().zip(&taught.years).for_each(|(sum, p)| *sum += share * p);
            mean.male += share * taught.male;
        }
        Ok(Some(mean))
    }
}
