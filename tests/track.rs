//! Tests faces over frames: their numbers stay, and their answers become steady.
#![allow(missing_docs)]

#[allow(dead_code)]
mod portrait;

use face_predict::{
    Format, Image, Model, Options, Predictions, Quality, Rect, Region, Tracker, TrackerOptions,
    Workspace,
};
use portrait::SIDE;

const FRAME_US: i64 = 33_333;

/// A tracker that is given the faces, on the portrait's pixels.
struct Film {
    tracker: Tracker,
    rgb: Vec<u8>,
    workspace: Workspace,
    out: Predictions,
    frame: i64,
}

impl Film {
    fn new(change: impl FnOnce(&mut TrackerOptions)) -> Self {
        let mut options = TrackerOptions::default();
        change(&mut options);
        let model = Model::load_default().expect("built in");
        let tracker = Tracker::new(&model, options).expect("right options");
        let (workspace, out) = (Workspace::new(), Predictions::new());
        Self { tracker, rgb: portrait::rgb(), workspace, out, frame: 0 }
    }

    /// Returns the numbers of the faces at `rects`, in that order.
    fn show(&mut self, rects: &[Rect]) -> Vec<u64> {
        let regions: Vec<Region> = rects.iter().map(|rect| Region::from_box(*rect)).collect();
        let image = Image::new(Format::Rgb, SIDE, SIDE, &self.rgb).expect("a right picture");
        // The age is enough.
        let options = Options::new().regions(&regions).skip_gender(true);
        let time = self.frame * FRAME_US;
        self.tracker
            .update(&image, time, &options, &mut self.workspace, &mut self.out)
            .expect("an answer");
        self.frame += 1;
        let id = |rect: &Rect| {
            let face = self.out.faces().find(|face| face.rect() == *rect).expect("every face");
            face.track().expect("a number").id
        };
        rects.iter().map(id).collect()
    }
}

fn at(x: f32, y: f32) -> Rect {
    Rect::new(x, y, 80.0, 100.0)
}

#[test]
fn faces_that_cross_keep_their_numbers() {
    let mut film = Film::new(|_| {});
    let place = |step: i32| {
        let x = step as f32 * 12.0;
        [at(20.0 + x, 100.0), at(380.0 - x, 130.0)]
    };
    let first = film.show(&place(0));
    assert_ne!(first[0], first[1]);
    for step in 1..30 {
        assert_eq!(film.show(&place(step)), first, "step {step}");
    }
}

#[test]
fn a_face_that_leaves_and_comes_back_within_a_second_is_the_same() {
    let mut film = Film::new(|_| {});
    let first = film.show(&[at(100.0, 100.0)]);
    for _ in 0..20 {
        film.show(&[]);
    }
    assert_eq!(film.show(&[at(130.0, 110.0)]), first);
    for _ in 0..40 {
        film.show(&[]);
    }
    assert_ne!(film.show(&[at(130.0, 110.0)]), first, "after more than a second");
}

#[test]
fn a_jump_across_the_picture_is_another_face() {
    let mut film = Film::new(|_| {});
    let first = film.show(&[at(20.0, 20.0)]);
    assert_ne!(film.show(&[at(400.0, 380.0)]), first);
    // So is a frame of another size.
    let mut film = Film::new(|_| {});
    let first = film.show(&[at(100.0, 100.0)]);
    assert_ne!(film.show(&[Rect::new(60.0, 60.0, 240.0, 300.0)]), first);
}

