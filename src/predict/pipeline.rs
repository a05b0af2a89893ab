//! The way of a picture to its answers, in this order:
//!
//! 1. [`open`] opens the picture. A file is decoded at a size that is enough for the search.
//! 2. [`find_faces`] finds the faces to estimate, in pixels of the original picture.
//! 3. [`refine`] decodes more pixels, if the crop of a face needs them.
//! 4. [`estimate_face`] makes the crops, runs the networks, and judges the quality.
//! 5. [`record`] adds the answer.
//!
//! A tracker takes the same steps (`track.rs`), and averages over frames between 4 and 5.

use super::estimate::{estimate_face, finest_crop};
use super::options::Options;
use super::passes::finest_side;
use super::search::find_faces;
use super::source::{Input, Source};
use super::workspace::Workspace;
use crate::error::Result;
use crate::face::answer::{FaceRecord, Gender, Predictions, Track};
use crate::face::candidate::{Candidate, Observation};
use crate::memory::reserve;
use crate::model::{Estimate, Model};

/// A picture to be searched is decoded with a longer side of this many times the detector's input at least. Twice is
/// enough to cut a face from it that is a quarter as large as the picture.
const SPARE: f32 = 2.0;

/// Predicts the faces of a picture.
pub(super) fn predict(
    model: &Model,
    input: Input<'_>,
    options: &Options<'_>,
    workspace: &mut Workspace,
    out: &mut Predictions,
) -> Result<()> {
    out.refill(|out| {
        let mut source = open(model, input, options, out)?;
        find_faces(model, &source, options, workspace)?;
        refine(model, &mut source, options, &workspace.candidates)?;
        for index in 0..workspace.candidates.len() {
            let face = workspace.candidates[index];
            let observation = estimate_face(model, &source, &face, options, workspace)?;
            record(model, &face, observation, &workspace.estimate, None, options, out)?;
        }
        Ok(())
    })
}

/// Checks the options, opens the picture, and starts the answer.
pub(super) fn open<'a>(
    model: &Model,
    input: Input<'a>,
    options: &Options<'_>,
    out: &mut Predictions,
) -> Result<Source<'a>> {
    options.check()?;
    let source = match input {
        Input::Image(image) => Source::borrowed(image),
        Input::Encoded { bytes, orientation } if options.searches() => {
            let detector = model.detector()?;
            let enough = |longer: f32| {
                let fast = options.min_face_size(0.0).fast_search(true);
                let spare = SPARE * finest_side(detector, &fast, longer) as f32;
                spare.max(finest_side(detector, options, longer) as f32)
            };
            Source::reduced(bytes, orientation, &model.limits, enough)?
        }
        Input::Encoded { bytes, orientation } => Source::whole(bytes, orientation, &model.limits)?,
    };
    let (width, height) = source.size();
    model.limits.check_size(width, height)?;
    options.check_places(width, height)?;
    out.start((width, height), options.age_coverage);
    Ok(source)
}

/// Makes sure that a reduced picture has at least a pixel for each pixel of a face's crop.
pub(super) fn refine(
    model: &Model,
    source: &mut Source<'_>,
    options: &Options<'_>,
    faces: &[Candidate],
) -> Result<()> {
    let finest = finest_crop(model, faces, source.size(), options)?;
    source.refine(finest, &model.limits)
}

/// Adds a face to the answer.
pub(super) fn record(
    model: &Model,
    face: &Candidate,
    observation: Observation,
    estimate: &Estimate,
    track: Option<Track>,
    options: &Options<'_>,
    out: &mut Predictions,
) -> Result<()> {
    reserve(&mut out.years, estimate.years.len())?;
    reserve(&mut out.faces, 1)?;
    let threshold = options
        .gender_threshold
        .or(model.gender_metadata().gender.as_ref().map(|g| g.threshold))
        .unwrap_or(0.5);
    let start = out.years.len();
    out.years.extend_from_slice(&estimate.years);
    out.faces.push(FaceRecord {
        rect: face.region.rect,
        landmarks: face.region.landmarks,
        score: face.score,
        region_index: face.region_index,
        years: start..out.years.len(),
        female: estimate.female,
        gender: estimate.female.and_then(|f| Gender::from_probability(f, threshold)),
        pose: observation.pose,
        quality: observation.quality(),
        track,
    });
    Ok(())
}
