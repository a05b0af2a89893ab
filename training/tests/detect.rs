//! Makes a detector, from pictures to a model file, through the program.

mod common;

use std::path::Path;

use common::{fails, ok, picture};

const TRAIN: &str = "train --task detect --manifest faces.csv --root photos --batch 4 --epochs 2 --epoch-size 12 --threads 1";

/// Makes pictures of one face with landmarks, and scenes of the same pictures.
fn data(folder: &Path) {
    let mut faces = String::from(
        "# face-train manifest 1 | test\npath,split,source,box_x,box_y,box_w,box_h,eye_left_x,eye_left_y,eye_right_x,eye_right_y,nose_x,nose_y,mouth_left_x,mouth_left_y,mouth_right_x,mouth_right_y\n",
    );
    let mut table = String::from("file,x,y,width,height,blur,occlusion,pose,invalid\n");
    for i in 0..12u32 {
        picture(&folder.join(format!("photos/{i}.png")), i * 7, i % 2 == 0);
        let split = ["train", "val", "test"][i as usize % 3];
        faces += &format!("{i}.png,{split},made,10,6,52,68,24,32,48,32,36,42,27,56,45,56\n");
        table += &format!("{i}.png,10,6,52,68,0,{},0,0\n{i}.png,0,0,9,9,2,0,0,0\n", i % 2);
    }
    // A picture without faces has a row without size.
    table += "0.png,0,0,0,0,0,0,0,1\n";
    std::fs::write(folder.join("faces.csv"), faces).expect("a manifest");
    std::fs::write(folder.join("table.csv"), table).expect("a table");
}

fn without_speed(folder: &Path, run: &str) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join(run).join("log.csv")).expect("a log");
    let keep = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        [&fields[..6], &fields[8..]].concat().join(",")
    };
    text.lines().map(keep).collect()
}

#[test]
fn faces_of_scenes_become_a_manifest_for_a_teacher() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let portrait = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/images/eileen_collins.png");
    std::fs::copy(portrait, here.join("one.png")).expect("copied");
    std::fs::write(here.join("t.csv"), "file,age\none.png,42\n").expect("written");
    ok(here, "ingest table --table t.csv --images . --out found.csv");
    let cells = |name: &str, columns: &[&str]| -> Vec<Vec<String>> {
        let text = std::fs::read_to_string(here.join(name)).expect("a manifest");
        let (_, table) = text.split_once('\n').expect("a first line");
        let mut reader = csv::Reader::from_reader(table.as_bytes());
        let head = reader.headers().expect("a header").clone();
        let place = |column: &&str| head.iter().position(|name| name == *column);
        let places: Vec<usize> = columns.iter().filter_map(place).collect();
        let records = reader.records().map(|record| record.expect("a row"));
        records.map(|row| places.iter().map(|place| row[*place].to_owned()).collect()).collect()
    };
    let places = ["box_x", "box_y", "box_w", "box_h", "eye_left_x", "mouth_right_y"];
    let face = &cells("found.csv", &places)[0];
    let (x, y, w, h) = (&face[0], &face[1], &face[2], &face[3]);
    // The face, one that nobody can see, one that is blurred, a small one, and a picture that is missing.
    let table = format!(
        "file,x,y,width,height,blur,occlusion,pose,invalid\none.png,{x},{y},{w},{h},0,0,0,0\none.png,0,0,50,50,0,0,0,0\n\
         one.png,{x},{y},{w},{h},1,0,0,0\none.png,{x},{y},20,20,0,0,0,0\ngone.png,{x},{y},{w},{h},0,0,0,0\n"
    );
    std::fs::write(here.join("wider.csv"), table).expect("written");
    let wider = "ingest wider --table wider.csv --prefix wider --out faces.csv";
    let out = ok(here, &format!("{wider} --faces 48 --images ."));
    assert!(out.contains("1 of 3 faces of 2 pictures; 1 pictures cannot be read"), "{out}");
    assert_eq!(&cells("faces.csv", &places)[0], face);
    let said = cells("faces.csv", &["path", "split", "source", "age", "gender"]);
    assert_eq!(said, [["wider/one.png", "train", "wider", "", ""]]);
    let nothing = fails(here, &format!("{wider} --faces 4800 --images ."));
    assert!(nothing.contains("no face is left"), "{nothing}");
}

