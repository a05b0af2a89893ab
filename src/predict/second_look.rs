//! Looks at a face again, in a small input of the detector. There the face has the size that the detector knows best,
//! whatever its size in the picture.

use super::detect::detect_window;
use super::options::Options;
use super::passes::Window;
use super::source::Source;
use super::workspace::Workspace;
use crate::error::Result;
use crate::geometry::{Affine, Point, Rect};
use crate::model::{Detection, Detector};

/// The side of the input, and the part of it that the side of the face takes.
const SIDE: usize = 96;
const FACE: f32 = 48.0;

/// The smallest score that a second look answers.
const WEAK: f32 = 0.1;

/// The score of a face that a second look does not find.
const NOT_FOUND: f32 = 0.02;

/// Two boxes belong to one face if they have at least this share of their union in common.
const SAME: f32 = 0.3;

/// From this score on, a still picture's face is looked at again. A lower bound of 0.35 finds 1 % more of the faces of
/// 20 to 40 pixels, and takes a quarter more looks.
pub(super) const UNSURE: f32 = 0.4;

/// A face with this score is sure enough.
const SURE: f32 = 0.87;

/// Most faces of a picture that are looked at again, those with the highest scores first. This bounds the time that a
/// crowd takes.
const MOST: usize = 64;

/// How often a search may still look again.
pub(super) struct Looks {
    left: usize,
    /// A smaller face, by its shorter side in pixels of the picture, is left out later, so its look would be for nothing.
    /// But it takes one from the rest, as in a search that keeps it. So both searches look at the same larger faces.
    smallest: f32,
}

impl Looks {
    pub(super) fn new(smallest: f32) -> Self {
        Self { left: MOST, smallest }
    }
}

/// Returns whether unsure faces are looked at again. There is no time for this in a frame. A search in quarter turns
/// does not know how its faces are turned.
pub(super) fn is_used(options: &Options<'_>) -> bool {
    !options.fast_search && !options.try_turns
}

/// Looks again at the unsure faces among `workspace.detections`, which has the highest score first. Only faces that the
/// second look enlarges are worth it. `scale` is that of the finest input, in its pixels for each pixel of the picture.
/// A face gets the box and the landmarks of
/// the second look. Its score becomes the mean of both scores, in logits.
///
/// An example: a face of 30 pixels in a picture of 1024 pixels has 19 pixels in the finest input, and a score of 0.5.
/// Enlarged to 48 pixels it has a score of 0.9. The logits are 0 and 2.2. Their mean is 1.1, which is a score of 0.75.
pub(super) fn look_again_at_unsure(
    detector: &Detector,
    source: &Source<'_>,
    scale: f32,
    looks: &mut Looks,
    workspace: &mut Workspace,
) -> Result<()> {
    let sure = workspace.detections.partition_point(|face| face.score >= SURE);
    let unsure = workspace.detections.partition_point(|face| face.score >= UNSURE);
    for index in sure..unsure {
        let first = workspace.detections[index];
        if first.region.rect.area().sqrt() * scale >= FACE {
            continue;
        }
        if looks.left == 0 {
            break;
        }
        looks.left -= 1;
        if first.region.rect.width.min(first.region.rect.height) < looks.smallest {
            continue;
        }
        let again = look_again(detector, source, &first.region.rect, 0, workspace)?;
        let score = mean(first.score, again.as_ref().map_or(NOT_FOUND, |face| face.score));
        workspace.detections[index] = Detection { score, ..again.unwrap_or(first) };
    }
    Ok(())
}

/// Returns what the detector finds at the place of `rect` after so many quarter turns of the picture, if it finds
/// anything. `workspace.detections` stays as it is.
pub(super) fn look_again(
    detector: &Detector,
    source: &Source<'_>,
    rect: &Rect,
    quarters: usize,
    workspace: &mut Workspace,
) -> Result<Option<Detection>> {
    let window = window(detector);
    let half = window.width as f32 / 2.0;
    let Point { x, y } = rect.center();
    let scale = rect.area().sqrt() / FACE;
    let angle = quarters as f32 * std::f32::consts::FRAC_PI_2;
    let about_middle = Affine { x0: -half, y0: -half, ..Affine::IDENTITY };
    let to_original = Affine::similarity(scale, angle, x, y).after(&about_middle);
    let found = workspace.detections.len();
    detect_window(detector, source, &window, &to_original, WEAK, workspace)?;
    let again = workspace.detections.drain(found..);
    let same = again.filter(|other| other.region.rect.overlap(rect) >= SAME);
    Ok(same.max_by(|a, b| a.score.total_cmp(&b.score)))
}

/// The input of one such run.
pub(super) fn window(detector: &Detector) -> Window {
    Window::square(detector, SIDE)
}

/// Returns the score whose logit is the mean of two scores' logits.
fn mean(a: f32, b: f32) -> f32 {
    let odds = (a * b / ((1.0 - a) * (1.0 - b)).max(f32::MIN_POSITIVE)).sqrt();
    odds / (1.0 + odds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_of_scores_is_that_of_their_logits() {
        assert!((mean(0.5, 0.9) - 0.75).abs() < 1e-6);
        assert!((mean(0.7, 0.7) - 0.7).abs() < 1e-6);
        assert!(mean(0.6, NOT_FOUND) < 0.15);
        assert!(mean(0.5, 1.0) <= 1.0);
    }
}
