//! Tests training through the program: the same result after an interruption, damaged pictures, wrong input, and
//! export.

mod common;

use common::{faces, fails, ok};

const TINY: &str =
    "train --arch tiny --manifest faces.csv --root photos --batch 5 --epochs 2 --threads 1";

fn log(folder: &std::path::Path, run: &str) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join(run).join("log.csv")).expect("a log");
    // Returns everything except the speed.
    let names: Vec<&str> = text.lines().next().expect("a header").split(',').collect();
    let keep = |line: &str| {
        let fields = names.iter().zip(line.split(','));
        let same = fields.filter(|(name, _)| !["faces_per_second", "waiting"].contains(name));
        same.map(|(_, field)| field).collect::<Vec<_>>().join(",")
    };
    text.lines().map(keep).collect()
}

fn tensors(folder: &std::path::Path, run: &str) -> Vec<u8> {
    // Returns the weights. The state before them has the run's arguments and progress.
    std::fs::read(folder.join(run).join("last.safetensors")).expect("a checkpoint")
}

/// Returns the bytes of each tensor of a run whose name starts with `prefix`, by the rest of its name.
fn named(
    folder: &std::path::Path,
    file: &str,
    prefix: &str,
) -> std::collections::BTreeMap<String, Vec<u8>> {
    let bytes = std::fs::read(folder.join(file)).expect("a checkpoint");
    let (length, rest) = bytes.split_at(8);
    let length = u64::from_le_bytes(length.try_into().expect("eight bytes")) as usize;
    let (head, data) = rest.split_at(length);
    let head: serde_json::Value = serde_json::from_slice(head).expect("a header");
    let tensors = head.as_object().expect("tensors").iter().filter_map(|(name, place)| {
        let place = &place["data_offsets"];
        let (start, end) = (place[0].as_u64()? as usize, place[1].as_u64()? as usize);
        Some((name.strip_prefix(prefix)?.to_owned(), data[start..end].to_vec()))
    });
    tensors.collect()
}

#[test]
fn a_run_with_breaks_ends_as_one_without() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    faces(here, 30);
    ok(here, &format!("{TINY} --run whole"));
    let error = fails(here, &format!("{TINY} --run broken --stop-after 2"));
    assert!(error.contains("epoch 1 after step 2"), "{error}");
    // The run is interrupted again in the second epoch, and has other numbers of threads that load.
    let error = fails(here, &format!("{TINY} --run broken --resume --stop-after 3 --workers 2"));
    assert!(error.contains("epoch 2 after step"), "{error}");
    ok(here, &format!("{TINY} --run broken --resume"));
    assert_eq!(log(here, "whole"), log(here, "broken"));
    assert_eq!(tensors(here, "whole"), tensors(here, "broken"));
    let events = std::fs::read_dir(here.join("whole")).expect("a run").filter(|entry| {
        entry.as_ref().is_ok_and(|e| e.file_name().to_string_lossy().contains("tfevents"))
    });
    assert_eq!(events.count(), 1);
    let error = fails(here, &format!("{TINY} --run whole"));
    assert!(error.contains("add --resume"), "{error}");
    let error = fails(here, &format!("{TINY} --run whole --resume --rate 0.1"));
    assert!(error.contains("other arguments"), "{error}");

    ok(here, "calibrate --run whole --manifest faces.csv --root photos");
    let out = ok(
        here,
        "export --run whole --out a.onnx --manifest faces.csv --root photos --license MIT",
    );
    assert!(out.contains("6 of them faces"), "{out}");
    assert!(!here.join("a.onnx.part").exists());

    ok(here, &format!("{TINY} --run tuned --init-from whole --freeze stem --freeze s0"));
    let (before, after) = (
        named(here, "whole/best.safetensors", "average/"),
        named(here, "tuned/last.safetensors", "weights/"),
    );
    assert_eq!(before.len(), after.len());
    for (name, value) in &after {
        let frozen = name.starts_with("stem") || name.starts_with("s0");
        let learned = name.ends_with("weight");
        if frozen {
            assert_eq!(value, &before[name], "{name} is frozen");
        } else if learned {
            assert_ne!(value, &before[name], "{name} learns");
        }
    }
    assert!(after.keys().any(|name| name.starts_with("stem")), "{:?}", after.keys());
    let error = fails(here, &format!("{TINY} --run bad --freeze nothing"));
    assert!(error.contains("no variable starts with"), "{error}");
}

