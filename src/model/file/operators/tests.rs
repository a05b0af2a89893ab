//! Each operator against tract-onnx on the same graph and picture.

use prost::Message;
use tract_core::internal::*;

use super::super::onnx::ModelProto;

use crate::model::onnx::{Onnx, Value};

const SHAPE: [usize; 4] = [1, 4, 6, 8];

/// Makes of the picture's wire another one.
type Body = Box<dyn Fn(&mut Onnx, &str) -> String>;

fn ints(values: &[i64]) -> Value {
    Value::Ints(values.to_vec())
}

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919 + 13) % 2003) as f32 / 1001.0 - 1.0).collect()
}

/// What both make of a picture: ours, and tract-onnx's.
fn both(body: &Body, set: i64) -> (TractResult<Tensor>, TractResult<Tensor>) {
    let mut graph = Onnx::default();
    let picture = graph.input(&SHAPE);
    let wire = body(&mut graph, &picture);
    graph.output(&wire);
    let mut proto = graph.proto();
    proto.opset_import[0].version = set;
    let input = Tensor::from_shape(&SHAPE, &numbers(SHAPE.iter().product())).expect("numbers");
    let run = |model: TypedModel| {
        let input = tvec!(input.clone().into_tvalue());
        Ok(model.into_optimized()?.into_runnable()?.run(input)?.remove(0).into_tensor())
    };
    let own = ModelProto::decode(&proto.encode_to_vec()[..]).expect("the same file");
    let own_graph = own.graph.as_ref().expect("a graph");
    let ours = super::build(own_graph, own.operator_set(), (&picture, f32::fact(SHAPE)), &[&wire])
        .and_then(|model| model.into_decluttered())
        .and_then(run);
    let theirs = (|| {
        use tract_onnx::prelude::{Framework, InferenceModelExt};
        let model = tract_onnx::onnx().model_for_proto_model(&proto)?;
        run(model.into_typed()?.into_decluttered()?)
    })();
    (ours, theirs)
}

fn simple(op: &'static str, attributes: fn() -> Vec<(&'static str, Value)>) -> (String, Body) {
    (op.into(), Box::new(move |g, x| g.node(op, &[x], &attributes())))
}

