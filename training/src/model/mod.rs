//! Networks to train.

pub mod block;
pub mod detector;
pub mod estimator;
pub mod paper;

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use face_predict::Task;
use serde::{Deserialize, Serialize};
use tch::{Tensor, nn};

use crate::onnx::{Graph, Value};
use detector::Detector;
use estimator::Estimator;
use paper::Paper;

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
    /// Computes convolutions in bfloat16 while training: 1.6 times as fast on processors that can.
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
}

/// Names of the networks there are.
pub const NAMES: &str = "tiny, base, detector, paper-age, paper-gender, paper-multi";

impl Arch {
    /// The network called `name`.
    pub fn named(name: &str) -> Result<Self> {
        if let Some(paper) = Paper::named(name) {
            return Ok(Self::Paper(paper));
        }
        if let Some(detector) = Detector::named(name) {
            return Ok(Self::Detector(detector));
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
        }
    }

    /// Multiplications and additions for one face, in millions; a detector's for 320 x 256 pixels.
    pub fn mega_macs(&self) -> f64 {
        match self {
            Self::Estimator(arch) => arch.mega_macs(),
            Self::Paper(arch) => arch.mega_macs(),
            Self::Detector(arch) => arch.mega_macs(320, 256),
        }
    }

    /// Crop side in pixels.
    pub fn side(&self) -> usize {
        match self {
            Self::Estimator(arch) => arch.input as usize,
            Self::Paper(_) => paper::SIDE as usize,
            Self::Detector(_) => detector::SIDE,
        }
    }

    /// Whether its age is one number instead of a distribution.
    pub fn regression(&self) -> bool {
        matches!(self, Self::Paper(paper) if paper.age.is_some())
    }

    /// What it estimates.
    pub fn task(&self) -> Task {
        match self {
            Self::Estimator(_) => Task::AgeGender,
            Self::Paper(paper) => paper.task(),
            Self::Detector(_) => Task::Detect,
        }
    }
}
