//! Sums, means and other reductions over axes.

use tract_core::internal::*;
use tract_hir::internal::Expansion;
use tract_hir::ops as hir;
use tract_hir::ops::nn::Reducer;

#[cfg(test)]
use super::row::Case;
use super::row::{Growth, Operator};
use super::site::Site;
#[cfg(test)]
use super::tests::ints;
#[cfg(test)]
use crate::model::onnx::Value;

pub(super) const OPERATORS: &[Operator] = &[
    reduce("ReduceL2", |s, m| s.reduce(m, Reducer::L2)),
    reduce("ReduceMax", |s, m| s.reduce(m, Reducer::Max)),
    Operator {
        #[cfg(test)]
        cases: &[
            Case::Alone,
            Case::Graph(|g, x| {
                g.node("ReduceMean", &[x], &[("axes", ints(&[2, -1])), ("keepdims", Value::Int(0))])
            }),
            Case::InSet(18, |g, x| {
                let axes = g.integers(&[2, 3]);
                g.node("ReduceMean", &[x, &axes], &[("keepdims", Value::Int(0))])
            }),
        ],
        ..reduce("ReduceMean", |s, m| s.reduce(m, Reducer::Mean))
    },
    reduce("ReduceMin", |s, m| s.reduce(m, Reducer::Min)),
    Operator {
        #[cfg(test)]
        cases: &[
            Case::Alone,
            Case::Graph(|g, x| {
                let axes = g.integers(&[-1]);
                g.node("ReduceSum", &[x, &axes], &[])
            }),
            Case::InSet(11, |g, x| g.node("ReduceSum", &[x], &[("axes", ints(&[1, 2]))])),
        ],
        ..reduce("ReduceSum", |s, m| s.reduce(m, Reducer::Sum))
    },
    reduce("ReduceSumSquare", |s, m| s.reduce(m, Reducer::SumSquare)),
];

/// Reads a reduction over axes that are listed, or over all.
const fn reduce(
    name: &'static str,
    wire: fn(&Site<'_>, &mut TypedModel) -> TractResult<TVec<OutletId>>,
) -> Operator {
    Operator {
        name,
        inputs: (1, 2),
        attributes: &["axes", "keepdims", "noop_with_empty_axes"],
        bounds: "constant axes",
        growth: Growth::NoLarger,
        wire,
        #[cfg(test)]
        cases: &[Case::Alone],
    }
}

impl Site<'_> {
    fn reduce(&self, model: &mut TypedModel, by: Reducer) -> TractResult<TVec<OutletId>> {
        let input = self.input(0)?;
        let rank = model.outlet_fact(input)?.rank();
        let axes = self.listed(model, 1, "axes")?.unwrap_or_default();
        let axes: Vec<i64> = axes
            .into_iter()
            .map(|axis| Ok(self.axis(axis, rank)? as i64))
            .collect::<TractResult<_>>()?;
        let keep = self.int("keepdims", 1)? == 1;
        // An empty list means all axes, unless the node says that it means none.
        let none = self.node.flag("noop_with_empty_axes")?;
        let axes = (none || !axes.is_empty()).then_some(axes);
        hir::nn::Reduce::new(axes, keep, by).wire(self.name, model, &[input])
    }
}
