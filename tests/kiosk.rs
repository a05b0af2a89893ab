//! Simulates a day of a kiosk: people come and go, the camera changes its size and format, and the model is loaded
//! again. Memory does not grow, no number of a face is used twice, and a frame takes as long as in the morning.
//!
//! `FACE_PREDICT_FRAMES=1000000 cargo test --release --workspace --test kiosk -- --nocapture` runs the whole day. The
//! estimator is tiny, so that the test takes minutes.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::time::Instant;

use face_predict::{
    Format, Image, Model, ModelOptions, Options, Orientation, Predictions, Rect, Region, Task,
    Tracker, TrackerOptions, Workspace,
};
use numbers::Numbers;

#[allow(dead_code)]
mod counting;
mod numbers;
#[allow(dead_code)]
mod onnx;
#[allow(dead_code)]
mod small;

const FRAME_US: i64 = 33_333;
/// The microseconds after which a face that was not seen is forgotten.
const GONE_US: i64 = 10_000_000;
/// How often the camera and the model change in a day.
const CAMERAS: usize = 40;
const MODELS: usize = 10;

/// The formats and sizes of the camera.
const MODES: [(Format, usize, usize); 6] = [
    (Format::Rgb, 64, 48),
    (Format::Nv12, 96, 64),
    (Format::Yuyv, 80, 60),
    (Format::Gray, 48, 64),
    (Format::Bgra, 128, 96),
    (Format::I420, 64, 64),
];

fn model() -> Model {
    let detector = include_bytes!("../models/detector.onnx");
    Model::load_parts(&[&small::bytes(Task::AgeGender), detector], &ModelOptions::new()).unwrap()
}

/// A person who walks through the picture. Places are in parts of its sides.
struct Person {
    x: f32,
    y: f32,
    speed: f32,
    frames: usize,
}

/// The people who are there. A person comes from time to time, walks, and goes.
struct People(Vec<Person>, Numbers);

impl People {
    fn step(&mut self) {
        let People(people, random) = self;
        if people.len() < 4 && random.below(40) == 0 {
            let (x, y) = (0.5 + 0.4 * random.next(), 0.5 + 0.3 * random.next());
            people.push(Person {
                x,
                y,
                speed: 0.01 * random.next(),
                frames: 20 + random.below(150),
            });
        }
        for person in people.iter_mut() {
            person.x += person.speed;
            person.frames -= 1;
        }
        people.retain(|person| person.frames > 0 && (0.0..1.0).contains(&person.x));
    }

    fn regions(&self, width: usize, height: usize, out: &mut Vec<Region>) {
        let side = 0.3 * width.min(height) as f32;
        out.clear();
        out.extend(self.0.iter().map(|person| {
            let (x, y) = (person.x * width as f32, person.y * height as f32);
            Region::from_box(Rect::new(x - side / 2.0, y - side / 2.0, side, side))
        }));
    }
}

/// Returns the kilobytes of this process that are in memory.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 4
}

#[test]
fn a_day_of_a_kiosk() {
    counting::map_large_blocks();
    let frames: usize = std::env::var("FACE_PREDICT_FRAMES").map_or(6_000, |n| n.parse().unwrap());
    let pixels: Vec<u8> = (0..128 * 96 * 4).map(|i| (i * 37 % 251) as u8).collect();
    let mut options = TrackerOptions::default();
    options.estimate_every = 3;
    let mut people = People(Vec::new(), Numbers(7));
    let (mut workspace, mut out) = (Workspace::new(), Predictions::new());
    let mut tracker = Some(Tracker::new(&model(), options).unwrap());
    let mut regions = Vec::with_capacity(8);
    // When each number was seen last, and the largest number so far.
    let (mut seen, mut largest) = (HashMap::<u64, i64>::with_capacity(4096), 0);
    let (mut faces, mut numbers) = (0usize, 0usize);
    // For each tenth of the day: the seconds, and the kilobytes at its end.
    let (mut tenths, mut begun) = (Vec::with_capacity(10), Instant::now());
    counting::start();
    for frame in 0..frames {
        let camera = frame * CAMERAS / frames;
        let (format, width, height) = MODES[camera % MODES.len()];
        let time_us = frame as i64 * FRAME_US;
        if frame > 0 && frame * MODELS / frames != (frame - 1) * MODELS / frames {
            // The old one is freed first.
            tracker = None;
            tracker = tracker.or_else(|| Some(Tracker::new(&model(), options).unwrap()));
            (seen, largest) = (HashMap::with_capacity(4096), 0);
        }
        people.step();
        let turned = Orientation::from_degrees(90 * (camera as u32 % 4), false).unwrap();
        let image = Image::new(format, width, height, &pixels).unwrap().with_orientation(turned);
        let (upright_width, upright_height) = image.upright_size();
        people.regions(upright_width, upright_height, &mut regions);
        // From time to time the tracker must search for a second instead of being given the faces. It finds nobody.
        let asked =
            if frame / 30 % 30 == 7 { Options::new() } else { Options::new().regions(&regions) };
        let tracker = tracker.as_mut().unwrap();
        tracker.update(&image, time_us, &asked, &mut workspace, &mut out).unwrap();
        faces += out.len();
        for face in out.faces() {
            let id = face.track().unwrap().id;
            if id > largest {
                (largest, numbers) = (id, numbers + 1);
            } else {
                let last = seen.get(&id).copied();
                let known = last.is_some_and(|last| time_us - last <= GONE_US);
                assert!(known, "frame {frame}: number {id} comes back, seen last at {last:?}");
            }
            seen.insert(id, time_us);
        }
        if frame % 300 == 0 {
            seen.retain(|_, last| time_us - *last <= GONE_US);
        }
        if (frame + 1) * 10 / frames != frame * 10 / frames {
            tenths.push((begun.elapsed().as_secs_f64(), counting::held() / 1024, resident()));
            begun = Instant::now();
        }
    }
    println!("{frames} frames, {faces} faces, {numbers} numbers");
    for (seconds, held, resident) in &tenths {
        println!("{seconds:.2} s, {held} KB allocated, {resident} KB resident");
    }
    assert!(faces > frames / 2 && numbers > frames / 1000, "{faces} faces, {numbers} numbers");
    // Two tenths of the day have seen every size and format, and a second model. The allocated memory also depends on
    // the needs of the latest camera.
    let most = tenths[..2].iter().map(|(_, held, _)| *held).max().unwrap();
    let (here, last_here) = (tenths[1].2, tenths[9].2);
    let last_held = tenths[9].1;
    assert!(last_held <= most + 1024, "{most} KB allocated, then {last_held}");
    assert!(last_here <= here + 1024, "{here} KB resident, then {last_here}");
}