#[test]
fn two_crops_of_a_face_are_learned_from_together() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    faces(here, 30);
    let two =
        "train --arch tiny --manifest faces.csv --root photos --epochs 2 --threads 1 --views 2";
    ok(here, &format!("{two} --batch 6 --run whole"));
    fails(here, &format!("{two} --batch 6 --run broken --stop-after 3"));
    ok(here, &format!("{two} --batch 6 --run broken --resume"));
    assert_eq!(tensors(here, "whole"), tensors(here, "broken"));
    let lines = log(here, "whole");
    let apart = lines[0].split(',').position(|name| name == "apart_loss").expect("a column");
    for line in &lines[1..] {
        let value: f64 = line.split(',').nth(apart).expect("a field").parse().expect("a number");
        assert!(value > 0.0, "{line}");
    }
    let error = fails(here, &format!("{two} --batch 5 --run odd"));
    assert!(error.contains("both views"), "{error}");

    ok(here, "export --run whole --out a.onnx");
    let out = ok(here, "shake --model a.onnx --manifest faces.csv --root photos");
    assert!(out.contains("made: 6 faces") && !out.contains("varies by 0.000"), "{out}");
    // A box without a size is left out, and does not end it.
    let text = std::fs::read_to_string(here.join("faces.csv")).expect("a manifest");
    let text = text.replacen(",val,made,10,6,52,68", ",val,made,10,6,0,68", 1);
    std::fs::write(here.join("flat.csv"), text).expect("written");
    let out = ok(here, "shake --model a.onnx --manifest flat.csv --root photos");
    assert!(out.contains("made: 5 faces") && out.contains("1 left out"), "{out}");
    // Its own words, and not those of the arguments that it shares.
    let help = ok(here, "shake --help");
    assert!(help.starts_with("Measure how answers change"), "{help}");
}

#[test]
fn bad_input_is_named_and_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    faces(here, 20);
    std::fs::write(here.join("photos/face 0.png"), b"not a picture").expect("written");
    std::fs::remove_file(here.join("photos/face 2.png")).expect("removed");
    let out = ok(here, &format!("{TINY} --run run"));
    assert!(out.contains("2 pictures left out"), "{out}");

    let text = std::fs::read_to_string(here.join("faces.csv")).expect("a manifest");
    let with = |name: &str, text: String| std::fs::write(here.join(name), text).expect("written");
    with("new.csv", text.replace("manifest 1", "manifest 9"));
    with("women.csv", text.replace(",male,", ",female,"));
    with("empty.csv", text.lines().take(2).collect::<Vec<_>>().join("\n"));
    with("none.csv", "path,age\nx,1\n".into());
    with("nan.csv", text.replace("face 0.png,0,", "face 0.png,NaN,"));
    let (comment, rows) = text.split_once('\n').expect("two lines");
    let weighted = rows.replacen('\n', ",weight\n", 1).replace(",68\n", ",68,0\n");
    with("light.csv", format!("{comment}\n{weighted}"));
    with("words.csv", text.replace(",male,", ",Male,"));
    with("parts.csv", text.replace(",val,", ",validation,"));
    let try_with = |name: &str| TINY.replace("faces.csv", name) + " --run other";
    assert!(fails(here, &try_with("new.csv")).contains("version 9"));
    assert!(fails(here, &try_with("empty.csv")).contains("none of 0 rows has split train"));
    assert!(fails(here, &try_with("none.csv")).contains("no manifest"));
    assert!(fails(here, &try_with("missing.csv")).contains("missing.csv"));
    assert!(fails(here, &try_with("nan.csv")).contains("age is NaN"));
    assert!(fails(here, &try_with("light.csv")).contains("faces to train on have the weight 0"));
    assert!(fails(here, &try_with("words.csv")).contains("words.csv line 3: gender is \"Male\""));
    assert!(fails(here, &try_with("parts.csv")).contains("line 4: split is \"validation\""));
    let output = common::face_train(here, &try_with("women.csv"));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("warning: 0 of ") && error.contains(" are male, so"), "{error}");
    // A picture is in train and, in another manifest, in val.
    with("shared.csv", text.replace(",train,", ",val,"));
    let both = format!("{TINY} --manifest shared.csv --run both --dry-run");
    let error = String::from_utf8_lossy(&common::face_train(here, &both).stderr).into_owned();
    assert!(error.contains("12 pictures are in several parts"), "{error}");
    assert_eq!(common::face_train(here, "train --arch").status.code(), Some(2));
    assert!(
        fails(here, &TINY.replace("tiny", "huge").replace("--batch", "--run x --batch"))
            .contains("paper-multi")
    );
}

