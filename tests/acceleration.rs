//! The shipped networks with our convolutions and with tract's own give the same answers.

mod eval;

use std::path::{Path, PathBuf};

use face_predict::{
    DecodeLimits, Model, ModelOptions, Options, Picture, Predictions, Rect, Region, Workspace,
};
use prost::Message;
use tract_onnx::pb::{ModelProto, NodeProto};

const ESTIMATORS: [&str; 3] = ["base", "base-open", "tiny"];
const DETECTORS: [&str; 2] = ["detector", "detector-open"];

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("models/{name}.onnx"))
}

fn load(name: &str, plain: bool) -> Model {
    let options = ModelOptions::new().plain_convolutions(plain);
    Model::load_file(path(name), &options).expect("a shipped file")
}

/// Counts the convolutions of a file that this library computes itself. They are all that are wider than 1 x 1, and
/// those of 1 x 1 that read the output of another.
fn convolutions(name: &str) -> usize {
    let bytes = std::fs::read(path(name)).expect("a shipped file");
    let file = ModelProto::decode(&bytes[..]).expect("an ONNX file");
    let graph = file.graph.expect("a graph");
    let maker = |wire: &str| graph.node.iter().find(|node| node.output[0] == wire);
    // Weights may be stored as halves, behind a cast.
    let weights = |wire: &str| {
        let stored = maker(wire).map_or(wire, |cast| cast.input[0].as_str());
        graph.initializer.iter().find(|tensor| tensor.name == stored).expect("weights")
    };
    let ours = |node: &&NodeProto| {
        let wide = weights(&node.input[1]).dims[2] > 1;
        let before = maker(&node.input[0]).map(|before| before.op_type.as_str());
        wide || matches!(before, Some("Conv" | "Relu"))
    };
    graph.node.iter().filter(|node| node.op_type == "Conv").filter(ours).count()
}

fn portrait() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/images/eileen_collins.png")
}

fn pictures() -> Vec<(PathBuf, Vec<Region>)> {
    let face = Region::from_box(Rect::new(182.0, 59.0, 88.0, 114.0));
    let mut pictures = vec![(portrait(), vec![face])];
    for set in ["utkface", "fairface"] {
        let Some(folder) = eval::folder() else { break };
        let folder = std::fs::read_dir(folder.join(set)).expect("its pictures");
        let files = folder.filter_map(|entry| Some(entry.ok()?.path()));
        pictures.extend(files.map(|path| (path, Vec::new())));
    }
    pictures
}

#[test]
fn every_shipped_network_is_here() {
    let folder = std::fs::read_dir(path("base").parent().expect("a folder")).expect("models");
    let mut files: Vec<String> = folder
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| Some(name.strip_suffix(".onnx")?.to_owned()))
        .collect();
    files.sort_unstable();
    let mut here = [&ESTIMATORS[..], &DETECTORS[..]].concat();
    here.sort_unstable();
    assert_eq!(files, here);
}

#[test]
fn estimates_agree_within_a_ten_thousandth() {
    for name in ESTIMATORS {
        let (fast, plain) = (load(name, false), load(name, true));
        let (mut workspace, mut a, mut b) =
            (Workspace::new(), Predictions::new(), Predictions::new());
        let (mut worst, mut faces) = (0.0f32, 0);
        for (path, regions) in pictures() {
            let options = Options::new().regions(&regions).cropped(regions.is_empty());
            fast.predict_file(&path, &options, &mut workspace, &mut a).expect("a good picture");
            plain.predict_file(&path, &options, &mut workspace, &mut b).expect("a good picture");
            assert_eq!(a.len(), b.len());
            for (x, y) in a.faces().zip(b.faces()) {
                faces += 1;
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
        println!("{name}: probabilities differ by {worst:.1e} at most, {faces} faces");
        assert!(faces > 0 && worst < 1e-4, "{name}: {worst}, {faces} faces");
    }
}

/// The sizes of input are those of frames, of still pictures and of turned ones. The threshold is low, so that weak
/// answers are compared too.
#[test]
fn detections_agree_within_a_hundredth_of_a_pixel() {
    let picture = Picture::open(portrait(), &DecodeLimits::default()).expect("the portrait");
    for name in DETECTORS {
        let (fast, plain) = (load(name, false), load(name, true));
        for (fast_search, try_turns, smallest) in
            [(true, false, 0.0), (true, false, 15.0), (false, false, 0.0), (false, true, 0.0)]
        {
            let options = Options::new().min_face_size(smallest).min_score(0.1);
            let options = options.fast_search(fast_search).try_turns(try_turns);
            let found = |model: &Model| model.predict(&picture.image(), &options).expect("found");
            let (a, b) = (found(&fast), found(&plain));
            assert!(a.len() == b.len() && !a.is_empty(), "{name}: {} and {}", a.len(), b.len());
            for (x, y) in a.faces().zip(b.faces()) {
                let (p, q) = (x.rect(), y.rect());
                let sides = [p.x - q.x, p.y - q.y, p.width - q.width, p.height - q.height];
                let apart = sides.into_iter().fold(0.0f32, |most, side| most.max(side.abs()));
                assert!(apart < 0.01, "{name}, faces from {smallest} pixels: {apart}");
                let scores = x.score().zip(y.score()).expect("scores of found faces");
                assert!((scores.0 - scores.1).abs() < 1e-4, "{name}: {scores:?}");
            }
        }
    }
}

#[test]
fn every_convolution_is_replaced_and_the_switch_turns_it_off() {
    let built_in = Model::load_default().expect("built in").accelerated_operators();
    for name in ESTIMATORS {
        assert_eq!(load(name, false).accelerated_operators(), convolutions(name), "{name}");
        assert_eq!(load(name, true).accelerated_operators(), 0, "{name}");
    }
    for name in DETECTORS {
        let all = built_in + convolutions(name);
        assert_eq!(load(name, false).accelerated_operators(), all, "{name}");
        assert_eq!(load(name, true).accelerated_operators(), 0, "{name}");
    }
}
