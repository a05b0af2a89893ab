//! The state of a run in one file: weights, average, optimiser, progress and arguments.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use tch::{Tensor, nn};

use crate::config::TrainConfig;
use crate::optim::AdamW;

/// The checkpoint from which a run continues.
pub const LAST: &str = "last.safetensors";
/// The checkpoint with the best validation score.
pub const BEST: &str = "best.safetensors";

/// Returns the checkpoint of a run's folder, or the file itself.
pub fn weights_in(path: &Path) -> PathBuf {
    if path.is_dir() { path.join(BEST) } else { path.to_owned() }
}

/// The progress of a run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Progress {
    /// The epochs that are done.
    pub epochs: usize,
    /// The steps that are done.
    pub steps: usize,
    /// The best validation score so far. Smaller is better.
    pub best: Option<f64>,
    /// The epochs since then.
    pub since_best: usize,
    /// The epoch that was interrupted.
    #[serde(default)]
    pub partial: Option<Partial>,
}

impl Progress {
    /// Notes a validation score, and returns whether it is the best so far. A score that is not a number is never the
    /// best.
    pub fn judged(&mut self, score: f64) -> bool {
        self.epochs += 1;
        let best = self.best.filter(|best| best.is_finite());
        let better = score.is_finite() && best.is_none_or(|best| score < best);
        if better {
            (self.best, self.since_best) = (Some(score), 0);
        } else {
            self.since_best += 1;
        }
        better
    }
}

/// The progress of an interrupted epoch.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Partial {
    /// The steps of it that are done.
    pub steps: usize,
    /// The faces of it that were shown.
    pub seen: usize,
    /// The bits of the sums of its losses. As text they would lose the last digit.
    sums: Vec<u32>,
}

impl Partial {
    /// Makes the progress after `steps` steps with the summed losses `sum`.
    pub fn new(steps: usize, seen: usize, sum: &Tensor) -> Result<Self> {
        let sums: Vec<f32> = sum.to_device(tch::Device::Cpu).try_into()?;
        Ok(Self { steps, seen, sums: sums.into_iter().map(f32::to_bits).collect() })
    }

    /// Returns the summed losses. There are none before the first step.
    pub fn sums(&self) -> Vec<f32> {
        self.sums.iter().copied().map(f32::from_bits).collect()
    }
}

/// The description of a run in its file.
#[derive(Serialize, Deserialize)]
pub struct State {
    /// The settings of the run.
    pub config: TrainConfig,
    /// An identifier of its faces, which is empty in files up to 0.3.0.
    #[serde(default)]
    pub data: String,
    /// The progress.
    pub progress: Progress,
}

/// A file that was read.
pub struct Checkpoint {
    /// The settings of the run.
    pub config: TrainConfig,
    /// An identifier of its faces.
    pub data: String,
    /// The progress at that time.
    pub progress: Progress,
    tensors: BTreeMap<String, Tensor>,
}

/// Writes to a temporary name, then renames.
pub fn save(
    path: &Path,
    state: &State,
    stores: &[(&str, &nn::VarStore)],
    optimiser: Option<&AdamW>,
) -> Result<()> {
    let state = serde_json::to_vec(state)?;
    let mut tensors = vec![("state".to_owned(), Tensor::from_slice(&state))];
    for (prefix, store) in stores {
        for (name, value) in store.variables() {
            tensors.push((format!("{prefix}/{name}"), value.detach().to_device(tch::Device::Cpu)));
        }
    }
    if let Some(optimiser) = optimiser {
        tensors.extend(optimiser.state());
    }
    tensors.sort_by(|a, b| a.0.cmp(&b.0));
    crate::files::replace_named(path, |part| Ok(Tensor::write_safetensors(&tensors, part)?))
}

impl Checkpoint {
    /// Reads a file that [`save`] wrote.
    pub fn load(path: &Path) -> Result<Self> {
        let tensors = Tensor::read_safetensors(path)
            .with_context(|| format!("checkpoint {}", path.display()))?;
        let tensors: BTreeMap<String, Tensor> = tensors.into_iter().collect();
        let state = tensors
            .get("state")
            .context("the file is no checkpoint of face-train: it has no state")?;
        let state: Vec<u8> = state.try_into()?;
        let State { config, data, progress } =
            serde_json::from_slice(&state).context("the checkpoint is of another version")?;
        Ok(Self { config, data, progress, tensors })
    }

    /// Copies the variables that are kept under `prefix` (`weights` or `average`) into `store`.
    pub fn restore(&self, prefix: &str, store: &nn::VarStore) -> Result<()> {
        tch::no_grad(|| {
            for (name, mut value) in store.variables() {
                let key = format!("{prefix}/{name}");
                let saved = self
                    .tensors
                    .get(&key)
                    .with_context(|| format!("the checkpoint lacks {key}"))?;
                anyhow::ensure!(
                    saved.size() == value.size(),
                    "{key} is {:?} in the checkpoint, but {:?} in the network",
                    saved.size(),
                    value.size()
                );
                value.copy_(saved);
            }
            Ok(())
        })
    }

    /// Gives the optimiser its state back.
    pub fn restore_optimiser(&self, optimiser: &mut AdamW) -> Result<()> {
        optimiser.restore(&self.tensors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_that_is_no_number_is_never_the_best() {
        let mut progress = Progress::default();
        let scores = [f64::NAN, 2.0, f64::NAN, f64::NEG_INFINITY, 2.5, 1.0, 1.0];
        let better = scores.map(|score| progress.judged(score));
        assert_eq!(better, [false, true, false, false, false, true, false]);
        assert_eq!((progress.best, progress.since_best, progress.epochs), (Some(1.0), 1, 7));
        // This is the form that an earlier version wrote.
        let mut stuck = Progress { best: Some(f64::NAN), ..Progress::default() };
        assert!(stuck.judged(3.0));
    }
}
