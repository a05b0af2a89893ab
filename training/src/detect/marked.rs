//! Heads that look aside and covered faces: how many are found, and how many of those the library marks.

use std::collections::BTreeMap;

use face_predict::{Predictions, Quality};
use serde::Serialize;

use super::measure::RIGHT;
use super::scene::Mark;

/// Faces of one kind.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Kind {
    /// The faces in focus of 40 pixels and more.
    pub faces: usize,
    /// Those of them that are found at the threshold.
    pub found: usize,
    /// Those of the found ones that are marked as turned.
    pub turned: usize,
}

/// By kind.
pub type Kinds = BTreeMap<&'static str, Kind>;

/// Faces with a smaller side are marked as small anyway.
const LEAST: f32 = 40.0;

/// Adds a picture, whose answers of at least `threshold` are judged.
pub fn add(kinds: &mut Kinds, marks: &[Mark], found: &Predictions, threshold: f32) {
    let large = |mark: &&Mark| mark.rect.area().sqrt() >= LEAST;
    for mark in marks.iter().filter(large).filter(|mark| !mark.ignored && !mark.blurred) {
        let name = match (mark.atypical, mark.covered) {
            (true, _) => "atypical pose",
            (false, true) => "covered in part",
            (false, false) => "neither",
        };
        let kind = kinds.entry(name).or_default();
        kind.faces += 1;
        let sure = found.faces().filter(|face| face.score().is_some_and(|s| s >= threshold));
        let best = sure
            .map(|face| (face.rect().overlap(&mark.rect), face.quality()))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((_, quality)) = best.filter(|(overlap, _)| *overlap >= RIGHT) {
            kind.found += 1;
            kind.turned += usize::from(quality.contains(Quality::TURNED));
        }
    }
}
