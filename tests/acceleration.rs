//! The shipped networks with our convolutions and with tract's own give the same answers.

mod eval;

use std::path::{Path, PathBuf};

use face_predict::{Model, ModelOptions, Options, Predictions, Rect, Region, Workspace};

/// Operators that the pass replaces in each shipped file: every convolution of it.
const REPLACED: &[(&str, usize)] = &[("base", 15)];

fn load(name: &str, plain: bool) -> Model {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("models/{name}.onnx"));
    Model::load_file(path, &ModelOptions::new().plain_convolutions(plain)).expect("a shipped file")
}

fn pictures() -> Vec<(PathBuf, Vec<Region>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let face = Region::from_box(Rect::new(182.0, 59.0, 88.0, 114.0));
    let mut pictures = vec![(root.join("examples/images/eileen_collins.png"), vec![face])];
    for set in ["utkface", "fairface"] {
        let Some(folder) = eval::folder() else { break };
        let folder = std::fs::read_dir(folder.join(set)).expect("its pictures");
        let files = folder.filter_map(|entry| Some(entry.ok()?.path()));
        pictures.extend(files.map(|path| (path, Vec::new())));
    }
    pictures
}

#[test]
fn answers_agree_within_a_ten_thousandth() {
    for (name, _) in REPLACED {
        let (fast, plain) = (load(name, false), load(name, true));
        let (mut workspace, mut a, mut b) =
            (Workspace::new(), Predictions::new(), Predictions::new());
        let mut worst = 0.0f32;
        for (path, regions) in pictures() {
            let options = Options::new().regions(&regions).cropped(regions.is_empty());
            fast.predict_file(&path, &options, &mut workspace, &mut a).expect("a good picture");
            plain.predict_file(&path, &options, &mut workspace, &mut b).expect("a good picture");
            for (x, y) in a.faces().zip(b.faces()) {
                let (x_years, y_years) =
                    (x.age().expect("age").years(), y.age().expect("age").years());
                for (p, q) in x_years.iter().zip(y_years) {
                    worst = worst.max((p - q).abs());
                }
                let difference = x.female_probability().expect("gender")
                    - y.female_probability().expect("gender");
                worst = worst.max(difference.abs());
            }
        }
        println!("{name}: probabilities differ by {worst:.1e} at most");
        assert!(worst < 1e-4, "{name}: {worst}");
    }
}

#[test]
fn every_convolution_is_replaced_and_the_switch_turns_it_off() {
    for (name, count) in REPLACED {
        assert_eq!(load(name, false).accelerated_operators(), *count, "{name}");
        assert_eq!(load(name, true).accelerated_operators(), 0, "{name}");
    }
}
