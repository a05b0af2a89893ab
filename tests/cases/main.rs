//! The list of cases that Rust, C and every binding answer alike, through Rust.
//!
//! `FACE_PREDICT_WRITE_CASES=1 cargo test --release --test cases` writes the answers instead, for new weights.
#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use face_predict::{
    Error, ErrorKind, Format, Gender, Image, Model, Options, Orientation, Point, Predictions,
    Quality, Rect, Region,
};
use serde_json::{Value, json};

/// What a case may say, in the order it is written in. What is not said is 0, false or empty.
const KEYS: [&str; 20] = [
    "name",
    "picture",
    "input",
    "format",
    "width",
    "height",
    "stride",
    "rotation",
    "mirrored",
    "boxes",
    "landmarks",
    "cropped",
    "skip_age",
    "skip_gender",
    "max_faces",
    "age_coverage",
    "gender_threshold",
    "message",
    "status",
    "size",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

fn numbers(case: &Value, key: &str) -> Vec<f32> {
    let list = case[key].as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().map(|n| n.as_f64().unwrap() as f32).collect()
}

fn integer(case: &Value, key: &str) -> u32 {
    case.get(key).map_or(0, |n| n.as_u64().unwrap() as u32)
}

fn flag(case: &Value, key: &str) -> bool {
    case[key].as_bool().unwrap_or(false)
}

fn regions(case: &Value) -> Vec<Region> {
    let landmarks = numbers(case, "landmarks");
    let boxes = numbers(case, "boxes");
    let mut regions: Vec<Region> = boxes
        .chunks_exact(4)
        .map(|b| Region::from_box(Rect::new(b[0], b[1], b[2], b[3])))
        .collect();
    for (region, points) in regions.iter_mut().zip(landmarks.chunks_exact(10)) {
        region.landmarks =
            Some(std::array::from_fn(|i| Point::new(points[2 * i], points[2 * i + 1])));
    }
    regions
}

fn predict(model: &Model, case: &Value) -> Result<Predictions, Error> {
    let path = folder().join(case["picture"].as_str().unwrap());
    let regions = regions(case);
    let mut options = Options::new()
        .regions(&regions)
        .cropped(flag(case, "cropped"))
        .skip_age(flag(case, "skip_age"))
        .skip_gender(flag(case, "skip_gender"))
        .max_faces(integer(case, "max_faces") as usize);
    if let Some(coverage) = case["age_coverage"].as_f64() {
        options = options.age_coverage(coverage as f32);
    }
    if let Some(threshold) = case["gender_threshold"].as_f64() {
        options = options.gender_threshold(threshold as f32);
    }
    let mut out = Predictions::new();
    match case["input"].as_str().unwrap() {
        "file" => model.predict_file(path, &options, &mut out)?,
        "encoded" => model.predict_encoded(&fs::read(path).unwrap(), &options, &mut out)?,
        "pixels" => {
            let format = match case["format"].as_str().unwrap() {
                "GRAY" => Format::Gray,
                "RGB" => Format::Rgb,
                "BGR" => Format::Bgr,
                "RGBA" => Format::Rgba,
                "BGRA" => Format::Bgra,
                other => panic!("format {other}"),
            };
            let orientation =
                Orientation::from_degrees(integer(case, "rotation"), flag(case, "mirrored"))?;
            let pixels = fs::read(path).unwrap();
            let [width, height, stride] =
                ["width", "height", "stride"].map(|key| integer(case, key) as usize);
            let image = Image::with_stride(format, width, height, &pixels, stride)?;
            model.predict_into(&image.with_orientation(orientation), &options, &mut out)?;
        }
        other => panic!("input {other}"),
    }
    Ok(out)
}

/// The number of the C interface.
fn status(kind: ErrorKind) -> u32 {
    match kind {
        ErrorKind::NullArgument => 1,
        ErrorKind::InvalidArgument => 2,
        ErrorKind::OutOfRange => 3,
        ErrorKind::BufferTooSmall => 4,
        ErrorKind::Unsupported => 5,
        ErrorKind::Io => 20,
        ErrorKind::Image => 21,
        ErrorKind::Limit => 22,
        ErrorKind::Model => 40,
        ErrorKind::OutOfMemory => 60,
        _ => 90,
    }
}

/// The faces as the list has them.
fn faces(out: &Predictions) -> Value {
    let round = |n: f32| (f64::from(n) * 1e5).round() / 1e5;
    let number = |n: Option<f32>| n.map(round);
    let face = |face: face_predict::Face<'_>| {
        let interval = face.age_interval();
        let quality: Vec<&str> = [(Quality::SMALL, "small"), (Quality::CUT_OFF, "cut_off")]
            .iter()
            .filter(|(reason, _)| face.quality().contains(*reason))
            .map(|(_, name)| *name)
            .collect();
        let rect = face.rect();
        json!({
            "box": Vec::from([rect.x, rect.y, rect.width, rect.height].map(round)),
            "age": number(face.age().map(|age| age.median())),
            "age_low": number(interval.map(|i| i.0)),
            "age_high": number(interval.map(|i| i.1)),
            "adult": number(face.age().map(|age| age.at_least(18.0))),
            "female_probability": number(face.female_probability()),
            "gender": match face.gender() {
                Some(Gender::Female) => "female",
                Some(Gender::Male) => "male",
                None => "undecided",
            },
            "quality": quality,
        })
    };
    out.faces().map(face).collect::<Vec<_>>().into()
}

