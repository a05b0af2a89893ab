//! Answers in a file.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use face_predict::Region;

use crate::data::labels::Taught;
use crate::data::manifest::Row;
use crate::data::versioned::Kind;
use crate::model::YEARS;

/// The answer of a teacher outside the library: `path`, the probability of male, then that of each year from 0.
const ANSWERS: Kind = Kind { word: "answers", called: "file of a teacher's answers", version: 1 };

/// Returns the answers in `file` for `faces`, in their order. There is none for a face that is not asked about.
pub fn answers(
    file: &Path,
    faces: &[Row],
    asked: impl Fn(&Row) -> bool,
) -> Result<Vec<Option<Taught>>> {
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
        let years = years.into_iter().map(|p| p / sum).collect();
        let before = known.insert(path, Taught { years, male });
        ensure!(before.is_none(), "{}: its picture has an answer already", told());
    }
    let mut places: HashMap<&str, Option<Region>> = HashMap::new();
    for face in faces.iter().filter(|face| asked(face)) {
        let (here, before) = (face.region(), places.get(face.path.as_str()));
        // Each of them would be taught the same years and the same gender.
        ensure!(
            before.is_none_or(|before| *before == here),
            "{} names pictures, but {} has several faces: its answer cannot tell which one it means",
            file.display(),
            face.path
        );
        places.insert(&face.path, here);
    }
    let answer = |face: &Row| {
        if !asked(face) {
            return Ok(None);
        }
        let answer = known.get(&face.path).cloned();
        let told = || format!("{} has no answer for {}", file.display(), face.path);
        answer.map(Some).with_context(told)
    };
    faces.iter().map(answer).collect()
}
