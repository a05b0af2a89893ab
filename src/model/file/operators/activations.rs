//! Activation functions.

use tract_core::internal::*;
use tract_core::ops::binary::BinMiniOp;
use tract_core::ops::{math, nn};
use tract_hir::internal::Expansion;
use tract_hir::ops as hir;
use tract_hir::ops::binary::InferenceBinOp;

#[cfg(test)]
use super::row::Case;
use super::row::{Growth, Operator};
use super::site::Site;
#[cfg(test)]
use crate::model::onnx::Value;

type Wire = fn(&Site<'_>, &mut TypedModel) -> TractResult<TVec<OutletId>>;

const fn activation(
    name: &'static str,
    attributes: &'static [&'static str],
    wire: Wire,
) -> Operator {
    Operator {
        name,
        inputs: (1, 1),
        attributes,
        bounds: "",
        growth: Growth::Same,
        wire,
        #[cfg(test)]
        cases: &[Case::Alone],
    }
}

pub(super) const OPERATORS: &[Operator] = &[
    Operator {
        inputs: (1, 3),
        growth: Growth::Broadcast,
        #[cfg(test)]
        cases: &[
            Case::Graph(|g, x| {
                let (low, high) = (g.constant(&[], &[-0.5]), g.constant(&[], &[0.25]));
                g.node("Clip", &[x, &low, &high], &[])
            }),
            Case::Graph(|g, x| {
                let high = g.constant(&[], &[0.25]);
                g.node("Clip", &[x, "", &high], &[])
            }),
            Case::InSet(9, |g, x| {
                g.node("Clip", &[x], &[("min", Value::Float(-0.1)), ("max", Value::Float(0.6))])
            }),
        ],
        ..activation("Clip", &["max", "min"], |s, m| s.clip(m))
    },
    activation("Elu", &["alpha"], |s, m| {
        s.expand(m, hir::activations::Elu(s.float("alpha", 1.0)?))
    }),
    activation("HardSigmoid", &["alpha", "beta"], |s, m| {
        let (alpha, beta) = (s.float("alpha", 0.2)?, s.float("beta", 0.5)?);
        s.expand(m, hir::activations::HardSigmoid(alpha, beta))
    }),
    activation("HardSwish", &[], |s, m| s.unary(m, nn::hard_swish())),
    activation("LeakyRelu", &["alpha"], |s, m| s.unary(m, nn::leaky_relu(s.float("alpha", 0.01)?))),
    Operator {
        inputs: (2, 2),
        growth: Growth::Broadcast,
        #[cfg(test)]
        cases: &[Case::Graph(|g, x| {
            let slope = g.constant(&[4, 1, 1], &[0.1, 0.2, -0.3, 1.5]);
            g.node("PRelu", &[x, &slope], &[])
        })],
        ..activation("PRelu", &[], |s, m| s.prelu(m))
    },
    activation("Relu", &[], |s, m| s.expand(m, hir::activations::Clip::new(Some(0.0), None))),
    activation("Sigmoid", &[], |s, m| s.unary(m, nn::sigmoid())),
    Operator {
        #[cfg(test)]
        cases: &[
            Case::Alone,
            Case::Graph(|g, x| g.node("Softmax", &[x], &[("axis", Value::Int(1))])),
            Case::InSet(11, |g, x| g.node("Softmax", &[x], &[])),
        ],
        ..activation("Softmax", &["axis"], |s, m| {
            if s.opset < 13 {
                let axis = s.int("axis", 1)? as isize;
                s.expand(m, hir::nn::LayerSoftmax::new(axis, true))
            } else {
                let axis = s.int("axis", -1)? as isize;
                s.expand(m, hir::nn::Softmax::new(axis))
            }
        })
    },
    activation("Softplus", &[], |s, m| s.expand(m, hir::activations::Softplus)),
];

impl Site<'_> {
    fn clip(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
        if self.opset < 11 {
            let (low, high) = (self.node.float("min")?, self.node.float("max")?);
            return self.expand(model, hir::activations::Clip::new(low, high));
        }
        let mut wire = self.input(0)?;
        let ops: [(usize, Box<dyn BinMiniOp>); 2] =
            [(1, Box::new(math::Max)), (2, Box::new(math::Min))];
        for (index, op) in ops {
            if let Some(limit) = self.optional(index) {
                let name = format!("{}.{index}", self.name);
                wire = InferenceBinOp(op).wire(&name, model, &[wire, limit])?[0];
            }
        }
        Ok(tvec!(wire))
    }

    /// This is `max(x, 0) + slope * min(x, 0)`, which runs on vectors. A choice would be made number by number.
    fn prelu(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
        let (input, slope) = (self.input(0)?, self.input(1)?);
        let zero = Tensor::zero_scalar_dt(model.outlet_fact(input)?.datum_type)?;
        let zero = model.add_const(format!("{}.zero", self.name), zero)?;
        let mut op = |what: &str, op: Box<dyn BinMiniOp>, a, b| {
            let name = format!("{}.{what}", self.name);
            TractResult::Ok(InferenceBinOp(op).wire(&name, model, &[a, b])?[0])
        };
        let above = op("above", Box::new(math::Max), input, zero)?;
        let below = op("below", Box::new(math::Min), input, zero)?;
        let below = op("sloped", Box::new(math::Mul), below, slope)?;
        Ok(tvec!(op("sum", Box::new(math::Add), above, below)?))
    }
}
