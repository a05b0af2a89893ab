//! Makes graphs of model files. A file is parsed, compared with its own description, and fixed to one size.

use std::collections::HashSet;
use std::sync::Arc;

use prost::Message;
use tract_core::ops::cnn::{MaxPool, PoolSpec, SumPool};
use tract_core::ops::konst::Const;
use tract_core::optim::Optimizer;
use tract_core::prelude::*;

use super::super::contract::{MAX_SIDE, Metadata};
use super::super::convolution::Accelerator;
use super::super::engine::model_error;
use super::constants::{self, Readers};
use super::onnx::{GraphProto, ModelProto, TensorProto, ValueInfoProto};
use super::operators;
use super::parts::Parts;
use crate::error::{Error, ErrorKind, Result};
#[cfg(feature = "all-operators")]
use crate::memory::grow_to;
use crate::memory::room;

/// The name of the one input.
const INPUT: &str = "image";

/// The memory in small blocks that a graph of a few hundred nodes takes while it is optimised.
pub(in crate::model) const LOADING: usize = 4 << 20;

/// The limit for the weights of a file after unpacking, in bytes.
const MAX_WEIGHTS: u64 = 1 << 30;

/// The limit for one intermediate result, in numbers.
const MAX_VALUES: usize = 1 << 26;

/// The limit for the nodes of a file. The engine's time to optimise a graph grows faster than their number.
const MAX_NODES: usize = 2000;

/// The limit for the steps in which the engine simplifies a graph. A graph that needs more is used as far as it has
/// been simplified. In a chain of element-wise operators and transpositions, each step rewrites the whole chain.
const MAX_STEPS: usize = 5000;

/// The limit for the multiplications of one run. A ResNet-152 on 224 x 224 pixels has a ninth of them.
const MAX_MULTIPLICATIONS: u64 = 100_000_000_000;

/// An output that the metadata describe.
#[derive(Debug)]
pub(in crate::model) struct Output {
    name: String,
    shape: TVec<usize>,
}

impl Output {
    pub(in crate::model) fn new(name: &str, shape: TVec<usize>) -> Self {
        Self { name: name.to_owned(), shape }
    }
}

/// A parsed file that has no fixed size yet.
#[derive(Debug)]
pub(in crate::model) struct Graph {
    pub(in crate::model) metadata: Metadata,
    proto: ModelProto,
    /// The parts that the plans for several sizes share.
    pub(in crate::model) accelerator: Accelerator,
    #[cfg_attr(not(feature = "all-operators"), allow(dead_code))]
    readers: Readers,
    /// The file, which tract-onnx would read.
    #[cfg(feature = "all-operators")]
    bytes: Vec<u8>,
}

/// A graph for one size that can run.
pub(in crate::model) struct Ready {
    pub(in crate::model) plan: Arc<TypedSimplePlan>,
    /// The number of operators that run as fast convolutions.
    pub(in crate::model) accelerated: usize,
    /// The bytes that a run takes for its intermediate results.
    pub(in crate::model) needs: usize,
}

impl Graph {
    /// Parses and checks an ONNX file.
    pub(in crate::model) fn parse(bytes: &[u8]) -> Result<Self> {
        let parts = Parts::of(bytes)?;
        // These are the parsed structures, the file that is kept, and the network's own copy of the weights.
        room(bytes.len().saturating_mul(4).saturating_add(parts.needs() + LOADING))?;
        let not_onnx = || format!("the {} bytes are no ONNX file", bytes.len());
        let proto = ModelProto::decode(bytes)
            .map_err(|e| Error::with_source(ErrorKind::Model, not_onnx(), e))?;
        let graph = proto.graph.as_ref().ok_or_else(|| Error::model(not_onnx()))?;
        let props = proto.metadata_props.iter().map(|p| (p.key.as_str(), p.value.as_str()));
        let metadata = Metadata::from_props(props)?;
        if graph.node.len() > MAX_NODES {
            return Err(Error::model(format!(
                "the graph has {} nodes, but at most {MAX_NODES} are supported",
                graph.node.len()
            )));
        }
        check_weights(&proto)?;
        let readers = constants::check(graph)?;
        check_windows(graph)?;
        #[cfg(feature = "all-operators")]
        let bytes = {
            let mut kept = Vec::new();
            grow_to(&mut kept, bytes.len())?.copy_from_slice(bytes);
            kept
        };
        Ok(Self {
            metadata,
            proto,
            accelerator: Accelerator::default(),
            readers,
            #[cfg(feature = "all-operators")]
            bytes,
        })
    }

