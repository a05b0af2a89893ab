//! Networks to train.

pub mod block;
pub mod detector;
pub mod estimator;
pub mod mobilenet;
pub mod paper;
pub mod raw;

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use face_predict::Task;
use serde::{Deserialize, Serialize};
use tch::{Tensor, nn};

use crate::onnx::{Graph, Value};
use detector::Detector;
use estimator::Estimator;
use mobilenet::MobileNet;
use paper::Paper;

/// Whole years 0 to 100.
pub const YEARS: usize = 101;

/// What a network says of a batch; a head that it does not have is `None`.
#[derive(Default)]
pub struct Outputs {
    /// `[N, 101]`, before softmax.
    pub age_logits: Option<Tensor>,
    /// `[N, 1]`, years.
    pub age: Option<Tensor>,
    /// `[N, 1]`, positive for male.
    pub gender_logit: Option<Tensor>,
    /// `[N, 15, H / s, W / s]` for each stride `s`, as `face_predict::DetectSpec` describes; none but a detector has them.
    pub grids: Vec<Tensor>,
}

/// Copies the constant `name` into `to`.
fn take(constants: &BTreeMap<String, Tensor>, name: &str, to: &Tensor) -> Result<()> {
    let from = constants.get(name).with_context(|| format!("the file lacks {name}"))?;
    let (found, wanted) = (from.size(), to.size());
    ensure!(found == wanted, "{name} is {found:?} in the file, {wanted:?} in the network");
    to.shallow_clone().copy_(from);
    Ok(())
}

/// The same values, the channels of each place side by side: what convolutions are fastest with on GPUs, and on processors in
/// bfloat16.
fn channels_last(x: &Tensor) -> Tensor {
    x.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2])
}

/// The bias of a layer that was built with one.
fn bias(of: &Option<Tensor>) -> Result<&Tensor> {
    of.as_ref().context("a layer without bias")
}

/// The own scale and offset of a batch norm that was built with them.
fn gain_and_offset(of: &nn::BatchNorm) -> Result<(&Tensor, &Tensor)> {
    of.ws.as_ref().zip(of.bs.as_ref()).context("a batch norm without its own scale")
}

/// A network under training.
pub trait Network {
    /// Computes convolutions in bfloat16 while training: 1.6 times as fast on processors that can, and on GPUs.
    fn set_half(&mut self, half: bool);

    /// `images` is `[N, 3, H, W]`; `train` switches dropout and batch statistics on.
    fn forward(&self, images: &Tensor, train: bool) -> Outputs;

    /// Takes the weights of an exported file, as [`constants`](crate::onnx::constants) reads them. `images` show batch norm,
    /// which the file has no more, what it sees.
    fn adopt(&self, _constants: &BTreeMap<String, Tensor>, _images: &Tensor) -> Result<()> {
        bail!("this network starts from a checkpoint or a run, not from a model file")
    }

    /// Adds what [`Network::forward`] computes outside training, from `image` to the outputs.
    fn export(&self, graph: &mut Graph, image: &Value) -> Result<()>;
}

/// A kind of network at a size.
// Untagged: the first checkpoints have an estimator's fields here and nothing else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Arch {
    /// Our own.
    Estimator(Estimator),
    /// The published study's.
    Paper(Paper),
    /// Our own, to find faces.
    Detector(Detector),
    /// A teacher.
    MobileNet(MobileNet),
}

/// Names of the networks there are.
pub const NAMES: &str = "tiny, base, detector, mobilenet, paper-age, paper-gender, paper-multi";

impl Arch {
    /// The network called `name`.
    pub fn named(name: &str) -> Result<Self> {
        if let Some(paper) = Paper::named(name) {
            return Ok(Self::Paper(paper));
        }
        if let Some(detector) = Detector::named(name) {
            return Ok(Self::Detector(detector));
        }
        if let Some(mobilenet) = MobileNet::named(name) {
            return Ok(Self::MobileNet(mobilenet));
        }
        match Estimator::named(name) {
            Some(estimator) => Ok(Self::Estimator(estimator)),
            None => bail!("no network is called {name:?}: {NAMES}"),
        }
    }

    /// Builds it with its variables below `path`.
    pub fn build(&self, path: &nn::Path<'_>) -> Box<dyn Network> {
        match self {
            Self::Estimator(arch) => Box::new(arch.build(path)),
            Self::Paper(arch) => Box::new(arch.build(path)),
            Self::Detector(arch) => Box::new(arch.build(path)),
            Self::MobileNet(arch) => Box::new(arch.build(path)),
        }
    }

    /// Multiplications and additions for one face, in millions; a detector's for 320 x 256 pixels.
    pub fn mega_macs(&self) -> f64 {
        match self {
            Self::Estimator(arch) => arch.mega_macs(),
            Self::Paper(arch) => arch.mega_macs(),
            Self::Detector(arch) => arch.mega_macs(320, 256),
            Self::MobileNet(arch) => arch.mega_macs(),
        }
    }

    /// Crop side in pixels.
    pub fn side(&self) -> usize {
        match self {
            Self::Estimator(arch) => arch.input as usize,
            Self::Paper(_) => paper::SIDE as usize,
            Self::Detector(_) => detector::SIDE,
            Self::MobileNet(arch) => arch.side as usize,
        }
    }

    /// Whether its age is one number instead of a distribution.
    pub fn regression(&self) -> bool {
        matches!(self, Self::Paper(paper) if paper.age.is_some())
    }

    /// Refuses sizes that cannot be built.
    pub fn check(&self) -> Result<()> {
        match self {
            Self::Estimator(arch) => arch.check(),
            Self::Paper(arch) => arch.check(),
            Self::Detector(arch) => arch.check(),
            Self::MobileNet(arch) => arch.check(),
        }
    }

    /// What it estimates.
    pub fn task(&self) -> Task {
        match self {
            Self::Estimator(_) | Self::MobileNet(_) => Task::AgeGender,
            Self::Paper(paper) => paper.task(),
            Self::Detector(_) => Task::Detect,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_reads_back_as_itself() {
        for name in NAMES.split(", ") {
            let arch = Arch::named(name).expect(name);
            let text = serde_json::to_string(&arch).expect("text");
            assert_eq!(serde_json::from_str::<Arch>(&text).expect(name), arch, "{text}");
            arch.check().expect(name);
        }
    }
}
