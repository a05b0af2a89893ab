//! The answers of teachers to faces, from which the network learns beside the labels (Hinton et al. 2015, "Distilling
//! the knowledge in a neural network"). Each teacher answers a few fixed crops of a face, and the student sees exactly
//! those crops (Beyer et al. 2022, "Knowledge distillation: A good teacher is patient and consistent"). Answers are
//! kept, so that another run asks only about new faces.

mod ask;
mod written;

use std::path::Path;

use anyhow::{Context, Result};

use crate::config::settings::Settings;
use crate::config::{Form, Teacher};
use crate::data::feed::Teachers;
use crate::data::kept::key;
use crate::data::labels::Taught;
use crate::data::manifest::Row;
use crate::data::records::{Key, Records};
use crate::model::YEARS;

const NO_ANSWER: &str = "a teacher has no answer for it";

/// The teachers, and their answers about the faces of a run.
pub struct Teaching {
    crops: usize,
    /// Whether each crop is taught the mean of the answers to all crops of its face.
    mean_over_crops: bool,
    voices: Vec<Voice>,
}

/// The place of a teacher's answers.
enum Voice {
    /// In a table, one for each face.
    Written(Vec<Option<Taught>>),
    /// In kept records, one for each crop. With them is the key of each face that the teacher was asked about.
    Kept(Records, Vec<Option<Key>>),
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
        // A key reads the facts of its file, so all teachers share one list.
        let keys: Vec<_> = rows.iter().map(|row| key(&settings.root, row).ok()).collect();
        let voice = |teacher: Teacher<'_>| -> Result<Voice> {
            let asked = |row: &Row| teacher.answers(&row.source);
            if teacher.form == Form::Answers {
                return Ok(Voice::Written(written::answers(teacher.path, rows, asked)?));
            }
            let question = ask::Question {
                root: &settings.root,
                input: &settings.train.input,
                augment: &settings.train.augment,
                crops: told.crops,
                workers: settings.workers,
                device,
            };
            let about: Vec<&Row> = rows.iter().filter(|row| asked(row)).collect();
            let records = question.put(&teacher, &about, folder)?;
            let its = keys.iter().zip(rows).map(|(key, row)| key.filter(|_| asked(row)));
            Ok(Voice::Kept(records, its.collect()))
        };
        let voices = told.asked().map(voice).collect::<Result<_>>()?;
        Ok(Some(Self { crops: told.crops, mean_over_crops: told.mean_over_crops, voices }))
    }
}

impl Teachers for Teaching {
    fn crops(&self) -> usize {
        self.crops
    }

    fn said(&self, row: usize, crop_index: usize) -> Result<Option<Taught>> {
        let mut said = Vec::with_capacity(self.voices.len());
        for voice in &self.voices {
            said.extend(match voice {
                Voice::Written(answers) => answers[row].clone(),
                Voice::Kept(records, keys) => match &keys[row] {
                    Some(key) => {
                        let bytes = records.get(key).context(NO_ANSWER)?;
                        let asked = if self.mean_over_crops {
                            0..self.crops
                        } else {
                            crop_index..crop_index + 1
                        };
                        let answers: Option<Vec<Taught>> =
                            asked.map(|crop| ask::unpack(&bytes, crop)).collect();
                        Some(mean(&answers.context(NO_ANSWER)?))
                    }
                    None => None,
                },
            });
        }
        if said.is_empty() {
            return Ok(None);
        }
        Ok(Some(mean(&said)))
    }
}

/// Returns the mean of answers, of which there is at least one.
fn mean(answers: &[Taught]) -> Taught {
    let share = 1.0 / answers.len() as f32;
    let mut mean = Taught { years: vec![0.0; YEARS], male: 0.0 };
    for taught in answers {
        mean.years.iter_mut().zip(&taught.years).for_each(|(sum, p)| *sum += share * p);
        mean.male += share * taught.male;
    }
    mean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_of_answers_is_a_distribution() {
        let sure_of = |year: usize, male| {
            let mut years = vec![0.0; YEARS];
            years[year] = 1.0;
            Taught { years, male }
        };
        let found = mean(&[sure_of(20, 1.0), sure_of(30, 0.5)]);
        assert_eq!((found.years[20], found.years[30], found.male), (0.5, 0.5, 0.75));
    }
}