fn cases() -> Vec<(String, Body)> {
    let mut cases: Vec<(String, Body)> = Vec::new();
    for op in [
        "Abs",
        "Ceil",
        "Elu",
        "Erf",
        "Exp",
        "Floor",
        "Flatten",
        "GlobalAveragePool",
        "GlobalMaxPool",
        "HardSigmoid",
        "HardSwish",
        "Identity",
        "LeakyRelu",
        "Neg",
        "Reciprocal",
        "ReduceL2",
        "ReduceMax",
        "ReduceMean",
        "ReduceMin",
        "ReduceSum",
        "ReduceSumSquare",
        "Relu",
        "Sigmoid",
        "Softmax",
        "Softplus",
        "Tanh",
        "Dropout",
    ] {
        cases.push(simple(op, Vec::new));
    }
    // Of positive numbers alone.
    for op in ["Log", "Sqrt"] {
        cases.push((
            op.into(),
            Box::new(move |g, x| {
                let positive = g.node("Exp", &[x], &[]);
                g.node(op, &[&positive], &[])
            }),
        ));
    }
    for op in ["Add", "Sub", "Mul", "Div", "Max", "Min", "Sum"] {
        for shape in [&[1, 4, 6, 8][..], &[4, 1, 1], &[8], &[]] {
            cases.push((
                format!("{op} {shape:?}"),
                Box::new(move |g, x| {
                    let other = g.constant(shape, &numbers(shape.iter().product()));
                    g.node(op, &[x, &other], &[])
                }),
            ));
        }
    }
    for op in ["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"] {
        cases.push((
            format!("{op}, Where"),
            Box::new(move |g, x| {
                let half = g.constant(&[], &[0.25]);
                let test = g.node(op, &[x, &half], &[]);
                g.node("Where", &[&test, x, &half], &[])
            }),
        ));
    }
    let more: Vec<(&str, Body)> = vec![
        (
            "Pow",
            Box::new(|g, x| {
                let two = g.constant(&[], &[2.0]);
                g.node("Pow", &[x, &two], &[])
            }),
        ),
        (
            "Clip",
            Box::new(|g, x| {
                let (low, high) = (g.constant(&[], &[-0.5]), g.constant(&[], &[0.25]));
                g.node("Clip", &[x, &low, &high], &[])
            }),
        ),
        (
            "Clip above",
            Box::new(|g, x| {
                let high = g.constant(&[], &[0.25]);
                g.node("Clip", &[x, "", &high], &[])
            }),
        ),
        (
            "PRelu",
            Box::new(|g, x| {
                let slope = g.constant(&[4, 1, 1], &[0.1, 0.2, -0.3, 1.5]);
                g.node("PRelu", &[x, &slope], &[])
            }),
        ),
        (
            "Conv",
            Box::new(|g, x| {
                let (weights, bias) =
                    (g.constant(&[5, 4, 3, 3], &numbers(180)), g.constant(&[5], &numbers(5)));
                let more = [
                    ("pads", ints(&[0, 1, 2, 1])),
                    ("strides", ints(&[2, 1])),
                    ("kernel_shape", ints(&[3, 3])),
                ];
                g.node("Conv", &[x, &weights, &bias], &more)
            }),
        ),
        (
            "Conv in groups, of halves",
            Box::new(|g, x| {
                let weights = g.half(&[8, 2, 3, 3], &numbers(144));
                let more = [
                    ("group", Value::Int(2)),
                    ("dilations", ints(&[2, 3])),
                    ("auto_pad", Value::Text("SAME_LOWER")),
                ];
                g.node("Conv", &[x, &weights], &more)
            }),
        ),
        (
            "MaxPool",
            Box::new(|g, x| {
                let more = [
                    ("kernel_shape", ints(&[3, 2])),
                    ("strides", ints(&[2, 2])),
                    ("pads", ints(&[1, 0, 1, 0])),
                    ("ceil_mode", Value::Int(1)),
                ];
                g.node("MaxPool", &[x], &more)
            }),
        ),
        (
            "AveragePool",
            Box::new(|g, x| {
                let more = [
                    ("kernel_shape", ints(&[3, 2])),
                    ("pads", ints(&[1, 0, 1, 0])),
                    ("count_include_pad", Value::Int(1)),
                ];
                g.node("AveragePool", &[x], &more)
            }),
        ),
        (
            "BatchNormalization",
            Box::new(|g, x| {
                let lists = [
                    [1.0, 2.0, -1.0, 0.5],
                    [0.1, 0.2, 0.3, 0.4],
                    [0.5, 0.0, 0.1, 1.0],
                    [1.0, 0.2, 2.0, 0.1],
                ];
                let [a, b, c, d] = lists.map(|list| g.half(&[4], &list));
                g.node("BatchNormalization", &[x, &a, &b, &c, &d], &[])
            }),
        ),
        (
            "Gemm",
            Box::new(|g, x| {
                let flat = g.node("Flatten", &[x], &[]);
                let (b, c) =
                    (g.constant(&[7, 192], &numbers(7 * 192)), g.constant(&[7], &numbers(7)));
                g.node(
                    "Gemm",
                    &[&flat, &b, &c],
                    &[
                        ("transB", Value::Int(1)),
                        ("alpha", Value::Float(0.5)),
                        ("beta", Value::Float(2.0)),
                    ],
                )
            }),
        ),
        (
            "MatMul",
            Box::new(|g, x| {
                let b = g.constant(&[8, 3], &numbers(24));
                g.node("MatMul", &[x, &b], &[])
            }),
        ),
        (
            "ReduceMean of axes",
            Box::new(|g, x| {
                g.node("ReduceMean", &[x], &[("axes", ints(&[2, -1])), ("keepdims", Value::Int(0))])
            }),
        ),
        (
            "ReduceSum of axes",
            Box::new(|g, x| {
                let axes = g.integers(&[-1]);
                g.node("ReduceSum", &[x, &axes], &[])
            }),
        ),
        (
            "Softmax of channels",
            Box::new(|g, x| g.node("Softmax", &[x], &[("axis", Value::Int(1))])),
        ),
        (
            "Concat",
            Box::new(|g, x| {
                let tanh = g.node("Tanh", &[x], &[]);
                g.node("Concat", &[x, &tanh, x], &[("axis", Value::Int(-3))])
            }),
        ),
        ("Transpose", Box::new(|g, x| g.node("Transpose", &[x], &[("perm", ints(&[0, 2, 3, 1]))]))),
        (
            "Squeeze, Unsqueeze",
            Box::new(|g, x| {
                let (first, second) = (g.integers(&[0]), g.integers(&[-1, 1]));
                let flat = g.node("Squeeze", &[x, &first], &[]);
                g.node("Unsqueeze", &[&flat, &second], &[])
            }),
        ),
        (
            "Split",
            Box::new(|g, x| {
                let parts = g.integers(&[1, 3]);
                let first = g.node("Split", &[x, &parts], &[("axis", Value::Int(1))]);
                g.last_node().output.push("rest".into());
                let wire = g.node("Relu", &["rest"], &[]);
                g.add(&first, &wire)
            }),
        ),
        (
            "Slice",
            Box::new(|g, x| {
                let [starts, ends, axes, steps] =
                    [[1, -4], [i64::MAX, 100], [-2, 3], [2, 1]].map(|list| g.integers(&list));
                g.node("Slice", &[x, &starts, &ends, &axes, &steps], &[])
            }),
        ),
        (
            "Pad",
            Box::new(|g, x| {
                let (pads, fill) = (g.integers(&[0, 0, 1, 2, 0, 1, 3, 0]), g.constant(&[], &[0.5]));
                g.node("Pad", &[x, &pads, &fill], &[])
            }),
        ),
        (
            "Pad by mirroring",
            Box::new(|g, x| {
                let pads = g.integers(&[0, 0, 1, 2, 0, 0, 3, 0]);
                g.node("Pad", &[x, &pads], &[("mode", Value::Text("reflect"))])
            }),
        ),
        (
            "Reshape by Shape, Gather and Concat",
            Box::new(|g, x| {
                let (zero, rest) = (g.integers(&[0]), g.integers(&[-1]));
                let shape = g.node("Shape", &[x], &[]);
                let first = g.node("Gather", &[&shape, &zero], &[]);
                let shape = g.node("Concat", &[&first, &rest], &[("axis", Value::Int(0))]);
                g.node("Reshape", &[x, &shape], &[])
            }),
        ),
        (
            "Gather of rows",
            Box::new(|g, x| {
                let rows = g.integers(&[2, 0, 5]);
                g.node("Gather", &[x, &rows], &[("axis", Value::Int(2))])
            }),
        ),
        (
            "Expand",
            Box::new(|g, x| {
                let mean = g.node("GlobalAveragePool", &[x], &[]);
                let shape = g.integers(&[2, 1, 4, 3, 3]);
                g.node("Expand", &[&mean, &shape], &[])
            }),
        ),
        (
            "Cast",
            Box::new(|g, x| {
                let whole = g.node("Cast", &[x], &[("to", Value::Int(6))]);
                g.node("Cast", &[&whole], &[("to", Value::Int(1))])
            }),
        ),
    ];
    cases.extend(more.into_iter().map(|(name, body)| (name.to_string(), body)));
    for (mode, place, nearest) in [
        ("nearest", "asymmetric", "floor"),
        ("nearest", "half_pixel", "round_prefer_floor"),
        ("linear", "half_pixel", "round_prefer_floor"),
        ("linear", "align_corners", "floor"),
        ("cubic", "half_pixel", "round_prefer_floor"),
    ] {
        cases.push((
            format!("Resize {mode} {place} {nearest}"),
            Box::new(move |g, x| {
                let scales = g.constant(&[4], &[1.0, 1.0, 2.0, 3.0]);
                let more = [
                    ("mode", Value::Text(mode)),
                    ("coordinate_transformation_mode", Value::Text(place)),
                    ("nearest_mode", Value::Text(nearest)),
                ];
                g.node("Resize", &[x, "", &scales], &more)
            }),
        ));
    }
    cases
}

