//! Tests that compare networks with the new operators and the same networks in plain tract.
#![allow(clippy::unwrap_used)]

mod fused;
mod matched;
#[path = "../../../../tests/numbers/mod.rs"]
mod numbers;
mod random;

use std::sync::Arc;

use face_predict_kernels::SimdKind;
use tract_core::internal::*;
use tract_core::prelude::TypedRunnableModel;

use super::Accelerator;
use crate::model::onnx::{Onnx, Value};
use numbers::Numbers;

type Plan = Arc<TypedRunnableModel>;

fn plan(model: TypedModel) -> Plan {
    model.into_optimized().unwrap().into_runnable().unwrap()
}

fn inputs(model: &TypedModel, seed: u64) -> TVec<TValue> {
    let mut numbers = Numbers(seed);
    let outlets = model.input_outlets().unwrap();
    outlets
        .iter()
        .map(|outlet| {
            let fact = model.outlet_fact(*outlet).unwrap();
            let shape = fact.shape.as_concrete().unwrap();
            let values = numbers.take(shape.iter().product());
            Tensor::from_shape(shape, &values).unwrap().into_tvalue()
        })
        .collect()
}

fn numbers(tensor: &Tensor) -> &[f32] {
    tensor.try_as_plain_ram().unwrap().as_slice::<f32>().unwrap()
}

/// Returns the distance of two answers as a part of each output's scale, which counts as `floor` at least.
fn distance(plain: &[TValue], fast: &[TValue], floor: f32) -> f32 {
    assert_eq!(plain.len(), fast.len());
    let mut worst = 0f32;
    for (plain, fast) in plain.iter().zip(fast) {
        assert_eq!(plain.shape(), fast.shape());
        let scale = numbers(plain).iter().fold(floor, |a, b| a.max(b.abs()));
        for (a, b) in numbers(plain).iter().zip(numbers(fast)) {
            assert!(b.is_finite());
            worst = worst.max((a - b).abs() / scale);
        }
    }
    worst
}

/// Returns the network with the new operators, and how many they are.
fn accelerated(graph: &Onnx) -> (TypedModel, usize) {
    Accelerator::default().accelerate(graph.load().unwrap()).unwrap()
}

/// Checks that the pass puts in so many operators, and that no output changes for any kind of vector.
fn replaces(graph: &Onnx, count: usize) {
    let model = graph.load().unwrap();
    let input = inputs(&model, 5);
    let right = plan(model.clone()).run(input.clone()).unwrap();
    for kind in SimdKind::available() {
        let (fast, replaced) = Accelerator::new(kind).accelerate(model.clone()).unwrap();
        assert_eq!(replaced, count, "{}", graph_text(&model));
        let answer = plan(fast).run(input.clone()).unwrap();
        let distance = distance(&right, &answer, 1e-30);
        assert!(distance < 1e-4, "{kind:?}: {distance:e}");
    }
}

fn graph_text(model: &TypedModel) -> String {
    model.nodes().iter().map(|n| format!("{} {} {:?}\n", n.name, n.op.name(), n.inputs)).collect()
}

/// The attributes of a convolution, with random constants for its weights and bias.
struct Conv {
    channels_in: usize,
    channels_out: usize,
    kernel: usize,
    stride: i64,
    pads: Vec<i64>,
    group: usize,
    dilation: i64,
    bias: bool,
    half: bool,
}

impl Conv {
    fn three(channels_in: usize, channels_out: usize) -> Conv {
        Conv {
            channels_in,
            channels_out,
            kernel: 3,
            stride: 1,
            pads: vec![1; 4],
            group: 1,
            dilation: 1,
            bias: true,
            half: false,
        }
    }

    fn wire(&self, graph: &mut Onnx, numbers: &mut Numbers, input: &str) -> String {
        let shape = [self.channels_out, self.channels_in / self.group, self.kernel, self.kernel];
        let values: Vec<f32> = numbers
            .take(shape.iter().product())
            .iter()
            .map(|n| n * (3.0 / (shape[1] * shape[2] * shape[3]) as f32).sqrt())
            .collect();
        let weights =
            if self.half { graph.half(&shape, &values) } else { graph.constant(&shape, &values) };
        let bias = self.bias.then(|| {
            let values = numbers.take(self.channels_out);
            graph.constant(&[self.channels_out], &values)
        });
        self.wire_with(graph, input, &weights, bias.as_deref())
    }

    fn wire_with(
        &self,
        graph: &mut Onnx,
        input: &str,
        weights: &str,
        bias: Option<&str>,
    ) -> String {
        let mut wires = vec![input, weights];
        wires.extend(bias);
        graph.node(
            "Conv",
            &wires,
            &[
                ("kernel_shape", Value::Ints(vec![self.kernel as i64; 2])),
                ("strides", Value::Ints(vec![self.stride; 2])),
                ("pads", Value::Ints(self.pads.clone())),
                ("group", Value::Int(self.group as i64)),
                ("dilations", Value::Ints(vec![self.dilation; 2])),
            ],
        )
    }
}

/// A network of an input, one convolution and an output.
fn single(conv: Conv, size: [usize; 2]) -> Onnx {
    let mut graph = Onnx::default();
    let input = graph.input(&[1, conv.channels_in, size[0], size[1]]);
    let wire = conv.wire(&mut graph, &mut Numbers(1), &input);
    graph.output(&wire);
    graph
}

/// A network like the shipped ones: a patch stem, stages of 3 x 3 with ReLU, pooling, and two heads.
fn estimator(half: bool) -> Onnx {
    let mut graph = Onnx::default();
    let mut numbers = Numbers(2);
    let mut wire = graph.input(&[1, 3, 64, 64]);
    let stem = Conv { kernel: 4, stride: 4, pads: vec![0; 4], half, ..Conv::three(3, 24) };
    wire = stem.wire(&mut graph, &mut numbers, &wire);
    wire = graph.relu(&wire);
    let mut before = 24;
    for (channels, stride) in [(24, 1), (40, 2), (40, 1), (72, 2), (72, 1)] {
        let conv = Conv { stride, half, ..Conv::three(before, channels) };
        wire = conv.wire(&mut graph, &mut numbers, &wire);
        wire = graph.relu(&wire);
        before = channels;
    }
    let pooled = graph.node("GlobalAveragePool", &[&wire], &[]);
    let flat = graph.node("Flatten", &[&pooled], &[]);
    for count in [101, 1] {
        let values = numbers.take(before * count);
        let weights = graph.constant(&[before, count], &values);
        let out = graph.node("MatMul", &[&flat, &weights], &[]);
        graph.output(&out);
    }
    graph
}

#[test]
fn threads_of_one_plan_agree_to_the_bit() {
    let model = estimator(false).load().unwrap();
    let (fast, replaced) = Accelerator::default().accelerate(model.clone()).unwrap();
    assert_eq!(replaced, 6);
    let plan = plan(fast);
    let right: Vec<_> = (0..4).map(|seed| plan.run(inputs(&model, seed)).unwrap()).collect();
    std::thread::scope(|scope| {
        for seed in 0..4 {
            let (plan, model, right) = (&plan, &model, &right[seed as usize]);
            scope.spawn(move || {
                for _ in 0..25 {
                    assert_eq!(&plan.run(inputs(model, seed)).unwrap(), right);
                }
            });
        }
    });
}
