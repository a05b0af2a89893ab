//! The table of operators. One row says what an operator needs, what reads it, what the documents say about it, and how
//! it is tested.
//!
//! The rows stand in a file for each kind. docs/models.md is written from them, and the tests compare every row with
//! tract-onnx.

use super::row::Operator;
use super::{activations, arithmetic, arrays, layers, reductions, slices};

/// All rows by kind.
const KINDS: [&[Operator]; 6] = [
    arithmetic::OPERATORS,
    activations::OPERATORS,
    layers::OPERATORS,
    reductions::OPERATORS,
    arrays::OPERATORS,
    slices::OPERATORS,
];

/// All rows.
pub(super) fn all() -> impl Iterator<Item = &'static Operator> {
    KINDS.into_iter().flatten()
}

/// Returns the row with this name.
pub(in crate::model::file) fn find(name: &str) -> Option<&'static Operator> {
    all().find(|operator| operator.name == name)
}
