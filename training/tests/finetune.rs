//! Goes from a folder of pictures to a model file, as a new user would.

mod common;

use common::{faces, fails, ok, picture};
use face_predict::{DecodeLimits, Model, ModelOptions, Options, Picture};

const MODELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models");

#[test]
fn pictures_in_a_model_file_with_its_card_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    for i in 0..60u32 {
        let gender = ["female", "male"][i as usize % 2];
        let (age, path) = (20 + i % 40, format!("photos/{gender}/{}/{i}.png", 20 + i % 40));
        picture(&here.join(path), age, i % 2 == 1);
    }
    let line = format!(
        "finetune photos --from {MODELS}/tiny.onnx --out ours.onnx --run run --epochs 2 --license MIT --set batch_size=8 --set patience=5"
    );
    let out = ok(here, &line);
    for told in
        ["$ face-train ingest folder", "$ face-train train --arch tiny", "| all | age error"]
    {
        assert!(out.contains(told), "{told} is not in\n{out}");
    }
    let card = std::fs::read_to_string(here.join("ours.md")).expect("a card");
    assert!(
        card.contains("The licence of these weights is: MIT")
            && card.contains("| all | gender, % |")
    );
    // It would have chosen a third of the epochs itself.
    let settings = std::fs::read_to_string(here.join("run/config.toml")).expect("settings");
    assert!(settings.contains("patience = 5") && settings.contains("crops = 4"), "{settings}");
    assert!(card.contains("| all | no gender named, % |"), "{card}");
    assert!(here.join("run/preview.png").exists() && here.join("run/report/report.html").exists());
    let model = Model::load_files(&[here.join("ours.onnx")], &ModelOptions::new());
    let model = model.expect("the library loads it");
    let path = here.join("photos/female/20/0.png");
    let picture = Picture::open(path, &DecodeLimits::default()).expect("a picture");
    let answers =
        model.predict(&picture.image(), &Options::new().cropped(true)).expect("an answer");
    assert!(answers.face(0).expect("a face").age().is_some());
    // Finished steps are not repeated.
    let out = ok(here, &line);
    assert!(!out.contains("$ face-train ingest") && out.contains("--resume"), "{out}");

    // Other faces are not those that the run was trained with.
    common::picture(&here.join("photos/male/30/new.png"), 30, true);
    let rows = (0..60).map(|i| {
        let gender = ["female", "male"][i % 2];
        format!("{gender}/{}/{i}.png,{},{gender},train\n", 20 + i % 40, 20 + i % 40)
    });
    let table = format!("path,age,gender,split\n{}", rows.collect::<String>());
    std::fs::write(here.join("labels.csv"), table).expect("a table");
    let table = line.replace("finetune photos", "finetune labels.csv --images photos");

    let wrong = [
        (line.clone(), "run was trained with other faces, those of photos at that time"),
        (table.clone(), "run was trained with other faces"),
        (table.replace("--run run", "--run other"), "no face of labels.csv is in the part test"),
        (format!("{line} --set workers=2"), "--set workers would be replaced: give --workers"),
        (line.replace("photos --from", "nothing --from"), "there is no nothing"),
        (line.replace("tiny.onnx", "detector.onnx"), "which is not a network of this program"),
        (format!("{line} --keep 2"), "keep is 2"),
    ];
    for (line, told) in wrong {
        let error = fails(here, &line);
        assert!(error.contains(told), "{line}: {error}");
    }
}

#[test]
fn each_shipped_estimator_can_be_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    faces(here, 10);
    let other = format!("train --arch base --init-from {MODELS}/tiny.onnx --run other");
    let error = fails(here, &format!("{other} --manifest faces.csv --root photos --threads 1"));
    assert!(error.contains(".weight is [32, "), "{error}");
    // The networks of `base` and `base-open` have different numbers of layers.
    for (file, arch) in [("base", "base"), ("base-open", "base"), ("tiny", "tiny")] {
        let train = format!("train --arch {arch} --init-from {MODELS}/{file}.onnx --run {file}");
        let data = "--manifest faces.csv --root photos --batch 3 --threads 1 --epochs 1";
        ok(here, &format!("{train} {data}"));
        ok(here, &format!("train --run {file} --resume --epochs 2"));
    }
}
