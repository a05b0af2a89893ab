//! What a steady run allocates, in plain tract and with fast convolutions.
#![allow(clippy::unwrap_used)]

use face_predict::conv::{Kind, accelerate_with};
use naive::Numbers;
use onnx::{Onnx, Value};
use tract_onnx::prelude::*;

#[allow(dead_code)]
mod counting;
#[allow(dead_code)]
mod naive;
#[allow(dead_code)]
mod onnx;

use face_predict::conv::kernels;

/// Allocations and bytes of one run, after the first ones.
fn steady(model: TypedModel) -> (usize, usize) {
    let plan = model.into_optimized().unwrap().into_runnable().unwrap();
    let shape = [1, 3, 64, 64];
    let values = Numbers(1).take(shape.iter().product());
    let input = Tensor::from_shape(&shape, &values).unwrap().into_tvalue();
    for _ in 0..3 {
        plan.run(tvec!(input.clone())).unwrap();
    }
    counting::start();
    let before = counting::so_far();
    plan.run(tvec!(input)).unwrap();
    let after = counting::so_far();
    (after.0 - before.0, after.1 - before.1)
}

#[test]
fn a_steady_run_allocates_less_than_plain_tract() {
    let mut graph = Onnx::default();
    let mut numbers = Numbers(2);
    let mut wire = graph.input(&[1, 3, 64, 64]);
    let mut before = 3;
    for (channels, kernel, stride) in [(32, 4, 4), (32, 3, 1), (64, 3, 2), (64, 3, 1)] {
        let shape = [channels, before, kernel, kernel];
        let values = numbers.take(shape.iter().product());
        let weights = graph.constant(&shape, &values);
        let pad = i64::from(kernel == 3);
        let attributes =
            [("strides", Value::Ints(vec![stride; 2])), ("pads", Value::Ints(vec![pad; 4]))];
        wire = graph.node("Conv", &[&wire, &weights], &attributes);
        wire = graph.relu(&wire);
        before = channels;
    }
    graph.output(&wire);
    let model = graph.load().unwrap();
    let plain = steady(model.clone());
    for kind in Kind::available() {
        let (fast, replaced) = accelerate_with(model.clone(), kind).unwrap();
        assert_eq!(replaced, 4);
        let fast = steady(fast);
        println!("plain tract: {plain:?}, {kind:?}: {fast:?} (allocations, bytes)");
        assert!(fast.0 < plain.0 && fast.1 < plain.1, "plain {plain:?}, fast {fast:?}");
    }
}
