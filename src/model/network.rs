//! One network: checked against its own description, optimised once, run by any number of threads.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use prost::Message;
use tract_core::ops::konst::Const;
use tract_core::prelude::*;

use super::metadata::{AgeSpec, MAX_SIDE, Metadata, Positive, Task};
use super::onnx::{GraphProto, ModelProto, TensorProto, ValueInfoProto};
use super::{constants, operators};
use crate::age::AgeDistribution;
use crate::conv;
use crate::error::{Error, ErrorKind, Result};

/// Most bytes that the weights of a file may take once unpacked.
const MAX_WEIGHTS: u64 = 1 << 30;

/// What the one input is called.
const INPUT: &str = "image";

/// Most numbers in one intermediate result.
const MAX_VALUES: usize = 1 << 26;

/// Years of every distribution this library gives: 0 to 150 at most, 0 to 100 unless a file says more.
const MIN_YEARS: usize = 101;

/// A network ready to run.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) metadata: Metadata,
    plan: Arc<TypedSimplePlan>,
    age_output: Option<usize>,
    gender_output: Option<usize>,
    /// Operators that run as fast convolutions.
    pub(crate) accelerated: usize,
}

/// What a network says of one face.
#[derive(Debug, Default)]
pub(crate) struct Estimate {
    /// Probability of each year from 0; empty without an age.
    pub(crate) years: Vec<f32>,
    /// Probability of female, without a gender `None`.
    pub(crate) female: Option<f32>,
}

impl Network {
    /// Parses, checks and optimises an ONNX file. `fast` replaces convolutions by this library's own.
    pub(crate) fn load(bytes: &[u8], fast: bool) -> Result<Self> {
        // A file can contain anything, and tract asserts here and there what a file may get wrong.
        catch_unwind(AssertUnwindSafe(|| Self::parse(bytes, fast))).unwrap_or_else(|panic| {
            Err(Error::caught(ErrorKind::Model, "the model file broke the engine", &*panic))
        })
    }

    fn parse(bytes: &[u8], fast: bool) -> Result<Self> {
        let not_onnx = || format!("{} bytes that are no ONNX file", bytes.len());
        let proto = ModelProto::decode(bytes)
            .map_err(|e| Error::with_source(ErrorKind::Model, not_onnx(), e))?;
        let graph = proto.graph.as_ref().ok_or_else(|| Error::model(not_onnx()))?;
        let props = proto.metadata_props.iter().map(|p| (p.key.as_str(), p.value.as_str()));
        let metadata = Metadata::from_props(props)?;
        if metadata.task == Task::Detect {
            return Err(Error::model("a detector estimates nothing"));
        }
        check_weights(&proto)?;
        constants::check(graph)?;
        check_windows(graph)?;
        let (age, gender) = outputs(&metadata);
        let wanted: Vec<(&str, usize)> =
            age.into_iter().chain(gender.map(|name| (name, 1))).collect();
        let shape = input_shape(graph, &metadata)?;
        let model = read(&proto, graph, bytes, shape, &wanted)?;
        check_outputs(&model, &wanted)?;
        let (model, accelerated) = if fast {
            conv::accelerate(model)
                .map_err(|e| model_error("convolutions cannot be replaced", e))?
        } else {
            (model, 0)
        };
        let plan = model
            .into_optimized()
            .and_then(|model| model.into_runnable())
            .map_err(|e| model_error("the model cannot be optimised", e))?;
        let age_output = age.is_some().then_some(0);
        let gender_output = gender.map(|_| usize::from(age.is_some()));
        let network = Self { metadata, plan, age_output, gender_output, accelerated };
        // Whatever only shows when it runs shows now, and not at the first face.
        let input = vec![0.0; network.metadata.input.len()];
        network.run(&input, true, true, &mut Estimate::default()).map_err(|e| {
            Error::with_source(ErrorKind::Model, "the model fails on an empty picture", e)
        })?;
        Ok(network)
    }