    /// Optimises the file for pictures of `height` x `width`, with exactly the outputs in `wanted`. With `fast`,
    /// convolutions are replaced by this library's own.
    pub(in crate::model) fn ready(
        &self,
        height: usize,
        width: usize,
        wanted: &[Output],
        fast: bool,
    ) -> Result<Ready> {
        self.optimise(self.checked(height, width, wanted)?, fast)
    }

    // The engine takes most of a stack of 64 KB, so that each part has a frame of its own, and none lies below another.
    #[inline(never)]
    fn optimise(&self, model: TypedModel, fast: bool) -> Result<Ready> {
        let (model, accelerated) = if fast {
            self.accelerator
                .accelerate(model)
                .map_err(|e| model_error("convolutions cannot be replaced", e))?
        } else {
            (model, 0)
        };
        let failed = |e| model_error("the model cannot be optimised", e);
        let model = decluttered(model).and_then(optimized).map_err(failed)?;
        let needs = largest_need(&model).map_err(failed)?;
        let plan = model.into_runnable().map_err(failed)?;
        Ok(Ready { plan, accelerated, needs })
    }

    /// Refuses a graph whose input has a fixed size, because a detector runs at the size that a search needs.
    pub(in crate::model) fn check_any_size(&self) -> Result<()> {
        let inputs = self.proto.graph.iter().flat_map(|graph| &graph.input);
        let declared = inputs.filter(|input| input.name == INPUT).find_map(ValueInfoProto::shape);
        match declared.filter(|sizes| sizes.iter().skip(2).any(Option::is_some)) {
            Some(declared) => Err(Error::model(format!(
                "input {INPUT:?} has the fixed shape {}, but a detector must leave height and width open",
                written(&declared)
            ))),
            None => Ok(()),
        }
    }

    /// Fails if the file does not work for pictures of `height` x `width`.
    pub(in crate::model) fn check_size(
        &self,
        height: usize,
        width: usize,
        wanted: &[Output],
    ) -> Result<()> {
        self.checked(height, width, wanted).map(|_| ())
    }

    #[inline(never)]
    fn checked(&self, height: usize, width: usize, wanted: &[Output]) -> Result<TypedModel> {
        let model = self.read(height, width, wanted)?;
        check_outputs(&model, wanted)?;
        check_time(&model)?;
        Ok(model)
    }

    /// Returns the decluttered graph for one picture, with exactly the outputs that are wanted.
    fn read(&self, height: usize, width: usize, wanted: &[Output]) -> Result<TypedModel> {
        let graph =
            self.proto.graph.as_ref().ok_or_else(|| Error::model("the file has no graph"))?;
        let shape = input_shape(graph, height, width)?;
        let names: Vec<&str> = wanted.iter().map(|output| output.name.as_str()).collect();
        if let Some(missing) =
            names.iter().find(|name| graph.output.iter().all(|o| o.name != **name))
        {
            return Err(Error::model(format!(
                "the model has no output {missing:?}, which its task needs"
            )));
        }
        let picture = f32::fact(shape);
        let own = operators::build(graph, self.proto.operator_set(), (INPUT, picture), &names)
            .and_then(decluttered);
        #[cfg(feature = "all-operators")]
        let own = own.or_else(|e| match self.readers {
            Readers::Any if !e.is::<operators::Wrong>() => self.read_any(shape, &names),
            _ => Err(e),
        });
        own.map_err(|e| model_error(format!("the model does not work on {shape:?} numbers"), e))
    }

    /// Does the same with tract-onnx, which knows more operators.
    #[cfg(feature = "all-operators")]
    fn read_any(&self, shape: [usize; 4], names: &[&str]) -> TractResult<TypedModel> {
        use tract_core::internal::*;
        use tract_onnx::prelude::{Framework, InferenceFact, InferenceModelExt};

        let model = tract_onnx::onnx().model_for_read(&mut std::io::Cursor::new(&self.bytes))?;
        let outlet = |name: &&str| {
            let labelled = |o: &&OutletId| model.outlet_label(**o) == Some(name);
            model
                .outputs
                .iter()
                .find(labelled)
                .copied()
                .context("no node computes an output of the model")
        };
        let outlets = names.iter().map(outlet).collect::<TractResult<Vec<_>>>()?;
        model
            .with_input_fact(0, InferenceFact::dt_shape(f32::datum_type(), shape))?
            .with_output_outlets(&outlets)?
            .into_typed()
            .and_then(decluttered)
    }
}

