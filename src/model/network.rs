//! An estimator, which is optimised once, and which any number of threads can run.

use std::sync::Arc;

use tract_core::prelude::*;

use super::contract::Metadata;
use super::engine::{guard, run, trial_error};
use super::file::graph::{Graph, Ready};
use super::outputs::Estimate;
use crate::error::{Error, ErrorKind, Result};
use crate::face::quality::Quality;
use crate::memory::grow_to;

/// A network that can run.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) metadata: Metadata,
    plan: Arc<TypedSimplePlan>,
    /// The bytes that a run takes.
    needs: usize,
    age_output: Option<usize>,
    gender_output: Option<usize>,
    /// The number of operators that run as fast convolutions.
    pub(crate) accelerated: usize,
}

impl Network {
    /// Checks and optimises a parsed file. With `fast`, convolutions are replaced by this library's own.
    pub(super) fn new(graph: Graph, fast: bool) -> Result<Self> {
        guard(|| Self::build(graph, fast))
    }

    fn build(graph: Graph, fast: bool) -> Result<Self> {
        let age = graph.metadata.age.as_ref().map(|spec| spec.output());
        let gender = graph.metadata.gender.as_ref().map(|spec| spec.output());
        let (age_output, gender_output) =
            (age.as_ref().map(|_| 0), gender.as_ref().map(|_| usize::from(age.is_some())));
        let wanted: Vec<_> = age.into_iter().chain(gender).collect();
        let input = &graph.metadata.input;
        let Ready { plan, accelerated, needs } =
            graph.ready(input.height, input.width, &wanted, fast)?;
        let metadata = graph.metadata;
        let network = Self { metadata, plan, needs, age_output, gender_output, accelerated };
        // Problems that only a run shows are found here, and not at the first face.
        let mut empty = Vec::new();
        let empty = grow_to(&mut empty, network.metadata.input.len())?;
        let mut estimate = Estimate::default();
        network.run(empty, true, true, Quality::default(), &mut estimate).map_err(trial_error)?;
        Ok(network)
    }

    /// Runs the network on normalised planes, and fills what the caller asks for and the network has.
    pub(crate) fn run(
        &self,
        planes: &[f32],
        age: bool,
        gender: bool,
        quality: Quality,
        out: &mut Estimate,
    ) -> Result<()> {
        let input = &self.metadata.input;
        run(&self.plan, input.height, input.width, planes, self.needs, |outputs| {
            if let (Some(index), Some(spec), true) = (self.age_output, &self.metadata.age, age) {
                if !outputs[index].iter().all(|v| v.is_finite()) {
                    return Err(not_a_number("age"));
                }
                spec.reserve(outputs[index].len(), &mut out.years)?;
                spec.read(outputs[index], quality, &mut out.years);
            }
            if let (Some(index), Some(spec), true) =
                (self.gender_output, &self.metadata.gender, gender)
            {
                let female = spec.read(outputs[index][0], quality);
                if !female.is_finite() {
                    return Err(not_a_number("gender"));
                }
                out.female = Some(female);
            }
            Ok(())
        })
    }
}

fn not_a_number(output: &str) -> Error {
    Error::new(ErrorKind::Model, format!("the network's {output} output is not a finite number"))
}