    /// Runs on normalised planes and fills what is asked for and what the network has.
    pub(crate) fn run(
        &self,
        planes: &[f32],
        age: bool,
        gender: bool,
        out: &mut Estimate,
    ) -> Result<()> {
        let failed = |e: TractError| {
            Error::with_source(ErrorKind::Internal, "the network failed to run", Cause(e))
        };
        let input = &self.metadata.input;
        let tensor =
            Tensor::from_shape(&[1, 3, input.height, input.width], planes).map_err(failed)?;
        let outputs = self.plan.run(tvec!(tensor.into_tvalue())).map_err(failed)?;
        let values = |index: usize| -> Result<&[f32]> {
            outputs[index].try_as_plain_ram().and_then(|t| t.as_slice::<f32>()).map_err(failed)
        };
        if let (Some(index), Some(spec), true) = (self.age_output, &self.metadata.age, age) {
            read_age(spec, values(index)?, &mut out.years)?;
        }
        if let (Some(index), Some(spec), true) = (self.gender_output, &self.metadata.gender, gender)
        {
            let logit = values(index)?[0] / spec.temperature;
            let positive = 1.0 / (1.0 + (-logit).exp());
            if !positive.is_finite() {
                return Err(not_a_number("gender"));
            }
            out.female = Some(match spec.positive {
                Positive::Female => positive,
                Positive::Male => 1.0 - positive,
            });
        }
        Ok(())
    }
}

/// Gives tract's error a place in the chain of causes.
#[derive(Debug)]
struct Cause(TractError);

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

impl std::error::Error for Cause {}

fn model_error(message: impl Into<String>, error: TractError) -> Error {
    Error::with_source(ErrorKind::Model, message, Cause(error))
}

fn not_a_number(output: &str) -> Error {
    Error::new(ErrorKind::Model, format!("the network's {output} output is not a finite number"))
}

/// Name and width of the age output, and name of the gender output.
fn outputs(metadata: &Metadata) -> (Option<(&'static str, usize)>, Option<&'static str>) {
    let age = metadata.age.as_ref().map(|age| match age {
        AgeSpec::Distribution { count, .. } => ("age_logits", *count),
        AgeSpec::Regression { .. } => ("age", 1),
    });
    (age, metadata.gender.as_ref().map(|_| "gender_logit"))
}

/// Refuses weights that lie in other files, or that claim to be larger than the file could hold.
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
            return Err(Error::model(format!("weights {name:?} lie in another file")));
        }
        let bytes =
            tensor.dims.iter().try_fold(4u64, |n, dim| n.checked_mul(u64::try_from(*dim).ok()?));
        total = total.saturating_add(bytes.unwrap_or(u64::MAX));
        if total > MAX_WEIGHTS {
            return Err(Error::model(format!(
                "weights {name:?} of shape {:?} pass the limit of {MAX_WEIGHTS} bytes",
                tensor.dims
            )));
        }
    }
    Ok(())
}

/// Refuses windows that no picture needs: sums of padding could wrap to a size that looks right, which the engine
/// then walks for years.
fn check_windows(graph: &GraphProto) -> Result<()> {
    const WINDOW: [&str; 6] =
        ["pads", "strides", "dilations", "kernel_shape", "output_padding", "output_shape"];
    let limit = 4 * MAX_SIDE as u64;
    for node in &graph.node {
        for attribute in node.attribute.iter().filter(|a| WINDOW.contains(&a.name.as_str())) {
            if let Some(value) = attribute.ints.iter().find(|v| v.unsigned_abs() > limit) {
                let name: String = node.name.chars().take(60).collect();
                return Err(Error::model(format!(
                    "node {name:?} has {} of {value}, at most {limit} is supported",
                    attribute.name
                )));
            }
        }
    }
    Ok(())
}

/// The shape of the one input, which must fit what the metadata say.
fn input_shape(graph: &GraphProto, metadata: &Metadata) -> Result<[usize; 4]> {
    // Old files list their weights among the inputs.
    let weights: HashSet<&str> = graph.initializer.iter().map(|t| t.name.as_str()).collect();
    let inputs: Vec<&ValueInfoProto> =
        graph.input.iter().filter(|input| !weights.contains(input.name.as_str())).collect();
    let name = inputs.first().map_or("", |input| input.name.as_str());
    if inputs.len() != 1 || name != INPUT {
        return Err(Error::model(format!(
            "the model has {} inputs, the first called {name:?}: one called {INPUT:?} is wanted",
            inputs.len()
        )));
    }
    let shape = [1, 3, metadata.input.height, metadata.input.width];
    if let Some(declared) = inputs[0].shape()
        && (declared.len() != 4 || declared[1..] != shape[1..])
    {
        return Err(Error::model(format!(
            "input {INPUT:?} has shape {declared:?}, face_predict.input says {shape:?}"
        )));
    }
    Ok(shape)
}

