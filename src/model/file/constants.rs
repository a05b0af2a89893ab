//! How large the constants of a graph can become.
//!
//! tract computes whatever does not depend on the picture while it loads, and looks at the size of an answer only
//! once it has it. A file of a kilobyte could so ask for a terabyte, and memory that cannot be had ends the process.

use std::collections::HashMap;

use super::onnx::{GraphProto, NodeProto, TensorProto};
use crate::error::{Error, Result};

/// Most numbers that constants may unpack to, together.
const MAX_NUMBERS: u64 = 1 << 28;

/// Operators whose answer has the shape that broadcasting gives.
const BROADCASTING: [&str; 21] = [
    "Add",
    "And",
    "Div",
    "Equal",
    "Greater",
    "GreaterOrEqual",
    "Less",
    "LessOrEqual",
    "Max",
    "Mean",
    "Min",
    "Mod",
    "Mul",
    "Or",
    "PRelu",
    "Pow",
    "Sub",
    "Sum",
    "Where",
    "Xor",
    "Clip",
];

/// Operators whose answer has the shape of the first input.
const SAME: [&str; 27] = [
    "Abs",
    "Cast",
    "CastLike",
    "Ceil",
    "Cos",
    "DequantizeLinear",
    "Erf",
    "Exp",
    "Floor",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "IsNaN",
    "Log",
    "Neg",
    "Not",
    "QuantizeLinear",
    "Reciprocal",
    "Relu",
    "Round",
    "Sigmoid",
    "Sign",
    "Sin",
    "Softmax",
    "Sqrt",
    "Tanh",
    "Trilu",
];

/// Operators whose answers have at most as many numbers as the first input.
const NO_LARGER: [&str; 16] = [
    "Flatten",
    "Reshape",
    "Transpose",
    "Squeeze",
    "Unsqueeze",
    "Slice",
    "Split",
    "ReduceL2",
    "ReduceMax",
    "ReduceMean",
    "ReduceMin",
    "ReduceProd",
    "ReduceSum",
    "ReduceSumSquare",
    "DepthToSpace",
    "SpaceToDepth",
];

/// Operators whose answer has at most as many numbers as the product of their inputs'.
const PRODUCT: [&str; 3] = ["Gather", "Gemm", "MatMul"];

/// What is known of a value that does not depend on the picture.
#[derive(Clone)]
struct Constant {
    /// Most numbers it can have.
    numbers: u64,
    /// Its exact shape, where that is known.
    shape: Option<Vec<u64>>,
}

impl Constant {
    fn of_shape(shape: Vec<u64>) -> Self {
        let numbers = shape.iter().fold(1u64, |n, dim| n.saturating_mul(*dim));
        Self { numbers, shape: Some(shape) }
    }

    fn at_most(numbers: u64) -> Self {
        Self { numbers, shape: None }
    }

    fn of_tensor(tensor: &TensorProto) -> Self {
        // A negative size is refused where the tensor is read.
        Self::of_shape(tensor.dims.iter().map(|dim| (*dim).max(0) as u64).collect())
    }
}

/// Refuses graphs whose constants could outgrow memory, or whose order hides how large they are.
pub(super) fn check(graph: &GraphProto) -> Result<()> {
    // `None`: depends on the picture.
    let mut known: HashMap<&str, Option<Constant>> = HashMap::new();
    known.extend(graph.input.iter().map(|input| (input.name.as_str(), None)));
    let weights = graph.initializer.iter();
    known.extend(weights.map(|tensor| (tensor.name.as_str(), Some(Constant::of_tensor(tensor)))));
    let mut total = 0u64;
    for node in &graph.node {
        if node.attribute.iter().any(|a| a.g.is_some() || !a.graphs.is_empty()) {
            return Err(refused(node, "has a graph of its own, which is not supported"));
        }
        let inputs = node.input.iter().filter(|name| !name.is_empty());
        let inputs: Vec<&Option<Constant>> = inputs
            .map(|name| {
                let unknown = format!("reads {:?} before it is there", shorten(name));
                known.get(name.as_str()).ok_or_else(|| refused(node, &unknown))
            })
            .collect::<Result<_>>()?;
        let constants: Option<Vec<&Constant>> = inputs.iter().map(|input| input.as_ref()).collect();
        let answer = match (node.op_type.as_str(), constants) {
            // The size of the picture is constant too; no shape has more numbers than this.
            ("Shape" | "Size", _) => Some(Constant::at_most(64)),
            (_, None) => None,
            (_, Some(constants)) => {
                let answer = answer(node, &constants).ok_or_else(|| {
                    refused(
                        node,
                        "has only constant inputs, and is not among the operators that may",
                    )
                })?;
                total =
                    total.saturating_add(answer.numbers.saturating_mul(node.output.len() as u64));
                if total > MAX_NUMBERS {
                    let numbers = answer.numbers;
                    let limit =
                        format!("gives up to {numbers} numbers, all may have {MAX_NUMBERS}");
                    return Err(refused(node, &limit));
                }
                Some(answer)
            }
        };
        known.extend(node.output.iter().map(|name| (name.as_str(), answer.clone())));
    }
    Ok(())
}

/// What an operator makes of constants, if it is one that cannot make much of little.
fn answer(node: &NodeProto, inputs: &[&Constant]) -> Option<Constant> {
    let operator = node.op_type.as_str();
    let first = inputs.first();
    if operator == "Constant" {
        let value = node.attribute.first()?;
        let listed = value.floats.len() + value.ints.len() + value.strings.len() + 1;
        return Some(match &value.t {
            Some(tensor) => Constant::of_tensor(tensor),
            None => Constant::at_most(listed as u64),
        });
    }
    if SAME.contains(&operator) {
        return Some((*first?).clone());
    }
    if NO_LARGER.contains(&operator) {
        return Some(Constant::at_most(first?.numbers));
    }
    if operator == "Concat" {
        let sum = inputs.iter().fold(0u64, |n, input| n.saturating_add(input.numbers));
        return Some(Constant::at_most(sum));
    }
    if BROADCASTING.contains(&operator) {
        if let Some(shape) = broadcast(inputs) {
            return Some(Constant::of_shape(shape));
        }
    } else if !PRODUCT.contains(&operator) {
        return None;
    }
    let product = inputs.iter().fold(1u64, |n, input| n.saturating_mul(input.numbers));
    Some(Constant::at_most(product))
}

/// The shape that inputs broadcast to, if theirs are known.
fn broadcast(inputs: &[&Constant]) -> Option<Vec<u64>> {
    let shapes: Vec<&Vec<u64>> = inputs.iter().map(|i| i.shape.as_ref()).collect::<Option<_>>()?;
    let rank = shapes.iter().map(|shape| shape.len()).max()?;
    let dim = |shape: &Vec<u64>, from_end: usize| {
        shape.len().checked_sub(from_end + 1).map_or(1, |axis| shape[axis])
    };
    Some((0..rank).rev().map(|i| shapes.iter().map(|s| dim(s, i)).max().unwrap_or(1)).collect())
}

fn refused(node: &NodeProto, why: &str) -> Error {
    Error::model(format!("node {:?} ({}) {why}", shorten(&node.name), shorten(&node.op_type)))
}

/// Names come from the file, and go into a message.
fn shorten(name: &str) -> String {
    name.chars().take(60).collect()
}
