//! Bounds on the size of a graph's constants.
//!
//! While it loads a graph, tract computes whatever does not depend on the picture. It checks the size of an answer only
//! after it has computed it. A file of a kilobyte could thus ask for a terabyte, and an allocation that fails ends the
//! process.

use std::collections::HashMap;

use tract_core::prelude::*;

use super::onnx::{GraphProto, NodeProto, TensorProto};
use super::operators::arrays::MAX_FILLED;
use super::operators::row::Growth;
use super::operators::table;
use crate::error::{Error, Result};

/// The limit for all constants together, in numbers.
const MAX_NUMBERS: u64 = 1 << 28;

/// Operators that only tract-onnx reads. Those that this library reads have their bounds in the
/// [table](super::operators::table).
const ELSEWHERE: [(&str, Growth); 18] = [
    ("And", Growth::Broadcast),
    ("CastLike", Growth::Same),
    ("Cos", Growth::Same),
    ("DepthToSpace", Growth::NoLarger),
    ("DequantizeLinear", Growth::Same),
    ("IsNaN", Growth::Same),
    ("Mean", Growth::Broadcast),
    ("Mod", Growth::Broadcast),
    ("Not", Growth::Same),
    ("Or", Growth::Broadcast),
    ("QuantizeLinear", Growth::Same),
    ("ReduceProd", Growth::NoLarger),
    ("Round", Growth::Same),
    ("Sign", Growth::Same),
    ("Sin", Growth::Same),
    ("SpaceToDepth", Growth::NoLarger),
    ("Trilu", Growth::Same),
    ("Xor", Growth::Broadcast),
];

fn growth(operator: &str) -> Growth {
    let elsewhere = ELSEWHERE.iter().find(|(name, _)| *name == operator).map(|(_, growth)| *growth);
    let listed = table::find(operator).map(|row| row.growth);
    listed.or(elsewhere).unwrap_or(Growth::Unbounded)
}

/// Which reader may read a graph that passed the check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readers {
    /// Any reader may.
    Any,
    /// Only this library's own operators may read it. The size of a constant is computed from other constants, and only
    /// our operators check it before they fill it.
    Own,
}

/// The largest number of integers that are read as a shape.
const MAX_LIST: u64 = 16;

/// Returns the integers of a small tensor.
fn list(tensor: &TensorProto) -> Option<Vec<u64>> {
    let tensor = tensor.read().ok().filter(|tensor| tensor.datum_type() == i64::datum_type())?;
    let tensor = tensor.try_as_plain_ram().ok()?;
    sizes(tensor.as_slice::<i64>().ok()?)
}

fn sizes(numbers: &[i64]) -> Option<Vec<u64>> {
    numbers.iter().map(|number| u64::try_from(*number).ok()).collect()
}

/// The facts that are known about a value that does not depend on the picture.
#[derive(Clone)]
struct Constant {
    /// The largest number of numbers that it can have.
    numbers: u64,
    /// Its exact shape, if that is known.
    shape: Option<Vec<u64>>,
    /// Its numbers, if they are a few integers in the file, since those may be a shape.
    list: Option<Vec<u64>>,
}

impl Constant {
    fn of_shape(shape: Vec<u64>) -> Self {
        let numbers = shape.iter().fold(1u64, |n, dim| n.saturating_mul(*dim));
        Self { numbers, shape: Some(shape), list: None }
    }

    fn at_most(numbers: u64) -> Self {
        Self { numbers, shape: None, list: None }
    }

    fn of_tensor(tensor: &TensorProto) -> Self {
        // A negative size is refused where the tensor is read.
        let constant = Self::of_shape(tensor.dims.iter().map(|dim| (*dim).max(0) as u64).collect());
        let list = (constant.numbers <= MAX_LIST).then(|| list(tensor)).flatten();
        Self { list, ..constant }
    }
}

