//! Searches a picture for faces.

use super::detect::detect_window;
use super::options::Options;
use super::passes::{Pass, passes, smallest, threshold};
use super::second_look::{self, Looks};
use super::source::Source;
use super::workspace::Workspace;
use crate::error::Result;
use crate::face::candidate::Candidate;
use crate::face::region::Region;
use crate::geometry::{Affine, Point, Rect};
use crate::memory::{grow_to, reserve};
use crate::model::{Detection, Detector, Model, suppress};
use crate::picture::{Format, Layout, Orientation};

/// The orientations in which a picture is searched: as it is and, if the options ask for it, in the other quarter
/// turns.
const TURNS: [Orientation; 4] = [
    Orientation::UPRIGHT,
    Orientation::ROTATE_90,
    Orientation::ROTATE_180,
    Orientation::ROTATE_270,
];

/// Fills `workspace.candidates` with the faces to estimate, the largest first. They are the whole picture, the regions
/// of the options, or what the detector finds.
pub(super) fn find_faces(
    model: &Model,
    source: &Source<'_>,
    options: &Options<'_>,
    workspace: &mut Workspace,
) -> Result<()> {
    workspace.candidates.clear();
    if options.cropped {
        let (width, height) = source.size();
        let region = Region::from_box(Rect::new(0.0, 0.0, width as f32, height as f32));
        let (score, region_index) = (None, None);
        reserve(&mut workspace.candidates, 1)?;
        workspace.candidates.push(Candidate { region, score, is_picture: true, region_index });
        return Ok(());
    }
    let candidate = |region: Region, score, region_index| {
        let region = region.without_implausible_landmarks();
        Candidate { region, score, is_picture: false, region_index }
    };
    if let Some(regions) = options.regions {
        reserve(&mut workspace.candidates, regions.len())?;
        let given = regions.iter().enumerate();
        let given = given.map(|(index, region)| candidate(*region, None, Some(index)));
        workspace.candidates.extend(given);
    } else {
        search(model.detector()?, source, options, workspace)?;
        let Workspace { candidates, detections, .. } = workspace;
        reserve(candidates, detections.len())?;
        candidates
            .extend(detections.iter().map(|face| candidate(face.region, Some(face.score), None)));
    }
    // Faces of one size are in the given order, or in that of their scores. A stable sort would take memory, and the
    // process ends if there is none.
    workspace.candidates.sort_unstable_by(|a, b| {
        let by_score = || b.score.unwrap_or(0.0).total_cmp(&a.score.unwrap_or(0.0));
        let by_area = b.region.rect.area().total_cmp(&a.region.rect.area());
        by_area.then(a.region_index.cmp(&b.region_index)).then_with(by_score)
    });
    if options.max_faces > 0 {
        workspace.candidates.truncate(options.max_faces);
    }
    Ok(())
}

/// Runs the detector over all passes, and joins what they find. `workspace.detections` becomes the faces in pixels of
/// the original, with the highest score first.
fn search(
    detector: &Detector,
    source: &Source<'_>,
    options: &Options<'_>,
    workspace: &mut Workspace,
) -> Result<()> {
    let (width, height) = source.size();
    let longer = width.max(height);
    let least = options.min_score.unwrap_or_else(|| threshold(detector, options, longer));
    workspace.detections.clear();
    if second_look::is_used(options) {
        return search_and_look_again(detector, source, options, least, workspace);
    }
    for turn in turns(options) {
        let first = workspace.detections.len();
        let turned = turned_size(*turn, (width, height));
        let to_original = turn.to_stored(width, height);
        for pass in passes(detector, options, turned.0, turned.1) {
            for window in pass.windows(detector) {
                detect_window(detector, source, &window, &to_original, least, workspace)?;
            }
        }
        if *turn != Orientation::UPRIGHT {
            // Without landmarks the direction of the head is not known.
            let mut index = 0;
            workspace.detections.retain(|face| {
                index += 1;
                index <= first || face.region.without_implausible_landmarks().landmarks.is_some()
            });
        }
    }
    let smallest = smallest(detector, options, longer);
    keep_inside(&mut workspace.detections, (width, height), smallest);
    // This comes afterwards. A face that one pass sees a little smaller than was asked for may stay as another pass
    // sees it.
    suppress(&mut workspace.detections, detector.spec().overlap);
    Ok(())
}

