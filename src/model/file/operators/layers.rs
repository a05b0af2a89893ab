//! Convolutions, pools, matrices and activations.

use tract_core::internal::*;
use tract_core::ops::cnn::{PaddingSpec, PoolSpec};
use tract_core::ops::einsum::EinSum;
use tract_core::ops::{binary::BinMiniOp, math, nn};
use tract_hir::internal::Expansion;
use tract_hir::ops as hir;
use tract_hir::ops::binary::{InferenceBinOp, wire_cast, wire_rank_broadcast};
use tract_hir::ops::nn::Reducer;

use super::{Site, value};

impl Site<'_> {
    fn padding(&self, pooling: bool) -> TractResult<PaddingSpec> {
        let up = self.node.flag("ceil_mode")?;
        let explicit = |before: TVec<usize>, after: TVec<usize>| {
            if pooling {
                PaddingSpec::ExplicitOnnxPool(before, after, up)
            } else {
                PaddingSpec::Explicit(before, after)
            }
        };
        if let Some(pads) = self.node.sizes("pads")? {
            let (before, after) = pads.split_at(pads.len() / 2);
            return Ok(explicit(before.into(), after.into()));
        }
        Ok(match self.text("auto_pad", "NOTSET")? {
            "NOTSET" => match self.node.ints("kernel_shape")? {
                Some(shape) => explicit(tvec!(0; shape.len()), tvec!(0; shape.len())),
                None => PaddingSpec::Valid,
            },
            "VALID" => PaddingSpec::Valid,
            "SAME_UPPER" => PaddingSpec::SameUpper,
            "SAME_LOWER" => PaddingSpec::SameLower,
            other => bail!("auto_pad is {other:?}"),
        })
    }

    /// Strides or dilations: none, or one that is not zero for each of the picture's axes.
    fn steps(&self, name: &str, axes: usize) -> TractResult<Option<TVec<usize>>> {
        let steps = self.node.sizes(name)?;
        let right = |steps: &TVec<usize>| steps.len() == axes && !steps.contains(&0);
        ensure!(steps.as_ref().is_none_or(right), "{name} are {steps:?}, for {axes} axes");
        Ok(steps)
    }

    pub(super) fn pool(&self, model: &TypedModel) -> TractResult<PoolSpec> {
        let kernel = self.node.sizes("kernel_shape")?.context("no kernel_shape")?;
        let rank = model.outlet_fact(self.input(0)?)?.rank();
        ensure!(rank == kernel.len() + 2, "a window of {kernel:?} on {rank} dimensions");
        let dilations = self.steps("dilations", kernel.len())?;
        let strides = self.steps("strides", kernel.len())?;
        let padding = self.padding(true)?;
        Ok(PoolSpec::new(nn::DataFormat::NCHW, kernel, padding, dilations, strides, 0, 0))
    }

    pub(super) fn conv(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
        let kernel_shape = self.node.sizes("kernel_shape")?;
        let input = model.outlet_fact(self.input(0)?)?;
        let kernel = model.outlet_fact(self.input(1)?)?;
        let shape = kernel.shape.as_concrete().context("a kernel whose size is not known")?;
        let (on, kind) = (&input.shape, input.datum_type);
        ensure!(shape.len() > 2 && input.rank() == shape.len(), "a kernel of {shape:?} on {on:?}");
        ensure!(kind.is_float() && kernel.datum_type == kind, "a kernel of another type");
        if let Some(claimed) = &kernel_shape {
            ensure!(claimed[..] == shape[2..], "kernel_shape is {claimed:?}, weights {shape:?}");
        }
        if let Some(bias) = self.optional(2) {
            let bias = &model.outlet_fact(bias)?.shape;
            ensure!(bias.as_concrete() == Some(&shape[..1]), "a bias of {bias:?} for {shape:?}");
        }
        let group = self.node.int("group")?.map_or(Ok(1), usize::try_from)?;
        ensure!(group > 0 && shape[0] % group == 0, "{group} groups of {} channels", shape[0]);
        let axes = shape.len() - 2;
        let op = hir::cnn::Conv {
            kernel_shape,
            padding: self.padding(false)?,
            dilations: self.steps("dilations", axes)?,
            strides: self.steps("strides", axes)?,
            group: Some(group),
            bias_input: self.optional(2).map(|_| 2),
            ..Default::default()
        };
        self.expand(model, op)
    }

    pub(super) fn gemm(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
        let (a, b) = (self.input(0)?, self.input(1)?);
        for wire in [a, b] {
            let fact = model.outlet_fact(wire)?;
            ensure!(fact.rank() == 2, "a matrix of {:?}", fact.shape);
        }
        let turned = (self.node.flag("transA")?, self.node.flag("transB")?);
        let axes = AxesMapping::for_numpy_matmul(2, turned.0, turned.1, false)?;
        let op = EinSum::new(axes, model.outlet_fact(a)?.datum_type);
        let product = model.wire_node(format!("{}.product", self.name), op, &[a, b])?[0];
        let product = self.times(model, product, "alpha")?;
        let Some(c) = self.optional(2) else { return Ok(tvec!(product)) };
        let c = self.times(model, c, "beta")?;
        InferenceBinOp(Box::new(math::Add)).wire(self.name, model, &[product, c])
    }

    /// Times a factor that is an attribute, 1 unless given.
    fn times(&self, model: &mut TypedModel, wire: OutletId, by: &str) -> TractResult<OutletId> {
        let factor = self.float(by, 1.0)?;
        if factor == 1.0 {
            return Ok(wire);
        }
        let factor = model.add_const(format!("{}.{by}", self.name), tensor0(factor))?;
        let name = format!("{}.times_{by}", self.name);
        Ok(InferenceBinOp(Box::new(math::Mul)).wire(&name, model, &[wire, factor])?[0])
    }

    pub(super) fn batch_normalization(
        &self,
        model: &mut TypedModel,
    ) -> TractResult<TVec<OutletId>> {
        ensure!(self.node.output.len() == 1, "statistics are not given, as they are in training");
        let epsilon = self.float("epsilon", 1e-5)?;
        let fact = model.outlet_fact(self.input(0)?)?;
        let (rank, kind) = (fact.rank(), fact.datum_type);
        let channels = fact.shape.as_concrete().and_then(|shape| shape.get(1).copied());
        let mut lists = Vec::new();
        for index in 1..5 {
            let list = value(model, self.input(index)?).context("a parameter is not constant")?;
            let list = list.cast_to::<f32>()?.try_as_plain_ram()?.as_slice::<f32>()?.to_vec();
            ensure!(Some(list.len()) == channels, "{} numbers for {channels:?}", list.len());
            lists.push(list);
        }
        let [scale, bias, mean, variance] = &lists[..] else { bail!("parameters are missing") };
        let slope: Vec<f32> =
            scale.iter().zip(variance).map(|(s, v)| s / (v + epsilon).sqrt()).collect();
        let offset: Vec<f32> =
            bias.iter().zip(mean).zip(&slope).map(|((b, m), s)| b - m * s).collect();
        let mut shape = vec![1; rank];
        shape[1] = slope.len();
        let list = |model: &mut TypedModel, what: &str, list: &[f32]| {
            let list = tensor1(list).cast_to_dt(kind)?.into_owned().into_shape(&shape)?;
            model.add_const(format!("{}.{what}", self.name), list)
        };
        let (slope, offset) = (list(model, "slope", &slope)?, list(model, "offset", &offset)?);
        let name = format!("{}.scaled", self.name);
        let wire = model.wire_node(name, math::mul(), &[self.input(0)?, slope])?[0];
        model.wire_node(self.name, math::add(), &[wire, offset])
    }

    pub(super) fn clip(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
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

    pub(super) fn pow(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
        let inputs = [self.input(0)?, self.input(1)?];
        let to = model.outlet_fact(inputs[0])?.datum_type;
        ensure!(to.is_float(), "powers of {to:?} are not supported");
        let wires = wire_rank_broadcast(self.name, model, &inputs)?;
        let wires = wire_cast(self.name, model, &wires, to)?;
        model.wire_node(self.name, math::pow(), &wires)
    }

    /// `max(x, 0) + slope * min(x, 0)`, which runs on vectors; a choice is made number by number.
    pub(super) fn prelu(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
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

    pub(super) fn reduce(
        &self,
        model: &mut TypedModel,
        by: Reducer,
    ) -> TractResult<TVec<OutletId>> {
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