fn compare(name: &str, body: &Body, set: i64) {
    let (ours, theirs) = both(body, set);
    let ours = ours.unwrap_or_else(|e| panic!("{name}: {e:#}"));
    let theirs = theirs.unwrap_or_else(|e| panic!("{name}, tract-onnx: {e:#}"));
    ours.close_enough(&theirs, Approximation::Close)
        .unwrap_or_else(|e| panic!("{name}: {ours:?} {theirs:?}: {e}"));
}

#[test]
fn operators_answer_as_those_of_tract_onnx() {
    for (name, body) in cases() {
        compare(&name, &body, 17);
    }
}

/// Forms that operators had in older and newer sets.
#[test]
fn other_operator_sets() {
    let older: Vec<(i64, &str, Body)> = vec![
        (
            9,
            "Clip",
            Box::new(|g, x| {
                g.node("Clip", &[x], &[("min", Value::Float(-0.1)), ("max", Value::Float(0.6))])
            }),
        ),
        (11, "Softmax", Box::new(|g, x| g.node("Softmax", &[x], &[]))),
        (11, "Squeeze", Box::new(|g, x| g.node("Squeeze", &[x], &[("axes", ints(&[0]))]))),
        (11, "Unsqueeze", Box::new(|g, x| g.node("Unsqueeze", &[x], &[("axes", ints(&[1, 3]))]))),
        (
            9,
            "Slice",
            Box::new(|g, x| {
                g.node(
                    "Slice",
                    &[x],
                    &[("starts", ints(&[1])), ("ends", ints(&[-1])), ("axes", ints(&[2]))],
                )
            }),
        ),
        (11, "ReduceSum", Box::new(|g, x| g.node("ReduceSum", &[x], &[("axes", ints(&[1, 2]))]))),
        (
            18,
            "ReduceMean",
            Box::new(|g, x| {
                let axes = g.integers(&[2, 3]);
                g.node("ReduceMean", &[x, &axes], &[("keepdims", Value::Int(0))])
            }),
        ),
        (
            10,
            "Resize",
            Box::new(|g, x| {
                let scales = g.constant(&[4], &[1.0, 1.0, 2.0, 2.0]);
                g.node("Resize", &[x, &scales], &[("mode", Value::Text("linear"))])
            }),
        ),
        (
            10,
            "Pad",
            Box::new(|g, x| g.node("Pad", &[x], &[("pads", ints(&[0, 0, 1, 1, 0, 0, 2, 0]))])),
        ),
    ];
    for (set, name, body) in older {
        compare(&format!("{name} of set {set}"), &body, set);
    }
}