#[test]
fn steps_without_a_picture_do_not_lower_the_loss() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    faces(here, 30);
    // Half of the faces to train on are gone, and each is a step of its own.
    for i in (15..30).filter(|i| [0, 2, 4].contains(&(i % 5))) {
        std::fs::remove_file(here.join(format!("photos/face {i}.png"))).expect("removed");
    }
    let line = TINY.replace("--batch 5", "--batch 1").replace("--epochs 2", "--epochs 1");
    ok(here, &format!("{line} --run run --rate 1e-9"));
    let lines = log(here, "run");
    let column = lines[0].split(',').position(|name| name == "gender_loss").expect("a column");
    let loss: f64 = lines[1].split(',').nth(column).expect("one").parse().expect("a number");
    // The network knows nothing yet.
    assert!((loss - 2f64.ln()).abs() < 0.1, "{loss}");
}

#[test]
fn a_manifest_without_val_keeps_a_tenth_of_train_aside() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    faces(here, 50);
    let text = std::fs::read_to_string(here.join("faces.csv")).expect("a manifest");
    std::fs::write(here.join("faces.csv"), text.replace(",val,", ",train,")).expect("written");
    let train = format!("{TINY} --run run");
    let out = ok(here, &train);
    assert!(out.contains("4 of train are kept aside"), "{out}");
    assert!(out.contains("36 faces to train on, 4 to validate with"), "{out}");
    let aside = std::fs::read_to_string(here.join("run/val.csv")).expect("a manifest");
    assert_eq!(aside.matches(",val,").count(), 4, "{aside}");
    let kept = |name: &str| aside.lines().any(|line| line.split(',').next() == Some(name));
    // The part for test must not influence the selection.
    assert!((0..50).filter(|i| i % 5 == 3).all(|i| !kept(&format!("face {i}.png"))), "{aside}");
    let out = ok(here, "calibrate --run run --manifest faces.csv --root photos");
    assert!(out.contains("was fitted on 4 faces, 4 with an age and 4 with a gender"), "{out}");
    // That calibration is of the best weights, and not of the last ones.
    ok(here, "export --run run --out a.onnx");
    let error = fails(here, "export --run run/last.safetensors --out a.onnx");
    assert!(error.contains("run `face-train calibrate` again"), "{error}");
    ok(here, "calibrate --run run/last.safetensors --manifest faces.csv --root photos");
    ok(here, "export --run run/last.safetensors --out a.onnx");
    let error = fails(here, "evaluate --model run --manifest faces.csv --root photos --out r");
    assert!(error.contains("run `face-train calibrate` again"), "{error}");
    ok(here, &format!("{train} --epochs 3 --resume").replace("--epochs 2 ", ""));
    assert_eq!(aside, std::fs::read_to_string(here.join("run/val.csv")).expect("the same"));
}

