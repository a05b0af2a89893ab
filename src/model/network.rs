//! One network: checked against its own description, optimised once, run by any number of threads.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tract_core::ops::konst::Const;
use tract_core::prelude::*;
use tract_onnx::pb::{GraphProto, ModelProto, TensorProto};
use tract_onnx::prelude::{Framework, InferenceFact, InferenceModel, InferenceModelExt};

use super::constants;
use super::metadata::{AgeSpec, MAX_SIDE, Metadata, Positive, Task};
use crate::age::AgeDistribution;
use crate::conv;
use crate::error::{Error, ErrorKind, Result};

/// Most bytes that the weights of a file may take once unpacked.
const MAX_WEIGHTS: u64 = 1 << 30;

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
        let not_onnx = |e| model_error(format!("{} bytes that are no ONNX file", bytes.len()), e);
        let onnx = tract_onnx::onnx();
        let proto = onnx.proto_model_for_read(&mut Cursor::new(bytes)).map_err(not_onnx)?;
        let Some(graph) = &proto.graph else {
            return Err(Error::model(format!("{} bytes that are no ONNX file", bytes.len())));
        };
        let props = proto.metadata_props.iter().map(|p| (p.key.as_str(), p.value.as_str()));
        let metadata = Metadata::from_props(props)?;
        if metadata.task == Task::Detect {
            return Err(Error::model("a detector estimates nothing"));
        }
        check_weights(&proto)?;
        constants::check(graph)?;
        check_windows(graph)?;
        let model = onnx
            .model_for_proto_model(&proto)
            .map_err(|e| model_error("the model's graph cannot be read", e))?;
        let (age, gender) = outputs(&metadata);
        let model = make_concrete(model, &metadata, age.as_ref(), gender)?;
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

/// The graph for one face, with exactly the outputs that the metadata promise.
fn make_concrete(
    model: InferenceModel,
    metadata: &Metadata,
    age: Option<&(&str, usize)>,
    gender: Option<&str>,
) -> Result<TypedModel> {
    let input = &metadata.input;
    let inputs = model.input_outlets().map_err(|e| model_error("no inputs", e))?.to_vec();
    let name = inputs.first().map(|i| model.node(i.node).name.clone()).unwrap_or_default();
    if inputs.len() != 1 || name != "image" {
        return Err(Error::model(format!(
            "the model has {} inputs, the first called {name:?}: one called \"image\" is wanted",
            inputs.len()
        )));
    }
    let shape = [1, 3, input.height, input.width];
    let declared = model.input_fact(0).map_err(|e| model_error("no input", e))?.clone();
    let fact = InferenceFact::dt_shape(f32::datum_type(), shape);
    if let Some(concrete) = declared.shape.as_concrete_finite().ok().flatten()
        && (concrete.len() != 4 || concrete[1..] != shape[1..])
    {
        return Err(Error::model(format!(
            "input \"image\" has shape {concrete:?}, face_predict.input says {shape:?}"
        )));
    }
    let wanted: Vec<(&str, usize)> =
        age.copied().into_iter().chain(gender.map(|name| (name, 1))).collect();
    let mut outlets = Vec::new();
    for (name, _) in &wanted {
        let outlet = model
            .outputs
            .iter()
            .copied()
            .find(|o| model.outlet_label(*o) == Some(name) || model.node(o.node).name == *name);
        outlets.push(outlet.ok_or_else(|| {
            Error::model(format!("the model has no output {name:?}, which its task promises"))
        })?);
    }
    let typed = model
        .with_input_fact(0, fact)
        .and_then(|model| model.with_output_outlets(&outlets))
        .and_then(|model| model.into_typed())
        .and_then(|model| model.into_decluttered())
        .map_err(|e| model_error(format!("the model does not work on {shape:?} numbers"), e))?;
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
    Ok(typed)
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
