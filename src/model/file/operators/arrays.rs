//! Constants, and operators that move numbers without changing them.

use tract_core::internal::*;
use tract_core::ops::array::{MultiBroadcastTo, Pad, PadMode, Slice};
use tract_core::ops::downsample::Downsample;
use tract_core::ops::nn::resize::{CoordTransformer, Interpolator, Nearest, Resize};
use tract_hir::internal::Expansion;
use tract_hir::ops as hir;

use super::{Site, constant, value};

/// Widest border that `Pad` may add; no picture needs more.
const MAX_PAD: i64 = 1 << 12;

fn shape(model: &TypedModel, wire: OutletId) -> TractResult<Vec<usize>> {
    let fact = model.outlet_fact(wire)?;
    Ok(fact.shape.as_concrete().context("a size that is not known")?.to_vec())
}

impl Site<'_> {
    pub(super) fn constant(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
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
            bail!("no number is given")
        };
        Ok(tvec!(constant(model, self.name, value.into_arc_tensor())?))
    }

    pub(super) fn constant_of_shape(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
        let shape = self.integers(model, 0)?.context("no shape")?;
        let shape: Vec<usize> = shape.into_iter().map(usize::try_from).collect::<Result<_, _>>()?;
        let value = self.node.tensor("value")?.unwrap_or_else(|| tensor0(0f32));
        ensure!(value.len() == 1, "a value of {:?}", value.shape());
        let value = value.into_shape(&[])?.broadcast_scalar_to_shape(&shape)?;
        Ok(tvec!(constant(model, self.name, value.into_arc_tensor())?))
    }

    pub(super) fn shape(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
        let shape = shape(model, self.input(0)?)?;
        let rank = shape.len() as i64;
        let place = |axis: i64| (if axis < 0 { axis + rank } else { axis }).clamp(0, rank);
        let start = place(self.int("start", 0)?);
        let end = place(self.int("end", rank)?).max(start);
        let shape: Vec<i64> =
            shape[start as usize..end as usize].iter().map(|dim| *dim as i64).collect();
        Ok(tvec!(constant(model, self.name, rctensor1(&shape))?))
    }

    pub(super) fn concat(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
        let axis = self.node.int("axis")?.context("no axis")?;
        let first = shape(model, self.input(0)?)?;
        let axis = self.axis(axis, first.len())?;
        for wire in self.all() {
            let other = shape(model, wire)?;
            let fits = other.len() == first.len()
                && (0..first.len()).all(|i| i == axis || other[i] == first[i]);
            ensure!(fits, "{other:?} does not fit {first:?} but for axis {axis}");
        }
        self.expand(model, hir::array::Concat::new(axis as i64))
    }

    pub(super) fn flatten(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
        let rank = model.outlet_fact(self.input(0)?)?.rank() as i64;
        let axis = self.int("axis", 1)?;
        ensure!((-rank..=rank).contains(&axis), "axis {axis} of {rank} dimensions");
        self.expand(model, hir::array::Flatten::new(axis))
    }

    pub(super) fn transpose(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
        let order = self.node.sizes("perm")?;
        if let Some(order) = &order {
            let rank = model.outlet_fact(self.input(0)?)?.rank();
            let mut sorted = order.clone();
            sorted.sort_unstable();
            ensure!(sorted.iter().copied().eq(0..rank), "an order of {order:?} for {rank} axes");
        }
        self.expand(model, hir::array::PermuteAxes::new(order))
    }

    pub(super) fn squeeze(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
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
        ensure!(axes.iter().all(|axis| shape[*axis] == 1), "axes {axes:?} of {shape:?}");
        let axes = axes.into_iter().map(|axis| axis as isize).collect();
        hir::array::Squeeze::new(Some(axes)).wire(self.name, model, &[input])
    }

    pub(super) fn unsqueeze(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
        let input = self.input(0)?;
        let axes = self.listed(model, 1, "axes")?.context("no axes")?;
        let rank = model.outlet_fact(input)?.rank() + axes.len();
        let axes = axes
            .into_iter()
            .map(|axis| Ok(self.axis(axis, rank)? as isize))
            .collect::<TractResult<_>>()?;
        hir::array::AddDims::new(axes).wire(self.name, model, &[input])
    }

    pub(super) fn split(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
        let input = self.input(0)?;
        let shape = shape(model, input)?;
        let axis = self.axis(self.int("axis", 0)?, shape.len())?;
        let count = self.node.output.len();
        let parts = match self.listed(model, 1, "split")? {
            Some(parts) => parts.into_iter().map(usize::try_from).collect::<Result<Vec<_>, _>>()?,
            None => {
                // Equal parts, of which the last may be smaller.
                let each = shape[axis].div_ceil(count);
                (0..count).map(|i| each.min(shape[axis].saturating_sub(i * each))).collect()
            }
        };
        let sum = parts.iter().fold(0usize, |sum, part| sum.saturating_add(*part));
        ensure!(
            parts.len() == count && sum == shape[axis] && !parts.contains(&0),
            "parts of {parts:?} for {count} outputs of {}",
            shape[axis]
        );
        hir::array::Split::new(axis as isize, count, Some(parts)).wire(self.name, model, &[input])
    }

    pub(super) fn slice(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
        let starts = self.listed(model, 1, "starts")?.context("no starts")?;
        let ends = self.listed(model, 2, "ends")?.context("no ends")?;
        let count = starts.len();
        let axes = self.listed(model, 3, "axes")?.unwrap_or_else(|| (0..count as i64).collect());
        let steps = self.integers(model, 4)?.unwrap_or_else(|| vec![1; count]);
        ensure!([ends.len(), axes.len(), steps.len()] == [count; 3], "lists of several lengths");
        let mut wire = self.input(0)?;
        for i in 0..count {
            let shape = shape(model, wire)?;
            let axis = self.axis(axes[i], shape.len())?;
            ensure!(steps[i] > 0, "a step of {} is not supported", steps[i]);
            let dim = shape[axis] as i64;
            let place = |at: i64| (if at < 0 { at.saturating_add(dim) } else { at }).clamp(0, dim);
            let (start, end) = (place(starts[i]) as usize, place(ends[i]) as usize);
            ensure!(start < end, "nothing from {start} to {end}");
            let name = format!("{}.{i}", self.name);
            wire = model.wire_node(name, Slice::new(axis, start, end), &[wire])?[0];
            if steps[i] > 1 {
                let step = Downsample::new(axis, isize::try_from(steps[i])?, 0);
                wire = model.wire_node(format!("{}.{i}.step", self.name), step, &[wire])?[0];
            }
        }
        Ok(tvec!(wire))
    }

    pub(super) fn pad(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
        let input = self.input(0)?;
        let fact = model.outlet_fact(input)?.clone();
        let rank = fact.rank();
        let pads = self.listed(model, 1, "pads")?.context("no pads")?;
        let axes = self.integers(model, 3)?.unwrap_or_else(|| (0..rank as i64).collect());
        ensure!(pads.len() == 2 * axes.len(), "{} pads for {} axes", pads.len(), axes.len());
        ensure!(pads.iter().all(|pad| (0..=MAX_PAD).contains(pad)), "pads of {pads:?}");
        let mut each = vec![(0, 0); rank];
        for (i, axis) in axes.iter().enumerate() {
            each[self.axis(*axis, rank)?] = (pads[i] as usize, pads[i + axes.len()] as usize);
        }
        let mode = match self.text("mode", "constant")? {
            "constant" => {
                let fill = match self.optional(2) {
                    Some(wire) => value(model, wire).context("a fill that is not constant")?,
                    None => rctensor0(self.float("value", 0.0)?),
                };
                ensure!(fill.len() == 1, "a fill of {:?}", fill.shape());
                let fill = fill.cast_to_dt(fact.datum_type)?.into_owned().into_shape(&[])?;
                PadMode::Constant(fill.into_arc_tensor())
            }
            "reflect" => PadMode::Reflect,
            "edge" => PadMode::Edge,
            other => bail!("mode {other:?}"),
        };
        model.wire_node(self.name, Pad::new(each, mode), &[input])
    }

    /// The operator `Expand`.
    pub(super) fn broadcast(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
        let input = self.input(0)?;
        let to = self.integers(model, 1)?.context("no shape")?;
        let to: TVec<usize> = to.into_iter().map(usize::try_from).collect::<Result<_, _>>()?;
        let own: TVec<usize> = shape(model, input)?.into();
        let to = tract_core::broadcast::multi_broadcast(&[own, to])?;
        let to: TVec<TDim> = to.iter().map(|dim| dim.to_dim()).collect();
        let rank = model.outlet_fact(input)?.rank();
        let mut wire = input;
        for i in rank..to.len() {
            let name = format!("{}.axis{i}", self.name);
            wire = model.wire_node(name, AxisOp::Add(0), &[wire])?[0];
        }
        model.wire_node(self.name, MultiBroadcastTo::new(to.into()), &[wire])
    }

    pub(super) fn resize(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
        const ODD: [&str; 6] = [
            "antialias",
            "axes",
            "cubic_coeff_a",
            "exclude_outside",
            "extrapolation_value",
            "keep_aspect_ratio_policy",
        ];
        for attribute in &self.node.attribute {
            let name = attribute.name.as_str();
            let usual = match name {
                "cubic_coeff_a" => attribute.f == -0.75,
                "antialias" | "exclude_outside" => attribute.i == 0,
                "extrapolation_value" => true,
                "keep_aspect_ratio_policy" => attribute.s == b"stretch",
                _ => !ODD.contains(&name),
            };
            ensure!(usual, "{name} is not supported");
        }
        // The first version has scales alone.
        let (scales, sizes) = if self.opset < 11 { (1, None) } else { (2, Some(3)) };
        // An empty list stands for none.
        let given = |index: usize| {
            self.optional(index).filter(|wire| value(model, *wire).is_none_or(|v| v.len() > 0))
        };
        let scales = given(scales);
        let sizes = sizes.and_then(given).filter(|_| scales.is_none());
        let by = scales.or(sizes).context("neither scales nor sizes")?;
        let by_value = value(model, by).context("scales or sizes that are not constant")?;
        let shape = shape(model, self.input(0)?)?;
        ensure!(by_value.len() == shape.len(), "{} scales for {shape:?}", by_value.len());
        let place = if self.opset < 11 { "asymmetric" } else { "half_pixel" };
        let place = self.text("coordinate_transformation_mode", place)?;
        let interpolator = Interpolator::parse(self.text("mode", "nearest")?)?;
        let nearest = match self.text("nearest_mode", "round_prefer_floor")? {
            "floor" => Nearest::Floor,
            "round_prefer_ceil" => Nearest::RoundPreferCeil,
            _ if interpolator != Interpolator::Nearest => Nearest::Floor,
            // At whole scales no pixel's middle is halfway between two, so ties do not matter.
            "round_prefer_floor" if place == "half_pixel" && scales.is_some() => {
                let scales = by_value.cast_to::<f32>()?;
                let scales = scales.try_as_plain_ram()?.as_slice::<f32>()?.to_vec();
                let whole = scales.iter().all(|scale| *scale >= 1.0 && scale.fract() == 0.0);
                ensure!(whole, "ties of scales {scales:?} are not supported");
                Nearest::RoundPreferCeil
            }
            other => bail!("nearest_mode {other:?} of {place:?} is not supported"),
        };
        let op = Resize {
            coord_transformer: CoordTransformer::parse(place)?,
            interpolator,
            nearest,
            optional_scales_input: scales.map(|_| 1),
            optional_sizes_input: sizes.map(|_| 1),
        };
        model.wire_node(self.name, op, &[self.input(0)?, by])
    }
}
