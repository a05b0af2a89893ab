//! Draws the answers onto a copy of a photo: boxes, landmarks, the age with its interval, the label, and the reasons to
//! trust a face less.
//!
//! `annotate [--model FILE]... PHOTO OUT.png`, or `annotate --help | --version`

use std::error::Error;
use std::process::ExitCode;

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};
use face_predict::{Face, Gender, Model, ModelOptions, Options, Predictions, Workspace};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageReader, Rgb, RgbImage};

const FEMALE: Rgb<u8> = Rgb([255, 190, 60]);
const MALE: Rgb<u8> = Rgb([80, 200, 255]);
const UNDECIDED: Rgb<u8> = Rgb([230, 230, 230]);
const BACKGROUND: Rgb<u8> = Rgb([20, 22, 26]);

const USAGE: &str =
    "usage: annotate [--model FILE]... PHOTO OUT.png\n       annotate --help | --version";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("annotate: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let (mut models, mut places) = (Vec::new(), Vec::new());
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--help" => {
                println!("{USAGE}");
                return Ok(());
            }
            "--version" => {
                println!("{}", env!("CARGO_PKG_VERSION"));
                return Ok(());
            }
            "--model" => models.push(words.next().ok_or("--model needs a file")?),
            option if option.len() > 1 && option.starts_with('-') => {
                return Err(format!("unknown option {option}\n{USAGE}").into());
            }
            _ => places.push(word),
        }
    }
    let Ok([photo, out]) = <[String; 2]>::try_from(places) else {
        return Err(format!("a photo and a file to write are needed\n{USAGE}").into());
    };
    let model = Model::load_files(&models, &ModelOptions::new())?;
    let (mut workspace, mut faces) = (Workspace::new(), Predictions::new());
    model.predict_file(&photo, &Options::new(), &mut workspace, &mut faces)?;
    let mut canvas = Canvas::new(upright(&photo)?.into_rgb8())?;
    for face in faces.faces() {
        canvas.frame(&face);
    }
    // Labels are drawn last, so that no box crosses one.
    for face in faces.faces() {
        canvas.label(&face);
    }
    canvas.pixels.save(&out)?;
    println!("{out}: {} faces", faces.len());
    Ok(())
}

