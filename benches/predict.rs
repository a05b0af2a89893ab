//! Time of a face: the crop alone, from a decoded picture to the answer, from the bytes of a file to the answer; and of
//! whole frames and a large JPEG.
#![allow(missing_docs)]

use std::hint::black_box;
use std::io::Cursor;

use criterion::{Criterion, criterion_group, criterion_main};
use face_predict::{
    Format, Image, Model, Options, Point, Predictions, Rect, Region, Warp, Workspace,
};
use image::imageops::FilterType;
use image::{ImageFormat, RgbImage};

fn portrait() -> RgbImage {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/images/eileen_collins.png");
    image::open(path).expect("the portrait").into_rgb8()
}

fn face() -> Region {
    Region::from_box(Rect::new(182.0, 59.0, 88.0, 114.0))
}

fn with_landmarks() -> Region {
    let landmarks = [[203.5, 101.5], [246.5, 103.5], [226., 126.], [206., 140.], [243., 141.]]
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
        let options = Options::new().regions(&regions);
        let (mut workspace, mut out) = (Workspace::new(), Predictions::new());
        group.bench_function(name, |b| {
            b.iter(|| {
                model
                    .predict_into(black_box(&image), &options, &mut workspace, &mut out)
                    .expect("an answer")
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
        let options = Options::new().regions(&regions);
        let (mut workspace, mut out) = (Workspace::new(), Predictions::new());
        group.bench_function(name, |b| {
            b.iter(|| {
                let bytes = black_box(bytes.get_ref());
                model
                    .predict_encoded(bytes, &options, &mut workspace, &mut out)
                    .expect("an answer");
            });
        });
    }
}

/// The search of a frame with one face and with ten, and the search alone, with everything else skipped.
fn frames(c: &mut Criterion) {
    let (portrait, model) = (portrait(), Model::load_default().expect("the built-in model"));
    let mut group = c.benchmark_group("frame");
    for (width, height, face) in [(640, 480, 240), (1280, 720, 240)] {
        let face = image::imageops::resize(&portrait, face, face, FilterType::Triangle);
        for count in [1, 10] {
            let mut frame = RgbImage::from_pixel(width, height, image::Rgb([90, 100, 110]));
            for i in 0..count {
                let (x, y) = ((i % 5) * (width - 240) / 4, (i / 5) * (height - 240));
                image::imageops::overlay(&mut frame, &face, i64::from(x), i64::from(y));
            }
            let image = Image::new(Format::Rgb, width as usize, height as usize, &frame);
            let image = image.expect("a right picture");
            let (mut workspace, mut out) = (Workspace::new(), Predictions::new());
            for (name, skip) in [("search", true), ("answer", false)] {
                let options = Options::new().skip_age(skip).skip_gender(skip);
                let options = options.fast_search(true);
                group.bench_function(format!("{width}x{height}/{count}/{name}"), |b| {
                    b.iter(|| {
                        let image = black_box(&image);
                        model
                            .predict_into(image, &options, &mut workspace, &mut out)
                            .expect("an answer");
                    });
                });
            }
        }
    }
    group.finish();
    stills(c, &portrait, &model);
    let large = image::imageops::resize(&portrait, 4000, 3000, FilterType::Triangle);
    let mut bytes = Cursor::new(Vec::new());
    large.write_to(&mut bytes, ImageFormat::Jpeg).expect("an encoder");
    let (mut workspace, mut out) = (Workspace::new(), Predictions::new());
    c.bench_function("jpeg_of_12_megapixels", |b| {
        b.iter(|| {
            let bytes = black_box(bytes.get_ref());
            model
                .predict_encoded(bytes, &Options::new(), &mut workspace, &mut out)
                .expect("an answer");
        });
    });
}

/// The search of a still picture, beside that of a frame for comparison.
fn stills(c: &mut Criterion, portrait: &RgbImage, model: &Model) {
    let mut group = c.benchmark_group("search");
    for (width, height) in [(640, 480), (1024, 768), (1920, 1080)] {
        let picture = image::imageops::resize(portrait, width, height, FilterType::Triangle);
        let image = Image::new(Format::Rgb, width as usize, height as usize, &picture);
        let image = image.expect("a right picture");
        let (mut workspace, mut out) = (Workspace::new(), Predictions::new());
        let still = Options::new().skip_age(true).skip_gender(true);
        for (name, options) in
            [("frame", still.fast_search(true)), ("still", still), ("turns", still.try_turns(true))]
        {
            group.bench_function(format!("{width}x{height}/{name}"), |b| {
                b.iter(|| {
                    let image = black_box(&image);
                    model
                        .predict_into(image, &options, &mut workspace, &mut out)
                        .expect("an answer");
                });
            });
        }
    }
}

criterion_group!(benches, crop, crop_to_answer, bytes_to_answer, frames);
criterion_main!(benches);
