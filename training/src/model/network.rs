//! The interface of a network for the trainer, and what all networks share.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use tch::{Tensor, nn};

use crate::onnx::{Graph, Value};

/// The whole years 0 to 100.
pub const YEARS: usize = 101;

/// A network's outputs for a batch. A head that it does not have is `None`.
#[derive(Default)]
pub struct Outputs {
    /// `[N, 101]`, before softmax.
    pub age_logits: Option<Tensor>,
    /// `[N, 1]`, years.
    pub age: Option<Tensor>,
    /// `[N, 1]`, positive for male.
    pub gender_logit: Option<Tensor>,
    /// `[N, 15, H / s, W / s]` for each stride `s`, as `face_predict::DetectSpec` describes. Only a detector has them.
    pub grids: Vec<Tensor>,
}

/// Copies the constant `name` into `to`.
pub(super) fn take(constants: &BTreeMap<String, Tensor>, name: &str, to: &Tensor) -> Result<()> {
    let from = constants.get(name).with_context(|| format!("the file lacks {name}"))?;
    let (found, wanted) = (from.size(), to.size());
    ensure!(found == wanted, "{name} is {found:?} in the file, {wanted:?} in the network");
    to.shallow_clone().copy_(from);
    Ok(())
}

/// Returns the same values with the channels of each place side by side. Convolutions are fastest so on GPUs, and on
/// processors in bfloat16.
pub(super) fn channels_last(x: &Tensor) -> Tensor {
    x.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2])
}

/// Returns the bias of a layer that was built with one.
pub(super) fn bias(of: &Option<Tensor>) -> Result<&Tensor> {
    of.as_ref().context("a layer without bias")
}

/// Returns the scale and the offset of a batch norm that was built with them.
pub(super) fn gain_and_offset(of: &nn::BatchNorm) -> Result<(&Tensor, &Tensor)> {
    of.ws.as_ref().zip(of.bs.as_ref()).context("a batch norm without its own scale")
}

/// A network under training.
pub trait Network {
    /// Computes convolutions in bfloat16 while training. This is 1.6 times as fast on processors that have it, and on
    /// GPUs.
    fn set_half(&mut self, half: bool);

    /// `images` is `[N, 3, H, W]`. `train` switches dropout and batch statistics on.
    fn forward(&self, images: &Tensor, train: bool) -> Outputs;

    /// Loads the weights of an exported file, as [`constants`](crate::onnx::constants) reads them. Batch norm, which
    /// the file lacks, is computed from `images`.
    fn adopt(&self, _constants: &BTreeMap<String, Tensor>, _images: &Tensor) -> Result<()> {
        bail!("this network starts from a checkpoint or a run, not from a model file")
    }

    /// Adds to the graph what [`Network::forward`] computes outside training, from `image` to the outputs.
    fn export(&self, graph: &mut Graph, image: &Value) -> Result<()>;
}
