//! Everything that decides what a training run does; saved in its checkpoints.

use face_predict::{CropAnchor, CropRule, InputSpec};
use serde::{Deserialize, Serialize};

use crate::augment::Augment;
use crate::detect::job::DetectConfig;
use crate::loss::LossWeights;
use crate::model::Arch;

/// Checked arguments of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainConfig {
    /// Name of the network.
    pub arch: String,
    /// Its size.
    pub network: Arch,
    /// Its crop and colours.
    pub input: InputSpec,
    /// Changes to the pictures.
    pub augment: Augment,
    /// Weights of the loss.
    pub loss: LossWeights,
    /// Faces a step.
    pub batch: usize,
    /// Epochs, unless it stops early.
    pub epochs: usize,
    /// Faces an epoch.
    pub epoch_size: usize,
    /// Power of the cells' size in sampling.
    pub balance: f64,
    /// Peak step size.
    pub rate: f64,
    /// Weight decay.
    pub decay: f64,
    /// Longest gradient.
    pub clip: f64,
    /// Decay of the average of the weights, a step.
    pub average: f64,
    /// Epochs without a better validation score before stopping.
    pub patience: usize,
    /// Whether convolutions are computed in bfloat16 while training.
    pub half: bool,
    /// Seed of everything random.
    pub seed: u64,
    /// How the step size changes.
    #[serde(default)]
    pub schedule: Schedule,
    /// Every face once an epoch, whatever `balance` and `epoch_size` say.
    #[serde(default)]
    pub shuffle: bool,
    /// Variables whose names start with one of these stay as they are.
    #[serde(default)]
    pub freeze: Vec<String>,
    /// Checkpoint that the weights start from.
    #[serde(default)]
    pub init_from: Option<String>,
    /// Model files whose answers are learned from.
    #[serde(default)]
    pub teacher: Vec<String>,
    /// Crops of a face that the teacher's answer is the mean of.
    #[serde(default, alias = "teacher_looks")]
    pub teacher_crops: usize,
    /// Sources whose faces the teacher is asked about; none: all.
    #[serde(default)]
    pub teacher_sources: Vec<String>,
    /// Crops of each face in a step, side by side.
    #[serde(default = "one")]
    pub views: usize,
    /// What only a detector's training needs.
    #[serde(default)]
    pub detect: Option<DetectConfig>,
}

fn one() -> usize {
    1
}

/// How the step size changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Schedule {
    /// A warm-up, then half a cosine.
    #[default]
    Cosine,
    /// Never.
    Constant,
}

/// The canonical crop: as wide as UTKFace's tight pictures allow without much repeated border. Frames are the
/// medians of the boxes that YuNet finds, and of the whole pictures, over UTKFace and FairFace.
pub fn canonical_input(side: usize) -> InputSpec {
    InputSpec {
        width: side,
        height: side,
        channels: "RGB".into(),
        mean: [0.5; 3],
        std: [0.25; 3],
        crop: CropRule::Landmarks {
            template: [
                [0.332, 0.319],
                [0.668, 0.319],
                [0.5, 0.501],
                [0.361, 0.651],
                [0.639, 0.651],
            ],
            face: CropAnchor { x: 0.503, y: 0.436, side: 0.815 },
            picture: CropAnchor { x: 0.508, y: 0.5, side: 0.872 },
        },
    }
}

/// The study's crop: the face's box, resized; values 0 to 1.
pub fn paper_input() -> InputSpec {
    let side = crate::model::paper::SIDE as usize;
    InputSpec {
        width: side,
        height: side,
        channels: "RGB".into(),
        mean: [0.0; 3],
        std: [1.0; 3],
        crop: CropRule::Box { margin: 0.0 },
    }
}

/// A detector's: the whole picture. Other sizes follow from the picture.
pub fn whole_input() -> InputSpec {
    let side = crate::model::detector::SIDE;
    InputSpec {
        width: side,
        height: side,
        channels: "RGB".into(),
        mean: [0.5; 3],
        std: [0.25; 3],
        crop: CropRule::Whole,
    }
}