fn answer(model: &Model, case: &Value) -> Value {
    match predict(model, case) {
        Ok(out) => {
            json!({"status": 0, "size": [out.size().0, out.size().1], "faces": faces(&out)})
        }
        Err(error) => {
            // A test in its own right: each error says what the case says it should.
            let message = case["message"].as_str().unwrap_or("a case that should succeed");
            assert!(error.to_string().contains(message), "{}: {error}", case["name"]);
            json!({"status": status(error.kind())})
        }
    }
}

fn close(right: &Value, answer: &Value, tolerance: f64) -> bool {
    match (right.as_f64(), answer.as_f64()) {
        (Some(a), Some(b)) => (a - b).abs() <= tolerance,
        _ => right == answer,
    }
}

/// What of `answer` is not as the case says, in words; empty if all is right.
fn differences(case: &Value, answer: &Value, tolerance: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let empty = Vec::new();
    let list = |value: &Value| value["faces"].as_array().unwrap_or(&empty).clone();
    let (right, got) = (list(case), list(answer));
    if case["status"] != answer["status"]
        || case["size"] != answer["size"]
        || right.len() != got.len()
    {
        return vec![format!("{case} is the case, {answer} the answer")];
    }
    for (right, got) in right.iter().zip(&got) {
        for (key, unit) in [
            ("age", "years"),
            ("age_low", "years"),
            ("age_high", "years"),
            ("adult", "probability"),
            ("female_probability", "probability"),
            ("gender", "pixels"),
            ("quality", "pixels"),
        ] {
            if !close(&right[key], &got[key], tolerance[unit].as_f64().unwrap()) {
                wrong.push(format!("{key} is {}, {} is right", got[key], right[key]));
            }
        }
        let pixels = tolerance["pixels"].as_f64().unwrap();
        if (0..4).any(|i| !close(&right["box"][i], &got["box"][i], pixels)) {
            wrong.push(format!("box is {}, {} is right", got["box"], right["box"]));
        }
    }
    wrong
}

/// The list with new answers, a case a line.
fn written(model: &Model, list: &Value, answers: &[Value]) -> String {
    let mut text = format!(
        "{{\n\"model\": {},\n\"tolerance\": {},\n\"cases\": [\n",
        json!(model.name()),
        list["tolerance"]
    );
    let cases = list["cases"].as_array().unwrap();
    for (i, (case, answer)) in cases.iter().zip(answers).enumerate() {
        let mut fields = Vec::new();
        for key in KEYS {
            let value = if ["status", "size"].contains(&key) { &answer[key] } else { &case[key] };
            if !value.is_null() {
                fields.push(format!("\"{key}\": {value}"));
            }
        }
        if let Some(faces) = answer["faces"].as_array() {
            let faces: Vec<_> = faces.iter().map(|face| format!("\n  {face}")).collect();
            fields.push(format!("\"faces\": [{}]", faces.join(",")));
        }
        let comma = if i + 1 < cases.len() { "," } else { "" };
        writeln!(text, "{{{}}}{comma}", fields.join(", ")).unwrap();
    }
    text + "]\n}\n"
}

#[test]
fn every_case_is_answered_alike() {
    let path = folder().join("cases.json");
    let list: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let model = Model::load_default().unwrap();
    let cases = list["cases"].as_array().unwrap();
    for key in cases.iter().flat_map(|case| case.as_object().unwrap().keys()) {
        assert!(key == "faces" || KEYS.contains(&key.as_str()), "unknown key {key}");
    }
    let answers: Vec<Value> = cases.iter().map(|case| answer(&model, case)).collect();
    if std::env::var_os("FACE_PREDICT_WRITE_CASES").is_some() {
        fs::write(&path, written(&model, &list, &answers)).unwrap();
        return;
    }
    assert_eq!(list["model"], model.name(), "the answers are another model's: write them anew");
    let wrong: Vec<String> = cases
        .iter()
        .zip(&answers)
        .flat_map(|(case, answer)| {
            let name = case["name"].as_str().unwrap().to_owned();
            differences(case, answer, &list["tolerance"])
                .into_iter()
                .map(move |line| format!("{name}: {line}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
