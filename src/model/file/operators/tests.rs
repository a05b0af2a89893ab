//! Compares each row of the table with tract-onnx on the same graph and picture, and with the documents.

use prost::Message;
use tract_core::internal::*;

use super::super::constants;
use super::super::onnx::ModelProto;
use super::row::{ANY, Body, Case, Operator};
use super::table;

use crate::model::onnx::{Onnx, Value};

const SHAPE: [usize; 4] = [1, 4, 6, 8];

pub(super) fn ints(values: &[i64]) -> Value {
    Value::Ints(values.to_vec())
}

pub(super) fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919 + 13) % 2003) as f32 / 1001.0 - 1.0).collect()
}

/// A graph, and its wires for the picture and the answer.
struct File {
    proto: tract_onnx::pb::ModelProto,
    picture: String,
    answer: String,
}

impl File {
    fn new(body: &dyn Fn(&mut Onnx, &str) -> String, set: i64) -> Self {
        let mut graph = Onnx::default();
        let picture = graph.input(&SHAPE);
        let answer = body(&mut graph, &picture);
        graph.output(&answer);
        let mut proto = graph.proto();
        proto.opset_import[0].version = set;
        Self { proto, picture, answer }
    }

    /// Returns the answer of this library to a picture. The file is checked as usual.
    fn ours(&self) -> TractResult<Tensor> {
        let own = ModelProto::decode(&self.proto.encode_to_vec()[..]).expect("the same file");
        let graph = own.graph.as_ref().expect("a graph");
        constants::check(graph).map_err(|e| format_err!("{e}"))?;
        let picture = (self.picture.as_str(), f32::fact(SHAPE));
        run(super::build(graph, own.operator_set(), picture, &[&self.answer])?
            .into_decluttered()?)
    }

    /// Returns the answer of tract-onnx.
    fn theirs(&self) -> TractResult<Tensor> {
        use tract_onnx::prelude::{Framework, InferenceModelExt};
        let model = tract_onnx::onnx().model_for_proto_model(&self.proto)?;
        run(model.into_typed()?.into_decluttered()?)
    }
}

fn run(model: TypedModel) -> TractResult<Tensor> {
    let input = Tensor::from_shape(&SHAPE, &numbers(SHAPE.iter().product()))?;
    let answers = model.into_optimized()?.into_runnable()?.run(tvec!(input.into_tvalue()))?;
    answers.into_iter().next().map(TValue::into_tensor).context("no answer")
}

fn compare(name: &str, body: &dyn Fn(&mut Onnx, &str) -> String, set: i64) {
    let file = File::new(body, set);
    let ours = file.ours().unwrap_or_else(|e| panic!("{name}: {e:#}"));
    let theirs = file.theirs().unwrap_or_else(|e| panic!("{name}, tract-onnx: {e:#}"));
    ours.close_enough(&theirs, Approximation::Close)
        .unwrap_or_else(|e| panic!("{name}: {ours:?} {theirs:?}: {e}"));
}

/// One case of a row.
fn run_case(operator: &Operator, index: usize, case: &Case) {
    let op = operator.name;
    let name = format!("{op}, case {index}");
    match case {
        Case::Alone => compare(&name, &|g, x| g.node(op, &[x], &[]), 17),
        Case::Positive => {
            let body = |g: &mut Onnx, x: &str| {
                let positive = g.node("Exp", &[x], &[]);
                g.node(op, &[&positive], &[])
            };
            compare(&name, &body, 17);
        }
        Case::Broadcast | Case::Compare => {
            for shape in [&[1, 4, 6, 8][..], &[4, 1, 1], &[8], &[]] {
                let body = |g: &mut Onnx, x: &str| {
                    let other = g.constant(shape, &numbers(shape.iter().product()));
                    let wire = g.node(op, &[x, &other], &[]);
                    match case {
                        Case::Compare => g.node("Cast", &[&wire], &[("to", Value::Int(1))]),
                        _ => wire,
                    }
                };
                compare(&format!("{name} {shape:?}"), &body, 17);
            }
        }
        Case::Graph(body) => compare(&name, body, 17),
        Case::InSet(set, body) => compare(&format!("{name} of set {set}"), body, *set),
    }
}

