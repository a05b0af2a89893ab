//! Returns a network's outputs for faces during training, before calibration.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use tch::{Device, nn};

use crate::checkpoint::{Checkpoint, weights_in};
use crate::data::loader::Source;
use crate::model::Network;
use crate::model::raw::{Raw, split};

/// Runs the network over all of `source`, in order. Pictures that fail are left out.
pub fn run(averaged: &Averaged, source: &Arc<Source>, workers: usize) -> Result<Vec<(usize, Raw)>> {
    let mut found = Vec::with_capacity(source.rows().len());
    tch::no_grad(|| -> Result<()> {
        for batch in source.stream(64, workers) {
            let batch = batch?;
            if batch.rows.is_empty() {
                continue;
            }
            let mut raw = split(
                &averaged.net.forward(&batch.images(averaged.device()), false),
                batch.rows.len(),
            )?;
            for (raw, quality) in raw.iter_mut().zip(&batch.qualities) {
                raw.quality = *quality;
            }
            found.extend(batch.rows.iter().copied().zip(raw));
        }
        Ok(())
    })?;
    Ok(found)
}

/// The average weights of a checkpoint, as a network.
pub struct Averaged {
    /// The description in the checkpoint.
    pub checkpoint: Checkpoint,
    /// The network in evaluation mode.
    pub net: Box<dyn Network>,
    // The owner of the tensors that the network refers to.
    vars: nn::VarStore,
}

impl Averaged {
    /// Reads `path` to `device`. It is a checkpoint, or a run's folder, whose best one is taken.
    pub fn load(path: &Path, device: Device) -> Result<Self> {
        let file = weights_in(path);
        let checkpoint = Checkpoint::load(&file)?;
        let vars = nn::VarStore::new(device);
        let net = checkpoint.config.network.build(&vars.root());
        checkpoint.restore("average", &vars)?;
        Ok(Self { checkpoint, net, vars })
    }

    /// Returns the device of its weights.
    pub fn device(&self) -> Device {
        self.vars.device()
    }
}
