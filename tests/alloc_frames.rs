//! Memory does not grow while a camera runs: frames are searched, and faces are followed, leave and come back.
#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
mod counting;
#[allow(dead_code)]
mod portrait;

use face_predict::{
    Format, Image, Model, Options, Predictions, Tracker, TrackerOptions, Workspace,
};
use image::imageops::{FilterType, overlay, resize};
use image::{Rgb, RgbImage};

const FRAME_US: i64 = 33_333;
/// The number of frames after which the film begins again.
const PERIOD: usize = 60;

/// Two people walk through. For a third of the time nobody is there, which is longer than the tracker remembers.
fn film() -> Vec<RgbImage> {
    let face = RgbImage::from_raw(portrait::SIDE as u32, portrait::SIDE as u32, portrait::rgb());
    let face = resize(&face.unwrap(), 120, 120, FilterType::Triangle);
    let frame = |number: usize| {
        let mut frame = RgbImage::from_pixel(320, 240, Rgb([90, 100, 110]));
        if number < PERIOD * 2 / 3 {
            let x = number as i64 * 5;
            overlay(&mut frame, &face, x, 20);
            overlay(&mut frame, &face, 190 - x, 110);
        }
        frame
    };
    (0..PERIOD).map(frame).collect()
}

/// `FACE_PREDICT_FRAMES=100000` runs more frames.
#[test]
fn frames_leave_nothing_behind() {
    let frames = std::env::var("FACE_PREDICT_FRAMES").map_or(600, |n| n.parse().unwrap());
    let film = film();
    let model = Model::load_default().unwrap();
    let mut options = TrackerOptions::default();
    options.lost_seconds = 0.3;
    let mut tracker = Tracker::new(&model, options).unwrap();
    let (mut workspace, mut out) = (Workspace::new(), Predictions::new());
    let (mut faces, mut last) = (0, 0);
    counting::start();
    let mut show = |number: usize| {
        let frame = &film[number % PERIOD];
        let image = Image::new(Format::Rgb, 320, 240, frame).unwrap();
        let time_us = number as i64 * FRAME_US;
        tracker.update(&image, time_us, &Options::new(), &mut workspace, &mut out).unwrap();
        faces += out.len();
        last = out.faces().filter_map(|face| face.track()).map(|t| t.id).max().unwrap_or(last);
    };
    // The working memory has its final size after the first rounds.
    let warm = 3 * PERIOD;
    (0..warm).for_each(&mut show);
    let held = counting::held();
    for number in warm..warm.max(frames / PERIOD * PERIOD) {
        show(number);
        if (number + 1) % PERIOD == 0 {
            assert_eq!(counting::held() - held, 0, "bytes kept after frame {number}");
        }
    }
    println!("{frames} frames, {faces} faces, {last} people");
    assert!(faces > frames / 2 && last as usize > frames / PERIOD, "{faces} faces, {last} people");
}
