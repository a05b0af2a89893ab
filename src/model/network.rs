//! An estimator: optimised once, run by any number of threads.

use std::sync::Arc;

use tract_core::prelude::*;

use super::graph::{Graph, Ready, guard, run};
use super::metadata::{AgeSpec, Metadata, Positive};
use crate::age::AgeDistribution;
use crate::error::{Error, ErrorKind, Result};
use crate::quality::Quality;

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
    /// Checks and optimises a parsed file. `fast` replaces convolutions by this library's own.
    pub(super) fn new(graph: Graph, fast: bool) -> Result<Self> {
        guard(|| Self::build(graph, fast))
    }

    fn build(graph: Graph, fast: bool) -> Result<Self> {
        let (age, gender) = outputs(&graph.metadata);
        let (age_output, gender_output) =
            (age.as_ref().map(|_| 0), gender.as_ref().map(|_| usize::from(age.is_some())));
        let wanted: Vec<_> = age.into_iter().chain(gender).collect();
        let input = &graph.metadata.input;
        let Ready { plan, accelerated } = graph.ready(input.height, input.width, &wanted, fast)?;
        let metadata = graph.metadata;
        let network = Self { metadata, plan, age_output, gender_output, accelerated };
        // Whatever only shows when it runs shows now, and not at the first face.
        let input = vec![0.0; network.metadata.input.len()];
        network.run(&input, true, true, Quality::default(), &mut Estimate::default()).map_err(
            |e| Error::with_source(ErrorKind::Model, "the model fails on an empty picture", e),
        )?;
        Ok(network)
    }

    /// Runs on normalised planes and fills what is asked for and what the network has.
    pub(crate) fn run(
        &self,
        planes: &[f32],
        age: bool,
        gender: bool,
        quality: Quality,
        out: &mut Estimate,
    ) -> Result<()> {
        let input = &self.metadata.input;
        run(&self.plan, input.height, input.width, planes, |outputs| {
            if let (Some(index), Some(spec), true) = (self.age_output, &self.metadata.age, age) {
                read_age(spec, outputs[index], quality, &mut out.years)?;
            }
            if let (Some(index), Some(spec), true) =
                (self.gender_output, &self.metadata.gender, gender)
            {
                let logit = outputs[index][0] / (spec.temperature * spec.doubt.factor(quality));
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
        })
    }
}

fn not_a_number(output: &str) -> Error {
    Error::new(ErrorKind::Model, format!("the network's {output} output is not a finite number"))
}

/// Names and shapes of the age and of the gender output.
fn outputs(metadata: &Metadata) -> (Option<(String, TVec<usize>)>, Option<(String, TVec<usize>)>) {
    let age = metadata.age.as_ref().map(|age| match age {
        AgeSpec::Distribution { count, .. } => ("age_logits".to_owned(), tvec!(1, *count)),
        AgeSpec::Regression { .. } => ("age".to_owned(), tvec!(1, 1)),
    });
    let gender = metadata.gender.as_ref().map(|_| ("gender_logit".to_owned(), tvec!(1, 1)));
    (age, gender)
}

fn read_age(spec: &AgeSpec, values: &[f32], quality: Quality, years: &mut Vec<f32>) -> Result<()> {
    years.clear();
    if !values.iter().all(|v| v.is_finite()) {
        return Err(not_a_number("age"));
    }
    match spec {
        AgeSpec::Distribution { first, temperature, by_age, doubt, .. } => {
            years.resize((first + values.len()).max(MIN_YEARS), 0.0);
            softmax(values, *temperature, &mut years[*first..]);
            let mut factor = doubt.factor(quality);
            if !by_age.is_empty() {
                factor *= interpolate(by_age, AgeDistribution::new(years).mean());
            }
            if factor != 1.0 {
                softmax(values, temperature * factor, &mut years[*first..]);
            }
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

fn softmax(logits: &[f32], temperature: f32, out: &mut [f32]) {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for (out, value) in out.iter_mut().zip(logits) {
        *out = ((value - highest) / temperature).exp();
        sum += *out;
    }
    out.iter_mut().for_each(|value| *value /= sum);
}

/// Linear between pairs of place and value, level beyond them.
fn interpolate(pairs: &[[f32; 2]], place: f32) -> f32 {
    for pair in pairs.windows(2) {
        let ([from, first], [to, last]) = (pair[0], pair[1]);
        if place <= to {
            let part = ((place - from) / (to - from)).max(0.0);
            return first + (last - first) * part;
        }
    }
    pairs[pairs.len() - 1][1]
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
