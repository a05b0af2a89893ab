//! Time of a face: the crop alone, from a decoded picture to the answer, from the bytes of a file to the answer.
#![allow(missing_docs)]

use std::hint::black_box;
use std::io::Cursor;

use criterion::{Criterion, criterion_group, criterion_main};
use face_predict::{Format, Image, Model, Options, Point, Predictions, Rect, Region, Warp};
use image::{ImageFormat, RgbImage};

fn portrait() -> RgbImage {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/images/eileen_collins.png");
    image::open(path).expect("the portrait").into_rgb8()
}

fn face() -> Region {
    Region::from_box(Rect::new(182.0, 59.0, 88.0, 114.0))
}

fn with_landmarks() -> Region {
    let landmarks = [[203., 110.], [244., 110.], [224., 135.], [207., 155.], [241., 155.]]
        .map(|[x, y]| Point::new(x, y));
    Region { landmarks: Some(landmarks), ..face() }
}

fn crop(c: &mut Criterion) {
    let (picture, model) = (portrait(), Model::load_default().expect("the built-in model"));
    let image = Image::new(Format::Rgb, 512, 512, &picture).expect("a right picture");
    let input = &model.age_metadata().input;
    let place = input.crop.place(&with_landmarks()).expect("a right face");
    let (mut warp, mut planes) = (Warp::default(), vec![0.0; input.len()]);
    c.bench_function("crop", |b| {
        b.iter(|| {
            input.cut(&mut warp, &image, black_box(&place), &mut planes).expect("a crop");
            input.normalise(&mut planes);
        });
    });
}

fn crop_to_answer(c: &mut Criterion) {
    let (picture, model) = (portrait(), Model::load_default().expect("the built-in model"));
    let image = Image::new(Format::Rgb, 512, 512, &picture).expect("a right picture");
    let mut group = c.benchmark_group("crop_to_answer");
    for (name, region) in [("box", face()), ("landmarks", with_landmarks())] {
        let regions = [region];
        let (options, mut out) = (Options::new().regions(&regions), Predictions::new());
        group.bench_function(name, |b| {
            b.iter(|| {
                model.predict_into(black_box(&image), &options, &mut out).expect("an answer")
            });
        });
    }
}

fn bytes_to_answer(c: &mut Criterion) {
    let (picture, model) = (portrait(), Model::load_default().expect("the built-in model"));
    let mut group = c.benchmark_group("bytes_to_answer");
    let regions = [face()];
    for (name, format) in [("png", ImageFormat::Png), ("jpeg", ImageFormat::Jpeg)] {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).expect("an encoder");
        let (options, mut out) = (Options::new().regions(&regions), Predictions::new());
        group.bench_function(name, |b| {
            b.iter(|| {
                let bytes = black_box(bytes.get_ref());
                model.predict_encoded(bytes, &options, &mut out).expect("an answer");
            });
        });
    }
}

criterion_group!(benches, crop, crop_to_answer, bytes_to_answer);
criterion_main!(benches);
