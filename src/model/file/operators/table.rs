//! The table of operators: what each needs, what reads it, what the documents say of it and what tests it, all in one row.
//!
//! The rows stand in files of their kinds. docs/models.md is written from them, and the tests compare every row with tract-onnx.

use super::row::Operator;
use super::{activations, arithmetic, arrays, layers, slices};

/// All rows, by kind.
const KINDS: [&[Operator]; 5] = [
    arithmetic::OPERATORS,
    activations::OPERATORS,
    layers::OPERATORS,
    arrays::OPERATORS,
    slices::OPERATORS,
];

/// All rows.
pub(super) fn all() -> impl Iterator<Item = &'static Operator> {
    KINDS.into_iter().flatten()
}

/// The row of this name.
pub(in crate::model::file) fn find(name: &str) -> Option<&'static Operator> {
    all().find(|operator| operator.name == name)
}
