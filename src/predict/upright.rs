//! Whether a face that was found is upright, or looks like one only because a detector makes an upright face of whatever is
//! most like it.

use super::detect::detect_window;
use super::passes::Window;
use super::source::Source;
use super::workspace::Workspace;
use crate::error::Result;
use crate::face::candidate::Candidate;
use crate::geometry::{Affine, Point};
use crate::model::Detector;

/// Score from which on a face is taken as upright. Of 300 validation portraits 2 % of those that are upright score less than
/// 0.84, and 2 % of those that lie on a side or stand on the head score more than 0.85.
const SURE: f32 = 0.87;

/// Side, as the root of the box's area, below which nothing is looked at again: a small face is marked anyway.
const LEAST: f32 = 40.0;

/// Side of the input that the face is looked at again in, and what the face's own side takes of it.
const SIDE: usize = 96;
const FACE: f32 = 48.0;

/// Score that a turned face counts from, when it is compared with the upright one.
const WEAK: f32 = 0.1;

/// Share of their union that two boxes of one face have in common at least.
const SAME: f32 = 0.3;

/// Whether the face is more of a face once it is turned by one, two or three quarters. Only what is not surely upright is
/// looked at again: four runs of the detector over a small input.
pub(super) fn lies(
    detector: &Detector,
    source: &Source<'_>,
    face: &Candidate,
    workspace: &mut Workspace,
) -> Result<bool> {
    let side = face.region.rect.area().sqrt();
    if face.score.is_none_or(|score| score >= SURE) || side < LEAST {
        return Ok(false);
    }
    let mut scores = [0.0f32; 4];
    for (quarter, score) in scores.iter_mut().enumerate() {
        *score = turned(detector, source, face, quarter, workspace)?;
    }
    let [upright, lying @ ..] = scores;
    Ok(lying.into_iter().any(|score| score > upright))
}

/// What one such run sees.
pub(super) fn window(detector: &Detector) -> Window {
    Window::square(detector, SIDE)
}

/// The score of the face after so many quarter turns.
fn turned(
    detector: &Detector,
    source: &Source<'_>,
    face: &Candidate,
    quarters: usize,
    workspace: &mut Workspace,
) -> Result<f32> {
    let (rect, window) = (face.region.rect, window(detector));
    let half = window.width as f32 / 2.0;
    let Point { x, y } = rect.center();
    let scale = rect.area().sqrt() / FACE;
    let angle = quarters as f32 * std::f32::consts::FRAC_PI_2;
    let about_middle = Affine { x0: -half, y0: -half, ..Affine::IDENTITY };
    let to_original = Affine::similarity(scale, angle, x, y).after(&about_middle);
    let found = workspace.detections.len();
    detect_window(detector, source, &window, &to_original, WEAK, workspace)?;
    let again = workspace.detections.drain(found..);
    let same = again.filter(|other| other.region.rect.overlap(&rect) >= SAME);
    Ok(same.map(|other| other.score).fold(0.0, f32::max))
}
