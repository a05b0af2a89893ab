//! A run's state in one file: weights, average, optimiser, progress and the arguments.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use tch::{Tensor, nn};

use crate::config::TrainConfig;
use crate::optim::AdamW;

/// Where a run stands.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Progress {
    /// Epochs done.
    pub epochs: usize,
    /// Steps done.
    pub steps: usize,
    /// Best validation score so far; smaller is better.
    pub best: Option<f64>,
    /// Epochs since then.
    pub since_best: usize,
    /// The epoch that was interrupted.
    #[serde(default)]
    pub partial: Option<Partial>,
}

/// Where an interrupted epoch stands.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Partial {
    /// Its steps done.
    pub steps: usize,
    /// Its faces seen.
    pub seen: usize,
    /// Bits of the sums of its losses: as text they would lose the last digit.
    sums: Vec<u32>,
}

impl Partial {
    /// After `steps` steps with the summed losses `sum`.
    pub fn new(steps: usize, seen: usize, sum: &Tensor) -> Result<Self> {
        let sums: Vec<f32> = sum.to_device(tch::Device::Cpu).try_into()?;
        Ok(Self { steps, seen, sums: sums.into_iter().map(f32::to_bits).collect() })
    }

    /// The summed losses; none before the first step.
    pub fn sums(&self) -> Vec<f32> {
        self.sums.iter().copied().map(f32::from_bits).collect()
    }
}

#[derive(Serialize, Deserialize)]
struct State {
    config: TrainConfig,
    progress: Progress,
}

/// A file that was read back.
pub struct Checkpoint {
    /// Arguments of the run.
    pub config: TrainConfig,
    /// Where it stood.
    pub progress: Progress,
    tensors: BTreeMap<String, Tensor>,
}

/// Writes to a temporary name, then renames.
pub fn save(
    path: &Path,
    config: &TrainConfig,
    progress: &Progress,
    weights: &nn::VarStore,
    average: &nn::VarStore,
    optimiser: Option<&AdamW>,
) -> Result<()> {
    let state = State { config: config.clone(), progress: progress.clone() };
    let state = serde_json::to_vec(&state)?;
    let mut tensors = vec![("state".to_owned(), Tensor::from_slice(&state))];
    for (prefix, store) in [("weights", weights), ("average", average)] {
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
        let state = tensors.get("state").context("no checkpoint of face-train: no state in it")?;
        let state: Vec<u8> = state.try_into()?;
        let State { config, progress } =
            serde_json::from_slice(&state).context("checkpoint of another version")?;
        Ok(Self { config, progress, tensors })
    }

    /// Copies the variables kept under `prefix` (`weights` or `average`) into `store`.
    pub fn restore(&self, prefix: &str, store: &nn::VarStore) -> Result<()> {
        tch::no_grad(|| {
            for (name, mut value) in store.variables() {
                let key = format!("{prefix}/{name}");
                let saved =
                    self.tensors.get(&key).with_context(|| format!("checkpoint lacks {key}"))?;
                anyhow::ensure!(
                    saved.size() == value.size(),
                    "{key} is {:?} in the checkpoint, {:?} in the network",
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

    /// A variable kept under `average`.
    pub fn average(&self, name: &str) -> Result<Tensor> {
        let key = format!("average/{name}");
        Ok(self
            .tensors
            .get(&key)
            .with_context(|| format!("checkpoint lacks {key}"))?
            .shallow_clone())
    }
}
