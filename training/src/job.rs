//! The parts of a task: its pictures, its loss, and its figures.

use std::collections::BTreeMap;

use anyhow::Result;
use tch::Tensor;

use crate::data::stream::Stream;
use crate::log::Figures;
use crate::model::Network;

/// A task, as the training loop sees it.
pub trait Job {
    /// A batch: pictures and their labels.
    type Batch: Send + 'static;

    /// Describes the training data in words.
    fn describe(&self) -> String;

    /// Returns the steps of an epoch.
    fn steps(&self) -> usize;

    /// Returns the batches of `epoch`, in order, without the first `skip`.
    fn stream(&self, epoch: u64, skip: usize) -> Stream<Self::Batch>;

    /// Returns the pictures in a batch. There are none if all of them failed.
    fn pictures(&self, batch: &Self::Batch) -> usize;

    /// Returns the pictures as the network sees them.
    fn images(&self, batch: &Self::Batch) -> Tensor;

    /// Returns the names of the losses after the total.
    fn parts(&self) -> &'static [&'static str];

    /// Returns the losses of a batch as scalars: the total, which is minimised, and its parts.
    fn losses(&self, net: &dyn Network, batch: Self::Batch) -> Result<Vec<Tensor>>;

    /// Judges `net` on the validation part.
    fn validate(&self, net: &dyn Network) -> Result<Judgement>;

    /// Returns the pictures that failed so far, with the reason.
    fn failures(&self) -> BTreeMap<String, String>;
}

/// The result of a validation.
pub struct Judgement {
    /// The figure by which checkpoints are compared. The smallest value is the best.
    pub score: f64,
    /// The figures to watch, by group.
    pub groups: Vec<(String, Figures)>,
}

/// Names the first of what failed.
pub fn first_failure(failures: &BTreeMap<String, String>) -> String {
    failures.iter().next().map_or(String::new(), |(path, error)| format!("{path}: {error}"))
}
