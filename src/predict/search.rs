//! Searching a picture for faces.

use super::options::Options;
use super::source::Source;
use super::workspace::Workspace;
use crate::error::Result;
use crate::face::candidate::Candidate;
use crate::face::region::Region;
use crate::geometry::{Affine, Point, Rect};
use crate::memory::{grow_to, reserve};
use crate::model::{Detector, Model};
use crate::picture::{Format, Layout};

/// Longer sides of the detector's input, as multiples of its own size in quarters: few, because each is optimised once.
const QUARTERS: [usize; 7] = [2, 3, 4, 6, 8, 12, 16];

/// Fills `workspace.candidates` with the faces to estimate, the largest first: the whole picture, the regions of the options,
/// or what the detector finds.
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
    // A stable sort, so that faces of one size stay as they were given, or the surer first.
    workspace.candidates.sort_by(|a, b| b.region.rect.area().total_cmp(&a.region.rect.area()));
    if options.max_faces > 0 {
        workspace.candidates.truncate(options.max_faces);
    }
    Ok(())
}

/// Runs the detector. `workspace.detections` becomes the faces in pixels of the original, the surest first.
fn search(
    detector: &Detector,
    source: &Source<'_>,
    options: &Options<'_>,
    workspace: &mut Workspace,
) -> Result<()> {
    let Workspace { warp, planes, detections, .. } = workspace;
    let (width, height) = source.size();
    let input = SearchInput::new(detector, options, width, height);
    let planes = grow_to(planes, 3 * input.width * input.height)?;
    // The picture lies in the top left corner; beside it its edge repeats.
    let to_original = 1.0 / input.scale();
    let to_source = Affine::scale(to_original / source.scale(), to_original / source.scale());
    warp.cut_planes(&source.image(), &to_source, input.width, input.height, planes)?;
    detector.metadata().input.normalise(planes);
    let threshold = options.min_score.unwrap_or(detector.spec().threshold);
    detector.run(input.height, input.width, planes, threshold, detections)?;
    detections.iter_mut().for_each(|face| face.region = face.region.scaled(to_original));
    detections.retain(|face| {
        let rect = &face.region.rect;
        let Point { x, y } = rect.center();
        let inside = (0.0..width as f32).contains(&x) && (0.0..height as f32).contains(&y);
        inside && rect.width.min(rect.height) >= options.min_face_size
    });
    Ok(())
}

/// Loads the detector and optimises it for what pictures of `width` x `height` pixels are searched at.
pub(super) fn warm_up(
    model: &Model,
    width: usize,
    height: usize,
    options: &Options<'_>,
) -> Result<()> {
    options.check()?;
    // The sizes that a picture may have; one of gray has no other demands.
    Layout::default().shapes(Format::Gray, width, height)?;
    if !options.searches() {
        return Ok(());
    }
    let detector = model.detector()?;
    let input = SearchInput::new(detector, options, width, height);
    let mut planes = Vec::new();
    let planes = grow_to(&mut planes, 3 * input.width * input.height)?;
    detector.run(input.height, input.width, planes, 1.0, &mut Vec::new())
}

/// How a picture is laid into the detector's input. Sizes are whole numbers throughout: in `f32`, 1200 pixels scaled to 320
/// came out as a little more, which took another 32 of them.
///
/// With numbers: 1200 x 900 pixels, where the input's longer side is to be 320. The picture takes 320 x 240 of the input,
/// since 900 * 320 / 1200 = 240. The input's sides are multiples of the last stride, 32: 320 x 256. A picture of 1200 x 1000
/// takes 320 x 267 (266.7 rounded up) of an input of 320 x 288.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct SearchInput {
    /// Of the input, in pixels.
    width: usize,
    height: usize,
    /// The longer side that the picture takes of the input, and the one that it has.
    taken: usize,
    longer: usize,
}

impl SearchInput {
    /// For a picture of `width` x `height` pixels.
    pub(super) fn new(
        detector: &Detector,
        options: &Options<'_>,
        width: usize,
        height: usize,
    ) -> Self {
        let longer = width.max(height);
        // More than the picture has only for tiny ones: what is enlarged shows no more, but a face of 40 pixels that fills
        // its picture lies between the detector's finest cells and its edge.
        let least = longer.max(own_side(detector) / 2);
        let taken = longest_side(detector, options, longer as f32).min(least);
        let scaled = |side: usize| (side as u64 * taken as u64).div_ceil(longer as u64) as usize;
        let (width, height) = detector.whole(scaled(width), scaled(height));
        Self { width, height, taken, longer }
    }

    /// Pixels of the input for each of the picture's, along a line.
    pub(super) fn scale(&self) -> f32 {
        self.taken as f32 / self.longer as f32
    }
}

/// Longer side of the input that shows the smallest face asked for in a picture whose longer side is `longer`.
pub(super) fn longest_side(detector: &Detector, options: &Options<'_>, longer: f32) -> usize {
    let own = own_side(detector);
    if options.min_face_size == 0.0 {
        return own;
    }
    let wanted = longer * detector.spec().smallest / options.min_face_size;
    let sizes = QUARTERS.map(|quarters| own * quarters / 4);
    sizes.into_iter().find(|size| *size as f32 >= wanted).unwrap_or(sizes[QUARTERS.len() - 1])
}

/// Longer side of the input that a detector was made for.
fn own_side(detector: &Detector) -> usize {
    let input = &detector.metadata().input;
    input.width.max(input.height)
}

#[cfg(all(test, feature = "detector", feature = "weights-base"))]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_the_input_is_exact() {
        let model = Model::load_default().expect("built in");
        let detector = model.detector().expect("built in");
        let size = |width, height| {
            let input = SearchInput::new(detector, &Options::new(), width, height);
            (input.width, input.height)
        };
        for longer in (320..5000).step_by(16) {
            assert_eq!(size(longer, longer), (320, 320), "{longer}");
            assert_eq!(size(longer, longer / 2).0, 320, "{longer}");
        }
        assert_eq!(size(1200, 900), (320, 256));
        assert_eq!(size(2448, 3264), (256, 320));
        assert_eq!(size(1200, 1000), (320, 288));
        assert_eq!(size(1 << 24, 1), (320, 32));
        // Small ones as they are, tiny ones enlarged.
        assert_eq!(size(200, 100), (224, 128));
        assert_eq!(size(40, 40), (160, 160));
    }
}
