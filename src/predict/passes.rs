//! The scales at which a picture is searched, and its parts.

use super::options::Options;
use crate::geometry::{Affine, Point};
use crate::model::Detector;

/// The longer side of the finer input for still pictures, as a multiple of the detector's own. A larger input finds
/// more faces, and takes more than six times as long as a frame (training/EXPERIMENTS.md, "How a still picture is
/// searched").
const FINER: usize = 2;

/// Most faces are found whose shorter side has this many pixels of the input. `min_face_size` gets as many.
const FOUND: f32 = 20.0;

/// The same for the smallest face of a still picture, if `min_face_size` is 0. Answers that are smaller are as often
/// wrong as right.
const DEFAULT_SMALLEST: f32 = 12.5;

/// The pixels of the input that neighbouring parts share. Each part sees half of them around it. A face of so many
/// pixels is thus whole in one part, and a coarser search finds larger ones. Parts of a small detector share a half.
const SHARED: usize = 128;

/// One search of a whole picture at one scale. Sizes are whole numbers everywhere. In `f32`, 1200 pixels scaled to 320
/// gave a little more, which took another 32 of them.
///
/// An example: the longer side of 1200 x 900 pixels is to be 320. The picture takes 320 x 240 of the input, since 900 *
/// 320 / 1200 = 240. The input's sides are multiples of the last stride, 32: 320 x 256. A picture of 1200 x 1000 takes
/// 320 x 267 (266.7 rounded up) of an input of 320 x 288.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pass {
    /// The size of the picture at this scale, in pixels.
    width: usize,
    height: usize,
    /// The longer side at this scale, and the longer side of the picture.
    taken: usize,
    longer: usize,
    /// The longest side that one input may have.
    largest: usize,
}

/// A part of a picture at the scale of a pass, which one run of the detector sees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Window {
    /// The sides of the input, in whole strides.
    pub(super) width: usize,
    pub(super) height: usize,
    /// The map from the input to the picture.
    pub(super) to_picture: Affine,
    across: Span,
    down: Span,
}

/// The place of a part along one side, in pixels of the pass.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Span {
    start: usize,
    length: usize,
    /// Faces whose centres lie from here to there belong to this part. They are counted from its start; other faces
    /// belong to a neighbour.
    from: f32,
    to: f32,
}

/// Returns the passes over a picture of `width` x `height` pixels, from coarse to fine. The first ones do not depend on
/// `min_face_size`, so a search for small faces also finds all that a search without it finds.
pub(super) fn passes(
    detector: &Detector,
    options: &Options<'_>,
    width: usize,
    height: usize,
) -> impl Iterator<Item = Pass> {
    let longer = width.max(height);
    // Only tiny pictures are enlarged. Enlarging shows nothing new, but a face of 40 pixels that fills its picture lies
    // between the detector's finest cells and its edge.
    let most = longer.max(own_side(detector) / 2);
    let largest = finer_side(detector);
    let scaled = move |side: usize, taken: usize| {
        (side as u64 * taken as u64).div_ceil(longer as u64) as usize
    };
    let mut before = 0;
    sides(detector, options, longer as f32).filter_map(move |side| {
        let taken = side.min(most);
        let is_new = taken > before;
        before = before.max(taken);
        let (width, height) = (scaled(width, taken), scaled(height, taken));
        is_new.then_some(Pass { width, height, taken, longer, largest })
    })
}

/// Returns the longer side of the finest pass over a picture whose longer side is `longer`, even if the picture has
/// fewer pixels.
pub(super) fn finest_side(detector: &Detector, options: &Options<'_>, longer: f32) -> usize {
    sides(detector, options, longer).last().unwrap_or_default()
}

/// Returns the shorter side of the smallest face that is answered, in pixels of a picture whose longer side is
/// `longer`.
pub(super) fn smallest(detector: &Detector, options: &Options<'_>, longer: usize) -> f32 {
    if options.min_face_size > 0.0 || options.fast_search {
        return options.min_face_size;
    }
    let taken = longer.min(finer_side(detector));
    DEFAULT_SMALLEST * longer as f32 / taken as f32
}

/// Returns the score that a face needs, unless the options say it.
pub(super) fn threshold(detector: &Detector, options: &Options<'_>, longer: usize) -> f32 {
    let several = !options.fast_search && longer > own_side(detector);
    match (options.try_turns, several) {
        (true, _) => detector.spec().turns_threshold(),
        (false, true) => detector.spec().still_threshold(),
        (false, false) => detector.spec().threshold,
    }
}

