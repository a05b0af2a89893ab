//! Tests training that starts from a shipped model, and distillation from one.

mod common;

use std::path::Path;

use common::{faces, fails, ok};

const MODELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models");

fn train(more: &str) -> String {
    format!(
        "train --arch tiny --manifest faces.csv --root photos --batch 5 --epochs 2 --threads 1 --augment none {more}"
    )
}

/// Returns the age losses of a run's epochs.
fn age_losses(folder: &Path, run: &str) -> Vec<f32> {
    let mut table = csv::Reader::from_path(folder.join(run).join("log.csv")).expect("a log");
    let column = table.headers().expect("a header").iter().position(|name| name == "age_loss");
    let field = |record: csv::StringRecord| record[column.expect("a column")].parse();
    table.records().map(|record| field(record.expect("a row")).expect("a number")).collect()
}

#[test]
fn a_face_without_labels_is_learned_from_a_teacher_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    faces(here, 30);
    let text = std::fs::read_to_string(here.join("faces.csv")).expect("a manifest");
    let bare = |line: &str| {
        let mut fields: Vec<&str> = line.split(',').collect();
        if fields[4] == "train" {
            (fields[1], fields[2]) = ("", "");
        }
        fields.join(",")
    };
    let bare: Vec<String> =
        text.lines().map(|l| if l.contains(",made,") { bare(l) } else { l.into() }).collect();
    std::fs::write(here.join("faces.csv"), bare.join("\n")).expect("written");
    let error = fails(here, &train("--run run"));
    assert!(error.contains("split train and a label"), "{error}");

    let taught = format!("--teacher {MODELS}/tiny.onnx --teacher-crops 1");
    ok(here, &train(&format!("--run fresh {taught}")));
    // A teacher of another source leaves these faces without anything to learn.
    let text = std::fs::read_to_string(here.join("faces.csv")).expect("a manifest");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let labelled = lines.iter().position(|line| line.contains(",val,")).expect("a row of val");
    let own = lines[labelled].replace(",val,", ",train,").replace(",made,", ",own,");
    lines.push(own);
    std::fs::write(here.join("two.csv"), lines.join("\n")).expect("written");
    let other = format!("{taught} --run idle --dry-run").replace("tiny.onnx", "tiny.onnx@own");
    let out = ok(here, &train(&other).replace("faces.csv", "two.csv"));
    assert!(out.contains(" faces are left out: they have no label"), "{out}");
    let fresh = age_losses(here, "fresh");
    assert!(fresh[0] > 0.1, "{fresh:?}");
    // The teacher as its own pupil has almost nothing to learn. A file's answers are calibrated, and its pupil's are not,
    // so here the teacher is a run without a calibration.
    let shipped = format!("--rate 1e-9 --init-from {MODELS}/tiny.onnx --teacher-crops 1");
    ok(here, &train(&format!("--run bare {shipped} --teacher {MODELS}/tiny.onnx")));
    ok(here, &train(&format!("--run same {shipped} --teacher bare")));
    let same = age_losses(here, "same");
    assert!(same[0] < 0.2 * fresh[0], "{same:?} {fresh:?}");
}

/// Returns a file of answers: `rows` below its two lines of header.
fn write_answers(folder: &Path, name: &str, years: usize, rows: &str) {
    let columns: Vec<String> = (0..years).map(|year| year.to_string()).collect();
    let head = format!("# face-train answers 1 | by hand\npath,male,{}\n", columns.join(","));
    std::fs::write(folder.join(name), head + rows).expect("answers are written");
}

