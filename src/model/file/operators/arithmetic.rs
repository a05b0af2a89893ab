//! Operators that compute each number by itself, from one or more inputs.

use tract_core::internal::*;
use tract_core::ops::binary::BinMiniOp;
use tract_core::ops::{logic, math};
use tract_hir::internal::Expansion;
use tract_hir::ops as hir;
use tract_hir::ops::binary::{wire_cast, wire_rank_broadcast};

#[cfg(test)]
use super::row::Case;
use super::row::{ANY, Growth, Operator};
use super::site::Site;

type Wire = fn(&Site<'_>, &mut TypedModel) -> TractResult<TVec<OutletId>>;

/// An operator with one input, whose output has the same shape.
const fn unary(name: &'static str, wire: Wire) -> Operator {
    Operator {
        name,
        inputs: (1, 1),
        attributes: &[],
        bounds: "",
        growth: Growth::Same,
        wire,
        #[cfg(test)]
        cases: &[Case::Alone],
    }
}

/// The same, tested with positive numbers.
const fn positive(name: &'static str, wire: Wire) -> Operator {
    Operator {
        #[cfg(test)]
        cases: &[Case::Positive],
        ..unary(name, wire)
    }
}

/// An operator with two inputs that are broadcast.
const fn binary(name: &'static str, wire: Wire) -> Operator {
    Operator {
        inputs: (2, 2),
        growth: Growth::Broadcast,
        #[cfg(test)]
        cases: &[Case::Broadcast],
        ..unary(name, wire)
    }
}

/// The same, with true or false as its answer.
const fn comparison(name: &'static str, wire: Wire) -> Operator {
    Operator {
        #[cfg(test)]
        cases: &[Case::Compare],
        ..binary(name, wire)
    }
}

/// An operator with any number of inputs that are broadcast.
const fn nary(name: &'static str, wire: Wire) -> Operator {
    Operator { inputs: (1, ANY), ..binary(name, wire) }
}

pub(super) const OPERATORS: &[Operator] = &[
    unary("Abs", |s, m| s.unary(m, math::abs())),
    binary("Add", |s, m| s.binary(m, math::Add)),
    unary("Ceil", |s, m| s.unary(m, math::ceil())),
    binary("Div", |s, m| s.binary(m, math::Div)),
    comparison("Equal", |s, m| s.binary(m, logic::CompEq)),
    unary("Erf", |s, m| s.unary(m, math::erf())),
    unary("Exp", |s, m| s.unary(m, math::exp())),
    unary("Floor", |s, m| s.unary(m, math::floor())),
    comparison("Greater", |s, m| s.binary(m, logic::CompGT)),
    comparison("GreaterOrEqual", |s, m| s.binary(m, logic::CompGTE)),
    comparison("Less", |s, m| s.binary(m, logic::CompLT)),
    comparison("LessOrEqual", |s, m| s.binary(m, logic::CompLTE)),
    positive("Log", |s, m| s.unary(m, math::ln())),
    nary("Max", |s, m| s.nary(m, math::Max)),
    nary("Min", |s, m| s.nary(m, math::Min)),
    binary("Mul", |s, m| s.binary(m, math::Mul)),
    unary("Neg", |s, m| s.unary(m, math::neg())),
    Operator {
        bounds: "powers of floating point numbers",
        #[cfg(test)]
        cases: &[Case::Graph(|g, x| {
            let two = g.constant(&[], &[2.0]);
            g.node("Pow", &[x, &two], &[])
        })],
        ..binary("Pow", |s, m| s.pow(m))
    },
    unary("Reciprocal", |s, m| s.unary(m, math::recip())),
    positive("Sqrt", |s, m| s.unary(m, math::sqrt())),
    binary("Sub", |s, m| s.binary(m, math::Sub)),
    nary("Sum", |s, m| s.nary(m, math::Add)),
    unary("Tanh", |s, m| s.unary(m, math::tanh())),
    Operator {
        inputs: (3, 3),
        #[cfg(test)]
        cases: &[Case::Graph(|g, x| {
            let (bound, other) = (g.constant(&[], &[0.1]), g.constant(&[8], &[0.5; 8]));
            let above = g.node("Greater", &[x, &bound], &[]);
            g.node("Where", &[&above, x, &other], &[])
        })],
        ..binary("Where", |s, m| s.expand(m, hir::logic::Iff))
    },
];

impl Site<'_> {
    fn binary(&self, model: &mut TypedModel, op: impl BinMiniOp) -> TractResult<TVec<OutletId>> {
        let inputs = [self.input(0)?, self.input(1)?];
        hir::binary::InferenceBinOp(Box::new(op)).wire(self.name, model, &inputs)
    }

    /// Applies `op` to all inputs, one after the other.
    fn nary(&self, model: &mut TypedModel, op: impl BinMiniOp) -> TractResult<TVec<OutletId>> {
        let op = hir::binary::InferenceBinOp(Box::new(op));
        let mut all = self.input(0)?;
        for (i, next) in self.all().into_iter().enumerate().skip(1) {
            all = op.wire(&format!("{}.{i}", self.name), model, &[all, next])?[0];
        }
        Ok(tvec!(all))
    }

    fn pow(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
        let inputs = [self.input(0)?, self.input(1)?];
        let to = model.outlet_fact(inputs[0])?.datum_type;
        ensure!(to.is_float(), "powers of {to:?} are not supported");
        let wires = wire_rank_broadcast(self.name, model, &inputs)?;
        let wires = wire_cast(self.name, model, &wires, to)?;
        model.wire_node(self.name, math::pow(), &wires)
    }
}