#[test]
fn faces_keep_their_numbers_when_the_camera_changes_its_size() {
    let model = Model::load_default().expect("built in");
    let mut tracker = Tracker::new(&model, TrackerOptions::default()).expect("right options");
    let (mut workspace, mut out) = (Workspace::new(), Predictions::new());
    let pixels = vec![128u8; 1280 * 960];
    // In pixels of 640 x 480. At twice the size, the second face lies where the first one was.
    let rects = [Rect::new(400.0, 300.0, 80.0, 80.0), Rect::new(200.0, 150.0, 40.0, 40.0)];
    let mut show = |width: usize, height: usize, scale: f32, time_us: i64| {
        let at = |r: &Rect| Rect::new(r.x * scale, r.y * scale, r.width * scale, r.height * scale);
        let regions: Vec<Region> = rects.iter().map(|r| Region::from_box(at(r))).collect();
        let image = Image::new(Format::Gray, width, height, &pixels).expect("a right picture");
        let options = Options::new().regions(&regions).skip_gender(true);
        tracker.update(&image, time_us, &options, &mut workspace, &mut out).expect("an answer");
        out.faces().map(|face| face.track().expect("a number").id).collect::<Vec<_>>()
    };
    let first = show(640, 480, 1.0, 0);
    assert_eq!(show(640, 480, 1.0, FRAME_US), first);
    assert_eq!(show(1280, 960, 2.0, 2 * FRAME_US), first, "twice the size");
    assert_eq!(show(320, 240, 0.5, 3 * FRAME_US), first, "a quarter of it");
    // A camera that was turned sees another part of the scene.
    let turned = show(480, 640, 1.0, 4 * FRAME_US);
    assert!(turned.iter().all(|id| !first.contains(id)), "{turned:?}");
}

#[test]
fn answers_settle_and_count_their_estimates() {
    let mut film = Film::new(|options| options.estimate_every = 3);
    let mut ages = Vec::new();
    for step in 0..30 {
        // The box trembles by five pixels.
        let shake = |n: i32| ((step * n) % 11 - 5) as f32;
        film.show(&[at(182.0 + shake(7), 62.0 + shake(3))]);
        let face = film.out.face(0).expect("the face");
        assert_eq!(face.track().expect("a number").estimates, step as u32 / 3 + 1);
        ages.push(face.age().expect("an age").median());
    }
    let spread = |ages: &[f32]| {
        let (low, high) = (
            ages.iter().copied().fold(f32::MAX, f32::min),
            ages.iter().copied().fold(0.0, f32::max),
        );
        high - low
    };
    assert!(spread(&ages[20..]) < spread(&ages[..10]).max(1.0), "{ages:?}");
    let sum: f32 = film.out.face(0).expect("the face").age().expect("an age").years().iter().sum();
    assert!((sum - 1.0).abs() < 1e-4, "{sum}");
}

#[test]
fn the_same_frames_give_the_same_answers() {
    let film = || {
        let mut film = Film::new(|_| {});
        let mut seen = Vec::new();
        for step in 0..12 {
            let shake = |n: i32| ((step * n) % 7) as f32;
            let ids = film.show(&[
                at(50.0 + shake(3), 60.0),
                at(120.0 - shake(2), 70.0),
                at(300.0, 200.0),
            ]);
            let ages: Vec<u32> = film
                .out
                .faces()
                .map(|face| face.age().expect("an age").median().to_bits())
                .collect();
            seen.push((ids, ages));
        }
        seen
    };
    assert_eq!(film(), film());
}

/// Returns how many faces are reported in each of six frames, which are `apart_us` apart. The portrait is in the first
/// `shown` of them, and nothing is in the rest. The tracker searches each `detect_every` of them.
fn counts(
    detect_every: u32,
    shown: usize,
    apart_us: i64,
    options: &Options<'_>,
    check: impl Fn(&Predictions),
) -> Vec<usize> {
    let mut tracker_options = TrackerOptions::default();
    tracker_options.detect_every = detect_every;
    let model = Model::load_default().expect("built in");
    let mut tracker = Tracker::new(&model, tracker_options).expect("right options");
    let (rgb, empty) = (portrait::rgb(), vec![128; SIDE * SIDE * 3]);
    let (mut workspace, mut out) = (Workspace::new(), Predictions::new());
    let mut count = |frame: usize| {
        let pixels = if frame < shown { &rgb } else { &empty };
        let image = Image::new(Format::Rgb, SIDE, SIDE, pixels).expect("a right picture");
        let time_us = frame as i64 * apart_us;
        tracker.update(&image, time_us, options, &mut workspace, &mut out).expect("an answer");
        assert_eq!(out.size(), (SIDE, SIDE));
        check(&out);
        out.len()
    };
    (0..6).map(&mut count).collect()
}