#[test]
fn operators_answer_as_those_of_tract_onnx() {
    for operator in table::all() {
        assert!(!operator.cases.is_empty(), "{} has no test", operator.name);
        for (index, case) in operator.cases.iter().enumerate() {
            run_case(operator, index, case);
        }
    }
}

#[test]
fn each_row_is_there_once() {
    let mut names: Vec<&str> = table::all().map(|operator| operator.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

/// What this library cannot compute exactly is refused, so that tract-onnx can try it.
#[test]
fn refusals() {
    let refused: [(&str, Body); 9] = [
        ("NoSuchOperator is not supported", |g, x| g.node("NoSuchOperator", &[x], &[])),
        ("of another domain", |g, x| {
            let wire = g.node("Relu", &[x], &[]);
            g.last_node().domain = "of another domain".into();
            wire
        }),
        ("\"ceil\"", |g, x| {
            let scales = g.constant(&[4], &[1.0, 1.0, 1.5, 1.5]);
            g.node("Resize", &[x, "", &scales], &[("nearest_mode", Value::Text("ceil"))])
        }),
        ("kernel_shape is [5, 5]", |g, x| {
            let weights = g.constant(&[4, 4, 3, 3], &numbers(144));
            g.node("Conv", &[x, &weights], &[("kernel_shape", ints(&[5, 5]))])
        }),
        ("is of kind", |g, x| g.node("Flatten", &[x], &[("axis", ints(&[1]))])),
        ("\"nowhere\"", |g, _| g.node("Relu", &["nowhere"], &[])),
        ("dilations is not supported", |g, x| {
            let more = [("kernel_shape", ints(&[2, 2])), ("dilations", ints(&[2, 2]))];
            g.node("AveragePool", &[x], &more)
        }),
        ("2 inputs, but 1 to 1 are supported", |g, x| g.node("Relu", &[x, x], &[])),
        ("is too large", |g, x| {
            let scale = g.integers(&[1 << 12]);
            let shape = g.node("Shape", &[x], &[]);
            let shape = g.node("Mul", &[&shape, &scale], &[]);
            let zeros = g.node("ConstantOfShape", &[&shape], &[]);
            g.add(x, &zeros)
        }),
    ];
    for (part, body) in refused {
        let error = format!("{:#}", File::new(&body, 17).ours().expect_err(part));
        assert!(error.contains(part), "{error:?} lacks {part:?}");
    }
}

/// The table in the documents must equal the rows.
fn document() -> String {
    let mut operators: Vec<&Operator> = table::all().collect();
    operators.sort_by_key(|operator| operator.name);
    let mut text =
        String::from("| operator | inputs | attributes | bounds |\n| --- | --- | --- | --- |\n");
    for Operator { name, inputs, attributes, bounds, .. } in operators {
        let inputs = match *inputs {
            (least, most) if least == most => format!("{least}"),
            (least, ANY) => format!("{least} or more"),
            (least, most) => format!("{least} to {most}"),
        };
        let attributes = attributes.join(", ");
        text += &format!("| {name} | {inputs} | {attributes} | {bounds} |\n");
    }
    text
}

/// `UPDATE_DOCS=1 cargo test --release --lib the_documents` writes it again.
#[test]
fn the_documents_have_the_table() {
    const START: &str = "<!-- operators -->\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/models.md");
    let text = std::fs::read_to_string(path).expect("docs/models.md");
    let (before, rest) = text.split_once(START).expect("a mark before the table");
    let end = rest.find("<!-- end -->").expect("a mark behind the table");
    let right = format!("{before}{START}{}{}", document(), &rest[end..]);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &right).expect("docs are writable");
    } else {
        assert!(text == right, "docs/models.md is not what the table says: run `make docs-table`");
    }
}
