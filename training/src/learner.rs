//! The state of a training: a network, the average of its weights, and the optimiser's state.

use std::path::Path;

use anyhow::Result;
use tch::{Device, Kind, Tensor, nn};

use crate::checkpoint::{self, Checkpoint, Partial, Progress};
use crate::config::TrainConfig;
use crate::flat::Flat;
use crate::initial;
use crate::job::Job;
use crate::model::Network;
use crate::optim::{self, AdamW, Options};

/// A network under training.
pub struct Learner {
    /// The progress.
    pub progress: Progress,
    config: TrainConfig,
    data: String,
    net: Box<dyn Network>,
    averaged: Box<dyn Network>,
    vars: nn::VarStore,
    average: nn::VarStore,
    flat: Flat,
    flat_average: Flat,
    guard: Guard,
    optimiser: AdamW,
}

impl Learner {
    /// Makes a new network, one that starts from other weights, or one that continues from a checkpoint.
    pub fn start<J: Job>(
        config: &TrainConfig,
        device: Device,
        data: &str,
        job: &J,
        resumed: Option<Checkpoint>,
    ) -> Result<Self> {
        tch::manual_seed(config.seed as i64);
        let (vars, average) = (nn::VarStore::new(device), nn::VarStore::new(device));
        let mut net = config.network.build(&vars.root());
        net.set_half(config.bf16);
        let averaged = config.network.build(&average.root());
        if let (Some(from), None) = (&config.init_from, &resumed) {
            initial::weights(Path::new(from), &*net, &vars, job)?;
        }
        let frozen = freeze(&vars, &config.freeze)?;
        let flat = Flat::new(&vars, optim::class);
        let places: std::collections::HashMap<String, usize> =
            flat.spans().iter().enumerate().map(|(i, span)| (span.name.clone(), i)).collect();
        // Both have the same layout as the weights.
        let flat_average = Flat::new(&average, |name, _| places[name]);
        tch::no_grad(|| flat_average.all().shallow_clone().copy_(flat.all()));
        let options = Options {
            weight_decay: config.weight_decay,
            grad_clip_norm: config.grad_clip_norm,
            epsilon: config.adam_epsilon,
            head_lr_scale: config.head_lr_scale,
        };
        let mut optimiser = AdamW::new(&flat, options);
        let mut progress = Progress::default();
        if let Some(checkpoint) = resumed {
            checkpoint.restore("weights", &vars)?;
            checkpoint.restore("average", &average)?;
            checkpoint.restore_optimiser(&mut optimiser)?;
            progress = checkpoint.progress;
        }
        let guard = Guard::new(&flat, &frozen);
        let (config, data) = (config.clone(), data.to_owned());
        Ok(Self {
            progress,
            config,
            data,
            net,
            averaged,
            vars,
            average,
            flat,
            flat_average,
            guard,
            optimiser,
        })
    }

    /// Describes the network in words.
    pub fn describe(&self) -> String {
        let trained = self.vars.trainable_variables();
        format!(
            "{}: {:.1} MMAC, {} parameters, on {}",
            self.config.arch,
            self.config.network.mega_macs(),
            trained.iter().map(Tensor::numel).sum::<usize>(),
            if self.vars.device().is_cuda() { "a GPU" } else { "the CPU" }
        )
    }

    /// Returns the network under training.
    pub fn net(&self) -> &dyn Network {
        &*self.net
    }

    /// Returns the network with the average of its weights.
    pub fn averaged(&self) -> &dyn Network {
        &*self.averaged
    }

    /// Makes dropout and noise draw the same numbers at step `index` as before a break.
    pub fn seed(&self, index: usize) {
        let seed = self.config.seed.wrapping_mul(0x9E37_79B9).wrapping_add(index as u64);
        tch::manual_seed(seed as i64);
    }

    /// Takes one step down the gradient of `loss`. If the gradient is not finite, neither weights nor statistics
    /// change.
    pub fn step(&mut self, loss: &Tensor, learning_rate: f64) {
        let fine = self.optimiser.step(loss, learning_rate);
        self.guard.settle(&fine);
        self.progress.steps += 1;
        if self.config.ema_decay > 0.0 {
            let n = self.progress.steps as f64;
            self.blend(self.config.ema_decay.min((1.0 + n) / (10.0 + n)));
        }
    }

    /// Moves the average towards the weights, with batch norm's statistics.
    fn blend(&self, decay: f64) {
        tch::no_grad(|| {
            let mut average = self.flat_average.all().shallow_clone();
            let _ = average.lerp_(self.flat.all(), 1.0 - decay);
        });
    }

    /// Returns sums of the losses to start an epoch with. The last number counts the steps in them.
    pub fn sums(&self, partial: &Partial, parts: usize) -> Tensor {
        let mut sums = partial.sums();
        // Older checkpoints do not count them.
        if sums.len() == 1 + parts {
            sums.push(partial.steps as f32);
        }
        sums.resize(2 + parts, 0.0);
        Tensor::from_slice(&sums).to_device(self.vars.device())
    }

    /// Adds a step's losses. Those that are not finite are left out, and do not count.
    pub fn add(&self, sum: &mut Tensor, losses: &[Tensor]) {
        tch::no_grad(|| {
            let losses = Tensor::stack(losses, 0).detach();
            let fine = losses.isfinite().all().to_kind(Kind::Float);
            let losses = losses.nan_to_num(0.0, 0.0, 0.0) * &fine;
            *sum += Tensor::cat(&[losses, fine.view([1])], 0);
        });
    }

