//! A model file that is right and tiny, and that tests change.

use face_predict::{
    AgeSpec, CropAnchor, CropRule, DetectSpec, GenderSpec, InputSpec, Metadata, Positive, Task,
    UncertaintyFactors,
};
use prost::Message;
use tract_onnx::pb::{ModelProto, StringStringEntryProto};

use crate::onnx::{Onnx, Value};

/// The side of the crop that the small models take.
pub const SIDE: usize = 32;

pub const YEARS: usize = 101;

pub fn metadata(task: Task) -> Metadata {
    let template = [[0.3, 0.3], [0.7, 0.3], [0.5, 0.5], [0.35, 0.7], [0.65, 0.7]];
    let face = CropAnchor { x: 0.5, y: 0.45, side: 0.8 };
    Metadata {
        task,
        name: "small".into(),
        version: "1".into(),
        license: "MIT OR Apache-2.0".into(),
        data: "none".into(),
        revision: "none".into(),
        input: InputSpec {
            width: SIDE,
            height: SIDE,
            channels: "RGB".into(),
            mean: [0.5; 3],
            std: [0.25; 3],
            crop: CropRule::Landmarks { template, face, picture: face },
        },
        age: task.has_age().then_some(AgeSpec::Distribution {
            first: 0,
            count: YEARS,
            range: [0.0, 100.0],
            temperature: 1.0,
            by_age: Vec::new(),
            by_width: Vec::new(),
            doubt: UncertaintyFactors::default(),
        }),
        gender: task.has_gender().then_some(GenderSpec {
            positive: Positive::Female,
            temperature: 1.0,
            threshold: 0.5,
            doubt: UncertaintyFactors::default(),
        }),
        detect: None,
    }
}

/// Returns numbers between -1 and 1, which are always the same.
pub fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919 + 13) % 2003) as f32 / 1001.0 - 1.0).collect()
}

/// Returns a model with a convolution, the mean of each channel, and a matrix for each output.
pub fn graph(task: Task) -> Onnx {
    graph_around(task, |_, wire| wire)
}

/// Returns the same with `middle` behind its convolution. `middle` maps a wire of eight channels to another one.
pub fn graph_around(task: Task, middle: impl FnOnce(&mut Onnx, String) -> String) -> Onnx {
    let mut graph = Onnx::default();
    let image = graph.input(&[1, 3, SIDE, SIDE]);
    let weights = graph.constant(&[8, 3, 3, 3], &numbers(8 * 27));
    let wire = graph.node("Conv", &[&image, &weights], &[("pads", Value::Ints(vec![1; 4]))]);
    let wire = graph.relu(&wire);
    let wire = middle(&mut graph, wire);
    let wire = graph.node("GlobalAveragePool", &[&wire], &[]);
    let wire = graph.node("Flatten", &[&wire], &[]);
    let mut head = |width: usize| {
        let weights = graph.constant(&[8, width], &numbers(8 * width));
        graph.node("MatMul", &[&wire, &weights], &[])
    };
    let age = task.has_age().then(|| head(YEARS));
    let gender = task.has_gender().then(|| head(1));
    age.into_iter().chain(gender).for_each(|wire| graph.output(&wire));
    graph
}

/// Gives the first input and the outputs the names of the contract.
pub fn name_wires(proto: &mut ModelProto, task: Task) {
    let Some(graph) = &mut proto.graph else { return };
    let mut names = vec![(graph.input[0].name.clone(), "image")];
    let outputs = [(task.has_age(), "age_logits"), (task.has_gender(), "gender_logit")];
    let wanted = outputs.into_iter().filter_map(|(has, name)| has.then_some(name));
    names.extend(graph.output.iter().map(|output| output.name.clone()).zip(wanted));
    let rename = |wire: &mut String| {
        if let Some((_, name)) = names.iter().find(|(old, _)| old == wire) {
            *wire = (*name).into();
        }
    };
    graph.input.iter_mut().for_each(|v| rename(&mut v.name));
    graph.output.iter_mut().for_each(|v| rename(&mut v.name));
    for node in &mut graph.node {
        node.input.iter_mut().chain(&mut node.output).for_each(rename);
    }
}

pub fn set_props(proto: &mut ModelProto, props: &[(String, String)]) {
    proto.metadata_props = props
        .iter()
        .map(|(key, value)| StringStringEntryProto { key: key.clone(), value: value.clone() })
        .collect();
}

/// Returns a right model, as the structures of its file.
pub fn proto(task: Task) -> ModelProto {
    finish(graph(task), task)
}

/// Returns the file of a graph that is written by hand, with its wires named and its metadata.
pub fn finish(graph: Onnx, task: Task) -> ModelProto {
    let mut proto = graph.proto();
    name_wires(&mut proto, task);
    set_props(&mut proto, &metadata(task).to_props().expect("right metadata"));
    proto
}

/// Returns a detector of one convolution that looks at cells of 8 x 8 pixels, as the structures of its file.
#[allow(dead_code)] // Not every test uses this.
pub fn detector() -> ModelProto {
    let mut graph = Onnx::default();
    let image = graph.input(&[1, 3, SIDE, SIDE]);
    let weights: Vec<f32> = numbers(15 * 3 * 64).iter().map(|n| n / 16.0).collect();
    let weights = graph.constant(&[15, 3, 8, 8], &weights);
    let wire = graph.node("Conv", &[&image, &weights], &[("strides", Value::Ints(vec![8; 2]))]);
    graph.output(&wire);
    let mut proto = graph.proto();
    if let Some(graph) = &mut proto.graph {
        for name in [&mut graph.input[0].name, &mut graph.node[0].input[0]] {
            *name = "image".into();
        }
        for name in [&mut graph.output[0].name, &mut graph.node[0].output[0]] {
            *name = "stride8".into();
        }
        // A search runs it at several sizes.
        graph.input[0].r#type = None;
    }
    let mut metadata = metadata(Task::Detect);
    metadata.input.crop = CropRule::Whole;
    metadata.detect =
        Some(DetectSpec { strides: vec![8], threshold: 0.5, overlap: 0.4, smallest: 8.0 });
    set_props(&mut proto, &metadata.to_props().expect("right metadata"));
    proto
}

pub fn bytes(task: Task) -> Vec<u8> {
    proto(task).encode_to_vec()
}
