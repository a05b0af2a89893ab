//! Measures the cost of finding a small face's landmarks in the small picture, compared with those of the large
//! picture.

use anyhow::{Context, Result, ensure};
use clap::Args;
use face_predict::{
    Affine, Face, Format, Image, Model, Options, Predictions, Region, Warp, Workspace,
};
use rand::Rng;

use super::evaluate::SAME;
use super::given::Given;
use crate::data::manifest::Row;
use crate::data::pictures;
use crate::data::sampler::generator;

/// Shrinks each picture until its face has 30 to 60 pixels. Lays it into a picture of 1024 x 768, where the library
/// finds the face. Gives the error of age and gender with three kinds of landmarks: those that it finds, those of the
/// large picture, shrunk with it, and the manifest's. Also gives how many children under 13 and how many adults from 25
/// on come out under 18.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: face-train small-faces --model base.onnx --manifest faces.csv --root photos --split test"
)]
pub struct SmallFaces {
    #[command(flatten)]
    given: Given,
    /// Smallest face in pixels, by the root of its box's area.
    #[arg(long, default_value_t = 30.0)]
    least: f32,
    /// Largest face in pixels.
    #[arg(long, default_value_t = 60.0)]
    most: f32,
}

/// The landmarks by which the face is cut.
const BY: [&str; 3] = ["found in the small picture", "found in the large one", "the manifest's"];

/// The picture into which the small one is laid.
const FRAME: (usize, usize) = (1024, 768);

/// Sums over the faces of a source, by the kind of landmarks.
#[derive(Default)]
struct Sums {
    faces: usize,
    missed: usize,
    failed: usize,
    ages: usize,
    error: [f64; 3],
    genders: usize,
    right: [usize; 3],
    /// Children under 13, and adults from 25 on.
    groups: [usize; 2],
    /// How many of them come out under 18.
    minors: [[usize; 3]; 2],
    /// The mean distance from the landmarks of the large picture, in eye distances.
    off: f64,
}

impl SmallFaces {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        ensure!(
            self.least >= 8.0 && self.least < self.most,
            "least must be 8 or more, and most must be above it"
        );
        self.given.each(
            "landmarks",
            |region| region.landmarks.is_some(),
            |file, model, source, rows| {
                println!("{} {source}:", file.display());
                self.measured(model, rows)?.print();
                Ok(())
            },
        )
    }

    fn measured(&self, model: &Model, rows: &[Row]) -> Result<Sums> {
        let mut sums = Sums::default();
        let mut memory = (Workspace::new(), Predictions::new());
        for (index, row) in self.given.spread(rows) {
            let side = generator(1, 0, index as u64).random_range(self.least..self.most);
            if self.add(model, row, side, &mut sums, &mut memory).is_err() {
                sums.failed += 1;
            }
        }
        Ok(sums)
    }

    /// Adds the library's answer about one face at `side` pixels.
    fn add(
        &self,
        model: &Model,
        row: &Row,
        side: f32,
        sums: &mut Sums,
        (workspace, out): &mut (Workspace, Predictions),
    ) -> Result<()> {
        let picture = pictures::open(&self.given.picture(row))?;
        let (image, known) = (picture.image(), row.region().context("no face")?);
        model.predict_into(&image, &faces_only(), workspace, out)?;
        let Some(large) = same(out, &known) else {
            sums.missed += 1;
            return Ok(());
        };
        let scale = known.rect.area().sqrt() / side;
        let (width, height) = image.upright_size();
        // The picture goes to the middle, in whole pixels, and its edge repeats around it.
        let shift = [(FRAME.0, width), (FRAME.1, height)]
            .map(|(frame, own)| ((frame as f32 - own as f32 / scale) / 2.0).round());
        let to_large =
            Affine { x0: -shift[0] * scale, y0: -shift[1] * scale, ..Affine::scale(scale, scale) };
        let pixels = Warp::default().cut_rgb(&image, &to_large, FRAME.0, FRAME.1)?;
        let frame = Image::new(Format::Rgb, FRAME.0, FRAME.1, &pixels)?;
        let shrunk = |region: &Region| {
            let mut small = region.scaled(1.0 / scale);
            (small.rect.x, small.rect.y) = (small.rect.x + shift[0], small.rect.y + shift[1]);
            for point in small.landmarks.iter_mut().flatten() {
                (point.x, point.y) = (point.x + shift[0], point.y + shift[1]);
            }
            small
        };
        let (large, known) = (shrunk(&large), shrunk(&known));
        model.predict_into(&frame, &faces_only(), workspace, out)?;
        let Some(found) = same(out, &known) else {
            sums.missed += 1;
            return Ok(());
        };
        sums.faces += 1;
        sums.off += off(&found, &large);
        let regions = [found, large, known];
        model.predict_into(&frame, &Options::new().regions(&regions), workspace, out)?;
        sums.ages += usize::from(row.age.is_some());
        sums.genders += usize::from(row.is_male().is_some());
        let group = row.age.and_then(|age| match age {
            ..13.0 => Some(0),
            25.0.. => Some(1),
            _ => None,
        });
        if let Some(group) = group {
            sums.groups[group] += 1;
        }
        for face in out.faces() {
            let by = face.region_index().context("a face that was given")?;
            if let Some((age, right)) = face.age().zip(row.age) {
                sums.error[by] += f64::from((age.median() - right).abs());
                if let Some(group) = group {
                    sums.minors[group][by] += usize::from(age.median() < 18.0);
                }
            }
            if let Some((female, male)) = face.female_probability().zip(row.is_male()) {
                sums.right[by] += usize::from((female < 0.5) == male);
            }
        }
        Ok(())
    }
}

