//! Runs the list of cases in Rust. C and every binding must give the same answers.
//!
//! `FACE_PREDICT_WRITE_CASES=1 cargo test --release --test cases` writes the answers instead, for new weights.
#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use face_predict::{
    Error, ErrorKind, Format, Gender, Image, Layout, Model, Options, Orientation, Point,
    Predictions, Rect, Region, Workspace, Yuv,
};
use serde_json::{Value, json};

/// The fields that a case may have, in the order in which they are written. A missing field is 0, false or empty.
const KEYS: [&str; 30] = [
    "name",
    "picture",
    "input",
    "format",
    "width",
    "height",
    "offsets",
    "sizes",
    "strides",
    "chroma_step",
    "yuv",
    "rotation",
    "mirrored",
    "bottom_up",
    "boxes",
    "landmarks",
    "cropped",
    "skip_age",
    "skip_gender",
    "fast_search",
    "try_turns",
    "max_faces",
    "age_coverage",
    "gender_threshold",
    "min_face_size",
    "min_score",
    "crops",
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

/// The planes of a raw picture. There is one whose others follow it, or one at each of `offsets`.
fn image<'a>(case: &Value, bytes: &'a [u8]) -> Result<Image<'a>, Error> {
    let list = |key: &str| -> Vec<usize> {
        numbers(case, key).into_iter().map(|number| number as usize).collect()
    };
    let (mut offsets, sizes) = (list("offsets"), list("sizes"));
    if offsets.is_empty() {
        offsets.push(0);
    }
    let planes: Vec<&[u8]> = offsets
        .iter()
        .enumerate()
        .map(|(i, offset)| &bytes[*offset..sizes.get(i).map_or(bytes.len(), |size| offset + size)])
        .collect();
    let mut layout =
        Layout { chroma_step: integer(case, "chroma_step") as usize, ..Layout::default() };
    layout.strides.iter_mut().zip(list("strides")).for_each(|(to, from)| *to = from);
    let format = match case["format"].as_str().unwrap() {
        "GRAY" => Format::Gray,
        "RGB" => Format::Rgb,
        "BGR" => Format::Bgr,
        "RGBA" => Format::Rgba,
        "BGRA" => Format::Bgra,
        "NV12" => Format::Nv12,
        "NV21" => Format::Nv21,
        "I420" => Format::I420,
        "YUYV" => Format::Yuyv,
        "UYVY" => Format::Uyvy,
        "ARGB" => Format::Argb,
        "ABGR" => Format::Abgr,
        "P010" => Format::P010,
        other => panic!("format {other}"),
    };
    let yuv = match case["yuv"].as_str().unwrap_or("BT601_LIMITED") {
        "BT601_LIMITED" => Yuv::Bt601Limited,
        "BT601_FULL" => Yuv::Bt601Full,
        "BT709_LIMITED" => Yuv::Bt709Limited,
        "BT709_FULL" => Yuv::Bt709Full,
        other => panic!("yuv {other}"),
    };
    let orientation = Orientation::from_degrees(integer(case, "rotation"), flag(case, "mirrored"))?;
    let (width, height) = (integer(case, "width") as usize, integer(case, "height") as usize);
    let image = Image::from_planes(format, width, height, &planes, &layout)?;
    let image = image.with_yuv(yuv).with_orientation(orientation);
    Ok(if flag(case, "bottom_up") { image.bottom_up() } else { image })
}

fn predict(model: &Model, case: &Value) -> Result<Predictions, Error> {
    let path = folder().join(case["picture"].as_str().unwrap());
    let regions = regions(case);
    let mut options = Options::new()
        .min_face_size(integer(case, "min_face_size") as f32)
        .cropped(flag(case, "cropped"))
        .skip_age(flag(case, "skip_age"))
        .fast_search(flag(case, "fast_search"))
        .try_turns(flag(case, "try_turns"))
        .skip_gender(flag(case, "skip_gender"))
        .max_faces(integer(case, "max_faces") as usize);
    if let Some(coverage) = case["age_coverage"].as_f64() {
        options = options.age_coverage(coverage as f32);
    }
    if let Some(threshold) = case["gender_threshold"].as_f64() {
        options = options.gender_threshold(threshold as f32);
    }
    if let Some(score) = case["min_score"].as_f64() {
        options = options.min_score(score as f32);
    }
    if let Some(crops) = case["crops"].as_u64() {
        options = options.crops(crops as usize);
    }
    // Without boxes the picture is searched. An empty list of boxes is not the same.
    if !case["boxes"].is_null() {
        options = options.regions(&regions);
    }
    let (mut workspace, mut out) = (Workspace::new(), Predictions::new());
    match case["input"].as_str().unwrap() {
        "file" => model.predict_file(path, &options, &mut workspace, &mut out)?,
        "encoded" => {
            let bytes = fs::read(path).unwrap();
            model.predict_encoded(&bytes, &options, &mut workspace, &mut out)?;
        }
        "pixels" => {
            let bytes = fs::read(path).unwrap();
            model.predict_into(&image(case, &bytes)?, &options, &mut workspace, &mut out)?;
        }
        other => panic!("input {other}"),
    }
    Ok(out)
}

/// The number in the C interface.
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

/// The faces in the form of the list.
fn faces(out: &Predictions) -> Value {
    let round = |n: f32| (f64::from(n) * 1e5).round() / 1e5;
    let number = |n: Option<f32>| n.map(round);
    let face = |face: face_predict::Face<'_>| {
        let interval = face.age_interval();
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
            "quality": face.quality().names().collect::<Vec<_>>(),
            "score": number(face.score()),
            "pose": face.pose().map(|pose| Vec::from([pose.yaw, pose.pitch, pose.roll].map(round))),
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
            // Each case with an error must give the status and the message of the list.
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

/// Returns in words how `answer` differs from the case. It is empty if everything is right.
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
            ("score", "probability"),
        ] {
            if !close(&right[key], &got[key], tolerance[unit].as_f64().unwrap()) {
                wrong.push(format!("{key} is {}, {} is right", got[key], right[key]));
            }
        }
        for (key, count, unit) in [("box", 4, "pixels"), ("pose", 3, "degrees")] {
            let tolerance = tolerance[unit].as_f64().unwrap();
            if (0..count).any(|i| !close(&right[key][i], &got[key][i], tolerance)) {
                wrong.push(format!("{key} is {}, {} is right", got[key], right[key]));
            }
        }
    }
    wrong
}

/// Returns the list with new answers, with one case a line.
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