/// Simplifies a graph.
fn decluttered(mut model: TypedModel) -> TractResult<TypedModel> {
    Optimizer::declutter().stopping_at(MAX_STEPS).optimize(&mut model)?;
    Ok(model)
}

/// Replaces the operators of a simplified graph by those that run fastest on this machine.
fn optimized(mut model: TypedModel) -> TractResult<TypedModel> {
    let optimizer = Optimizer::codegen().stopping_at(MAX_STEPS);
    model.optimize_with_session(&mut optimizer.session())?;
    Ok(model)
}

/// Returns the bytes of the intermediate results that exist at the same time, in the worst case. It is twice the sum,
/// since an operator may hold a rearranged copy.
fn largest_need(model: &TypedModel) -> TractResult<usize> {
    let bytes = |node: usize| -> usize {
        let outputs = &model.node(node).outputs;
        let one = |o: &Outlet<TypedFact>| {
            let values = o.fact.shape.as_concrete().map_or(0, |shape| shape.iter().product());
            o.fact.datum_type.size_of().saturating_mul(values)
        };
        outputs.iter().map(one).fold(0, usize::saturating_add)
    };
    let mut order = model.eval_order()?;
    order.retain(|node| !model.node(*node).op_is::<Const>());
    let mut last_use = vec![0; model.nodes.len()];
    for (step, node) in order.iter().enumerate() {
        last_use[*node] = step;
        model.node(*node).inputs.iter().for_each(|input| last_use[input.node] = step);
    }
    let mut ending = order.clone();
    ending.sort_by_key(|node| last_use[*node]);
    let mut ending = ending.into_iter().peekable();
    let (mut alive, mut most) = (0usize, 0);
    for (step, node) in order.iter().enumerate() {
        alive = alive.saturating_add(bytes(*node));
        most = most.max(alive);
        while let Some(gone) = ending.next_if(|node| last_use[*node] <= step) {
            alive = alive.saturating_sub(bytes(gone));
        }
    }
    Ok(most.saturating_mul(2))
}

/// Refuses weights that lie in other files, or that claim to be larger than the file can hold.
fn check_weights(proto: &ModelProto) -> Result<()> {
    let graph = proto.graph.as_ref();
    let constants = graph.iter().flat_map(|g| &g.node).flat_map(|n| &n.attribute);
    let tensors: Vec<&TensorProto> = graph
        .iter()
        .flat_map(|g| &g.initializer)
        .chain(constants.filter_map(|a| a.t.as_ref()))
        .collect();
    let mut total = 0u64;
    for tensor in tensors {
        let name: String = tensor.name.chars().take(60).collect();
        if !tensor.external_data.is_empty() || tensor.data_location.unwrap_or(0) != 0 {
            return Err(Error::model(format!(
                "weights {name:?} lie in another file, which is not supported"
            )));
        }
        let bytes =
            tensor.dims.iter().try_fold(4u64, |n, dim| n.checked_mul(u64::try_from(*dim).ok()?));
        total = total.saturating_add(bytes.unwrap_or(u64::MAX));
        if total > MAX_WEIGHTS {
            return Err(Error::model(format!(
                "weights {name:?} of shape {:?} exceed the limit of {MAX_WEIGHTS} bytes",
                tensor.dims
            )));
        }
    }
    Ok(())
}

/// Refuses windows that no picture needs. Sums of padding could wrap around to a size that looks right, and the engine
/// would then run for years.
fn check_windows(graph: &GraphProto) -> Result<()> {
    const WINDOW: [&str; 6] =
        ["pads", "strides", "dilations", "kernel_shape", "output_padding", "output_shape"];
    let limit = 4 * MAX_SIDE as u64;
    for node in &graph.node {
        for attribute in node.attribute.iter().filter(|a| WINDOW.contains(&a.name.as_str())) {
            if let Some(value) = attribute.ints.iter().find(|v| v.unsigned_abs() > limit) {
                let name: String = node.name.chars().take(60).collect();
                return Err(Error::model(format!(
                    "node {name:?} has {} of {value}, but at most {limit} is supported",
                    attribute.name
                )));
            }
        }
    }
    Ok(())
}