#[test]
fn answers_that_were_written_down_teach_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    faces(here, 30);
    // These answers are sure of 20 years and of men, whatever the labels say.
    let years = (0..101).map(|year| if year == 20 { "1" } else { "0" });
    let years = years.collect::<Vec<_>>().join(",");
    let rows = (0..30).map(|i| format!("face {i}.png,1,{years}\n"));
    write_answers(here, "sure.csv", 101, &rows.collect::<String>());
    let long = train("--run run --teacher sure.csv --teacher-weight 1 --rate 0.01");
    ok(here, &long.replace("--epochs 2", "--epochs 12"));
    let losses = age_losses(here, "run");
    // The labels disagree, and could not be learned so well.
    assert!(losses[0] > 2.0 && losses[11] < 0.5, "{losses:?}");
    // Each teacher lacks answers to the faces of the other's source, and is not asked about them.
    let text = std::fs::read_to_string(here.join("faces.csv")).expect("a manifest");
    let parted = text.lines().enumerate().map(|(i, line)| {
        if i % 2 == 0 { format!("{line}\n") } else { line.replace(",made,", ",other,") + "\n" }
    });
    std::fs::write(here.join("faces.csv"), parted.collect::<String>()).expect("written");
    for (name, first) in [("even.csv", 0), ("odd.csv", 1)] {
        let rows = (first..30).step_by(2).map(|i| format!("face {i}.png,1,{years}\n"));
        write_answers(here, name, 101, &rows.collect::<String>());
    }
    ok(here, &train("--run alone --teacher sure.csv --teacher-weight 1"));
    let two = "--teacher even.csv@made --teacher odd.csv@other --teacher-weight 1";
    ok(here, &train(&format!("--run two {two}")));
    assert_eq!(age_losses(here, "two"), age_losses(here, "alone"));
    let error = fails(here, &train("--run bad --teacher even.csv@other"));
    assert!(error.contains("even.csv has no answer for"), "{error}");
    // A teacher of no face teaches nothing.
    for mistyped in ["sure.csv@made,othr", "sure.csv --teacher-source othr"] {
        let error = fails(here, &train(&format!("--run mistyped --teacher {mistyped}")));
        let told =
            "no training face has the source \"othr\"; the sources are {\"made\", \"other\"}";
        assert!(error.contains(told), "{error}");
        assert!(!here.join("mistyped").exists(), "a refused run leaves nothing");
    }
    // An answer to a picture with two faces could be about either.
    let text = std::fs::read_to_string(here.join("faces.csv")).expect("a manifest");
    let second = "face 0.png,30,male,a,train,made,40,6,20,30\n";
    std::fs::write(here.join("faces.csv"), text + second).expect("written");
    let error = fails(here, &train("--run several --teacher sure.csv"));
    assert!(error.contains("face 0.png has several faces"), "{error}");
}

#[test]
fn a_run_with_a_teacher_survives_a_break_and_says_what_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    faces(here, 30);
    let taught = format!(
        "--init-from {MODELS}/tiny.onnx --teacher {MODELS}/base.onnx --teacher {MODELS}/tiny.onnx --teacher-crops 2"
    );
    ok(here, &train(&format!("--run whole {taught}")));
    fails(here, &train(&format!("--run broken {taught} --stop-after 2 --workers 2")));
    ok(here, &train(&format!("--run broken {taught} --resume")));
    assert_eq!(age_losses(here, "whole"), age_losses(here, "broken"));
    // Without changes all crops of a face are alike, and so is the mean of their answers.
    ok(here, &train(&format!("--run alike {taught} --teacher-mean")));
    assert_eq!(age_losses(here, "whole"), age_losses(here, "alike"));
    let varied =
        |more: &str| train(&format!("{taught} {more}")).replace("augment none", "augment detector");
    ok(here, &varied("--run each"));
    ok(here, &varied("--run mean --teacher-mean"));
    assert_ne!(age_losses(here, "each"), age_losses(here, "mean"));
    let other = taught.replace("--teacher-crops 2", "--teacher-crops 3");
    assert!(
        fails(here, &train(&format!("--run whole --resume {other}"))).contains("other arguments")
    );

    let answer = |male: f32, years: usize| {
        let numbers = (0..years).map(|_| (1.0 / years as f32).to_string());
        format!("{male},{}\n", numbers.collect::<Vec<_>>().join(","))
    };
    let half = format!("face 0.png,{}", answer(0.5, 101));
    write_answers(here, "few.csv", 101, &half);
    write_answers(here, "two.csv", 101, &half.repeat(2));
    write_answers(here, "short.csv", 2, &format!("face 0.png,{}", answer(0.5, 2)));
    write_answers(here, "sure.csv", 101, &format!("face 0.png,{}", answer(1.5, 101)));
    let wrong = [
        ("--teacher few.csv", "few.csv has no answer for"),
        ("--teacher two.csv", "two.csv line 4: its picture has an answer already"),
        ("--teacher short.csv", "short.csv line 3: not 101 probabilities"),
        ("--teacher sure.csv", "sure.csv line 3: 1.5 is no probability of male"),
        ("--teacher none.onnx", "none.onnx"),
        ("--teacher faces.csv", "faces.csv is no file of a teacher's answers"),
        (&format!("{taught} --teacher-weight 2"), "loss.distillation is 2, but it must be 0 to 1"),
        (&taught.replace("crops 2", "crops 9"), "distillation.crops must be 1 to 8"),
        (
            &taught.replace("crops 2", "crops 1 --teacher-mean"),
            "distillation.mean_over_crops needs distillation.crops of 2 or more",
        ),
        ("--teacher sure.csv --teacher-mean", "mean_over_crops has no effect"),
        ("--init-from faces.csv", "faces.csv"),
        (&format!("--init-from {MODELS}/base.onnx"), "conv0.weight is"),
        (&format!("--init-from {MODELS}/detector.onnx"), "the file lacks conv0.weight"),
    ];
    for (arguments, told) in wrong {
        let error = fails(here, &train(&format!("--run bad {arguments}")));
        assert!(error.contains(told), "{arguments}: {error}");
    }
    let paper = train(&format!("--run bad {taught}")).replace("tiny --man", "paper-age --man");
    assert!(
        fails(here, &paper)
            .contains("teachers are for tiny, base and mobilenet, and not for paper-age")
    );
}

