//! Measures how answers change when a face's place is a little off.

use anyhow::{Result, ensure};
use clap::Args;
use face_predict::{Model, Options, Predictions, Region, Workspace};

use super::given::Given;
use crate::data::manifest::Row;
use crate::data::pictures;

/// Shifts each face to nine places, and measures how far the answers differ. It gives the standard deviation of the
/// age, and the share of faces whose gender changes.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: face-train shake --model base.onnx tiny.onnx --manifest faces.csv --root photos --split val"
)]
pub struct Shake {
    #[command(flatten)]
    given: Given,
    /// Shift in parts of the face's side, which is the root of its box's area.
    #[arg(long, default_value_t = 0.03)]
    shift: f32,
    /// Number of crops of each face whose answers are averaged, from 1 to 8.
    #[arg(long, default_value_t = 1)]
    crops: usize,
}

/// Sums over the faces of a source.
#[derive(Default)]
struct Shaken {
    faces: usize,
    deviation: f64,
    flipped: usize,
    failed: usize,
}

impl Shake {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        ensure!(self.shift.is_finite(), "shift must be a finite number");
        let crops = self.crops;
        ensure!((1..=8).contains(&crops), "crops is {crops}, but it must be 1 to 8");
        self.given.each(
            "a box",
            |_| true,
            |file, model, source, rows| {
                let found = self.shaken(model, rows);
                let faces = found.faces.max(1) as f64;
                println!(
                    "{} {source}: {} faces, the age varies by {:.3} years, {:.2} % of the labels change, {} left out",
                    file.display(),
                    found.faces,
                    found.deviation / faces,
                    100.0 * found.flipped as f64 / faces,
                    found.failed
                );
                Ok(())
            },
        )
    }

    fn shaken(&self, model: &Model, rows: &[Row]) -> Shaken {
        let mut sums = Shaken::default();
        let (mut workspace, mut answers) = (Workspace::new(), Predictions::new());
        for (_, row) in self.given.spread(rows) {
            let picture = pictures::open(&self.given.picture(row));
            let (Ok(picture), Some(region)) = (picture, row.region()) else {
                sums.failed += 1;
                continue;
            };
            let places = nine(&region, self.shift);
            let options = Options::new().regions(&places).crops(self.crops);
            let image = picture.image();
            // One box without a size must not end a measurement of many faces.
            if model.predict_into(&image, &options, &mut workspace, &mut answers).is_err() {
                sums.failed += 1;
                continue;
            }
            let ages: Vec<f64> =
                answers.faces().filter_map(|f| Some(f64::from(f.age()?.median()))).collect();
            let female: Vec<bool> =
                answers.faces().filter_map(|f| Some(f.female_probability()? > 0.5)).collect();
            sums.faces += 1;
            sums.deviation += deviation(&ages);
            sums.flipped += usize::from(female.windows(2).any(|two| two[0] != two[1]));
        }
        sums
    }
}

/// Returns the region in its place, and shifted by `shift` of its side in eight directions.
fn nine(region: &Region, shift: f32) -> Vec<Region> {
    let side = (region.rect.width * region.rect.height).max(0.0).sqrt() * shift;
    let places = [-1.0, 0.0, 1.0];
    let shifted = |dx: f32, dy: f32| {
        let mut region = *region;
        (region.rect.x, region.rect.y) = (region.rect.x + dx, region.rect.y + dy);
        for point in region.landmarks.iter_mut().flatten() {
            (point.x, point.y) = (point.x + dx, point.y + dy);
        }
        region
    };
    places.iter().flat_map(|y| places.map(|x| shifted(x * side, y * side))).collect()
}

/// Returns the standard deviation, or 0 for fewer than two numbers.
fn deviation(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (squares / (values.len() - 1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use face_predict::{Point, Rect};

    #[test]
    fn nine_places_around_the_face() {
        let region = Region {
            rect: Rect::new(10.0, 20.0, 100.0, 100.0),
            landmarks: Some([Point::new(30.0, 40.0); 5]),
        };
        let places = nine(&region, 0.03);
        assert_eq!(places.len(), 9);
        assert_eq!((places[4].rect.x, places[4].rect.y), (10.0, 20.0));
        assert_eq!((places[0].rect.x, places[8].rect.y), (7.0, 23.0));
        let eye = places[8].landmarks.expect("five")[0];
        assert_eq!((eye.x, eye.y), (33.0, 43.0));
        assert!((deviation(&[1.0, 2.0, 3.0]) - 1.0).abs() < 1e-12);
    }
}
