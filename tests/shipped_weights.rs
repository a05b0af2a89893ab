//! Guards the built-in weights with 800 test pictures that were not used for training or calibration. They had a veto on
//! new weights, and no other part in their choice. The test fails with a worse file. It is skipped, with a message, if the pictures are missing.

mod eval;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use face_predict::{Model, ModelOptions, Options, Point, Predictions, Rect, Region, Workspace};

struct Row {
    path: PathBuf,
    fields: HashMap<String, String>,
}

impl Row {
    fn number(&self, key: &str) -> Option<f32> {
        self.fields.get(key)?.parse().ok()
    }

    fn region(&self) -> Option<Region> {
        let point = |name: &str| {
            Some(Point::new(self.number(&format!("{name}_x"))?, self.number(&format!("{name}_y"))?))
        };
        self.number("score").filter(|score| *score > 0.0)?;
        Some(Region {
            rect: Rect::new(
                self.number("box_x")?,
                self.number("box_y")?,
                self.number("box_w")?,
                self.number("box_h")?,
            ),
            landmarks: Some([
                point("eye_left")?,
                point("eye_right")?,
                point("nose")?,
                point("mouth_left")?,
                point("mouth_right")?,
            ]),
        })
    }
}

/// Returns the test faces of a set, or nothing if they are missing.
fn rows(set: &str) -> Vec<Row> {
    let Some(folder) = eval::folder() else { return Vec::new() };
    let text = std::fs::read_to_string(folder.join(format!("{set}.csv"))).expect("its table");
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned));
    let header: Vec<String> = lines.next().expect("a header").collect();
    lines
        .map(|values| {
            let fields: HashMap<_, _> = header.iter().cloned().zip(values).collect();
            Row { path: folder.join(set).join(&fields["file"]), fields }
        })
        .collect()
}

/// The mean absolute error of the exact ages, the share of brackets that contain the median, and the share of right
/// genders.
struct Figures {
    error: f64,
    bracket: f64,
    gender: f64,
}

fn base() -> Model {
    Model::load_default().expect("built in")
}

fn file(name: &str) -> Model {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(name);
    Model::load_file(path, &ModelOptions::new()).expect("a model file")
}

fn tiny() -> Model {
    file("tiny.onnx")
}

fn open() -> Model {
    file("base-open.onnx")
}

fn measure(model: &Model, rows: &[Row], by_landmarks: bool) -> Figures {
    let (mut workspace, mut predictions) = (Workspace::new(), Predictions::new());
    let (mut errors, mut inside, mut right) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        let region = row.region().filter(|_| by_landmarks);
        let regions: &[Region] = region.as_slice();
        let options = Options::new().regions(regions).cropped(region.is_none());
        model
            .predict_file(&row.path, &options, &mut workspace, &mut predictions)
            .expect("a good picture");
        let face = predictions.face(0).expect("one face");
        let age = face.age().expect("an age").median();
        if let Some(label) = row.number("age") {
            errors.push(f64::from((age - label).abs()));
        } else if let Some(first) = row.number("age_min") {
            let last = row.number("age_max").unwrap_or(100.0);
            inside.push(f64::from(u8::from((first..=last).contains(&age.round()))));
        }
        let male = face.female_probability().expect("a gender") < 0.5;
        right.push(f64::from(u8::from(male == (row.fields["gender"] == "male"))));
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let figures = Figures { error: mean(&errors), bracket: mean(&inside), gender: mean(&right) };
    let Figures { error, bracket, gender } = figures;
    let name = model.name();
    println!(
        "{name}, landmarks {by_landmarks}: MAE {error:.2}, bracket {bracket:.3}, gender {gender:.3}"
    );
    figures
}

#[test]
fn utkface_ages_and_genders() {
    let rows = rows("utkface");
    for (model, by_landmarks, error, gender) in [
        (base(), true, 5.05, 0.94),
        (base(), false, 4.9, 0.94),
        (tiny(), true, 5.2, 0.92),
        (tiny(), false, 5.15, 0.93),
        (open(), true, 6.6, 0.9),
    ] {
        if rows.is_empty() {
            return;
        }
        let figures = measure(&model, &rows, by_landmarks);
        assert!(figures.error <= error, "mean absolute error {:.2}", figures.error);
        assert!(figures.gender >= gender, "gender {:.3}", figures.gender);
    }
}

#[test]
fn fairface_brackets_and_genders() {
    let rows = rows("fairface");
    for (model, by_landmarks, bracket, gender) in [
        (base(), true, 0.5, 0.875),
        (base(), false, 0.53, 0.87),
        (tiny(), true, 0.495, 0.84),
        (tiny(), false, 0.495, 0.845),
        (open(), true, 0.46, 0.84),
    ] {
        if rows.is_empty() {
            return;
        }
        let figures = measure(&model, &rows, by_landmarks);
        assert!(figures.bracket >= bracket, "bracket {:.3}", figures.bracket);
        assert!(figures.gender >= gender, "gender {:.3}", figures.gender);
    }
}