#[test]
fn between_searches_faces_go_on_as_they_went() {
    let counts = counts(3, 6, FRAME_US, &Options::new(), |_| {});
    assert!(counts[0] > 0 && counts.iter().all(|count| *count == counts[0]), "{counts:?}");
}

#[test]
fn between_searches_nobody_comes_back_whom_the_last_one_did_not_find() {
    let counts = counts(2, 2, FRAME_US, &Options::new().skip_gender(true), |_| {});
    assert!(counts[0] > 0 && counts[1] == counts[0], "{counts:?}");
    assert_eq!(counts[2..], [0; 4]);
}

#[test]
fn what_the_place_of_a_face_says_is_of_this_frame() {
    let mut film = Film::new(|options| options.estimate_every = 100);
    film.show(&[at(100.0, 100.0)]);
    assert!(!film.out.face(0).expect("a face").quality().contains(Quality::CUT_OFF));
    for x in [60.0, 20.0, -20.0] {
        film.show(&[at(x, 100.0)]);
    }
    assert!(film.out.face(0).expect("a face").quality().contains(Quality::CUT_OFF));
    assert_eq!(film.out.face(0).and_then(|f| f.track()).expect("a number").estimates, 1);
}

#[test]
fn a_crowd_that_never_stays_is_forgotten() {
    let mut film = Film::new(|options| options.estimate_every = 1000);
    let mut last = 0;
    for frame in 0..200 {
        let rects: Vec<Rect> = (0..20)
            .map(|i| {
                Rect::new(
                    (frame * 97 + i * 25) as f32 % 450.0,
                    (frame * 61 + i * 53) as f32 % 450.0,
                    8.0,
                    9.0,
                )
            })
            .collect();
        last = *film.show(&rects).iter().max().expect("faces");
    }
    // Hundreds of numbers were given, and only the faces of the last second are kept.
    assert!(last > 500, "{last}");
    assert!((20..=30 * 20).contains(&film.tracker.followed()), "{}", film.tracker.followed());
}

#[test]
fn time_that_goes_back_is_refused_and_changes_nothing() {
    let mut film = Film::new(|_| {});
    let first = film.show(&[at(100.0, 100.0)]);
    let image = Image::new(Format::Rgb, SIDE, SIDE, &film.rgb).expect("a right picture");
    let error = film
        .tracker
        .update(&image, -1, &Options::new(), &mut film.workspace, &mut film.out)
        .expect_err("refused");
    assert!(error.to_string().contains("time goes back from 0 to -1"), "{error}");
    assert!(film.out.is_empty());
    assert_eq!(film.show(&[at(100.0, 100.0)]), first);
    film.tracker.reset();
    film.frame = -5;
    assert_ne!(film.show(&[at(100.0, 100.0)]), first);
}

#[test]
fn however_far_apart_searches_are_a_face_keeps_its_number() {
    // Two seconds lie between frames, and an unseen face is forgotten after one.
    let mut film = Film::new(|_| {});
    let mut next = |rects: &[Rect]| {
        film.frame += 60;
        film.show(rects)
    };
    let first = next(&[at(100.0, 100.0)]);
    assert_eq!(next(&[at(104.0, 100.0)]), first, "a slow camera");
    next(&[]);
    assert_eq!(next(&[at(104.0, 100.0)]), first, "one search missed it");
    next(&[]);
    next(&[]);
    assert_ne!(
        next(&[at(104.0, 100.0)]),
        first,
        "two searches missed it, for longer than a second"
    );
}

