//! Tests the study's networks from training to the library, and the page that evaluates them.

mod common;

use std::path::Path;
use std::process::Command;

use common::{faces, fails, ok};
use face_predict::{DecodeLimits, Model, ModelOptions, Options, Picture};

/// Builds examples/c/predict.c with the library beside this test, and runs it in `folder`.
fn predict(folder: &Path, arguments: &[&str]) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let test = std::env::current_exe().expect("this test");
    let library = test.with_file_name("libface_predict.a");
    let program = folder.join("predict");
    let mut compiler = Command::new("cc");
    compiler.args(["-std=c99", "-O1", "-I"]).arg(format!("{root}/include")).arg("-o").arg(&program);
    compiler.arg(format!("{root}/examples/c/predict.c")).arg(library);
    compiler.args(["-Wl,-z,noexecstack", "-lpthread", "-lm", "-ldl"]);
    assert!(compiler.status().expect("a C compiler").success());
    let output = Command::new(program).current_dir(folder).args(arguments).output();
    let output = output.expect("the example starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn the_study_runs_in_the_library() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    faces(here, 10);
    for arch in ["paper-age", "paper-gender"] {
        ok(
            here,
            &format!(
                "train --arch {arch} --manifest faces.csv --root photos --run {arch} --epochs 1 --batch 6"
            ),
        );
        if arch == "paper-age" {
            let error = fails(here, "export --run paper-age --out paper-age.onnx");
            assert!(error.contains("calibrate"), "{error}");
        }
        ok(here, &format!("calibrate --run {arch} --manifest faces.csv --root photos"));
        ok(here, &format!("export --run {arch} --out {arch}.onnx"));
        // These are the study's details, as Keras has them. The study augmented only the data of its gender network.
        let settings =
            std::fs::read_to_string(here.join(arch).join("config.toml")).expect("settings");
        let turn = if arch == "paper-gender" { "turn = 40" } else { "turn = 0" };
        for setting in [
            "drop_last = true",
            "adam_epsilon = 0.0000001",
            "score_over_faces = true",
            "bf16 = false",
            turn,
        ] {
            assert!(settings.contains(setting), "{arch} {setting}: {settings}");
        }
        // The figures of faces used in training stand beside those of the validation part.
        let log = std::fs::read_to_string(here.join(arch).join("log.csv")).expect("a log");
        let (heads, line) = log.trim_end().split_once('\n').expect("an epoch");
        let figure = if arch == "paper-age" { "mae" } else { "gender" };
        for head in [format!("made_{figure}"), format!("train made_{figure}")] {
            let at = heads
                .split(',')
                .position(|h| h == head)
                .unwrap_or_else(|| panic!("{head}: {heads}"));
            let value: f64 = line.split(',').nth(at).expect("a cell").parse().expect(&head);
            assert!(value >= 0.0, "{head}: {value}");
        }
        // There are no figures for tasks that the network does not have.
        let other = if arch == "paper-age" { "gender" } else { "mae" };
        for head in [format!("made_{other}"), format!("train made_{other}")] {
            let at = heads.split(',').position(|h| h == head);
            assert_eq!(at.and_then(|at| line.split(',').nth(at)), Some(""), "{head}: {log}");
        }
        // The files are deleted to make room for the next.
        std::fs::remove_file(here.join(arch).join("last.safetensors")).expect("removed");
    }
    let files = [here.join("paper-age.onnx"), here.join("paper-gender.onnx")];
    let model = Model::load_files(&files, &ModelOptions::new()).expect("both load");
    assert_eq!(model.age_metadata().name, "paper-age");
    assert_eq!(model.gender_metadata().name, "paper-gender");
    let picture =
        Picture::open(here.join("photos/face 3.png"), &DecodeLimits::default()).expect("a picture");
    let answers =
        model.predict(&picture.image(), &Options::new().cropped(true)).expect("an answer");
    let face = answers.face(0).expect("a face");
    let age = face.age().expect("an age").median();
    let female = face.female_probability().expect("a probability");
    assert!((0.0..=100.0).contains(&age) && (0.0..=1.0).contains(&female));

    // The same answer comes from C.
    let said = predict(
        here,
        &[
            "--json",
            "--cropped",
            "--model",
            "paper-age.onnx",
            "--model",
            "paper-gender.onnx",
            "photos/face 3.png",
        ],
    );
    let said: serde_json::Value = serde_json::from_str(&said).expect("a line of JSON");
    let number = |key: &str| said[key].as_f64().expect(key) as f32;
    assert!((number("age") - age).abs() < 1e-3, "{said} {age}");
    assert!((number("female_probability") - female).abs() < 1e-4, "{said} {female}");

    let out = ok(here, "inspect paper-age.onnx");
    assert!(out.contains("task      age") && out.contains("31,716,033 weights"), "{out}");
    assert!(fails(here, "inspect faces.csv").contains("faces.csv"));

    ok(
        here,
        "evaluate --model paper-age.onnx paper-gender.onnx --manifest faces.csv --root photos --out report --split all \
         --resamples 20",
    );
    let page = std::fs::read_to_string(here.join("report/report.html")).expect("a page");
    assert!(page.matches("<svg").count() >= 3);
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("<script"));
    let metrics = std::fs::read_to_string(here.join("report/metrics.json")).expect("figures");
    let metrics: serde_json::Value = serde_json::from_str(&metrics).expect("JSON");
    let all = |model: usize| &metrics["models"][model]["sources"]["made"]["all"];
    assert_eq!(all(0)["age_mae"]["faces"], 10);
    // The network's own number stands beside the calibrated one.
    let (own, said) = (&all(0)["age_mae_raw"], &all(0)["age_mae"]);
    assert_eq!(own["faces"], 10);
    assert!(
        own["value"].as_f64().expect("years") > 0.0 && own["value"] != said["value"],
        "{own} {said}"
    );
    assert!(all(1).get("age_mae_raw").is_none());
    assert!(all(0).get("gender_accuracy").is_none());
    assert_eq!(all(1)["gender_accuracy"]["faces"], 10);
    assert!(all(1).get("age_mae").is_none());
}

