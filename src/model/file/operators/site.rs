//! A node of the file on its way into the graph, and what its constructor asks of it.

use tract_core::internal::*;
use tract_core::ops::element_wise::ElementWiseOp;
use tract_hir::internal::Expansion;

use super::super::onnx::NodeProto;

/// A node and where its inputs are.
pub(super) struct Site<'a> {
    pub(super) node: &'a NodeProto,
    pub(super) opset: i64,
    /// What its parts are named by: its first output, since names of nodes need not differ.
    pub(super) name: &'a str,
    /// `None` for one that is left out.
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

    /// The value of an input that must be constant, as integers.
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

    /// Integers that newer operator sets have as an input and older ones as an attribute.
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

    /// Counts from the end below zero.
    pub(super) fn axis(&self, axis: i64, rank: usize) -> TractResult<usize> {
        let rank = rank as i64;
        ensure!((-rank..rank).contains(&axis), "axis {axis} of {rank} dimensions");
        Ok(axis.rem_euclid(rank) as usize)
    }

    pub(super) fn expand(
        &self,
        model: &mut TypedModel,
        op: impl Expansion,
    ) -> TractResult<TVec<OutletId>> {
        // By its own type: behind a pointer, its rules of inference would be kept as well.
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

/// Constants have names that no operator's parts have.
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
    Ok(fact.shape.as_concrete().context("a size that is not known")?.to_vec())
}