/// Refuses graphs whose constants could outgrow the memory, or whose order hides how large they are.
pub(super) fn check(graph: &GraphProto) -> Result<Readers> {
    let mut readers = Readers::Any;
    // `None` means that the value depends on the picture.
    let mut known: HashMap<&str, Option<Constant>> = HashMap::new();
    known.extend(graph.input.iter().map(|input| (input.name.as_str(), None)));
    let weights = graph.initializer.iter();
    known.extend(weights.map(|tensor| (tensor.name.as_str(), Some(Constant::of_tensor(tensor)))));
    let mut total = 0u64;
    for node in &graph.node {
        if node.attribute.iter().any(|a| a.g.is_some() || !a.graphs.is_empty()) {
            return Err(refused(node, "contains a graph, which is not supported"));
        }
        let inputs = node.input.iter().filter(|name| !name.is_empty());
        let inputs: Vec<&Option<Constant>> = inputs
            .map(|name| {
                let unknown = format!("reads {:?}, which no earlier node computes", shorten(name));
                known.get(name.as_str()).ok_or_else(|| refused(node, &unknown))
            })
            .collect::<Result<_>>()?;
        let constants: Option<Vec<&Constant>> = inputs.iter().map(|input| input.as_ref()).collect();
        let answer = match (node.op_type.as_str(), constants) {
            // The size of the picture is a constant, too, and no shape has more numbers than this.
            ("Shape" | "Size", _) => Some(Constant::at_most(MAX_RANK)),
            (_, None) => None,
            (_, Some(constants)) => {
                let answer = answer(node, &constants, &mut readers).ok_or_else(|| {
                    refused(
                        node,
                        "has only constant inputs, and such a node of this operator is not supported",
                    )
                })?;
                total =
                    total.saturating_add(answer.numbers.saturating_mul(node.output.len() as u64));
                if total > MAX_NUMBERS {
                    let numbers = answer.numbers;
                    let limit = format!(
                        "computes up to {numbers} numbers, but all constant nodes together may compute {MAX_NUMBERS}"
                    );
                    return Err(refused(node, &limit));
                }
                Some(answer)
            }
        };
        known.extend(node.output.iter().map(|name| (name.as_str(), answer.clone())));
    }
    Ok(readers)
}

/// The largest number of dimensions that an array can have.
const MAX_RANK: u64 = 64;

/// Returns the bounds of what an operator makes of constants, if they are known for this operator.
///
/// `[2, 3]` plus `[3]` is broadcast to 2 x 3, and has 6 numbers. Take a matrix of `[4, 5]` that was reshaped, so that
/// only its 20 numbers are known. Its product with `[5, 6]` has at most 20 * 30 numbers. If `[8, 1, 1]` stands in the
/// file, `ConstantOfShape` of it has 8 numbers. If other nodes compute the list, it may have a million.
fn answer(node: &NodeProto, inputs: &[&Constant], readers: &mut Readers) -> Option<Constant> {
    let first = inputs.first();
    let product = || {
        let product = inputs.iter().fold(1u64, |n, input| n.saturating_mul(input.numbers));
        Some(Constant::at_most(product))
    };
    match growth(&node.op_type) {
        Growth::Same => Some((*first?).clone()),
        Growth::NoLarger => Some(Constant::at_most(first?.numbers)),
        Growth::Sum => {
            let sum = inputs.iter().fold(0u64, |n, input| n.saturating_add(input.numbers));
            Some(Constant::at_most(sum))
        }
        Growth::Broadcast => {
            let shapes =
                inputs.iter().map(|input| input.shape.as_deref()).collect::<Option<Vec<_>>>();
            shapes.and_then(|shapes| broadcast(&shapes)).map(Constant::of_shape).or_else(product)
        }
        Growth::Product => product(),
        Growth::Attribute => {
            let value = node.attribute.first()?;
            let listed = value.floats.len() + value.ints.len() + value.strings.len() + 1;
            Some(match &value.t {
                Some(tensor) => Constant::of_tensor(tensor),
                None => Constant { list: sizes(&value.ints), ..Constant::at_most(listed as u64) },
            })
        }
        Growth::Listed => {
            let (last, before) = inputs.split_last()?;
            let shapes = before.iter().map(|input| input.shape.as_deref());
            let shapes = shapes.chain([last.list.as_deref()]).collect::<Option<Vec<_>>>();
            Some(match shapes.and_then(|shapes| broadcast(&shapes)) {
                Some(shape) => Constant::of_shape(shape),
                None => {
                    *readers = Readers::Own;
                    Constant::at_most(MAX_FILLED as u64)
                }
            })
        }
        Growth::Few => Some(Constant::at_most(MAX_RANK)),
        Growth::Unbounded => None,
    }
}

/// Returns the shape to which the others are broadcast.
fn broadcast(shapes: &[&[u64]]) -> Option<Vec<u64>> {
    let rank = shapes.iter().map(|shape| shape.len()).max()?;
    let dim = |shape: &[u64], from_end: usize| {
        shape.len().checked_sub(from_end + 1).map_or(1, |axis| shape[axis])
    };
    Some((0..rank).rev().map(|i| shapes.iter().map(|s| dim(s, i)).max().unwrap_or(1)).collect())
}

fn refused(node: &NodeProto, why: &str) -> Error {
    Error::model(format!("node {:?} ({}) {why}", shorten(&node.name), shorten(&node.op_type)))
}

/// Names come from the file, and go into a message, so they are shortened.
fn shorten(name: &str) -> String {
    name.chars().take(60).collect()
}
