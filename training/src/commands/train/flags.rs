//! Flags of `train`, as settings.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use toml::{Table, Value};

use crate::model::NAMES;

/// The settings that have a flag of their own. They replace all others.
#[derive(Args, Debug)]
pub struct Flags {
    /// Task to learn [default: that of the network].
    #[arg(long)]
    pub task: Option<TaskKind>,
    /// Network, such as base or tiny.
    #[arg(long, help = format!("Network: {NAMES} [default: base; for detect: detector]"))]
    arch: Option<String>,
    /// Manifest of faces. Its split column says which rows are for training and which for validation. Without a row of
    /// val, a tenth of train is kept aside, and noted in the run's val.csv. This may be given several times.
    #[arg(long)]
    pub manifest: Vec<PathBuf>,
    /// Folder that the paths of the manifests start from.
    #[arg(long)]
    root: Option<PathBuf>,
    /// Manifest of scenes, for a detector. Without any, it learns from faces over made-up backgrounds. This may be
    /// given several times.
    #[arg(long)]
    scenes: Vec<PathBuf>,
    /// Folder that keeps crops of faces, or a detector's pictures, as raw pixels.
    #[arg(long)]
    cache: Option<PathBuf>,
    /// Number of faces in a step [default: 96; paper networks: 32; mobilenet: 64; detectors: 24 pictures].
    #[arg(long, visible_alias = "batch")]
    batch_size: Option<usize>,
    /// Largest number of epochs [default: 40; paper networks: 20; mobilenet: 3].
    #[arg(long)]
    epochs: Option<usize>,
    /// Number of faces in an epoch. 0 means the number of training faces [default: 0; detectors: 8000 pictures]. Paper
    /// networks show each face once.
    #[arg(long)]
    epoch_size: Option<usize>,
    /// How the cells of age, gender and source are sampled: 1 by their size, 0 all equally often [default: 0.5].
    #[arg(long)]
    balance: Option<f64>,
    /// Peak learning rate [default: 0.002; mobilenet: 0.00025].
    #[arg(long, visible_alias = "rate")]
    learning_rate: Option<f64>,
    /// Weight decay [default: 0.05; paper networks: 0; mobilenet: 0.02].
    #[arg(long, visible_alias = "decay")]
    weight_decay: Option<f64>,
    /// Epochs without a better validation score after which training stops [default: 12; paper networks: 5].
    #[arg(long)]
    patience: Option<usize>,
    /// Changes to the pictures: none, paper, detector [default: detector; paper-gender: paper; paper-age and
    /// paper-multi: none].
    #[arg(long)]
    augment: Option<String>,
    /// Checkpoint, run or safetensors file whose weights to start from. Variables of another shape start at random. It
    /// may also be a model file of the same network, such as models/base.onnx.
    #[arg(long)]
    init_from: Option<PathBuf>,
    /// Model file or run whose answers are learned from beside the labels (distillation). Faces without labels learn
    /// from them alone. Before training, it answers a few crops of each face. It may also be a file of answers (.csv,
    /// see training/README.md). FILE@SOURCE,SOURCE is asked only about the faces of these sources. Several answers to one
    /// face are averaged.
    #[arg(long, value_name = "FILE[@SOURCE,...]")]
    teacher: Vec<PathBuf>,
    /// Number of crops of each face that the teachers answer, from 1 to 8 [default: 8].
    #[arg(long)]
    pub teacher_crops: Option<usize>,
    /// Teach each crop the mean of a teacher's answers to all crops of the face.
    #[arg(long)]
    teacher_mean: bool,
    /// Weight of the teachers' answers beside the labels, from 0 to 1 [default: 0.5].
    #[arg(long)]
    pub teacher_weight: Option<f64>,
    /// Source whose faces the teachers answer. The others learn from their labels alone. This may be given several
    /// times [default: all sources]. A teacher that names sources of its own answers those.
    #[arg(long)]
    pub teacher_source: Vec<String>,
    /// Number of crops of each face in a step, 1 or 2 [default: 1].
    #[arg(long)]
    views: Option<usize>,
    /// Weight of the consistency loss between two crops of one face [default: 0.7].
    #[arg(long)]
    consistency: Option<f64>,
    /// Variables to freeze, by the start of their names, such as stem or s0. This may be given several times.
    #[arg(long)]
    freeze: Vec<String>,
    /// Compute convolutions in bfloat16 while training. It is faster on processors that have it, and on GPUs.
    #[arg(long, visible_alias = "half")]
    bf16: bool,
    /// Seed of all random numbers [default: 1].
    #[arg(long)]
    seed: Option<u64>,
    /// Number of threads that load pictures [default: 1].
    #[arg(long)]
    workers: Option<usize>,
    /// Number of threads that compute. 0 means all [default: 0].
    #[arg(long)]
    threads: Option<i32>,
    /// Device: auto, cpu or cuda. auto is a GPU if there is one [default: auto].
    #[arg(long)]
    device: Option<String>,
}