#[test]
fn empty_and_odd_sets_are_named_by_every_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    faces(here, 20);
    let text = std::fs::read_to_string(here.join("faces.csv")).expect("a manifest");
    let with = |name: &str, text: String| std::fs::write(here.join(name), text).expect("written");
    with("empty.csv", text.lines().take(2).collect::<Vec<_>>().join("\n"));
    with("new.csv", text.replace("manifest 1", "manifest 9"));
    let commands = [
        "split NAME --out x.csv",
        "explore NAME --root photos --out x.html",
        "loader --manifest NAME --root photos",
        "evaluate --model x.onnx --manifest NAME --root photos --out report",
        "train --arch tiny --manifest NAME --root photos --run other",
    ];
    for command in commands {
        assert!(
            fails(here, &command.replace("NAME", "new.csv")).contains("version 9"),
            "{command}"
        );
        let error = fails(here, &command.replace("NAME", "empty.csv"));
        assert!(
            error.contains("empty") || error.contains("no row") || error.contains("none of 0"),
            "{error}"
        );
    }
    // These places have values that are no numbers, and are not checked before the picture is opened.
    with("nan.csv", text.replacen(",10,6,52,68", ",NaN,6,52,68", 3));
    let out = ok(here, &format!("{TINY} --run run").replace("faces.csv", "nan.csv"));
    // Two are of train, and one is of val.
    assert!(out.contains("3 pictures left out"), "{out}");
    // With one gender the other figures are given, and no page breaks.
    with("women.csv", text.replace(",male,", ",female,"));
    ok(
        here,
        "evaluate --model run --manifest women.csv --root photos --out report --split all --resamples 5",
    );
    let metrics = std::fs::read_to_string(here.join("report/metrics.json")).expect("figures");
    let metrics: serde_json::Value = serde_json::from_str(&metrics).expect("JSON");
    let all = &metrics["models"][0]["sources"]["made"]["all"];
    assert!(all["gender_recall_female"]["value"].is_f64() && all.get("gender_auc").is_none());
}

#[test]
fn spoiled_faces_are_marked_and_judged() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    faces(here, 20);
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/base.onnx");
    let marked = |fault: &str| {
        ok(
            here,
            &format!(
                "evaluate --model {model} --manifest faces.csv --root photos --out report --split all --resamples 5{fault}"
            ),
        );
        let metrics = std::fs::read_to_string(here.join("report/metrics.json")).expect("figures");
        let metrics: serde_json::Value = serde_json::from_str(&metrics).expect("JSON");
        let all = &metrics["models"][0]["sources"]["made"]["all"];
        let undecided = all["gender_undecided"]["value"].as_f64().expect("a share");
        assert!((0.0..=1.0).contains(&undecided), "{undecided}");
        assert_eq!(all["coverage_80"]["faces"], 20);
        all["marked"]["value"].as_f64().expect("a share")
    };
    let plain = marked("");
    assert!(plain < 0.5, "{plain}");
    // Every one of these faces has fewer than 40 pixels.
    assert_eq!(marked(" --fault small"), 1.0);
    let (dark, again) = (marked(" --fault dark"), marked(" --fault dark --workers 2"));
    assert!(dark > plain && dark == again, "{dark} {again}");
    let error =
        fails(here, "evaluate --model x --manifest faces.csv --root photos --out r --fault dark");
    assert!(error.contains('x'), "{error}");
}

/// `evaluate --crops` averages over crops of each face.
#[test]
fn several_crops_of_a_face_give_one_answer() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    faces(here, 20);
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tiny.onnx");
    let evaluate = format!(
        "evaluate --model {model} --manifest faces.csv --root photos --out report --split all --resamples 5"
    );
    let error = |more: &str| {
        ok(here, &format!("{evaluate}{more}"));
        let metrics = std::fs::read_to_string(here.join("report/metrics.json")).expect("figures");
        let metrics: serde_json::Value = serde_json::from_str(&metrics).expect("JSON");
        let all = &metrics["models"][0]["sources"]["made"]["all"];
        assert_eq!(all["age_mae"]["faces"], 20);
        all["age_mae"]["value"].as_f64().expect("years")
    };
    let one = error("");
    assert_eq!(one, error(" --crops 1"));
    // One more crop changes the mean a little, but not much.
    let (two, eight) = (error(" --crops 2"), error(" --crops 8"));
    assert!(two != one && eight != two, "{one} {two} {eight}");
    assert!((two - one).abs() < 5.0 && (eight - one).abs() < 5.0, "{one} {two} {eight}");
    let refused = fails(here, &format!("{evaluate} --crops 9"));
    assert!(refused.contains("crops"), "{refused}");
}
