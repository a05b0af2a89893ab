//! An estimator: optimised once, run by any number of threads.

use std::sync::Arc;

use tract_core::prelude::*;

use super::contract::{AgeSpec, Metadata, Positive};
use super::file::graph::{Graph, Ready, Wanted, guard, run};
use crate::error::{Error, ErrorKind, Result};
use crate::face::quality::Quality;

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

impl Estimate {
    /// Nothing said yet.
    pub(crate) fn clear(&mut self) {
        self.years.clear();
        self.female = None;
    }
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
                if !outputs[index].iter().all(|v| v.is_finite()) {
                    return Err(not_a_number("age"));
                }
                spec.read(outputs[index], quality, &mut out.years);
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
fn outputs(metadata: &Metadata) -> (Option<Wanted>, Option<Wanted>) {
    let age = metadata.age.as_ref().map(|age| match age {
        AgeSpec::Distribution { count, .. } => ("age_logits".to_owned(), tvec!(1, *count)),
        AgeSpec::Regression { .. } => ("age".to_owned(), tvec!(1, 1)),
    });
    let gender = metadata.gender.as_ref().map(|_| ("gender_logit".to_owned(), tvec!(1, 1)));
    (age, gender)
}
