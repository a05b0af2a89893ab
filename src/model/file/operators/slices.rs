//! Operators that take parts of an array, or that put numbers around or between its numbers.

use tract_core::internal::*;
use tract_core::ops::array::{Pad, PadMode, Slice};
use tract_core::ops::downsample::Downsample;
use tract_core::ops::nn::resize::{CoordTransformer, Interpolator, Nearest, Resize};
use tract_hir::internal::Expansion;
use tract_hir::ops as hir;

#[cfg(test)]
use super::row::Case;
use super::row::{Growth, Operator};
use super::site::{Site, shape, value};
#[cfg(test)]
use super::tests::ints;
#[cfg(test)]
use crate::model::onnx::{Onnx, Value};

/// The widest border that `Pad` may add. No picture needs more.
const MAX_PAD: i64 = 1 << 12;

pub(super) const OPERATORS: &[Operator] = &[
    Operator {
        name: "Gather",
        inputs: (2, 2),
        attributes: &["axis"],
        bounds: "",
        growth: Growth::Product,
        wire: |s, m| {
            let rank = m.outlet_fact(s.input(0)?)?.rank();
            let axis = s.axis(s.int("axis", 0)?, rank)?;
            s.expand(m, hir::array::Gather::new(axis as i64))
        },
        #[cfg(test)]
        cases: &[Case::Graph(|g, x| {
            let rows = g.integers(&[2, 0, 5]);
            g.node("Gather", &[x, &rows], &[("axis", Value::Int(2))])
        })],
    },
    Operator {
        name: "Pad",
        inputs: (1, 4),
        attributes: &["mode", "pads", "value"],
        bounds: "constant pads of 0 to 4096; constant, reflect or edge",
        growth: Growth::Unbounded,
        wire: |s, m| s.pad(m),
        #[cfg(test)]
        cases: &[
            Case::Graph(|g, x| {
                let (pads, fill) = (g.integers(&[0, 0, 1, 2, 0, 1, 3, 0]), g.constant(&[], &[0.5]));
                g.node("Pad", &[x, &pads, &fill], &[])
            }),
            Case::Graph(|g, x| {
                let pads = g.integers(&[0, 0, 1, 2, 0, 0, 3, 0]);
                g.node("Pad", &[x, &pads], &[("mode", Value::Text("reflect"))])
            }),
            Case::InSet(10, |g, x| {
                g.node("Pad", &[x], &[("pads", ints(&[0, 0, 1, 1, 0, 0, 2, 0]))])
            }),
        ],
    },
    Operator {
        name: "Resize",
        inputs: (1, 4),
        attributes: &[
            "antialias",
            "coordinate_transformation_mode",
            "cubic_coeff_a",
            "exclude_outside",
            "extrapolation_value",
            "keep_aspect_ratio_policy",
            "mode",
            "nearest_mode",
        ],
        bounds: "constant scales or sizes; rare attributes as they are by default",
        growth: Growth::Unbounded,
        wire: |s, m| s.resize(m),
        #[cfg(test)]
        cases: &[
            Case::Graph(|g, x| scaled(g, x, "nearest", "asymmetric", "floor")),
            Case::Graph(|g, x| scaled(g, x, "nearest", "half_pixel", "round_prefer_floor")),
            Case::Graph(|g, x| scaled(g, x, "linear", "half_pixel", "round_prefer_floor")),
            Case::Graph(|g, x| scaled(g, x, "linear", "align_corners", "floor")),
            Case::Graph(|g, x| scaled(g, x, "cubic", "half_pixel", "round_prefer_floor")),
            Case::InSet(10, |g, x| {
                let scales = g.constant(&[4], &[1.0, 1.0, 2.0, 2.0]);
                g.node("Resize", &[x, &scales], &[("mode", Value::Text("linear"))])
            }),
        ],
    },
    Operator {
        name: "Slice",
        inputs: (1, 5),
        attributes: &["axes", "ends", "starts"],
        bounds: "constant places; steps above 0",
        growth: Growth::NoLarger,
        wire: |s, m| s.slice(m),
        #[cfg(test)]
        cases: &[
            Case::Graph(|g, x| {
                let [starts, ends, axes, steps] =
                    [[1, -4], [i64::MAX, 100], [-2, 3], [2, 1]].map(|list| g.integers(&list));
                g.node("Slice", &[x, &starts, &ends, &axes, &steps], &[])
            }),
            Case::InSet(9, |g, x| {
                let more = [("starts", ints(&[1])), ("ends", ints(&[-1])), ("axes", ints(&[2]))];
                g.node("Slice", &[x], &more)
            }),
        ],
    },
    Operator {
        name: "Split",
        inputs: (1, 2),
        attributes: &["axis", "num_outputs", "split"],
        bounds: "constant parts, none empty",
        growth: Growth::NoLarger,
        wire: |s, m| s.split(m),
        #[cfg(test)]
        cases: &[Case::Graph(|g, x| {
            let parts = g.integers(&[1, 3]);
            let first = g.node("Split", &[x, &parts], &[("axis", Value::Int(1))]);
            g.last_node().output.push("rest".into());
            let wire = g.node("Relu", &["rest"], &[]);
            g.add(&first, &wire)
        })],
    },
];

