//! The teachers of a run, and which faces each of them is asked about.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use crate::data::manifest::Row;

/// The teachers of a run. The weight of their answers is `loss.distillation`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Distillation {
    /// Model files, runs, or files of answers. `FILE@SOURCE,SOURCE` is a teacher of these sources alone.
    pub teachers: Vec<String>,
    /// The number of crops of a face that they answer.
    pub crops: usize,
    /// Whether each crop is taught the mean of the answers to all crops of its face. Then a teacher's answers that
    /// change from crop to crop are not learned.
    #[serde(default)]
    pub mean_over_crops: bool,
    /// The sources of those teachers that name none. An empty list means all.
    #[serde(default)]
    pub sources: Vec<String>,
}

/// A teacher, and the faces that it is asked about.
pub struct Teacher<'a> {
    /// Its file or folder.
    pub path: &'a Path,
    /// What is there.
    pub form: Form,
    /// The sources whose faces it is asked about. An empty list means all.
    pub sources: Vec<&'a str>,
}

/// The form in which a teacher is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A file of answers (.csv).
    Answers,
    /// A model file of the library (.onnx).
    Model,
    /// A run, or a checkpoint in it.
    Run,
}

impl Form {
    /// Returns the form that the ending of `path` stands for.
    pub fn of(path: &Path) -> Self {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("csv") => Self::Answers,
            Some("onnx") => Self::Model,
            _ => Self::Run,
        }
    }
}

impl Teacher<'_> {
    /// Returns whether it is asked about the faces of `source`.
    pub fn answers(&self, source: &str) -> bool {
        self.sources.is_empty() || self.sources.contains(&source)
    }
}

impl Distillation {
    /// Each teacher, and what it is asked about.
    pub fn asked(&self) -> impl Iterator<Item = Teacher<'_>> {
        self.teachers.iter().map(|teacher| {
            let (file, own) = split(teacher);
            let path = Path::new(file);
            let sources = match own {
                Some(own) => own.split(',').collect(),
                None => self.sources.iter().map(String::as_str).collect(),
            };
            Teacher { path, form: Form::of(path), sources }
        })
    }

    /// Returns whether some teacher is asked about the faces of `source`.
    pub fn teaches(&self, source: &str) -> bool {
        self.asked().any(|teacher| teacher.answers(source))
    }

    /// Refuses a teacher of a source that no training face has. It was probably mistyped, and nothing would be learned
    /// from that teacher.
    pub fn check_sources(&self, rows: &[Row]) -> Result<()> {
        let train = rows.iter().filter(|row| row.split == "train");
        let known: BTreeSet<&str> = train.map(|row| row.source.as_str()).collect();
        for teacher in self.asked() {
            for source in &teacher.sources {
                ensure!(
                    known.contains(source),
                    "teacher {}: no training face has the source {source:?}; the sources are {known:?}",
                    teacher.path.display()
                );
            }
        }
        Ok(())
    }
}

/// `FILE@SOURCE,SOURCE` in its two parts. A name in which a folder or an ending follows the `@` is a file's name.
pub fn split(teacher: &str) -> (&str, Option<&str>) {
    match teacher.rsplit_once('@') {
        Some((file, sources))
            if !sources.contains('/') && Form::of(Path::new(sources)) == Form::Run =>
        {
            (file, Some(sources))
        }
        _ => (teacher, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_at_sign_may_be_part_of_a_file() {
        for (teacher, file, sources) in [
            ("base.onnx@aaf,appa", "base.onnx", Some("aaf,appa")),
            ("runs/a@b.onnx", "runs/a@b.onnx", None),
            ("runs/a@b.onnx@aaf", "runs/a@b.onnx", Some("aaf")),
            ("me@home/run", "me@home/run", None),
            ("me@home/run@utkface", "me@home/run", Some("utkface")),
        ] {
            assert_eq!(split(teacher), (file, sources), "{teacher}");
        }
    }
}
