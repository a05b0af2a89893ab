//! Loads the weights that a run starts from: those of a model file, a checkpoint, or a plain safetensors file.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use tch::{Tensor, nn};

use crate::checkpoint::weights_in;
use crate::config::Form;
use crate::job::{Job, first_failure};
use crate::model::Network;
use crate::onnx;

/// Loads the weights in `path` into `net`, whose variables are `vars`.
pub fn weights<J: Job>(path: &Path, net: &dyn Network, vars: &nn::VarStore, job: &J) -> Result<()> {
    if Form::of(path) == Form::Model {
        return adopt(path, net, job);
    }
    let file = weights_in(path);
    let tensors =
        Tensor::read_safetensors(&file).with_context(|| format!("weights {}", file.display()))?;
    let tensors: BTreeMap<String, Tensor> = tensors.into_iter().collect();
    let (taken, mut fresh) = copy(&tensors, vars);
    ensure!(taken > 0, "{} shares no variable with this network", path.display());
    fresh.sort();
    println!("{taken} variables from {}; afresh: {fresh:?}", path.display());
    Ok(())
}

/// Loads the variables with the same name and shape, with a checkpoint's averages first. Returns how many there were,
/// and the names of those that are missing.
fn copy(tensors: &BTreeMap<String, Tensor>, vars: &nn::VarStore) -> (usize, Vec<String>) {
    let (mut taken, mut fresh) = (0, Vec::new());
    tch::no_grad(|| {
        for (name, mut value) in vars.variables() {
            let saved = tensors.get(&format!("average/{name}")).or_else(|| tensors.get(&name));
            match saved {
                Some(saved) if saved.size() == value.size() => {
                    value.copy_(saved);
                    taken += 1;
                }
                _ => {
                    // A further block of a known network starts as the identity, and changes nothing.
                    if [".b", ".a"].iter().any(|block| name.contains(block))
                        && name.ends_with("norm.weight")
                    {
                        let _ = value.zero_();
                    }
                    fresh.push(name);
                }
            }
        }
    });
    (taken, fresh)
}

/// Loads the weights of a model file. Batch norm, which the file lacks, is computed from the job's first pictures.
fn adopt<J: Job>(path: &Path, net: &dyn Network, job: &J) -> Result<()> {
    let told = || format!("model file {}", path.display());
    let constants = onnx::constants(&onnx::decode(&std::fs::read(path).with_context(told)?)?)?;
    let mut images: Vec<Tensor> = Vec::new();
    for batch in job.stream(0, 0).take(8) {
        let batch = batch?;
        if job.pictures(&batch) > 0 {
            images.push(job.images(&batch));
        }
    }
    // The batches of a detector have several sizes.
    let size = images.first().map(|first| first.size()[2..].to_vec());
    images.retain(|batch| Some(&batch.size()[2..]) == size.as_deref());
    ensure!(!images.is_empty(), "no picture could be read: {}", first_failure(&job.failures()));
    tch::no_grad(|| net.adopt(&constants, &Tensor::cat(&images, 0))).with_context(told)
}