/// Returns a figure of the last epoch in a run's log.
fn logged(folder: &Path, run: &str, head: &str) -> f64 {
    let log = std::fs::read_to_string(folder.join(run).join("log.csv")).expect("a log");
    let mut lines = log.trim_end().lines();
    let heads = lines.next().expect("names");
    let at = heads.split(',').position(|h| h == head);
    let at = at.unwrap_or_else(|| panic!("{head}: {heads}"));
    let cell = lines.next_back().expect("an epoch").split(',').nth(at).expect("a cell");
    cell.parse().unwrap_or_else(|e| panic!("{head}: {cell:?} {e}"))
}

/// Both heads have few units, because the dense layers of the published size would take a gigabyte to keep.
#[test]
fn the_multi_task_form_learns_both_and_answers_both() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    faces(here, 20);
    let train = "train --arch paper-multi --set network.age=[8,4] --set network.gender=[8] --manifest faces.csv --root photos \
                 --batch 4 --seed 3 --threads 1";
    ok(here, &format!("{train} --run multi --epochs 3"));
    for head in ["made_mae", "made_gender", "train made_mae", "train made_gender"] {
        assert!(logged(here, "multi", head) >= 0.0, "{head}");
    }
    // Each head has its own loss, and the total is their sum.
    let [total, age, gender] =
        ["loss", "age_loss", "gender_loss"].map(|head| logged(here, "multi", head));
    assert!(
        age > 0.0 && gender > 0.0 && (total - age - gender).abs() < 1e-3,
        "{total} {age} {gender}"
    );
    ok(here, "calibrate --run multi --manifest faces.csv --root photos");
    let out = ok(
        here,
        "export --run multi --out multi.onnx --manifest faces.csv --root photos --probes probes.json",
    );
    assert!(here.join("probes.json").exists(), "{out}");
    let out = ok(here, "inspect multi.onnx");
    assert!(out.contains("task      age") && out.contains("gender"), "{out}");
    let model = Model::load_files(&[here.join("multi.onnx")], &ModelOptions::new()).expect("loads");
    assert_eq!(model.age_metadata().name, "paper-multi");
    assert_eq!(model.gender_metadata().name, "paper-multi");
    ok(
        here,
        "evaluate --model multi multi.onnx --manifest faces.csv --root photos --out report --split all --resamples 5",
    );
    let metrics = std::fs::read_to_string(here.join("report/metrics.json")).expect("figures");
    let metrics: serde_json::Value = serde_json::from_str(&metrics).expect("JSON");
    let value = |model: usize, figure: &str| {
        let all = &metrics["models"][model]["sources"]["made"]["all"];
        assert_eq!(all[figure]["faces"], 20, "{figure}");
        all[figure]["value"].as_f64().expect("a number")
    };
    // The file answers both tasks as the run does.
    for (figure, near) in [("age_mae", 0.05), ("age_mae_raw", 0.05), ("gender_accuracy", 1e-6)] {
        let (run, file) = (value(0, figure), value(1, figure));
        assert!((run - file).abs() <= near, "{figure}: {run} {file}");
    }
}

