//! Flags of `train`, as settings.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use toml::{Table, Value};

use crate::model::NAMES;

/// Settings that have a flag of their own. They are put over all others.
#[derive(Args, Debug)]
pub struct Flags {
    /// What to learn [default: what the network is for].
    #[arg(long)]
    pub task: Option<TaskKind>,
    /// Network.
    #[arg(long, help = format!("Network: {NAMES} [default: base; for detect: detector]"))]
    arch: Option<String>,
    /// Manifest; its split column says what is trained on and validated with. Without a row of val, a tenth of train is kept
    /// aside, noted in the run's val.csv. May be given several times.
    #[arg(long)]
    pub manifest: Vec<PathBuf>,
    /// Folder that the manifests' paths start from.
    #[arg(long)]
    root: Option<PathBuf>,
    /// Manifest of scenes, for a detector; without any it learns from faces over made-up backgrounds. May be given several
    /// times.
    #[arg(long)]
    scenes: Vec<PathBuf>,
    /// Folder that keeps crops of faces, or a detector's pictures, as raw pixels.
    #[arg(long)]
    cache: Option<PathBuf>,
    /// Number of faces in a step [default: 96; paper networks: 32; detectors: 24 pictures].
    #[arg(long, visible_alias = "batch")]
    batch_size: Option<usize>,
    /// Largest number of epochs [default: 40; paper networks: 20].
    #[arg(long)]
    epochs: Option<usize>,
    /// Faces an epoch; 0 means as many as there are to train on [default: 0; detectors: 8000 pictures]. Paper networks show each
    /// face once.
    #[arg(long)]
    epoch_size: Option<usize>,
    /// How cells of age, gender and source are sampled: 1 as they come, 0 all equally often [default: 0.5].
    #[arg(long)]
    balance: Option<f64>,
    /// Peak learning rate [default: 0.002].
    #[arg(long, visible_alias = "rate")]
    learning_rate: Option<f64>,
    /// Weight decay [default: 0.05; paper networks: 0].
    #[arg(long, visible_alias = "decay")]
    weight_decay: Option<f64>,
    /// Epochs without a better validation score before it stops [default: 12; paper networks: 5].
    #[arg(long)]
    patience: Option<usize>,
    /// Changes to the pictures: none, paper, detector [default: detector; paper networks: paper].
    #[arg(long)]
    augment: Option<String>,
    /// Checkpoint, run or safetensors file whose weights to start from; what has another shape starts afresh. Or a model file
    /// of the very network, such as models/base.onnx.
    #[arg(long)]
    init_from: Option<PathBuf>,
    /// Model files and runs whose answers are learned from beside the labels, and instead of them where there are none: a few
    /// crops of each face are shown to them before training. Or answers that were written down (.csv, of training/README.md).
    /// Several are averaged.
    #[arg(long)]
    teacher: Vec<PathBuf>,
    /// Crops of each face that the teachers answer, 1 to 8 [default: 8].
    #[arg(long)]
    pub teacher_crops: Option<usize>,
    /// Weight of the teachers' answers beside the labels, 0 to 1 [default: 0.5].
    #[arg(long)]
    pub teacher_weight: Option<f64>,
    /// Sources whose faces the teachers are asked about, the others learn from their labels alone. May be given several times; all
    /// unless given.
    #[arg(long)]
    pub teacher_source: Vec<String>,
    /// Crops of each face in a step, 1 or 2 [default: 1].
    #[arg(long)]
    views: Option<usize>,
    /// How much two crops of one face, if there are two, shall have one answer [default: 0.7].
    #[arg(long)]
    consistency: Option<f64>,
    /// Variables that stay as they are: those whose names start so, such as stem or s0. May be given several times.
    #[arg(long)]
    freeze: Vec<String>,
    /// Convolutions in bfloat16 while training: faster on processors that have it, and on GPUs.
    #[arg(long, visible_alias = "half")]
    bf16: bool,
    /// Seed of everything random [default: 1].
    #[arg(long)]
    seed: Option<u64>,
    /// Threads that load pictures [default: 1].
    #[arg(long)]
    workers: Option<usize>,
    /// Threads that compute; 0 means all [default: 0].
    #[arg(long)]
    threads: Option<i32>,
    /// auto, cpu or cuda; auto is a GPU where there is one [default: auto].
    #[arg(long)]
    device: Option<String>,
}

/// What a network learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TaskKind {
    /// Age and gender of a face.
    Estimate,
    /// Where faces are.
    Detect,
}

impl Flags {
    /// The flags that were given, as settings.
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
        if self.views == Some(2) || self.consistency.is_some() {
            let weight = self.consistency.unwrap_or(0.7);
            loss.insert("consistency".into(), Value::Float(weight));
        }
        if let Some(teachers) = list(&self.teacher) {
            let crops = Value::Integer(self.teacher_crops.unwrap_or(8) as i64);
            let sources = self.teacher_source.iter().cloned().map(Value::String).collect();
            let mut distillation = Table::new();
            distillation.insert("teachers".into(), teachers);
            distillation.insert("crops".into(), crops);
            distillation.insert("sources".into(), Value::Array(sources));
            put("distillation", Some(Value::Table(distillation)));
            let weight = self.teacher_weight.unwrap_or(0.5);
            loss.insert("distillation".into(), Value::Float(weight));
        }
        put("loss", (!loss.is_empty()).then_some(Value::Table(loss)));
        Ok(table)
    }
}