/// The task of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TaskKind {
    /// The age and gender of a face.
    Estimate,
    /// The places of faces.
    Detect,
}

impl Flags {
    /// Returns the flags that were given, as settings. A flag that was not given must not replace another source's value.
    pub fn table(&self) -> Result<Table> {
        let mut table = Table::new();
        let mut put = |key: &str, value: Option<Value>| {
            table.extend(value.map(|value| (key.to_owned(), value)));
        };
        let text = |path: &PathBuf| Value::String(path.display().to_string());
        let list = |paths: &[PathBuf]| {
            (!paths.is_empty()).then(|| Value::Array(paths.iter().map(text).collect()))
        };
        let whole = |number: Option<usize>| number.map(|n| Value::Integer(n as i64));
        put("arch", self.arch.clone().map(Value::String));
        put("manifest", list(&self.manifest));
        put("root", self.root.as_ref().map(text));
        put("scenes", list(&self.scenes));
        put("cache", self.cache.as_ref().map(text));
        put("batch_size", whole(self.batch_size));
        put("epochs", whole(self.epochs));
        put("epoch_size", whole(self.epoch_size));
        put("balance", self.balance.map(Value::Float));
        put("learning_rate", self.learning_rate.map(Value::Float));
        put("weight_decay", self.weight_decay.map(Value::Float));
        put("patience", whole(self.patience));
        put("augment", self.augment.clone().map(Value::String));
        put("init_from", self.init_from.as_ref().map(text));
        let freeze = self.freeze.iter().cloned().map(Value::String).collect::<Vec<_>>();
        put("freeze", (!freeze.is_empty()).then_some(Value::Array(freeze)));
        put("bf16", self.bf16.then_some(Value::Boolean(true)));
        put("seed", self.seed.map(|seed| i64::try_from(seed).map(Value::Integer)).transpose()?);
        put("workers", whole(self.workers));
        put("threads", self.threads.map(|n| Value::Integer(n.into())));
        put("device", self.device.clone().map(Value::String));
        put("views", whole(self.views));
        let mut loss = Table::new();
        loss.extend(self.consistency.map(|weight| ("consistency".into(), Value::Float(weight))));
        loss.extend(self.teacher_weight.map(|w| ("distillation".into(), Value::Float(w))));
        put("loss", (!loss.is_empty()).then_some(Value::Table(loss)));
        let mut told = Table::new();
        told.extend(list(&self.teacher).map(|teachers| ("teachers".into(), teachers)));
        told.extend(whole(self.teacher_crops).map(|crops| ("crops".into(), crops)));
        let mean = self.teacher_mean.then_some(Value::Boolean(true));
        told.extend(mean.map(|mean| ("mean_over_crops".into(), mean)));
        if !self.teacher_source.is_empty() {
            let sources = self.teacher_source.iter().cloned().map(Value::String).collect();
            told.insert("sources".into(), Value::Array(sources));
        }
        put("distillation", (!told.is_empty()).then_some(Value::Table(told)));
        Ok(table)
    }
}