#[test]
fn a_detector_is_trained_resumed_exported_and_judged() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    data(here);
    let out = ok(here, "ingest wider --table table.csv --prefix . --val 0.4 --out scenes.csv");
    assert!(out.contains("12 pictures") && out.contains("24 faces, 12 of them ignored"), "{out}");
    let train = format!("{TRAIN} --scenes scenes.csv --cache raw");
    let out = ok(here, &format!("{train} --run whole"));
    assert!(out.contains("4 faces and"), "{out}");
    let error = fails(here, &format!("{train} --run broken --stop-after 2"));
    assert!(error.contains("epoch 1 after step 2"), "{error}");
    ok(here, &format!("{train} --run broken --resume --workers 2"));
    assert_eq!(without_speed(here, "whole"), without_speed(here, "broken"));
    let last = |run: &str| std::fs::read(here.join(run).join("last.safetensors")).expect("a file");
    assert_eq!(last("whole"), last("broken"));
    assert!(here.join("raw/640").exists(), "raw pixels are kept");

    let error = fails(here, "export --run whole --out d.onnx");
    assert!(error.contains("calibrate"), "{error}");
    ok(here, "calibrate --run whole --manifest faces.csv --scenes scenes.csv --root photos");
    ok(here, "export --run whole --out d.onnx --license MIT --data made");
    ok(here, &format!("{train} --run again --init-from d.onnx"));
    let base = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/base.onnx");
    let error = fails(here, &format!("{train} --run other --init-from {base}"));
    assert!(error.contains("the file lacks s0.conv0.weight"), "{error}");
    let out = ok(here, "inspect d.onnx");
    assert!(out.contains("\"strides\":[8,16,32]") && out.contains("whole"), "{out}");
    let judge = "evaluate-detector --model d.onnx --root photos --out d.json";
    ok(here, &format!("{judge} --scenes scenes.csv --split val --manifest faces.csv"));
    let text = std::fs::read_to_string(here.join("d.json")).expect("figures");
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let scenes = &json["models"][0]["scenes"]["all"];
    assert!(scenes["faces"].as_u64().is_some_and(|n| n > 0), "{text}");
    let uncovered = &json["models"][0]["scenes"]["uncovered, input 40+"];
    assert!(uncovered["faces"].as_u64() < scenes["faces"].as_u64(), "{text}");
    assert!(uncovered["faces"].as_u64() > Some(0), "{text}");
    assert_eq!(json["models"][0]["portraits"]["made"]["variants"]["plain"]["pictures"], 4);
}

#[test]
fn faces_of_large_pictures_are_found_where_they_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let portrait = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/images/eileen_collins.png");
    let portrait = image::open(portrait).expect("the portrait");
    let large = portrait.resize(1600, 1600, image::imageops::FilterType::Triangle);
    large.save(here.join("large.png")).expect("written");
    std::fs::write(here.join("t.csv"), "file,gender,split\nlarge.png,female,test\n")
        .expect("a table");
    ok(here, "ingest table --table t.csv --images . --out m.csv");
    let detector = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/detector.onnx");
    ok(
        here,
        &format!(
            "evaluate-detector --model {detector} --manifest m.csv --root . --out d.json --search still"
        ),
    );
    let text = std::fs::read_to_string(here.join("d.json")).expect("figures");
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let plain = &json["models"][0]["portraits"]["t"]["variants"]["plain"];
    assert_eq!(
        (plain["pictures"].as_u64(), plain["found"].as_f64()),
        (Some(1), Some(1.0)),
        "{text}"
    );
    assert!(plain["landmarks"].as_f64().is_some_and(|far| far < 0.1), "{text}");
}

