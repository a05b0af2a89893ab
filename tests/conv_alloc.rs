//! Counts the allocations of a steady run, in plain tract and with fast convolutions.
#![allow(clippy::unwrap_used)]

use face_predict::{Format, Image, Model, ModelOptions, Options, Predictions, Task, Workspace};
use onnx::{Onnx, Value};
use prost::Message;
use small::{SIDE, YEARS, numbers};

#[allow(dead_code)]
mod counting;
#[allow(dead_code)]
mod onnx;
#[allow(dead_code)]
mod small;

/// Returns a model file of four convolutions, all of which are replaced.
fn file() -> Vec<u8> {
    let mut graph = Onnx::default();
    let mut wire = graph.input(&[1, 3, SIDE, SIDE]);
    let mut before = 3;
    for (channels, kernel, stride) in [(32, 4, 4), (32, 3, 1), (64, 3, 2), (64, 3, 1)] {
        let shape = [channels, before, kernel, kernel];
        let weights = graph.constant(&shape, &numbers(shape.iter().product()));
        let pad = i64::from(kernel == 3);
        let attributes =
            [("strides", Value::Ints(vec![stride; 2])), ("pads", Value::Ints(vec![pad; 4]))];
        wire = graph.node("Conv", &[&wire, &weights], &attributes);
        wire = graph.relu(&wire);
        before = channels;
    }
    let wire = graph.node("GlobalAveragePool", &[&wire], &[]);
    let wire = graph.node("Flatten", &[&wire], &[]);
    let weights = graph.constant(&[before, YEARS], &numbers(before * YEARS));
    let wire = graph.node("MatMul", &[&wire, &weights], &[]);
    graph.output(&wire);
    small::finish(graph, Task::Age).encode_to_vec()
}

/// Returns the allocations and bytes of one prediction, after the first ones.
fn steady(file: &[u8], plain: bool) -> (usize, usize) {
    let model = Model::load_bytes(file, &ModelOptions::new().plain_convolutions(plain)).unwrap();
    let pixels: Vec<u8> = (0..SIDE * SIDE * 3).map(|i| (i % 251) as u8).collect();
    let image = Image::new(Format::Rgb, SIDE, SIDE, &pixels).unwrap();
    let options = Options::new().cropped(true).skip_gender(true);
    let (mut workspace, mut predictions) = (Workspace::new(), Predictions::new());
    for _ in 0..3 {
        model.predict_into(&image, &options, &mut workspace, &mut predictions).unwrap();
    }
    counting::start();
    let before = counting::so_far();
    model.predict_into(&image, &options, &mut workspace, &mut predictions).unwrap();
    let after = counting::so_far();
    (after.0 - before.0, after.1 - before.1)
}

#[test]
fn a_steady_run_allocates_less_than_plain_tract() {
    let file = file();
    let (plain, fast) = (steady(&file, true), steady(&file, false));
    println!("plain tract: {plain:?}, fast: {fast:?} (allocations, bytes)");
    assert!(fast.0 < plain.0 && fast.1 < plain.1, "plain {plain:?}, fast {fast:?}");
}