    /// Returns the means of the losses over the steps that count. It waits for the device.
    pub fn means(&self, sum: &Tensor) -> Result<Vec<f32>> {
        let losses = sum.size()[0] - 1;
        let steps = sum.get(losses).clamp_min(1.0);
        Ok((sum.narrow(0, 0, losses) / steps).try_into()?)
    }

    /// Returns the steps that were not finite so far. It waits for the device.
    pub fn skipped(&self) -> f64 {
        self.optimiser.skipped()
    }

    /// Writes all that a run needs to continue. Without a moving average, the average is the weights after the last whole
    /// epoch.
    pub fn save(&self, path: &Path) -> Result<()> {
        self.write(path, Some(&self.optimiser))
    }

    /// Writes what the network needs in use.
    pub fn save_average(&self, path: &Path) -> Result<()> {
        self.write(path, None)
    }

    fn write(&self, path: &Path, optimiser: Option<&AdamW>) -> Result<()> {
        let stores = [("weights", &self.vars), ("average", &self.average)];
        let state = checkpoint::State {
            config: self.config.clone(),
            data: self.data.clone(),
            progress: self.progress.clone(),
        };
        checkpoint::save(path, &state, &stores, optimiser)
    }

    /// Call it when an epoch's steps are done. Without a moving average, the weights themselves are judged.
    pub fn settle_average(&self) {
        if self.config.ema_decay == 0.0 {
            self.blend(0.0);
        }
    }
}

/// Refuses a file to start from that is not there, and prefixes that freeze nothing, or everything. Warns of weights that
/// stay random.
pub fn check_start(config: &TrainConfig) -> Result<()> {
    if let Some(from) = &config.init_from {
        let file = checkpoint::weights_in(Path::new(from));
        anyhow::ensure!(file.exists(), "init_from: there is no {}", file.display());
    }
    if !config.freeze.is_empty() {
        let vars = nn::VarStore::new(Device::Cpu);
        config.network.build(&vars.root());
        freeze(&vars, &config.freeze)?;
        let left = vars.variables().values().any(Tensor::requires_grad);
        anyhow::ensure!(left, "nothing is left to train: all variables are frozen");
        if config.init_from.is_none() {
            let names = config.freeze.join(", ");
            eprintln!(
                "warning: what starts with {names} is frozen at random, since there is no --init-from"
            );
        }
    }
    Ok(())
}

/// Freezes the variables below the given prefixes, and returns their names.
fn freeze(vars: &nn::VarStore, prefixes: &[String]) -> Result<Vec<String>> {
    let mut frozen = Vec::new();
    for prefix in prefixes {
        let before = frozen.len();
        for (name, value) in vars.variables() {
            if name.starts_with(prefix) {
                let _ = value.set_requires_grad(false);
                frozen.push(name);
            }
        }
        anyhow::ensure!(frozen.len() > before, "no variable starts with {prefix:?}");
    }
    Ok(frozen)
}

/// Restores what the optimiser does not move. These are frozen variables, whose batch norms would move by themselves.
/// In a step that is not finite they are all statistics, since NaN would stay NaN.
struct Guard {
    still: Tensor,
    kept: Tensor,
    frozen: Tensor,
}

impl Guard {
    fn new(flat: &Flat, frozen: &[String]) -> Self {
        let range = flat.range(|span| !span.value.requires_grad());
        let still = flat.part(&range);
        let mask = Tensor::zeros([range.end - range.start], (Kind::Bool, flat.all().device()));
        for span in flat.spans().iter().filter(|span| frozen.contains(&span.name)) {
            let _ = mask.narrow(0, span.start - range.start, span.length).fill_(1);
        }
        Self { kept: still.copy(), still, frozen: mask }
    }

    fn settle(&mut self, fine: &Tensor) {
        tch::no_grad(|| {
            let moves = self.frozen.logical_not().logical_and(&fine.to_kind(Kind::Bool));
            self.kept = self.still.where_self(&moves, &self.kept);
            self.still.copy_(&self.kept);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::nn::ModuleT;

    #[test]
    fn statistics_survive_a_batch_that_is_not_finite_and_frozen_ones_stay() {
        let vars = nn::VarStore::new(Device::Cpu);
        let norms = ["a", "b"].map(|n| nn::batch_norm1d(vars.root() / n, 2, Default::default()));
        let frozen = freeze(&vars, &["b".into()]).expect("there is b");
        assert!(freeze(&vars, &["c".into()]).is_err());
        let flat = Flat::new(&vars, optim::class);
        let mut guard = Guard::new(&flat, &frozen);
        let forward = |x: &Tensor| norms.iter().for_each(|norm| drop(norm.forward_t(x, true)));
        let yes = |fine: f64| Tensor::from(fine);
        forward(&(Tensor::ones([4, 2], tch::kind::FLOAT_CPU) * 5.0));
        guard.settle(&yes(1.0));
        let mean = |i: usize| norms[i].running_mean.double_value(&[0]);
        assert!((mean(0) - 0.5).abs() < 1e-6 && mean(1) == 0.0, "{} {}", mean(0), mean(1));
        forward(&(Tensor::ones([4, 2], tch::kind::FLOAT_CPU) * f64::NAN));
        assert!(mean(0).is_nan());
        guard.settle(&yes(0.0));
        assert!((mean(0) - 0.5).abs() < 1e-6 && mean(1) == 0.0);
    }
}