/// The photo after its Exif orientation, to which the answers' positions refer.
fn upright(photo: &str) -> Result<DynamicImage, Box<dyn Error>> {
    let mut decoder = ImageReader::open(photo)?.with_guessed_format()?.into_decoder()?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

struct Canvas {
    pixels: RgbImage,
    font: FontRef<'static>,
    /// Returns the width of lines in pixels, which grows with the picture.
    line: f32,
}

impl Canvas {
    fn new(pixels: RgbImage) -> Result<Self, Box<dyn Error>> {
        let font = FontRef::try_from_slice(include_bytes!("fonts/DejaVuSans-subset.ttf"))?;
        let line = (pixels.width().max(pixels.height()) as f32 / 300.0).max(1.5);
        Ok(Self { pixels, font, line })
    }

    /// Draws a rounded box around the face, and a dot on each landmark.
    fn frame(&mut self, face: &Face<'_>) {
        let (rect, colour, line) = (face.rect(), colour(face), self.line);
        let (centre, half) = (
            [rect.x + rect.width / 2.0, rect.y + rect.height / 2.0],
            [rect.width / 2.0, rect.height / 2.0],
        );
        self.shape(centre, half, 3.0 * line, Some(line), colour, 1.0);
        for mark in face.landmarks().into_iter().flatten() {
            self.shape([mark.x, mark.y], [line, line], line, None, colour, 1.0);
        }
    }

    /// Writes the answer in words above the box or, if there is no room, below it.
    fn label(&mut self, face: &Face<'_>) {
        let lines = words(face);
        let longer = self.pixels.width().max(self.pixels.height()) as f32;
        // Faces of a crowd have small labels, which can still be read.
        let size = (longer / 28.0).min(face.rect().width / 5.0).max(12.0);
        let width = lines.iter().map(|text| self.text_width(text, size)).fold(0.0, f32::max);
        let (pad, rows) = (size * 0.35, lines.len() as f32);
        let (wide, high) = (width + 2.0 * pad, rows * size * 1.25 + pad);
        let rect = face.rect();
        let left = rect.x.min(self.pixels.width() as f32 - wide).max(0.0);
        let above = rect.y - high - self.line;
        let top = if above >= 0.0 { above } else { rect.y + rect.height + self.line };
        self.shape(
            [left + wide / 2.0, top + high / 2.0],
            [wide / 2.0, high / 2.0],
            pad,
            None,
            BACKGROUND,
            0.85,
        );
        for (row, text) in lines.iter().enumerate() {
            self.text(
                text,
                [left + pad, top + pad / 2.0 + row as f32 * size * 1.25],
                size,
                colour(face),
            );
        }
    }

    /// Draws a rectangle with round corners, filled, or as a line of some width. Pixels at its edge are covered in
    /// part.
    fn shape(
        &mut self,
        centre: [f32; 2],
        half: [f32; 2],
        corner: f32,
        line: Option<f32>,
        colour: Rgb<u8>,
        alpha: f32,
    ) {
        let corner = corner.min(half[0]).min(half[1]);
        let reach = line.unwrap_or(0.0) + 1.0;
        let [xs, ys] = [0, 1].map(|axis| {
            let size = if axis == 0 { self.pixels.width() } else { self.pixels.height() };
            let (low, high) =
                (centre[axis] - half[axis] - reach, centre[axis] + half[axis] + reach);
            (low.max(0.0) as u32)..(high.ceil().clamp(0.0, size as f32) as u32)
        });
        for y in ys {
            for x in xs.clone() {
                // The distance from the pixel's centre to the outline, which is below 0 inside.
                let [dx, dy] = [
                    (x as f32 + 0.5 - centre[0]).abs() - (half[0] - corner),
                    (y as f32 + 0.5 - centre[1]).abs() - (half[1] - corner),
                ];
                let distance = dx.max(0.0).hypot(dy.max(0.0)) + dx.max(dy).min(0.0) - corner;
                let distance = line.map_or(distance, |width| distance.abs() - width / 2.0);
                self.blend(x, y, colour, alpha * (0.5 - distance).clamp(0.0, 1.0));
            }
        }
    }

    fn text_width(&self, text: &str, size: f32) -> f32 {
        let font = self.font.as_scaled(PxScale::from(size));
        text.chars().map(|letter| font.h_advance(font.glyph_id(letter))).sum()
    }

    fn text(&mut self, text: &str, [mut x, y]: [f32; 2], size: f32, colour: Rgb<u8>) {
        let font = self.font.clone();
        let font = font.as_scaled(PxScale::from(size));
        for letter in text.chars() {
            let glyph = font
                .glyph_id(letter)
                .with_scale_and_position(PxScale::from(size), point(x, y + font.ascent()));
            x += font.h_advance(glyph.id);
            let Some(outline) = font.outline_glyph(glyph) else { continue };
            let corner = outline.px_bounds().min;
            outline.draw(|column, row, cover| {
                let (x, y) = (corner.x + column as f32, corner.y + row as f32);
                if x >= 0.0
                    && y >= 0.0
                    && (x as u32) < self.pixels.width()
                    && (y as u32) < self.pixels.height()
                {
                    self.blend(x as u32, y as u32, colour, cover);
                }
            });
        }
    }

    fn blend(&mut self, x: u32, y: u32, colour: Rgb<u8>, cover: f32) {
        let pixel = self.pixels.get_pixel_mut(x, y);
        for (old, new) in pixel.0.iter_mut().zip(colour.0) {
            *old = (f32::from(*old) + (f32::from(new) - f32::from(*old)) * cover.clamp(0.0, 1.0))
                .round() as u8;
        }
    }
}

fn colour(face: &Face<'_>) -> Rgb<u8> {
    match face.gender() {
        Some(Gender::Female) => FEMALE,
        Some(Gender::Male) => MALE,
        None => UNDECIDED,
    }
}

/// Returns the answer, and the reasons to trust it less for a second line.
fn words(face: &Face<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    if let (Some(age), Some((low, high))) = (face.age(), face.age_interval()) {
        let label = match face.gender() {
            Some(Gender::Female) => "female",
            Some(Gender::Male) => "male",
            None => "undecided",
        };
        lines.push(format!("{:.0} years ({low:.0}\u{2013}{high:.0}), {label}", age.median()));
    }
    let doubts: Vec<_> = face.quality().names().map(|name| name.replace('_', " ")).collect();
    if !doubts.is_empty() {
        lines.push(doubts.join(", "));
    }
    lines
}
