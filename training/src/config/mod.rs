//! All settings that decide the result of a training run. They are saved in its checkpoints and in its `config.toml`.

pub mod defaults;
mod distillation;
mod effect;
pub mod inputs;
pub mod settings;
mod start;

use anyhow::{Result, ensure};
use face_predict::{InputSpec, Task};
use serde::{Deserialize, Serialize};

use self::distillation::Distillation;
pub use self::distillation::{Form, Teacher, split};
use crate::augment::Augment;
use crate::loss::LossWeights;
use crate::model::Arch;

/// The settings of a run. The aliases are the names in checkpoints up to 0.3.0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainConfig {
    /// The name of the network.
    pub arch: String,
    /// The number of faces in a step.
    #[serde(alias = "batch")]
    pub batch_size: usize,
    /// The number of epochs, unless it stops early.
    pub epochs: usize,
    /// The number of faces in an epoch. 0 means the number of training faces.
    pub epoch_size: usize,
    /// Leaves out an epoch's last batch if it is not full, as Keras's generators do.
    #[serde(default)]
    pub drop_last: bool,
    /// The power of the cells' size in sampling: 1 samples by size, and 0 all cells equally often.
    pub balance: f64,
    /// The crops of each face in a step, side by side: 1 or 2.
    #[serde(default = "one_crop")]
    pub views: usize,
    /// Shows every face once in an epoch, whatever `balance` and `epoch_size` say.
    #[serde(default)]
    pub shuffle: bool,
    /// The peak learning rate.
    #[serde(alias = "rate")]
    pub learning_rate: f64,
    /// The factor of the learning rate for the heads, whose variables start with `age` or `gender`.
    #[serde(default = "one")]
    pub head_lr_scale: f64,
    /// How the learning rate changes.
    #[serde(default)]
    pub schedule: Schedule,
    /// The steps over which the learning rate rises, at most an epoch.
    #[serde(default = "warmup")]
    pub warmup_steps: usize,
    /// The weight decay.
    #[serde(alias = "decay")]
    pub weight_decay: f64,
    /// The number that is added to the root of Adam's second moment.
    #[serde(default = "epsilon")]
    pub adam_epsilon: f64,
    /// The length to which a longer gradient is shortened. 0 turns this off.
    #[serde(alias = "clip")]
    pub grad_clip_norm: f64,
    /// The decay of the exponential moving average of the weights in each step. 0 keeps the weights themselves.
    #[serde(alias = "average")]
    pub ema_decay: f64,
    /// The epochs without a better validation score after which it stops.
    pub patience: usize,
    /// The validation score is the mean over all faces, as in Keras's `val_loss`. Otherwise it is the mean over
    /// sources.
    #[serde(default)]
    pub score_over_faces: bool,
    /// Convolutions are computed in bfloat16 while training.
    #[serde(alias = "half")]
    pub bf16: bool,
    /// The seed of all random numbers.
    pub seed: u64,
    /// Variables whose names start with one of these are frozen.
    #[serde(default)]
    pub freeze: Vec<String>,
    /// The checkpoint, run, safetensors or model file that the weights start from.
    #[serde(default)]
    pub init_from: Option<String>,
    /// The size of the network.
    pub network: Arch,
    /// The crop and colours of the network.
    pub input: InputSpec,
    /// The changes to the pictures.
    pub augment: Augment,
    /// The weights of the loss.
    pub loss: LossWeights,
    /// The teachers whose answers are learned from beside the labels.
    #[serde(default)]
    pub distillation: Distillation,
    /// The settings of a detector's training alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detect: Option<DetectConfig>,
}

fn one() -> f64 {
    1.0
}

fn one_crop() -> usize {
    1
}

fn warmup() -> usize {
    500
}

fn epsilon() -> f64 {
    1e-8
}

/// The weights of the parts of a detector's loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DetectWeights {
    /// The weight of boxes, where scores have 1.
    pub boxes: f64,
    /// The weight of landmarks, where scores have 1.
    pub landmarks: f64,
}

impl Default for DetectWeights {
    fn default() -> Self {
        Self { boxes: 2.0, landmarks: 6.0 }
    }
}