#[test]
fn frames_of_one_time_are_told_apart_by_their_searches() {
    let options = Options::new().skip_age(true).skip_gender(true);
    let counts = counts(2, 2, 0, &options, |out| {
        assert!(out.faces().all(|face| face.track().is_some_and(|track| track.estimates == 0)));
    });
    assert_eq!(counts, [1, 1, 0, 0, 0, 0]);
}

#[test]
fn frames_a_moment_apart_give_no_face_a_speed() {
    for apart_us in [1, 100, 1000] {
        let mut film = Film::new(|_| {});
        let mut show = |time_us: i64, x: f32| {
            let regions = [Region::from_box(at(x, 100.0))];
            let image = Image::new(Format::Rgb, SIDE, SIDE, &film.rgb).expect("a right picture");
            let options = Options::new().regions(&regions).skip_age(true).skip_gender(true);
            film.tracker
                .update(&image, time_us, &options, &mut film.workspace, &mut film.out)
                .expect("an answer");
            film.out.face(0).and_then(|face| face.track()).expect("a number").id
        };
        let first = show(0, 100.0);
        for time_us in [apart_us, FRAME_US, 2 * FRAME_US] {
            assert_eq!(show(time_us, 105.0), first, "{apart_us}: {time_us}");
        }
    }
}

#[test]
fn more_faces_than_are_followed_cost_the_first_ones_nothing() {
    let mut film = Film::new(|_| {});
    // The first are the largest.
    let place = |i: usize| (8.0 + 12.0 * (i % 40) as f32, 8.0 + 12.0 * (i / 40) as f32);
    let size = |i: usize| 11.0 - 0.001 * i as f32;
    let regions: Vec<Region> = (0..1100)
        .map(|i| Region::from_box(Rect::new(place(i).0, place(i).1, size(i), size(i))))
        .collect();
    let mut show = || -> Vec<u64> {
        let image = Image::new(Format::Rgb, SIDE, SIDE, &film.rgb).expect("a right picture");
        let options = Options::new().regions(&regions).skip_age(true).skip_gender(true);
        let time_us = film.frame * FRAME_US;
        film.frame += 1;
        film.tracker
            .update(&image, time_us, &options, &mut film.workspace, &mut film.out)
            .expect("an answer");
        film.out.faces().map(|face| face.track().expect("a number").id).collect()
    };
    let first = show();
    assert_eq!(first.len(), 1100);
    for _ in 0..3 {
        assert_eq!(show()[..1024], first[..1024]);
    }
    assert_eq!(film.tracker.followed(), 1024);
}

#[test]
fn between_searches_no_more_faces_are_kept_than_the_options_say_and_none_of_another_size() {
    let mut tracker_options = TrackerOptions::default();
    tracker_options.detect_every = 100;
    let model = Model::load_default().expect("built in");
    let mut tracker = Tracker::new(&model, tracker_options).expect("right options");
    // Two portraits side by side.
    let (rgb, mut wide) = (portrait::rgb(), Vec::new());
    for row in rgb.chunks_exact(3 * SIDE) {
        wide.extend_from_slice(row);
        wide.extend_from_slice(row);
    }
    let (mut workspace, mut out) = (Workspace::new(), Predictions::new());
    let two = Image::new(Format::Rgb, 2 * SIDE, SIDE, &wide).expect("a right picture");
    let none = Image::new(Format::Gray, 100, 100, &wide).expect("a right picture");
    let faces = Options::new().skip_age(true).skip_gender(true);
    let mut count = |image: &Image<'_>, time_us: i64, options: &Options<'_>| {
        tracker.update(image, time_us, options, &mut workspace, &mut out).expect("an answer");
        out.len()
    };
    assert_eq!(count(&two, 0, &faces), 2);
    assert_eq!(count(&two, FRAME_US, &faces.max_faces(1)), 1);
    assert_eq!(count(&two, 2 * FRAME_US, &faces), 2);
    assert_eq!(count(&none, 3 * FRAME_US, &faces), 0, "faces that lie outside of this frame");
}
