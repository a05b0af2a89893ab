//! ONNX operators as the engine's own.
//!
//! tract-onnx reads every operator there is, and its table keeps the code of all of them in the library: a quarter of its size.
//! Here are those that networks on pictures are made of. What is not here, or not in this form, is refused, and
//! then left to tract-onnx where the feature `all-operators` is on.
//!
//! The size of the picture is known before anything is read, so each operator goes straight into the typed graph: nothing
//! has to be inferred backwards.

mod arrays;
mod layers;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use tract_core::internal::*;
use tract_core::ops::cast::cast;
use tract_core::ops::{binary::BinMiniOp, element_wise::ElementWiseOp, logic, math, nn};
use tract_hir::internal::Expansion;
use tract_hir::ops as hir;
use tract_hir::ops::nn::Reducer;

use super::onnx::{GraphProto, NodeProto, datum_type};

/// The typed graph that gives `outputs` from one picture, `fact`. What no output depends on is left out.
pub(super) fn build(
    graph: &GraphProto,
    opset: i64,
    picture: (&str, TypedFact),
    outputs: &[&str],
) -> TractResult<TypedModel> {
    let mut model = TypedModel::default();
    let mut wires: HashMap<&str, OutletId> = HashMap::new();
    wires.insert(picture.0, model.add_source(picture.0, picture.1)?);

    let mut needed: HashSet<&str> = outputs.iter().copied().collect();
    let mut nodes: Vec<&NodeProto> = Vec::new();
    for node in graph.node.iter().rev() {
        if node.output.iter().any(|name| needed.contains(name.as_str())) {
            needed.extend(node.input.iter().map(String::as_str).filter(|name| !name.is_empty()));
            nodes.push(node);
        }
    }
    for proto in &graph.initializer {
        if needed.contains(proto.name.as_str()) && !wires.contains_key(proto.name.as_str()) {
            let wire = constant(&mut model, &proto.name, proto.read()?.into_arc_tensor())?;
            wires.insert(&proto.name, wire);
        }
    }
    for node in nodes.into_iter().rev() {
        let name = node.output.iter().find(|name| !name.is_empty()).map_or("", String::as_str);
        let inputs = node
            .input
            .iter()
            .map(|name| match (name.as_str(), wires.get(name.as_str())) {
                ("", _) => Ok(None),
                (_, Some(wire)) => Ok(Some(*wire)),
                (_, None) => bail!("reads {name:?}, which is not there"),
            })
            .collect::<TractResult<Vec<_>>>();
        let given = inputs
            .and_then(|inputs| place(&mut model, Site { node, opset, name, inputs }))
            .with_context(|| format!("node {:?} ({})", node.name, node.op_type))?;
        for (name, wire) in node.output.iter().zip(given).filter(|(name, _)| !name.is_empty()) {
            wires.insert(name, wire);
        }
    }
    let outputs = outputs
        .iter()
        .map(|name| wires.get(name).copied().with_context(|| format!("nothing gives {name:?}")))
        .collect::<TractResult<Vec<_>>>()?;
    model.select_output_outlets(&outputs)?;
    Ok(model)
}

/// Constants have names that no operator's parts have.
fn constant(model: &mut TypedModel, name: &str, value: Arc<Tensor>) -> TractResult<OutletId> {
    model.add_const(format!("={name}"), value)
}

/// Puts a node into the graph; one whose inputs are all constant is computed at once.
fn place(model: &mut TypedModel, mut site: Site<'_>) -> TractResult<TVec<OutletId>> {
    // Other domains have operators of the same names.
    let domain = &site.node.domain;
    ensure!(domain.is_empty() || domain == "ai.onnx", "operators of {domain:?} are not supported");
    let values: Option<Vec<Arc<Tensor>>> =
        site.inputs.iter().flatten().map(|wire| value(model, *wire)).collect();
    let Some(values) = values else {
        return site.wire(model);
    };
    let mut apart = TypedModel::default();
    for (i, (input, value)) in site.inputs.iter_mut().flatten().zip(values).enumerate() {
        *input = constant(&mut apart, &i.to_string(), value)?;
    }
    let wires = site.wire(&mut apart)?;
    apart.select_output_outlets(&wires)?;
    let computed = apart.into_runnable()?.run(tvec!())?;
    computed
        .into_iter()
        .enumerate()
        .map(|(i, value)| constant(model, &format!("{}.{i}", site.name), value.into_arc_tensor()))
        .collect()
}