/// Returns the longer sides of the input, from coarse to fine. They are the detector's own and a finer one. For small
/// faces, each further one is twice the one before, until the smallest of them are large enough.
fn sides(
    detector: &Detector,
    options: &Options<'_>,
    longer: f32,
) -> impl Iterator<Item = usize> + use<> {
    let (own, finer) = (own_side(detector), finer_side(detector));
    let first = if options.fast_search { own } else { finer };
    let step = own / 2;
    let asked = match options.min_face_size {
        // The picture has no more pixels. 20 / 36 of 1440 is 800, but the product of floats lies a little above.
        size if size > 0.0 => (longer * (FOUND / size).min(1.0) - 0.01).ceil() as usize,
        _ => 0,
    };
    let last = (asked.div_ceil(step) * step).max(first);
    std::iter::successors(Some(own), move |side| {
        let next = if *side < finer { finer } else { 2 * side };
        (*side < last).then_some(next.min(last))
    })
}

/// Returns the longer side of the input that a detector was made for.
fn own_side(detector: &Detector) -> usize {
    let input = &detector.metadata().input;
    input.width.max(input.height)
}

/// Returns the longer side of the finer input for still pictures, and of the parts of finer passes.
fn finer_side(detector: &Detector) -> usize {
    own_side(detector) * FINER
}

impl Pass {
    /// Returns how many pixels of the input one pixel of the picture has, along a line.
    pub(super) fn scale(&self) -> f32 {
        self.taken as f32 / self.longer as f32
    }

    /// Returns the parts that are searched one after another. There is only one, unless the pass is finer than usual.
    /// So memory does not grow with the picture.
    pub(super) fn windows(self, detector: &Detector) -> impl Iterator<Item = Window> {
        let to_original = 1.0 / self.scale();
        let spans = move |length| spans(length, self.largest);
        spans(self.height).flat_map(move |down| {
            spans(self.width).map(move |across| {
                // The picture lies in the top left corner, and its edge repeats beside it.
                let (width, height) = detector.whole(across.length, down.length);
                let to_picture = Affine {
                    x0: across.start as f32 * to_original,
                    y0: down.start as f32 * to_original,
                    ..Affine::scale(to_original, to_original)
                };
                Window { width, height, to_picture, across, down }
            })
        })
    }
}

impl Window {
    /// Returns a square input of whole strides that has at least this side.
    pub(super) fn square(detector: &Detector, side: usize) -> Self {
        let (width, height) = detector.whole(side, side);
        let span = |length| Span { start: 0, length, from: 0.0, to: length as f32 };
        let (across, down) = (span(width), span(height));
        Self { width, height, to_picture: Affine::IDENTITY, across, down }
    }

    /// Returns whether a face with this centre, in pixels of the input, belongs to this part.
    pub(super) fn owns(&self, center: Point) -> bool {
        (self.across.from..self.across.to).contains(&center.x)
            && (self.down.from..self.down.to).contains(&center.y)
    }
}

/// Cuts a length into as few parts as possible. They have at most `largest` pixels, and share [`SHARED`] with their
/// neighbours, or a half.
fn spans(length: usize, largest: usize) -> impl Iterator<Item = Span> {
    let shared = SHARED.min(largest / 2);
    let count = match length {
        length if length <= largest => 1,
        _ => (length - shared).div_ceil(largest - shared),
    };
    let part = (length + (count - 1) * shared).div_ceil(count);
    let start = move |index: usize| match index {
        0 => 0,
        _ => index * (length - part) / (count - 1),
    };
    (0..count).map(move |index| {
        let here = start(index);
        // Half of what is shared belongs to each part.
        let half = |a: usize, b: usize| (a + part + b) as f32 / 2.0 - here as f32;
        let from = if index == 0 { 0.0 } else { half(start(index - 1), here) };
        let to = if index + 1 == count { part as f32 } else { half(here, start(index + 1)) };
        Span { start: here, length: part, from, to }
    })
}

#[cfg(all(test, feature = "detector", feature = "weights-base"))]
mod tests {
    use super::*;
    use crate::model::Model;

    fn inputs(options: &Options<'_>, width: usize, height: usize) -> Vec<(usize, usize)> {
        let model = Model::load_default().expect("built in");
        let detector = model.detector().expect("built in");
        let windows = passes(detector, options, width, height).flat_map(|p| p.windows(detector));
        windows.map(|window| (window.width, window.height)).collect()
    }

