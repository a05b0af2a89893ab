//! A node of the file on its way into the graph, and what its constructor asks about it.

use tract_core::internal::*;
use tract_core::ops::element_wise::ElementWiseOp;
use tract_hir::internal::Expansion;

use super::super::onnx::NodeProto;

/// A node, and the places of its inputs.
pub(super) struct Site<'a> {
    pub(super) node: &'a NodeProto,
    pub(super) opset: i64,
    /// The name for its parts. It is that of the first output, since nodes may have equal names.
    pub(super) name: &'a str,
    /// `None` means that the input is left out.
    pub(super) inputs: Vec<Option<OutletId>>,
}

impl Site<'_> {
    pub(super) fn input(&self, index: usize) -> TractResult<OutletId> {
        self.optional(index).with_context(|| format!("input {index} is missing"))
    }

    pub(super) fn optional(&self, index: usize) -> Option<OutletId> {
        self.inputs.get(index).copied().flatten()
    }

    pub(super) fn all(&self) -> Vec<OutletId> {
        self.inputs.iter().flatten().copied().collect()
    }

    /// Returns the value of an input that must be constant, as integers.
    pub(super) fn integers(
        &self,
        model: &TypedModel,
        index: usize,
    ) -> TractResult<Option<Vec<i64>>> {
        let Some(wire) = self.optional(index) else { return Ok(None) };
        let value = value(model, wire).with_context(|| format!("input {index} is not constant"))?;
        let value = value.cast_to::<i64>()?;
        Ok(Some(value.try_as_plain_ram()?.as_slice::<i64>()?.to_vec()))
    }

    /// Returns integers that are an input in newer operator sets, and an attribute in older ones.
    pub(super) fn listed(
        &self,
        model: &TypedModel,
        index: usize,
        attribute: &str,
    ) -> TractResult<Option<Vec<i64>>> {
        match self.integers(model, index)? {
            Some(list) => Ok(Some(list)),
            None => Ok(self.node.ints(attribute)?.map(<[i64]>::to_vec)),
        }
    }

    pub(super) fn float(&self, attribute: &str, otherwise: f32) -> TractResult<f32> {
        Ok(self.node.float(attribute)?.unwrap_or(otherwise))
    }

    pub(super) fn int(&self, attribute: &str, otherwise: i64) -> TractResult<i64> {
        Ok(self.node.int(attribute)?.unwrap_or(otherwise))
    }

    pub(super) fn text(&self, attribute: &str, otherwise: &'static str) -> TractResult<&str> {
        Ok(self.node.text(attribute)?.unwrap_or(otherwise))
    }

    /// Resolves an axis, which counts from the end if it is below zero.
    pub(super) fn axis(&self, axis: i64, rank: usize) -> TractResult<usize> {
        let rank = rank as i64;
        ensure!((-rank..rank).contains(&axis), "axis {axis} is not among {rank} dimensions");
        Ok(axis.rem_euclid(rank) as usize)
    }

    pub(super) fn expand(
        &self,
        model: &mut TypedModel,
        op: impl Expansion,
    ) -> TractResult<TVec<OutletId>> {
        // The operator is added by its own type. Behind a pointer, the linker would also keep its rules of inference.
        op.wire(self.name, model, &self.all())
    }

    pub(super) fn unary(
        &self,
        model: &mut TypedModel,
        op: ElementWiseOp,
    ) -> TractResult<TVec<OutletId>> {
        model.wire_node(self.name, op, &[self.input(0)?])
    }
}

/// The reason why a node is wrong, and not only in a form that is not in the table. Then no other reader gets the graph.
#[derive(Debug)]
pub(in crate::model::file) struct Wrong(String);

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Wrong {}

/// Fails with [`Wrong`] unless the condition holds.
pub(super) fn ensure_right(right: bool, told: impl FnOnce() -> String) -> TractResult<()> {
    if right { Ok(()) } else { Err(Wrong(told()).into()) }
}

/// Constants have names that no part of another operator has.
pub(super) fn constant(
    model: &mut TypedModel,
    name: &str,
    value: Arc<Tensor>,
) -> TractResult<OutletId> {
    model.add_const(format!("={name}"), value)
}

pub(super) fn value(model: &TypedModel, wire: OutletId) -> Option<Arc<Tensor>> {
    model.outlet_fact(wire).ok()?.konst.clone()
}

pub(super) fn shape(model: &TypedModel, wire: OutletId) -> TractResult<Vec<usize>> {
    let fact = model.outlet_fact(wire)?;
    Ok(fact.shape.as_concrete().context("a size is not known")?.to_vec())
}
