//! Constants, and operators that give numbers another shape or type.

use tract_core::internal::*;
use tract_core::ops::array::MultiBroadcastTo;
use tract_core::ops::cast::cast;
use tract_hir::internal::Expansion;
use tract_hir::ops as hir;

use super::super::onnx::datum_type;
#[cfg(test)]
use super::row::Case;
use super::row::{ANY, Growth, Operator};
use super::site::{Site, constant, shape, value};
#[cfg(test)]
use super::tests::ints;
#[cfg(test)]
use crate::model::onnx::Value;

/// The largest number of numbers that `ConstantOfShape`, or `Expand` of a constant, may make.
/// [`Listed`](Growth::Listed) counts as many if the shape is not in the file itself.
pub(in crate::model::file) const MAX_FILLED: usize = 1 << 20;

pub(super) const OPERATORS: &[Operator] = &[
    Operator {
        name: "Cast",
        inputs: (1, 1),
        attributes: &["to"],
        bounds: "numbers",
        growth: Growth::Same,
        wire: |s, m| {
            let to = datum_type(s.node.int("to")?.context("the attribute to is missing")?)?;
            m.wire_node(s.name, cast(to), &[s.input(0)?])
        },
        #[cfg(test)]
        cases: &[Case::Graph(|g, x| {
            let whole = g.node("Cast", &[x], &[("to", Value::Int(6))]);
            g.node("Cast", &[&whole], &[("to", Value::Int(1))])
        })],
    },
    Operator {
        name: "Concat",
        inputs: (1, ANY),
        attributes: &["axis"],
        bounds: "",
        growth: Growth::Sum,
        wire: |s, m| s.concat(m),
        #[cfg(test)]
        cases: &[Case::Graph(|g, x| {
            let tanh = g.node("Tanh", &[x], &[]);
            g.node("Concat", &[x, &tanh, x], &[("axis", Value::Int(-3))])
        })],
    },
    Operator {
        name: "Constant",
        inputs: (0, 0),
        attributes: &["value", "value_float", "value_floats", "value_int", "value_ints"],
        bounds: "numbers",
        growth: Growth::Attribute,
        wire: |s, m| s.constant(m),
        #[cfg(test)]
        cases: &[
            Case::Graph(|g, x| {
                let half = g.node("Constant", &[], &[("value_float", Value::Float(0.5))]);
                g.add(x, &half)
            }),
            Case::Graph(|g, x| {
                let shape = g.node("Constant", &[], &[("value_ints", ints(&[4, -1]))]);
                g.node("Reshape", &[x, &shape], &[])
            }),
        ],
    },
    Operator {
        name: "ConstantOfShape",
        inputs: (1, 1),
        attributes: &["value"],
        bounds: "a shape that does not depend on what the picture shows, of at most a million numbers",
        growth: Growth::Listed,
        wire: |s, m| s.constant_of_shape(m),
        #[cfg(test)]
        cases: &[
            Case::Graph(|g, x| {
                let shape = g.integers(&[4, 1, 1]);
                let zeros = g.node("ConstantOfShape", &[&shape], &[]);
                let ones = g.node("Exp", &[&zeros], &[]);
                g.add(x, &ones)
            }),
            // The shape is that of the picture.
            Case::Graph(|g, x| {
                let shape = g.node("Shape", &[x], &[]);
                let zeros = g.node("ConstantOfShape", &[&shape], &[]);
                let ones = g.node("Exp", &[&zeros], &[]);
                g.add(x, &ones)
            }),
        ],
    },
    Operator {
        name: "Dropout",
        inputs: (1, 3),
        attributes: &["ratio", "seed"],
        bounds: "one output: changes nothing",
        growth: Growth::Same,
        wire: |s, _| {
            ensure!(s.node.output.len() == 1, "the mask of Dropout is not supported");
            Ok(tvec!(s.input(0)?))
        },
        #[cfg(test)]
        cases: &[Case::Alone],
    },
    Operator {
        name: "Expand",
        inputs: (2, 2),
        attributes: &[],
        bounds: "a constant shape; of a constant to at most a million numbers",
        growth: Growth::Listed,
        wire: |s, m| s.broadcast(m),
        #[cfg(test)]
        cases: &[
            Case::Graph(|g, x| {
                let mean = g.node("GlobalAveragePool", &[x], &[]);
                let shape = g.integers(&[2, 1, 4, 3, 3]);
                g.node("Expand", &[&mean, &shape], &[])
            }),
            // Returns the shape of a constant.
            Case::Graph(|g, x| {
                let (column, shape) = (g.constant(&[6, 1], &[0.5; 6]), g.integers(&[1, 4, 1, 8]));
                let wide = g.node("Expand", &[&column, &shape], &[]);
                g.add(x, &wide)
            }),
            Case::Graph(|g, x| {
                let (column, shape) = (g.constant(&[6, 1], &[0.5; 6]), g.node("Shape", &[x], &[]));
                let wide = g.node("Expand", &[&column, &shape], &[]);
                g.add(x, &wide)
            }),
        ],
    },
    Operator {
        name: "Flatten",
        inputs: (1, 1),
        attributes: &["axis"],
        bounds: "",
        growth: Growth::NoLarger,
        wire: |s, m| s.flatten(m),
        #[cfg(test)]
        cases: &[Case::Alone],
    },
    Operator {
        name: "Identity",
        inputs: (1, 1),
        attributes: &[],
        bounds: "",
        growth: Growth::Same,
        wire: |s, _| Ok(tvec!(s.input(0)?)),
        #[cfg(test)]
        cases: &[Case::Alone],
    },
    Operator {
        name: "Reshape",
        inputs: (2, 2),
        attributes: &["allowzero"],
        bounds: "a constant shape",
        growth: Growth::NoLarger,
        wire: |s, m| s.expand(m, hir::array::Reshape::new(s.node.flag("allowzero")?)),
        #[cfg(test)]
        cases: &[Case::Graph(|g, x| {
            let (zero, rest) = (g.integers(&[0]), g.integers(&[-1]));
            let shape = g.node("Shape", &[x], &[]);
            let first = g.node("Gather", &[&shape, &zero], &[]);
            let shape = g.node("Concat", &[&first, &rest], &[("axis", Value::Int(0))]);
            g.node("Reshape", &[x, &shape], &[])
        })],
    },
    Operator {
        name: "Shape",
        inputs: (1, 1),
        attributes: &["end", "start"],
        bounds: "",
        growth: Growth::Few,
        wire: |s, m| s.shape(m),
        #[cfg(test)]
        cases: &[Case::Graph(|g, x| {
            let shape = g.node("Shape", &[x], &[("start", Value::Int(1)), ("end", Value::Int(-1))]);
            let shape = g.node("Cast", &[&shape], &[("to", Value::Int(1))]);
            let mean = g.node("GlobalAveragePool", &[x], &[]);
            g.add(&mean, &shape)
        })],
    },
    Operator {
        name: "Squeeze",
        inputs: (1, 2),
        attributes: &["axes"],
        bounds: "constant axes",
        growth: Growth::NoLarger,
        wire: |s, m| s.squeeze(m),
        #[cfg(test)]
        cases: &[
            Case::Graph(|g, x| {
                let axes = g.integers(&[0]);
                g.node("Squeeze", &[x, &axes], &[])
            }),
            Case::InSet(11, |g, x| g.node("Squeeze", &[x], &[("axes", ints(&[0]))])),
        ],
    },
    Operator {
        name: "Transpose",
        inputs: (1, 1),
        attributes: &["perm"],
        bounds: "",
        growth: Growth::NoLarger,
        wire: |s, m| s.transpose(m),
        #[cfg(test)]
        cases: &[Case::Graph(|g, x| g.node("Transpose", &[x], &[("perm", ints(&[0, 2, 3, 1]))]))],
    },
    Operator {
        name: "Unsqueeze",
        inputs: (1, 2),
        attributes: &["axes"],
        bounds: "constant axes",
        growth: Growth::NoLarger,
        wire: |s, m| s.unsqueeze(m),
        #[cfg(test)]
        cases: &[
            Case::Graph(|g, x| {
                let axes = g.integers(&[-1, 1]);
                g.node("Unsqueeze", &[x, &axes], &[])
            }),
            Case::InSet(11, |g, x| g.node("Unsqueeze", &[x], &[("axes", ints(&[1, 3]))])),
        ],
    },
];