    #[test]
    fn sizes_that_no_picture_has_have_no_scale() {
        let model = Model::load_default().expect("built in");
        for (width, height) in [(0, 0), (0, 5), (5, 0), (usize::MAX, 1)] {
            assert!(
                model.search_scale(width, height, &Options::new()).is_err(),
                "{width}x{height}"
            );
        }
    }

    #[test]
    fn the_size_of_the_input_is_exact() {
        let fast = Options::new().fast_search(true);
        for longer in (320..5000).step_by(16) {
            assert_eq!(inputs(&fast, longer, longer), [(320, 320)], "{longer}");
            assert_eq!(inputs(&fast, longer, longer / 2)[0].0, 320, "{longer}");
        }
        assert_eq!(inputs(&fast, 1200, 900), [(320, 256)]);
        assert_eq!(inputs(&fast, 2448, 3264), [(256, 320)]);
        assert_eq!(inputs(&fast, 1200, 1000), [(320, 288)]);
        assert_eq!(inputs(&fast, 1 << 24, 1), [(320, 32)]);
        // Small pictures stay as they are, and tiny ones are enlarged.
        assert_eq!(inputs(&fast, 200, 100), [(224, 128)]);
        assert_eq!(inputs(&fast, 40, 40), [(160, 160)]);
    }

    #[test]
    fn a_still_picture_is_searched_twice_where_that_shows_more() {
        let still = Options::new();
        assert_eq!(inputs(&still, 1024, 768), [(320, 256), (640, 480)]);
        assert_eq!(inputs(&still, 4000, 3000), [(320, 256), (640, 480)]);
        assert_eq!(inputs(&still, 500, 300), [(320, 192), (512, 320)]);
        assert_eq!(inputs(&still, 320, 200), [(320, 224)]);
        // A large `min_face_size` removes no pass.
        assert_eq!(inputs(&still.min_face_size(40.0), 1024, 768), [(320, 256), (640, 480)]);
        assert_eq!(inputs(&still.min_face_size(500.0), 1024, 768), [(320, 256), (640, 480)]);
    }

    #[test]
    fn small_faces_are_looked_for_in_parts_as_large_as_any() {
        let asked = |size| Options::new().min_face_size(size);
        // Faces of 20 pixels of 1024 need all pixels: two by two parts that share 128 pixels.
        let mut right = vec![(320, 256), (640, 480)];
        right.extend([(576, 448); 4]);
        assert_eq!(inputs(&asked(20.0), 1024, 768), right);
        // No pass has more pixels than the picture, and no part more than usual.
        let most = inputs(&asked(1.0), 8000, 8000);
        assert!(most.iter().all(|(width, height)| *width <= 640 && *height <= 640), "{most:?}");
        let all: usize = most.iter().map(|(width, height)| width * height).sum();
        assert!((64_000_000..200_000_000).contains(&all), "{all}");
        // With `min_face_size`, a tracker's frame is still searched for large faces, too.
        let fast = asked(20.0).fast_search(true);
        assert_eq!(inputs(&fast, 640, 480), [(320, 256), (640, 480)]);
        assert_eq!(inputs(&asked(40.0).fast_search(true), 640, 480), [(320, 256)]);
    }

    #[test]
    fn every_place_belongs_to_one_part() {
        for length in [1, 31, 320, 640, 641, 1000, 1024, 1280, 5000] {
            let all: Vec<Span> = spans(length, 640).collect();
            assert_eq!(all.first().map(|s| (s.start, s.from)), Some((0, 0.0)));
            assert_eq!(all.last().map(|s| s.start + s.length), Some(length), "{all:?}");
            for two in all.windows(2) {
                let (end, next) = (two[0].start as f32 + two[0].to, two[1].start as f32);
                assert_eq!(end, next + two[1].from, "{all:?}");
                // A face of up to 128 pixels with its centre there is whole in either part.
                assert!(two[1].from >= 63.5 && two[0].length as f32 - two[0].to >= 63.5);
            }
            assert!(all.iter().all(|s| s.length <= 640), "{all:?}");
        }
        // Detectors may be as small as this.
        for largest in [16, 64, 128, 132, 256] {
            let all: Vec<Span> = spans(4000, largest).collect();
            assert!(all.len() <= 2 * 4000 / largest, "{largest}: {}", all.len());
            assert!(all.iter().all(|s| s.length <= largest), "{largest}: {all:?}");
            let ends = all
                .windows(2)
                .all(|two| two[0].start as f32 + two[0].to == two[1].start as f32 + two[1].from);
            assert!(ends, "{largest}: {all:?}");
        }
    }
}