/// The graph for one picture, decluttered, with exactly the outputs that are wanted.
fn read(
    proto: &ModelProto,
    graph: &GraphProto,
    bytes: &[u8],
    shape: [usize; 4],
    wanted: &[(&str, usize)],
) -> Result<TypedModel> {
    let names: Vec<&str> = wanted.iter().map(|(name, _)| *name).collect();
    if let Some(missing) = names.iter().find(|name| graph.output.iter().all(|o| o.name != **name)) {
        return Err(Error::model(format!(
            "the model has no output {missing:?}, which its task promises"
        )));
    }
    let picture = f32::fact(shape);
    let own = operators::build(graph, proto.operator_set(), (INPUT, picture), &names)
        .and_then(|model| model.into_decluttered());
    #[cfg(feature = "all-operators")]
    let own = own.or_else(|_| read_any(bytes, shape, &names));
    #[cfg(not(feature = "all-operators"))]
    let _ = bytes;
    own.map_err(|e| model_error(format!("the model does not work on {shape:?} numbers"), e))
}

/// The same by tract-onnx, which knows more operators.
#[cfg(feature = "all-operators")]
fn read_any(bytes: &[u8], shape: [usize; 4], names: &[&str]) -> TractResult<TypedModel> {
    use tract_core::internal::*;
    use tract_onnx::prelude::{Framework, InferenceFact, InferenceModelExt};

    let model = tract_onnx::onnx().model_for_read(&mut std::io::Cursor::new(bytes))?;
    let outlet = |name: &&str| {
        let labelled = |o: &&OutletId| model.outlet_label(**o) == Some(name);
        model.outputs.iter().find(labelled).copied().context("an output that nothing gives")
    };
    let outlets = names.iter().map(outlet).collect::<TractResult<Vec<_>>>()?;
    model
        .with_input_fact(0, InferenceFact::dt_shape(f32::datum_type(), shape))?
        .with_output_outlets(&outlets)?
        .into_typed()?
        .into_decluttered()
}

/// Refuses outputs of other sizes than the metadata promise, and intermediate results that are too large.
fn check_outputs(typed: &TypedModel, wanted: &[(&str, usize)]) -> Result<()> {
    for (index, (name, width)) in wanted.iter().enumerate() {
        let fact = typed.output_fact(index).map_err(|e| model_error("no output", e))?;
        let shape = fact.shape.as_concrete().unwrap_or_default();
        let values: usize = shape.iter().product();
        if fact.datum_type != f32::datum_type() || values != *width || shape.is_empty() {
            return Err(Error::model(format!(
                "output {name:?} has {:?} numbers of type {:?}, its metadata promise [1, {width}] of F32",
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
                    "node {:?} gives {:?} numbers, more than {MAX_VALUES} or not known beforehand",
                    node.name, output.fact.shape
                )));
            }
        }
    }
    Ok(())
}

fn read_age(spec: &AgeSpec, values: &[f32], years: &mut Vec<f32>) -> Result<()> {
    years.clear();
    if !values.iter().all(|v| v.is_finite()) {
        return Err(not_a_number("age"));
    }
    match spec {
        AgeSpec::Distribution { first, temperature, .. } => {
            years.resize((first + values.len()).max(MIN_YEARS), 0.0);
            let highest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let mut sum = 0.0;
            for (year, value) in years[*first..].iter_mut().zip(values) {
                *year = ((value - highest) / temperature).exp();
                sum += *year;
            }
            years.iter_mut().for_each(|year| *year /= sum);
        }
        AgeSpec::Regression { residuals, .. } => {
            years.resize(MIN_YEARS, 0.0);
            let mut below = 0.0;
            for (year, mass) in years.iter_mut().enumerate() {
                let up_to = share_below(residuals, year as f32 + 0.5 - values[0]);
                *mass = up_to - below;
                below = up_to;
            }
            // What lies above the last year belongs to it.
            if let Some(last) = years.last_mut() {
                *last += 1.0 - below;
            }
        }
    }
    debug_assert!((AgeDistribution::new(years).at_least(0.0) - 1.0).abs() < 1e-3);
    Ok(())
}

/// Share of residuals below `years`, linear between the quantiles and beyond them by a year.
fn share_below(residuals: &[[f32; 2]], years: f32) -> f32 {
    let (first, last) = (residuals[0], residuals[residuals.len() - 1]);
    if years <= first[1] {
        return (first[0] * (1.0 - (first[1] - years))).max(0.0);
    }
    for pair in residuals.windows(2) {
        let ([low, from], [high, to]) = (pair[0], pair[1]);
        if years <= to && to > from {
            return low + (high - low) * (years - from) / (to - from);
        }
    }
    (last[0] + (1.0 - last[0]) * (years - last[1])).min(1.0)
}