/// Returns the shape of the one input, which must fit the metadata.
#[inline(never)]
fn input_shape(graph: &GraphProto, height: usize, width: usize) -> Result<[usize; 4]> {
    // Old files list their weights among the inputs.
    let weights: HashSet<&str> = graph.initializer.iter().map(|t| t.name.as_str()).collect();
    let inputs: Vec<&ValueInfoProto> =
        graph.input.iter().filter(|input| !weights.contains(input.name.as_str())).collect();
    let name = inputs.first().map_or("", |input| input.name.as_str());
    if inputs.len() != 1 || name != INPUT {
        return Err(Error::model(format!(
            "the model has {} inputs, of which the first is called {name:?}, but it must have one, called {INPUT:?}",
            inputs.len()
        )));
    }
    let shape = [1, 3, height, width];
    if let Some(declared) = inputs[0].shape() {
        let fits = |(declared, size): (&Option<usize>, &usize)| declared.is_none_or(|d| d == *size);
        // The size of a batch does not matter.
        if declared.len() != 4 || !declared.iter().zip(&shape).skip(1).all(fits) {
            return Err(Error::model(format!(
                "input {INPUT:?} has shape {}, but face_predict.input says {shape:?}",
                written(&declared)
            )));
        }
    }
    Ok(shape)
}

/// Writes a shape, with "?" for what is free.
fn written(shape: &[Option<usize>]) -> String {
    let sizes: Vec<String> =
        shape.iter().map(|size| size.map_or_else(|| "?".to_owned(), |s| s.to_string())).collect();
    format!("[{}]", sizes.join(", "))
}

/// Refuses a graph whose run would take too long.
#[inline(never)]
fn check_time(model: &TypedModel) -> Result<()> {
    let mut total = 0u64;
    for node in &model.nodes {
        total = total.saturating_add(multiplications(model, node).unwrap_or(0));
        if total > MAX_MULTIPLICATIONS {
            return Err(Error::model(format!(
                "with node {:?} a run takes {total} multiplications, but the limit is {MAX_MULTIPLICATIONS}",
                node.name
            )));
        }
    }
    Ok(())
}

/// Returns how many multiplications, or other steps of a window, a node takes. It is `None` if the engine does not know.
fn multiplications(model: &TypedModel, node: &TypedNode) -> Option<u64> {
    let product =
        |sizes: &[usize]| sizes.iter().fold(1u64, |total, size| total.saturating_mul(*size as u64));
    let window = |pool: &PoolSpec| {
        let values = product(node.outputs.first()?.fact.shape.as_concrete()?);
        Some(values.saturating_mul(product(&pool.kernel_shape)))
    };
    if let Some(pool) = node.op_as::<SumPool>() {
        return window(&pool.pool_spec);
    }
    if let Some(pool) = node.op_as::<MaxPool>() {
        return window(&pool.pool_spec);
    }
    let inputs = model.node_input_facts(node.id).ok()?;
    let inputs: TVec<&TypedFact> = inputs.into_iter().collect();
    let costs = node.op.cost(&inputs).ok()?;
    let compute = costs.iter().filter(|(cost, _)| cost.is_compute());
    let counts = compute.filter_map(|(_, count)| count.to_i64().ok()).map(i64::unsigned_abs);
    Some(counts.fold(0, u64::saturating_add))
}

/// Refuses outputs of other sizes than the metadata say, and intermediate results that are too large.
#[inline(never)]
fn check_outputs(typed: &TypedModel, wanted: &[Output]) -> Result<()> {
    for (index, Output { name, shape: promised }) in wanted.iter().enumerate() {
        let fact = typed.output_fact(index).map_err(|e| model_error("no output", e))?;
        let shape = fact.shape.as_concrete().unwrap_or_default();
        // Some exporters leave out the batch axis of one.
        let given = shape.iter().skip_while(|dim| **dim == 1);
        let meant = promised.iter().skip_while(|dim| **dim == 1);
        if fact.datum_type != f32::datum_type() || shape.is_empty() || !given.eq(meant) {
            return Err(Error::model(format!(
                "output {name:?} has {:?} numbers of type {:?}, but the metadata say {promised:?} of F32",
                fact.shape, fact.datum_type
            )));
        }
    }
    for node in typed.nodes.iter().filter(|n| !n.op_is::<Const>()) {
        for output in &node.outputs {
            let values = output.fact.shape.as_concrete().map(|s| {
                s.iter().try_fold(1usize, |n, dim| n.checked_mul(*dim)).unwrap_or(usize::MAX)
            });
            if values.is_none_or(|values| values > MAX_VALUES) {
                return Err(Error::model(format!(
                    "node {:?} computes {:?} numbers, which is more than {MAX_VALUES} or not known beforehand",
                    node.name, output.fact.shape
                )));
            }
        }
    }
    Ok(())
}