#[test]
fn a_run_teaches_and_its_answers_are_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    faces(here, 30);
    let still = format!("--init-from {MODELS}/tiny.onnx --rate 1e-9");
    ok(here, &train(&format!("--run old {still}")));
    let taught =
        "--teacher old --teacher-crops 3 --teacher-weight 1 --cache kept --augment detector";
    let out = ok(here, &train(&format!("--run first {taught}")).replace("--augment none ", ""));
    assert!(out.contains("teacher old: 18 faces, 3 crops of each"), "{out}");
    // The answers are kept, so the teacher is not asked again, and the training has the same result.
    let out = ok(here, &train(&format!("--run second {taught}")).replace("--augment none ", ""));
    assert!(!out.contains("crops of each"), "{out}");
    assert_eq!(age_losses(here, "first"), age_losses(here, "second"));
    // Once the teacher is calibrated, its answers are others.
    ok(here, "calibrate --run old --manifest faces.csv --root photos");
    let out = ok(here, &train(&format!("--run sharper {taught}")).replace("--augment none ", ""));
    assert!(out.contains("teacher old: 18 faces, 3 crops of each"), "{out}");
    std::fs::remove_file(here.join("old/calibration.json")).expect("removed");
    // A face is new, but another run is answering into the same file. Without its answer it would be left out.
    common::picture(&here.join("photos/face 0.png"), 1, true);
    let kept = std::fs::read_dir(here.join("kept")).expect("a folder");
    let kept: Vec<_> = kept.map(|entry| entry.expect("a file").path()).collect();
    let answers = |path: &std::path::PathBuf| path.display().to_string().contains("answers-");
    let others = kept.into_iter().filter(answers).map(|path| {
        let file = std::fs::File::open(path).expect("opens");
        file.lock().expect("no run has the lock");
        file
    });
    let others: Vec<_> = others.collect();
    let third = train(&format!("--run third {taught}")).replace("--augment none ", "");
    let error = fails(here, &third);
    assert!(error.contains("another run is answering into"), "{error}");
    drop(others);
    let out = ok(here, &third);
    assert!(out.contains("teacher old: 1 faces") && out.contains(" 0 pictures left out"), "{out}");
    // As its own pupil, it has almost nothing to learn from undisturbed crops.
    let same = format!("{still} --teacher old --teacher-crops 1 --teacher-weight 1");
    ok(here, &train(&format!("--run same {same}")));
    let (same, fresh) = (age_losses(here, "same"), age_losses(here, "first"));
    assert!(same[0] < 0.5 * fresh[0], "{same:?} {fresh:?}");
    let error = fails(here, &train("--run bad --teacher old --teacher nothing"));
    assert!(error.contains("nothing"), "{error}");
    // Without ages, the age keeps the calibration of the file that the run started from.
    let text = std::fs::read_to_string(here.join("faces.csv")).expect("a manifest");
    let bare = |line: &str| {
        let mut fields: Vec<&str> = line.split(',').collect();
        fields[1] = "";
        fields.join(",")
    };
    let bare: Vec<String> =
        text.lines().map(|l| if l.contains(",made,") { bare(l) } else { l.into() }).collect();
    std::fs::write(here.join("genders.csv"), bare.join("\n")).expect("written");
    let calibrate = "calibrate --run old --manifest genders.csv --root photos";
    let output = common::face_train(here, calibrate);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && error.contains("no face"), "{error}");
    assert!(error.contains("age keeps the calibration that it started with"), "{error}");
    let text = std::fs::read(here.join("old/calibration.json")).expect("a calibration");
    let found: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
    let model = face_predict::Model::load_files(
        &[format!("{MODELS}/tiny.onnx")],
        &face_predict::ModelOptions::new(),
    );
    let age = model.expect("loads").age_metadata().age.clone();
    let kept: face_predict::AgeSpec =
        serde_json::from_value(found["age"].clone()).expect("a specification");
    assert_eq!(Some(kept), age);
}

#[test]
fn the_pretrained_network_learns_and_teaches() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    faces(here, 20);
    let long =
        train("--run teacher --set network.side=64").replace("--arch tiny", "--arch mobilenet");
    let out = ok(here, &long);
    assert!(out.contains("mobilenet"), "{out}");
    ok(here, "calibrate --run teacher --manifest faces.csv --root photos");
    let error = fails(here, "export --run teacher --out teacher.onnx");
    assert!(error.contains("mobilenet is a teacher"), "{error}");
    let out = ok(here, &train("--run pupil --teacher teacher --teacher-crops 2"));
    assert!(out.contains("teacher teacher: 12 faces, 2 crops of each"), "{out}");
}
