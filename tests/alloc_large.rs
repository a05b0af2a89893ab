//! Measures the memory for a picture of 64 megapixels, in addition to its pixels, as docs/memory.md states it.
#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
mod counting;
#[allow(dead_code)]
mod portrait;

use face_predict::{Format, Image, Model, Options, Predictions, Workspace};
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, overlay, resize};
use image::{Rgb, RgbImage};

const SIDE: u32 = 8192;
const MB: isize = 1_000_000;

#[test]
fn the_largest_picture_takes_what_is_stated() {
    let face = RgbImage::from_raw(portrait::SIDE as u32, portrait::SIDE as u32, portrait::rgb());
    let mut picture = RgbImage::from_pixel(SIDE, SIDE, Rgb([96, 104, 112]));
    // The face has 300 pixels, and is cut from a larger picture than the one that is searched.
    let person = resize(&face.unwrap(), 1500, 1500, FilterType::Triangle);
    overlay(&mut picture, &person, 3000, 3000);
    let mut file = Vec::new();
    picture.write_with_encoder(JpegEncoder::new_with_quality(&mut file, 80)).unwrap();
    let side = SIDE as usize;
    let image = Image::new(Format::Rgb, side, side, &picture).unwrap();
    let model = Model::load_default().unwrap();
    // The plans of the detector belong to the model, and stay.
    let all = Options::new().try_turns(true);
    model.warm_up(side, side, &all).unwrap();
    model.warm_up(side, side, &Options::new()).unwrap();
    counting::start();
    let took = |name: &str, most: isize, call: &dyn Fn(&mut Workspace, &mut Predictions)| {
        let (mut workspace, mut out) = (Workspace::new(), Predictions::new());
        let before = counting::held();
        counting::forget_peak();
        call(&mut workspace, &mut out);
        let peak = (counting::peak() - before) / MB;
        println!("{name}: {peak} MB at most, {} faces", out.len());
        assert!(peak <= most, "{name}: {peak} MB, {most} are stated");
        assert!(!out.is_empty(), "{name}: nothing found");
    };
    let options = Options::new();
    took("pixels in memory", 60, &|workspace, out| {
        model.predict_into(&image, &options, workspace, out).unwrap();
    });
    took("pixels in memory, turns tried", 60, &|workspace, out| {
        model.predict_into(&image, &all, workspace, out).unwrap();
    });
    let faces_only = options.skip_age(true).skip_gender(true);
    took("a JPEG, faces alone", 60, &|workspace, out| {
        model.predict_encoded(&file, &faces_only, workspace, out).unwrap();
    });
    took("a JPEG whose face needs the whole", 260, &|workspace, out| {
        model.predict_encoded(&file, &options, workspace, out).unwrap();
    });
}