impl Site<'_> {
    fn constant(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
        let node = self.node;
        let value = if let Some(value) = node.tensor("value")? {
            value
        } else if let Some(value) = node.float("value_float")? {
            tensor0(value)
        } else if let Some(value) = node.int("value_int")? {
            tensor0(value)
        } else if let Some(values) = node.floats("value_floats")? {
            tensor1(values)
        } else if let Some(values) = node.ints("value_ints")? {
            tensor1(values)
        } else {
            bail!("the attribute value has no number")
        };
        Ok(tvec!(constant(model, self.name, value.into_arc_tensor())?))
    }

    fn constant_of_shape(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
        let shape = self.integers(model, 0)?.context("an input has no known shape")?;
        let shape: Vec<usize> = shape.into_iter().map(usize::try_from).collect::<Result<_, _>>()?;
        ensure_filled(&shape)?;
        let value = self.node.tensor("value")?.unwrap_or_else(|| tensor0(0f32));
        ensure!(
            value.len() == 1,
            "the value has shape {:?}, but it must be one number",
            value.shape()
        );
        let value = value.into_shape(&[])?.broadcast_scalar_to_shape(&shape)?;
        Ok(tvec!(constant(model, self.name, value.into_arc_tensor())?))
    }

    fn shape(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
        let shape = shape(model, self.input(0)?)?;
        let rank = shape.len() as i64;
        let place = |axis: i64| (if axis < 0 { axis + rank } else { axis }).clamp(0, rank);
        let start = place(self.int("start", 0)?);
        let end = place(self.int("end", rank)?).max(start);
        let shape: Vec<i64> =
            shape[start as usize..end as usize].iter().map(|dim| *dim as i64).collect();
        Ok(tvec!(constant(model, self.name, rctensor1(&shape))?))
    }

    fn concat(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
        let axis = self.node.int("axis")?.context("the attribute axis is missing")?;
        let first = shape(model, self.input(0)?)?;
        let axis = self.axis(axis, first.len())?;
        for wire in self.all() {
            let other = shape(model, wire)?;
            let fits = other.len() == first.len()
                && (0..first.len()).all(|i| i == axis || other[i] == first[i]);
            ensure!(fits, "shapes {first:?} and {other:?} differ on another axis than {axis}");
        }
        self.expand(model, hir::array::Concat::new(axis as i64))
    }

    fn flatten(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
        let rank = model.outlet_fact(self.input(0)?)?.rank() as i64;
        let axis = self.int("axis", 1)?;
        ensure!((-rank..=rank).contains(&axis), "axis {axis} is not among {rank} dimensions");
        self.expand(model, hir::array::Flatten::new(axis))
    }

    fn transpose(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
        let order = self.node.sizes("perm")?;
        if let Some(order) = &order {
            let rank = model.outlet_fact(self.input(0)?)?.rank();
            let mut sorted = order.clone();
            sorted.sort_unstable();
            ensure!(
                sorted.iter().copied().eq(0..rank),
                "the order {order:?} is not one of {rank} axes"
            );
        }
        self.expand(model, hir::array::PermuteAxes::new(order))
    }

    fn squeeze(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
        let input = self.input(0)?;
        let shape = shape(model, input)?;
        let mut axes = match self.listed(model, 1, "axes")? {
            Some(axes) => axes
                .into_iter()
                .map(|axis| self.axis(axis, shape.len()))
                .collect::<TractResult<Vec<usize>>>()?,
            None => (0..shape.len()).filter(|axis| shape[*axis] == 1).collect(),
        };
        axes.sort_unstable();
        axes.dedup();
        ensure!(
            axes.iter().all(|axis| shape[*axis] == 1),
            "axes {axes:?} of shape {shape:?} cannot be removed: they must have size 1"
        );
        let axes = axes.into_iter().map(|axis| axis as isize).collect();
        hir::array::Squeeze::new(Some(axes)).wire(self.name, model, &[input])
    }

    fn unsqueeze(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
        let input = self.input(0)?;
        let axes = self.listed(model, 1, "axes")?.context("the axes are missing")?;
        let rank = model.outlet_fact(input)?.rank() + axes.len();
        let axes = axes
            .into_iter()
            .map(|axis| Ok(self.axis(axis, rank)? as isize))
            .collect::<TractResult<_>>()?;
        hir::array::AddDims::new(axes).wire(self.name, model, &[input])
    }

    /// The operator `Expand`.
    fn broadcast(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
        let input = self.input(0)?;
        let to = self.integers(model, 1)?.context("an input has no known shape")?;
        let to: TVec<usize> = to.into_iter().map(usize::try_from).collect::<Result<_, _>>()?;
        let own: TVec<usize> = shape(model, input)?.into();
        let to = tract_core::broadcast::multi_broadcast(&[own, to])?;
        if value(model, input).is_some() {
            ensure_filled(&to)?;
        }
        let to: TVec<TDim> = to.iter().map(|dim| dim.to_dim()).collect();
        let rank = model.outlet_fact(input)?.rank();
        let mut wire = input;
        for i in rank..to.len() {
            let name = format!("{}.axis{i}", self.name);
            wire = model.wire_node(name, AxisOp::Add(0), &[wire])?[0];
        }
        model.wire_node(self.name, MultiBroadcastTo::new(to.into()), &[wire])
    }
}

fn ensure_filled(shape: &[usize]) -> TractResult<()> {
    let count = shape.iter().try_fold(1usize, |count, dim| count.checked_mul(*dim));
    ensure!(count.is_some_and(|count| count <= MAX_FILLED), "a constant of {shape:?} is too large");
    Ok(())
}