fn faces_only() -> Options<'static> {
    Options::new().skip_age(true).skip_gender(true)
}

/// Returns the found face that is `known`, if it has landmarks.
fn same(out: &Predictions, known: &Region) -> Option<Region> {
    let overlap = |face: &Face<'_>| face.rect().overlap(&known.rect);
    let best = out.faces().max_by(|a, b| overlap(a).total_cmp(&overlap(b)))?;
    let region = Region { rect: best.rect(), landmarks: best.landmarks() };
    (overlap(&best) >= SAME && region.landmarks.is_some()).then_some(region)
}

/// Returns the mean distance of two faces' landmarks, in distances between the second's eyes.
fn off(found: &Region, right: &Region) -> f64 {
    let (Some(found), Some(right)) = (found.landmarks, right.landmarks) else { return 0.0 };
    let distance = |a: face_predict::Point, b: face_predict::Point| (a.x - b.x).hypot(a.y - b.y);
    let sum: f32 = found.iter().zip(&right).map(|(a, b)| distance(*a, *b)).sum();
    f64::from(sum / 5.0 / distance(right[0], right[1]).max(1e-3))
}

impl Sums {
    fn print(&self) {
        let Self { faces, missed, failed, ages, genders, .. } = self;
        println!("  {faces} faces, {missed} not found, {failed} left out");
        println!("  landmarks off by {:.3} eye distances", self.off / (*faces).max(1) as f64);
        let share = |part: usize, of: usize| 100.0 * part as f64 / of.max(1) as f64;
        for ((by, error), right) in BY.iter().zip(self.error).zip(self.right) {
            let age = error / (*ages).max(1) as f64;
            let gender = share(right, *genders);
            println!("  landmarks {by}: {age:.2} years, gender {gender:.2} %");
        }
        for (who, (count, minors)) in ["children under 13", "adults from 25 on"]
            .iter()
            .zip(self.groups.iter().zip(self.minors))
        {
            let shares = minors.map(|minors| format!("{:.1}", share(minors, *count)));
            println!("  {count} {who}: come out under 18, %: {}", shares.join(", "));
        }
    }
}
