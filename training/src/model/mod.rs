//! Networks to train.

pub mod block;
pub mod detector;
pub mod estimator;
pub mod mobilenet;
mod network;
pub mod paper;
pub mod raw;

use anyhow::{Result, bail};
use face_predict::Task;
use serde::{Deserialize, Serialize};
use tch::nn;

use detector::Detector;
use estimator::Estimator;
use mobilenet::MobileNet;
use paper::Paper;

pub use network::{Network, Outputs, YEARS};

/// A kind of network at a size.
// The enum is untagged, because the first checkpoints have an estimator's fields here and nothing else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Arch {
    /// Our own estimator.
    Estimator(Estimator),
    /// A network of the published study.
    Paper(Paper),
    /// Our own detector.
    Detector(Detector),
    /// A teacher.
    MobileNet(MobileNet),
}

/// Returns the names of all networks.
pub const NAMES: &str =
    "tiny, base, detector, detector-small, mobilenet, paper-age, paper-gender, paper-multi";

impl Arch {
    /// Returns the network called `name`.
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

    /// Returns the multiplications and additions for one face, in millions. For a detector it is 320 x 256 pixels.
    pub fn mega_macs(&self) -> f64 {
        match self {
            Self::Estimator(arch) => arch.mega_macs(),
            Self::Paper(arch) => arch.mega_macs(),
            Self::Detector(arch) => arch.mega_macs(320, 256),
            Self::MobileNet(arch) => arch.mega_macs(),
        }
    }

    /// Returns the side of the crop in pixels.
    pub fn side(&self) -> usize {
        match self {
            Self::Estimator(arch) => arch.input as usize,
            Self::Paper(_) => paper::SIDE as usize,
            Self::Detector(_) => detector::SIDE,
            Self::MobileNet(arch) => arch.side as usize,
        }
    }

    /// Returns whether its age is one number instead of a distribution.
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

    /// Returns its tasks.
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