/// What cannot be done right is refused, so that a fuller reader may try.
#[test]
fn refusals() {
    let refused: Vec<(&str, Body)> = vec![
        ("NoSuchOperator is not supported", Box::new(|g, x| g.node("NoSuchOperator", &[x], &[]))),
        (
            "of another domain",
            Box::new(|g, x| {
                let wire = g.node("Relu", &[x], &[]);
                g.last_node().domain = "of another domain".into();
                wire
            }),
        ),
        (
            "\"ceil\"",
            Box::new(|g, x| {
                let scales = g.constant(&[4], &[1.0, 1.0, 1.5, 1.5]);
                g.node("Resize", &[x, "", &scales], &[("nearest_mode", Value::Text("ceil"))])
            }),
        ),
        (
            "kernel_shape is [5, 5]",
            Box::new(|g, x| {
                let weights = g.constant(&[4, 4, 3, 3], &numbers(144));
                g.node("Conv", &[x, &weights], &[("kernel_shape", ints(&[5, 5]))])
            }),
        ),
        ("is of kind", Box::new(|g, x| g.node("Flatten", &[x], &[("axis", ints(&[1]))]))),
        ("\"nowhere\"", Box::new(|g, _| g.node("Relu", &["nowhere"], &[]))),
    ];
    for (part, body) in refused {
        let error = format!("{:#}", both(&body, 17).0.expect_err(part));
        assert!(error.contains(part), "{error:?} lacks {part:?}");
    }
}

#[test]
fn the_documents_list_the_operators() {
    let text = include_str!("../../../../docs/models.md");
    let listed: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let table = include_str!("mod.rs").lines().filter_map(|line| {
        let (name, _) = line.trim().strip_prefix('"')?.split_once("\" =>")?;
        Some(name)
    });
    let missing: Vec<&str> = table.filter(|name| !listed.contains(name)).collect();
    assert!(missing.is_empty(), "docs/models.md lacks {missing:?}");
}