/// The settings of a detector's training alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DetectConfig {
    /// The weights of the loss.
    pub weights: DetectWeights,
    /// The pictures of scenes to train on. There are none for weights whose licence allows no such set.
    pub scenes: usize,
}

/// How the learning rate changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// A warm-up, then half a cosine.
    #[default]
    #[serde(alias = "Cosine")]
    Cosine,
    /// The learning rate does not change.
    #[serde(alias = "Constant")]
    Constant,
}

impl TrainConfig {
    /// Refuses impossible settings.
    pub fn check(&self) -> Result<()> {
        let within = |name: &str, value: f64, low: f64, high: f64| {
            ensure!(
                (low..=high).contains(&value),
                "{name} is {value}, but it must be {low} to {high}"
            );
            Ok(())
        };
        ensure!(self.batch_size > 0, "batch_size must be 1 or more");
        ensure!(self.epochs > 0, "epochs must be 1 or more");
        ensure!(self.patience > 0, "patience must be 1 or more: with 0 no epoch is trained");
        let rate = self.learning_rate;
        ensure!(rate > 0.0 && rate.is_finite(), "learning_rate is {rate}, but it must be above 0");
        within("balance", self.balance, 0.0, 1.0)?;
        within("head_lr_scale", self.head_lr_scale, 0.0, 1000.0)?;
        within("weight_decay", self.weight_decay, 0.0, 10.0)?;
        within("adam_epsilon", self.adam_epsilon, 1e-12, 1.0)?;
        within("grad_clip_norm", self.grad_clip_norm, 0.0, f64::MAX)?;
        within("ema_decay", self.ema_decay, 0.0, 1.0 - 1e-9)?;
        within("loss.expectation", self.loss.expectation, 0.0, 1000.0)?;
        within("loss.gender", self.loss.gender, 0.0, 1000.0)?;
        within("loss.label_smoothing", self.loss.label_smoothing, 0.0, 0.5)?;
        within("loss.consistency", self.loss.consistency, 0.0, 1000.0)?;
        within("loss.apparent", self.loss.apparent, 0.0, 1.0)?;
        ensure!(matches!(self.views, 1 | 2), "views is {}, but it must be 1 or 2", self.views);
        ensure!(
            self.batch_size.is_multiple_of(self.views),
            "a step must hold both views of a face"
        );
        let own = matches!(self.network, Arch::Estimator(_));
        ensure!(self.views == 1 || own && !self.shuffle, "views is for tiny and base");
        ensure!(
            self.views == 2 || self.loss.consistency == 0.0,
            "loss.consistency is between two crops of a face: it needs --views 2"
        );
        within("loss.distillation", self.loss.distillation, 0.0, 1.0)?;
        self.network.check()?;
        self.augment.check()?;
        let (side, (width, height)) = (self.network.side(), (self.input.width, self.input.height));
        ensure!(
            (width, height) == (side, side),
            "input.width and input.height are {width} and {height}, but the network takes {side} x {side}: they follow from its size among the settings of network"
        );
        if self.distillation.teachers.is_empty() {
            ensure!(
                self.loss.distillation == 0.0 && self.distillation == Distillation::default(),
                "the teachers' weight (loss.distillation), distillation.crops and distillation.sources need a --teacher"
            );
            return Ok(());
        }
        let told = &self.distillation;
        ensure!((1..=8).contains(&told.crops), "distillation.crops must be 1 to 8");
        ensure!(
            told.crops > 1 || !told.mean_over_crops,
            "distillation.mean_over_crops needs distillation.crops of 2 or more"
        );
        let written = told.asked().all(|teacher| teacher.form == Form::Answers);
        ensure!(
            !(written && told.mean_over_crops),
            "distillation.mean_over_crops has no effect: a file of answers has one for all crops of a face"
        );
        let tells = self.network.task() == Task::AgeGender && !self.network.regression();
        ensure!(tells, "teachers are for tiny, base and mobilenet, and not for {}", self.arch);
        Ok(())
    }

    /// Returns whether the run equals `other` except for its length, which alone may change when a run continues.
    pub fn goes_on(&self, other: &Self) -> bool {
        let same = Self { epochs: other.epochs, patience: other.patience, ..self.clone() };
        same == *other
    }
}