/// `--augment paper` turns, shears, zooms and mirrors evenly. It changes each face again in each epoch. Without it the
/// same faces come each time.
#[test]
fn augmentation_as_in_the_study_changes_what_is_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    faces(here, 20);
    let train = "train --arch tiny --manifest faces.csv --root photos --batch 5 --epochs 1 --threads 1 --cache kept";
    for (run, more) in [("plain", "none"), ("paper", "paper"), ("again", "paper")] {
        ok(here, &format!("{train} --run {run} --augment {more}"));
    }
    let loss = |run: &str| logged(here, run, "loss");
    assert!((loss("plain") - loss("paper")).abs() > 1e-4, "{} {}", loss("plain"), loss("paper"));
    assert_eq!(loss("paper"), loss("again"));
    let settings = std::fs::read_to_string(here.join("paper/config.toml")).expect("settings");
    for setting in
        ["uniform = true", "turn = 40", "zoom = 0.2", "shear = 0.2", "flip = 0.5", "light = 0"]
    {
        assert!(settings.contains(setting), "{setting}: {settings}");
    }
    let sheet = |name: &str, more: &str| {
        ok(here, &format!("{train} --run none --augment {more} --preview {name}"));
        image::open(here.join(name)).expect("a sheet").to_rgb8()
    };
    // A row of the sheet shows one face several times.
    let (still, moved) = (sheet("still.png", "none"), sheet("moved.png", "paper"));
    let side = 96;
    let crop = |sheet: &image::RgbImage, column: u32| {
        image::imageops::crop_imm(sheet, column * side, 0, side, side).to_image()
    };
    assert_eq!(crop(&still, 0), crop(&still, 1));
    assert_ne!(crop(&moved, 0), crop(&moved, 1));
    let error = fails(here, &format!("{train} --run odd --augment strong"));
    assert!(error.contains("none, detector or paper"), "{error}");
}

#[test]
fn the_table_of_layers_is_printed() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = ok(folder.path(), "summary --arch paper-age");
    for number in ["896", "18,496", "73,856", "31,490,304", "131,584", "513", "123,008"] {
        assert!(out.contains(number), "{number}");
    }
    assert!(out.contains("total 31,716,033; trained 31,715,841; not trained 192"), "{out}");
    let out = ok(folder.path(), "summary --arch paper-gender");
    assert!(out.contains("total 63,074,753; trained 63,074,561; not trained 192"), "{out}");
}
