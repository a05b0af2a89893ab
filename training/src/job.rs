//! What is particular to a task: its pictures, its loss and what it is judged by.

use std::collections::BTreeMap;

use anyhow::Result;
use tch::Tensor;

use crate::data::stream::Stream;
use crate::log::Figures;
use crate::model::Network;

/// A task, as the training loop sees it.
pub trait Job {
    /// Pictures and what is known of them.
    type Batch: Send + 'static;

    /// What there is to train on, in words.
    fn describe(&self) -> String;

    /// Steps an epoch.
    fn steps(&self) -> usize;

    /// The batches of `epoch`, in order, without the first `skip`.
    fn stream(&self, epoch: u64, skip: usize) -> Stream<Self::Batch>;

    /// Pictures in a batch; there are none where all of them failed.
    fn pictures(&self, batch: &Self::Batch) -> usize;

    /// The pictures as the network sees them.
    fn images(&self, batch: &Self::Batch) -> Tensor;

    /// Names of the losses after the total.
    fn parts(&self) -> &'static [&'static str];

    /// The losses of a batch, each a scalar: the total, which is minimised, and its parts.
    fn losses(&self, net: &dyn Network, batch: Self::Batch) -> Result<Vec<Tensor>>;

    /// Judges `net` on the validation part.
    fn validate(&self, net: &dyn Network) -> Result<Judgement>;

    /// Pictures that failed so far, with the reason.
    fn failures(&self) -> BTreeMap<String, String>;
}

/// What validation says.
pub struct Judgement {
    /// The figure by which checkpoints are compared: the smallest value is the best.
    pub score: f64,
    /// Figures to watch, by group.
    pub groups: Vec<(String, Figures)>,
}

/// The first of what failed, in words.
pub fn first_failure(failures: &BTreeMap<String, String>) -> String {
    failures.iter().next().map_or(String::new(), |(path, error)| format!("{path}: {error}"))
}