/// Searches an upright still picture, and looks again at unsure faces.
///
/// `min_face_size` never loses a face of that size that a search without it finds. So the usual passes are first
/// searched as if it were not given. What further passes find is added, and the smaller faces are left out at the end.
/// A face below half of that size cannot become one by a second look.
#[inline(never)]
fn search_and_look_again(
    detector: &Detector,
    source: &Source<'_>,
    options: &Options<'_>,
    least: f32,
    workspace: &mut Workspace,
) -> Result<()> {
    let (width, height) = source.size();
    let longer = width.max(height);
    let usual = options.min_face_size(0.0);
    let count = passes(detector, &usual, width, height).count();
    let more = || passes(detector, options, width, height).skip(count);
    let asked = smallest(detector, options, longer);

    let further = more().next().is_some();
    let kept = smallest(detector, &usual, longer);
    // A small picture has no further passes, and the usual ones find its smallest faces.
    let kept = if further { kept } else { kept.min(asked) };
    let first = passes(detector, &usual, width, height);
    let mut looks = Looks::new(asked / 2.0);
    search_passes(detector, source, first, (kept, least), &mut looks, workspace)?;
    if further {
        let found = std::mem::take(&mut workspace.detections);
        search_passes(detector, source, more(), (asked, least), &mut looks, workspace)?;
        reserve(&mut workspace.detections, found.len())?;
        workspace.detections.extend(found);
    }
    keep_inside(&mut workspace.detections, (width, height), asked);
    suppress(&mut workspace.detections, detector.spec().overlap);
    Ok(())
}

/// Fills `workspace.detections`, which is empty, with what `passes` find after a second look. Its shorter side has at
/// least `smallest` pixels, and its score is at least `least`.
fn search_passes(
    detector: &Detector,
    source: &Source<'_>,
    passes: impl Iterator<Item = Pass>,
    (smallest, least): (f32, f32),
    looks: &mut Looks,
    workspace: &mut Workspace,
) -> Result<()> {
    let seen = least.min(second_look::UNSURE);
    let mut finest = 1.0;
    for pass in passes {
        finest = pass.scale();
        for window in pass.windows(detector) {
            detect_window(detector, source, &window, &Affine::IDENTITY, seen, workspace)?;
        }
    }
    keep_inside(&mut workspace.detections, source.size(), smallest);
    suppress(&mut workspace.detections, detector.spec().overlap);
    second_look::look_again_at_unsure(detector, source, finest, looks, workspace)?;
    workspace.detections.retain(|face| face.score >= least);
    keep_inside(&mut workspace.detections, source.size(), smallest);
    suppress(&mut workspace.detections, detector.spec().overlap);
    Ok(())
}

/// Keeps the faces whose centres are in the picture, and whose shorter sides have at least `smallest` pixels.
fn keep_inside(found: &mut Vec<Detection>, (width, height): (usize, usize), smallest: f32) {
    found.retain(|face| {
        let rect = &face.region.rect;
        let Point { x, y } = rect.center();
        let inside = (0.0..width as f32).contains(&x) && (0.0..height as f32).contains(&y);
        inside && rect.width.min(rect.height) >= smallest
    });
}

/// Returns the orientations in which the options want a picture to be searched.
fn turns(options: &Options<'_>) -> &'static [Orientation] {
    if options.try_turns { &TURNS } else { &TURNS[..1] }
}

/// Returns the width and height of a picture after a turn.
fn turned_size(turn: Orientation, (width, height): (usize, usize)) -> (usize, usize) {
    if turn.swaps_axes() { (height, width) } else { (width, height) }
}

/// Fails if no picture can have this size.
pub(super) fn check_size(width: usize, height: usize) -> Result<()> {
    // Gray has no other conditions.
    Layout::default().shapes(Format::Gray, width, height).map(|_| ())
}

/// Loads the detector, and optimises it for the sizes at which pictures of `width` x `height` pixels are searched.
pub(super) fn warm_up(
    model: &Model,
    width: usize,
    height: usize,
    options: &Options<'_>,
) -> Result<()> {
    options.check()?;
    check_size(width, height)?;
    model.limits.check_size(width, height)?;
    if !options.searches() {
        return Ok(());
    }
    let detector = model.detector()?;
    let mut planes = Vec::new();
    let mut ready = Vec::new();
    let checked = (!options.try_turns).then(|| second_look::window(detector));
    let searched = turns(options).iter().flat_map(|turn| {
        let (width, height) = turned_size(*turn, (width, height));
        // The parts of one pass have the same size.
        passes(detector, options, width, height).filter_map(|pass| pass.windows(detector).next())
    });
    for window in searched.chain(checked) {
        let size = (window.width, window.height);
        if !ready.contains(&size) {
            let planes = grow_to(&mut planes, 3 * size.0 * size.1)?;
            detector.run(size.1, size.0, planes, 1.0, &mut Vec::new())?;
            reserve(&mut ready, 1)?;
            ready.push(size);
        }
    }
    Ok(())
}