/// Tests that enlarge a picture two and three times.
#[cfg(test)]
fn scaled(
    graph: &mut Onnx,
    picture: &str,
    mode: &'static str,
    place: &'static str,
    nearest: &'static str,
) -> String {
    let scales = graph.constant(&[4], &[1.0, 1.0, 2.0, 3.0]);
    let more = [
        ("mode", Value::Text(mode)),
        ("coordinate_transformation_mode", Value::Text(place)),
        ("nearest_mode", Value::Text(nearest)),
    ];
    graph.node("Resize", &[picture, "", &scales], &more)
}

impl Site<'_> {
    fn split(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
        let input = self.input(0)?;
        let shape = shape(model, input)?;
        let axis = self.axis(self.int("axis", 0)?, shape.len())?;
        let count = self.node.output.len();
        let parts = match self.listed(model, 1, "split")? {
            Some(parts) => parts.into_iter().map(usize::try_from).collect::<Result<Vec<_>, _>>()?,
            None => {
                // The parts are equal, except that the last may be smaller.
                let each = shape[axis].div_ceil(count);
                (0..count).map(|i| each.min(shape[axis].saturating_sub(i * each))).collect()
            }
        };
        let sum = parts.iter().fold(0usize, |sum, part| sum.saturating_add(*part));
        ensure!(
            parts.len() == count && sum == shape[axis] && !parts.contains(&0),
            "parts of {parts:?} do not fit {count} outputs of {}",
            shape[axis]
        );
        hir::array::Split::new(axis as isize, count, Some(parts)).wire(self.name, model, &[input])
    }

    fn slice(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
        let starts = self.listed(model, 1, "starts")?.context("the starts are missing")?;
        let ends = self.listed(model, 2, "ends")?.context("the ends are missing")?;
        let count = starts.len();
        let axes = self.listed(model, 3, "axes")?.unwrap_or_else(|| (0..count as i64).collect());
        let steps = self.integers(model, 4)?.unwrap_or_else(|| vec![1; count]);
        ensure!(
            [ends.len(), axes.len(), steps.len()] == [count; 3],
            "starts, ends, axes and steps have different lengths"
        );
        let mut wire = self.input(0)?;
        let places = starts.into_iter().zip(ends).zip(axes.into_iter().zip(steps));
        for (i, ((start, end), (axis, step))) in places.enumerate() {
            let shape = shape(model, wire)?;
            let axis = self.axis(axis, shape.len())?;
            ensure!(step > 0, "a step of {step} is not supported");
            let dim = shape[axis] as i64;
            let place = |at: i64| (if at < 0 { at.saturating_add(dim) } else { at }).clamp(0, dim);
            let (start, end) = (place(start) as usize, place(end) as usize);
            ensure!(start < end, "nothing lies from {start} to {end}");
            let name = format!("{}.{i}", self.name);
            wire = model.wire_node(name, Slice::new(axis, start, end), &[wire])?[0];
            if step > 1 {
                let step = Downsample::new(axis, isize::try_from(step)?, 0);
                wire = model.wire_node(format!("{}.{i}.step", self.name), step, &[wire])?[0];
            }
        }
        Ok(tvec!(wire))
    }

    fn pad(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
        let input = self.input(0)?;
        let fact = model.outlet_fact(input)?.clone();
        let rank = fact.rank();
        let pads = self.listed(model, 1, "pads")?.context("the pads are missing")?;
        let axes = self.integers(model, 3)?.unwrap_or_else(|| (0..rank as i64).collect());
        ensure!(pads.len() == 2 * axes.len(), "{} pads do not fit {} axes", pads.len(), axes.len());
        ensure!(
            pads.iter().all(|pad| (0..=MAX_PAD).contains(pad)),
            "pads of {pads:?} are not supported"
        );
        let mut each = vec![(0, 0); rank];
        // The pads before each axis come first, then those after each axis.
        let (before, after) = pads.split_at(axes.len());
        for ((axis, before), after) in axes.iter().zip(before).zip(after) {
            each[self.axis(*axis, rank)?] = (*before as usize, *after as usize);
        }
        let mode = match self.text("mode", "constant")? {
            "constant" => {
                let fill = match self.optional(2) {
                    Some(wire) => value(model, wire).context("the fill value is not constant")?,
                    None => rctensor0(self.float("value", 0.0)?),
                };
                ensure!(
                    fill.len() == 1,
                    "the fill value has shape {:?}, but it must be one number",
                    fill.shape()
                );
                let fill = fill.cast_to_dt(fact.datum_type)?.into_owned().into_shape(&[])?;
                PadMode::Constant(fill.into_arc_tensor())
            }
            "reflect" => PadMode::Reflect,
            "edge" => PadMode::Edge,
            other => bail!("mode {other:?} is not supported"),
        };
        model.wire_node(self.name, Pad::new(each, mode), &[input])
    }

    fn resize(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
        for attribute in &self.node.attribute {
            let name = attribute.name.as_str();
            let usual = match name {
                "cubic_coeff_a" => attribute.f == -0.75,
                "antialias" | "exclude_outside" => attribute.i == 0,
                "extrapolation_value" => true,
                "keep_aspect_ratio_policy" => attribute.s == b"stretch",
                _ => true,
            };
            ensure!(usual, "{name} is not supported");
        }
        // The first version of the operator knows only scales.
        let (scales, sizes) = if self.opset < 11 { (1, None) } else { (2, Some(3)) };
        // An empty list stands for none.
        let given = |index: usize| {
            self.optional(index).filter(|wire| value(model, *wire).is_none_or(|v| v.len() > 0))
        };
        let scales = given(scales);
        let sizes = sizes.and_then(given).filter(|_| scales.is_none());
        let by = scales.or(sizes).context("scales and sizes are both missing")?;
        let by_value = value(model, by).context("scales or sizes are not constant")?;
        let shape = shape(model, self.input(0)?)?;
        ensure!(
            by_value.len() == shape.len(),
            "{} scales do not fit the shape {shape:?}",
            by_value.len()
        );
        let place = if self.opset < 11 { "asymmetric" } else { "half_pixel" };
        let place = self.text("coordinate_transformation_mode", place)?;
        let interpolator = Interpolator::parse(self.text("mode", "nearest")?)?;
        let rounded = if self.opset < 11 { "floor" } else { "round_prefer_floor" };
        let nearest = match self.text("nearest_mode", rounded)? {
            "floor" => Nearest::Floor,
            "round_prefer_ceil" => Nearest::RoundPreferCeil,
            _ if interpolator != Interpolator::Nearest => Nearest::Floor,
            // At whole scales no pixel's middle is halfway between two, so ties do not matter.
            "round_prefer_floor" if place == "half_pixel" && scales.is_some() => {
                let scales = by_value.cast_to::<f32>()?;
                let scales = scales.try_as_plain_ram()?.as_slice::<f32>()?.to_vec();
                let whole = scales.iter().all(|scale| *scale >= 1.0 && scale.fract() == 0.0);
                ensure!(whole, "scales {scales:?} round halves, which is not supported");
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