fn value(model: &TypedModel, wire: OutletId) -> Option<Arc<Tensor>> {
    model.outlet_fact(wire).ok()?.konst.clone()
}

/// A node and where its inputs are.
struct Site<'a> {
    node: &'a NodeProto,
    opset: i64,
    /// What its parts are named by: its first output, since names of nodes need not differ.
    name: &'a str,
    /// `None` for one that is left out.
    inputs: Vec<Option<OutletId>>,
}

impl Site<'_> {
    fn input(&self, index: usize) -> TractResult<OutletId> {
        self.optional(index).with_context(|| format!("input {index} is missing"))
    }

    fn optional(&self, index: usize) -> Option<OutletId> {
        self.inputs.get(index).copied().flatten()
    }

    fn all(&self) -> Vec<OutletId> {
        self.inputs.iter().flatten().copied().collect()
    }

    /// The value of an input that must be constant, as integers.
    fn integers(&self, model: &TypedModel, index: usize) -> TractResult<Option<Vec<i64>>> {
        let Some(wire) = self.optional(index) else { return Ok(None) };
        let value = value(model, wire).with_context(|| format!("input {index} is not constant"))?;
        let value = value.cast_to::<i64>()?;
        Ok(Some(value.try_as_plain_ram()?.as_slice::<i64>()?.to_vec()))
    }

    /// Integers that newer operator sets have as an input and older ones as an attribute.
    fn listed(
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

    fn float(&self, attribute: &str, otherwise: f32) -> TractResult<f32> {
        Ok(self.node.float(attribute)?.unwrap_or(otherwise))
    }

    fn int(&self, attribute: &str, otherwise: i64) -> TractResult<i64> {
        Ok(self.node.int(attribute)?.unwrap_or(otherwise))
    }

    fn text(&self, attribute: &str, otherwise: &'static str) -> TractResult<&str> {
        Ok(self.node.text(attribute)?.unwrap_or(otherwise))
    }

    /// Counts from the end below zero.
    fn axis(&self, axis: i64, rank: usize) -> TractResult<usize> {
        let rank = rank as i64;
        ensure!((-rank..rank).contains(&axis), "axis {axis} of {rank} dimensions");
        Ok(axis.rem_euclid(rank) as usize)
    }

    fn expand(&self, model: &mut TypedModel, op: impl Expansion) -> TractResult<TVec<OutletId>> {
        // By its own type: behind a pointer, its rules of inference would be kept as well.
        op.wire(self.name, model, &self.all())
    }

    fn unary(&self, model: &mut TypedModel, op: ElementWiseOp) -> TractResult<TVec<OutletId>> {
        model.wire_node(self.name, op, &[self.input(0)?])
    }

    fn binary(&self, model: &mut TypedModel, op: impl BinMiniOp) -> TractResult<TVec<OutletId>> {
        let inputs = [self.input(0)?, self.input(1)?];
        hir::binary::InferenceBinOp(Box::new(op)).wire(self.name, model, &inputs)
    }

    /// `op` over all inputs, one after the other.
    fn nary(&self, model: &mut TypedModel, op: impl BinMiniOp) -> TractResult<TVec<OutletId>> {
        let op = hir::binary::InferenceBinOp(Box::new(op));
        let mut all = self.input(0)?;
        for (i, next) in self.all().into_iter().enumerate().skip(1) {
            all = op.wire(&format!("{}.{i}", self.name), model, &[all, next])?[0];
        }
        Ok(tvec!(all))
    }

    fn wire(&self, model: &mut TypedModel) -> TractResult<TVec<OutletId>> {
        let node = self.node;
        match node.op_type.as_str() {
            "Constant" => self.constant(model),
            "Identity" => Ok(tvec!(self.input(0)?)),
            "Dropout" => {
                ensure!(node.output.len() == 1, "the mask of Dropout is not given");
                Ok(tvec!(self.input(0)?))
            }
            "Cast" => {
                let to = datum_type(node.int("to")?.context("no type")?)?;
                model.wire_node(self.name, cast(to), &[self.input(0)?])
            }

            "Conv" => self.conv(model),
            "MaxPool" => {
                ensure!(node.output.len() == 1, "the indices of MaxPool are not given");
                self.expand(model, hir::cnn::HirMaxPool::new(self.pool(model)?, None))
            }
            "AveragePool" => {
                let padded = node.flag("count_include_pad")?;
                self.expand(model, hir::cnn::HirSumPool::new(self.pool(model)?, padded, true))
            }
            "GlobalAveragePool" => self.expand(model, hir::nn::GlobalAvgPool::new()),
            "GlobalMaxPool" => self.expand(model, hir::nn::GlobalMaxPool::new()),
            "BatchNormalization" => self.batch_normalization(model),
            "Gemm" => self.gemm(model),
            "MatMul" => self.expand(model, hir::matmul::MatMulInference::default()),

            "Add" => self.binary(model, math::Add),
            "Sub" => self.binary(model, math::Sub),
            "Mul" => self.binary(model, math::Mul),
            "Div" => self.binary(model, math::Div),
            "Pow" => self.pow(model),
            "Sum" => self.nary(model, math::Add),
            "Max" => self.nary(model, math::Max),
            "Min" => self.nary(model, math::Min),
            "Equal" => self.binary(model, logic::CompEq),
            "Greater" => self.binary(model, logic::CompGT),
            "GreaterOrEqual" => self.binary(model, logic::CompGTE),
            "Less" => self.binary(model, logic::CompLT),
            "LessOrEqual" => self.binary(model, logic::CompLTE),
            "Where" => self.expand(model, hir::logic::Iff),

            "Abs" => self.unary(model, math::abs()),
            "Ceil" => self.unary(model, math::ceil()),
            "Erf" => self.unary(model, math::erf()),
            "Exp" => self.unary(model, math::exp()),
            "Floor" => self.unary(model, math::floor()),
            "Log" => self.unary(model, math::ln()),
            "Neg" => self.unary(model, math::neg()),
            "Reciprocal" => self.unary(model, math::recip()),
            "Sqrt" => self.unary(model, math::sqrt()),
            "Tanh" => self.unary(model, math::tanh()),

            "Relu" => self.expand(model, hir::activations::Clip::new(Some(0.0), None)),
            "Clip" => self.clip(model),
            "Sigmoid" => self.unary(model, nn::sigmoid()),
            "HardSwish" => self.unary(model, nn::hard_swish()),
            "HardSigmoid" => {
                let (alpha, beta) = (self.float("alpha", 0.2)?, self.float("beta", 0.5)?);
                self.expand(model, hir::activations::HardSigmoid(alpha, beta))
            }
            "LeakyRelu" => self.unary(model, nn::leaky_relu(self.float("alpha", 0.01)?)),
            "Elu" => self.expand(model, hir::activations::Elu(self.float("alpha", 1.0)?)),
            "PRelu" => self.prelu(model),
            "Softplus" => self.expand(model, hir::activations::Softplus),
            "Softmax" => {
                if self.opset < 13 {
                    let axis = self.int("axis", 1)? as isize;
                    self.expand(model, hir::nn::LayerSoftmax::new(axis, true))
                } else {
                    let axis = self.int("axis", -1)? as isize;
                    self.expand(model, hir::nn::Softmax::new(axis))
                }
            }

            "ReduceL2" => self.reduce(model, Reducer::L2),
            "ReduceMax" => self.reduce(model, Reducer::Max),
            "ReduceMean" => self.reduce(model, Reducer::Mean),
            "ReduceMin" => self.reduce(model, Reducer::Min),
            "ReduceSum" => self.reduce(model, Reducer::Sum),
            "ReduceSumSquare" => self.reduce(model, Reducer::SumSquare),

            "Concat" => self.concat(model),
            "Flatten" => self.flatten(model),
            "Reshape" => self.expand(model, hir::array::Reshape::new(node.flag("allowzero")?)),
            "Transpose" => self.transpose(model),
            "Squeeze" => self.squeeze(model),
            "Unsqueeze" => self.unsqueeze(model),
            "Split" => self.split(model),
            "Slice" => self.slice(model),
            "Pad" => self.pad(model),
            "Gather" => {
                let rank = model.outlet_fact(self.input(0)?)?.rank();
                let axis = self.axis(self.int("axis", 0)?, rank)?;
                self.expand(model, hir::array::Gather::new(axis as i64))
            }
            "Expand" => self.broadcast(model),
            "Shape" => self.shape(model),
            "ConstantOfShape" => self.constant_of_shape(model),
            "Resize" => self.resize(model),
            other => bail!("operator {other} is not supported"),
        }
    }
}