#[test]
fn answers_are_judged_whatever_the_order_of_the_rows() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    data(here);
    let write = |name: &str, text: &str| std::fs::write(here.join(name), text).expect("written");
    write(
        "a.json",
        "{\"name\": \"a\", \"answers\": {\"0.png\": [[2, 2, 20, 20, 0.9], [40, 40, 20, 20, 0.8]], \
         \"1.png\": [[2, 2, 20, 20, 0.9]], \"gone.png\": []}}",
    );
    let judged = |rows: &[&str]| {
        let head = "# face-train scenes 1 | test\npath,split,x,y,width,height\n";
        write("s.csv", &(head.to_owned() + &rows.concat()));
        ok(here, "evaluate-detector --answers a.json --scenes s.csv --root photos --out d.json");
        let text = std::fs::read_to_string(here.join("d.json")).expect("figures");
        let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        json["models"][0].clone()
    };
    let [first, second] = ["0.png,test,2,2,20,20\n", "0.png,test,40,40,20,20\n"];
    let other = "1.png,test,2,2,20,20\n";
    for rows in [[first, second, other], [first, other, second]] {
        assert_eq!(judged(&rows)["scenes"]["all"]["average_precision"], 1.0, "{rows:?}");
    }
    // A picture that is missing is counted.
    let found = judged(&[first, "gone.png,test,2,2,20,20\n"]);
    assert!(found["failures"]["gone.png"].is_string() && found["pictures"] == 1, "{found}");
    // Without landmarks there is nothing to compare with.
    write(
        "m.csv",
        "# face-train manifest 1 | test\npath,split,box_x,box_y,box_w,box_h\n0.png,test,10,6,52,68\n",
    );
    let detector = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/detector.onnx");
    let judge = format!("evaluate-detector --model {detector} --manifest m.csv --root photos");
    let error = fails(here, &format!("{judge} --out d.json"));
    assert!(error.contains("none of 1 faces has landmarks"), "{error}");
}

#[test]
fn a_missing_validation_picture_is_left_out_and_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    data(here);
    ok(here, "ingest wider --table table.csv --prefix . --val 0.4 --out scenes.csv");
    let text = std::fs::read_to_string(here.join("scenes.csv")).expect("scenes");
    let scenes = text.lines().filter_map(|line| line.strip_prefix("./")?.split_once(','));
    let (scene, _) = scenes.clone().find(|(_, rest)| rest.starts_with("val")).expect("a scene");
    // This picture is a face for validation, too.
    for name in [scene, "1.png"] {
        std::fs::remove_file(here.join("photos").join(name)).expect("removed");
    }
    let train = format!("{TRAIN} --scenes scenes.csv --run gaps");
    let out = ok(here, &train);
    assert!(
        out.contains("done after 2 epochs, ") && !out.contains(" 0 pictures left out"),
        "{out}"
    );
    ok(here, "calibrate --run gaps --manifest faces.csv --scenes scenes.csv --root photos");
}

#[test]
fn without_scenes_it_learns_from_faces_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    data(here);
    let out = ok(here, &format!("{TRAIN} --run open --half"));
    assert!(out.contains("0 scenes for training"), "{out}");
    let out = ok(here, "frames --manifest faces.csv --root photos --out frames --count 3");
    assert!(out.contains("3 frames") && here.join("frames/0002.png").exists(), "{out}");
    let error =
        fails(here, "train --task detect --arch base --manifest faces.csv --root . --run x");
    assert!(error.contains("base is not a network for that task"), "{error}");
    let error = fails(here, "train --scenes s.csv --manifest faces.csv --root photos --run x");
    assert!(error.contains("--scenes is for detectors, but base is not one"), "{error}");
    let error = fails(here, &format!("{TRAIN} --scenes faces.csv --run x"));
    assert!(error.contains("no manifest of scenes"), "{error}");
}
