//! What a network under training says of faces, before calibration.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use face_predict::Quality;
use tch::{Device, Tensor, nn};

use crate::checkpoint::Checkpoint;
use crate::data::loader::{Source, YEARS};
use crate::model::{Network, Outputs};

/// Raw outputs for one face; empty or absent where the network lacks the head.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Raw {
    /// One logit a year.
    pub age_logits: Vec<f32>,
    /// Years, from a regression.
    pub age: Option<f32>,
    /// Positive for male.
    pub gender_logit: Option<f32>,
    /// What is to be held against the crop.
    pub quality: Quality,
    /// A detector's numbers, one list a stride.
    pub grids: Vec<Vec<f32>>,
}

/// Splits a batch's outputs by face.
pub fn split(outputs: &Outputs, faces: usize) -> Result<Vec<Raw>> {
    let flat = |t: &Option<Tensor>| -> Result<Vec<f32>> {
        Ok(match t {
            Some(t) => Vec::try_from(t.detach().to_device(Device::Cpu).contiguous().view([-1]))?,
            None => Vec::new(),
        })
    };
    let (logits, ages, genders) =
        (flat(&outputs.age_logits)?, flat(&outputs.age)?, flat(&outputs.gender_logit)?);
    let grids = outputs.grids.iter().map(|grid| {
        let values = flat(&Some(grid.shallow_clone()))?;
        let each = values.len() / faces.max(1);
        Ok((values, each))
    });
    let grids: Vec<(Vec<f32>, usize)> = grids.collect::<Result<_>>()?;
    let face = |i: usize| Raw {
        age_logits: logits.chunks(YEARS).nth(i).unwrap_or_default().to_vec(),
        age: ages.get(i).copied(),
        gender_logit: genders.get(i).copied(),
        quality: Quality::default(),
        grids: grids.iter().map(|(grid, each)| grid[i * each..(i + 1) * each].to_vec()).collect(),
    };
    Ok((0..faces).map(face).collect())
}

/// Runs `net` over all of `source`, in order; pictures that fail are left out.
pub fn run(
    net: &dyn Network,
    source: &Arc<Source>,
    device: Device,
    workers: usize,
) -> Result<Vec<(usize, Raw)>> {
    let mut found = Vec::with_capacity(source.rows().len());
    let order = (0..source.rows().len()).collect();
    tch::no_grad(|| -> Result<()> {
        for batch in source.stream(order, 64, 0, workers, 0) {
            let batch = batch?.to(device);
            if batch.rows.is_empty() {
                continue;
            }
            let mut raw = split(&net.forward(&batch.images, false), batch.rows.len())?;
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
    /// What the checkpoint says of itself.
    pub checkpoint: Checkpoint,
    /// The network, for use.
    pub net: Box<dyn Network>,
    // Owns the tensors that the network refers to.
    _vars: nn::VarStore,
}

impl Averaged {
    /// Reads `path`: a checkpoint, or a run's folder, whose best one is taken.
    pub fn load(path: &Path) -> Result<Self> {
        let file = if path.is_dir() { path.join("best.safetensors") } else { path.to_owned() };
        let checkpoint = Checkpoint::load(&file)?;
        let vars = nn::VarStore::new(Device::Cpu);
        let net = checkpoint.config.network.build(&vars.root());
        checkpoint.restore("average", &vars)?;
        Ok(Self { checkpoint, net, _vars: vars })
    }
}
