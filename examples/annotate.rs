//! Draws what the library says onto a copy of a photo: boxes, landmarks, age with interval, label.
//!
//! `annotate [--model FILE]... PHOTO OUT.png`

use std::error::Error;

use face_predict::{Face, Gender, Model, ModelOptions, Options, Predictions, Workspace};
use font8x8::UnicodeFonts;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageReader, Rgb, RgbImage};

const FEMALE: Rgb<u8> = Rgb([255, 190, 60]);
const MALE: Rgb<u8> = Rgb([80, 200, 255]);
const UNDECIDED: Rgb<u8> = Rgb([230, 230, 230]);

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1).peekable();
    let mut models = Vec::new();
    while words.next_if(|word| word == "--model").is_some() {
        models.push(words.next().ok_or("--model wants a file")?);
    }
    let (Some(photo), Some(out), None) = (words.next(), words.next(), words.next()) else {
        return Err("usage: annotate [--model FILE]... PHOTO OUT.png".into());
    };
    let model = Model::load_files(&models, &ModelOptions::new())?;
    let (mut workspace, mut faces) = (Workspace::new(), Predictions::new());
    model.predict_file(&photo, &Options::new(), &mut workspace, &mut faces)?;
    let mut canvas = upright(&photo)?.into_rgb8();
    for face in faces.faces() {
        draw(&mut canvas, &face);
    }
    canvas.save(&out)?;
    println!("{out}: {} faces", faces.len());
    Ok(())
}

/// Places are told in the upright picture.
fn upright(photo: &str) -> Result<DynamicImage, Box<dyn Error>> {
    let mut decoder = ImageReader::open(photo)?.with_guessed_format()?.into_decoder()?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

fn draw(canvas: &mut RgbImage, face: &Face<'_>) {
    let (colour, label) = match face.gender() {
        Some(Gender::Female) => (FEMALE, "F"),
        Some(Gender::Male) => (MALE, "M"),
        None => (UNDECIDED, "?"),
    };
    let rect = face.rect();
    // Lines and letters grow with the picture.
    let unit = 1 + canvas.width().max(canvas.height()) as i64 / 800;
    let (left, top) = (rect.x as i64, rect.y as i64);
    let (right, bottom) = ((rect.x + rect.width) as i64, (rect.y + rect.height) as i64);
    fill(canvas, left, top, right, top + unit, colour);
    fill(canvas, left, bottom - unit, right, bottom, colour);
    fill(canvas, left, top, left + unit, bottom, colour);
    fill(canvas, right - unit, top, right, bottom, colour);
    for point in face.landmarks().into_iter().flatten() {
        let (x, y) = (point.x as i64, point.y as i64);
        fill(canvas, x - unit, y - unit, x + unit, y + unit, colour);
    }
    let (Some(age), Some((low, high))) = (face.age(), face.age_interval()) else { return };
    let text = format!("{label} {:.0} ({low:.0}-{high:.0})", age.median());
    let line = 10 * unit;
    let y = if top >= line { top - line } else { bottom };
    fill(canvas, left, y, left + 8 * unit * text.len() as i64, y + line, Rgb([0, 0, 0]));
    for (index, letter) in text.chars().enumerate() {
        let x = left + 8 * unit * index as i64;
        for (row, bits) in font8x8::BASIC_FONTS.get(letter).unwrap_or_default().iter().enumerate() {
            for column in (0..8).filter(|column| bits & (1 << column) != 0) {
                let (x, y) = (x + column * unit, y + unit + row as i64 * unit);
                fill(canvas, x, y, x + unit, y + unit, colour);
            }
        }
    }
}

/// Fills what lies inside the picture.
fn fill(canvas: &mut RgbImage, left: i64, top: i64, right: i64, bottom: i64, colour: Rgb<u8>) {
    let (width, height) = (i64::from(canvas.width()), i64::from(canvas.height()));
    for y in top.max(0)..bottom.min(height) {
        for x in left.max(0)..right.min(width) {
            canvas.put_pixel(x as u32, y as u32, colour);
        }
    }
}
