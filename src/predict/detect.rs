//! One run of the detector over a window of a picture.

use super::passes::Window;
use super::source::Source;
use super::workspace::Workspace;
use crate::error::Result;
use crate::geometry::Affine;
use crate::memory::{grow_to, reserve};
use crate::model::Detector;

/// Runs the detector once, and adds what it finds to `workspace.detections`. `to_original` maps the picture of the
/// window to the original.
pub(super) fn detect_window(
    detector: &Detector,
    source: &Source<'_>,
    window: &Window,
    to_original: &Affine,
    threshold: f32,
    workspace: &mut Workspace,
) -> Result<()> {
    let Workspace { warp, planes, detections, seen, .. } = workspace;
    let Window { width, height, to_picture, .. } = window;
    let to_original = to_original.after(to_picture);
    let to_source = source.original_to_here().after(&to_original);
    let planes = grow_to(planes, 3 * width * height)?;
    warp.cut_planes(&source.image(), &to_source, *width, *height, planes)?;
    detector.metadata().input.normalise(planes);
    detector.run(*height, *width, planes, threshold, seen)?;
    seen.retain(|face| window.owns(face.region.rect.center()));
    for face in &mut *seen {
        face.region = face.region.mapped(&to_original);
    }
    reserve(detections, seen.len())?;
    detections.append(seen);
    Ok(())
}
