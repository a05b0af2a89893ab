//! Arguments of a training run, checked.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};
use face_predict::Task;

use crate::augment::Augment;
use crate::checkpoint::Checkpoint;
use crate::config::{Schedule, TrainConfig, canonical_input, paper_input, whole_input};
use crate::data::{manifest, split};
use crate::detect::job::{Data, Detect, DetectConfig};
use crate::detect::scene;
use crate::estimate::Estimate;
use crate::loss::LossWeights;
use crate::model::{Arch, NAMES};
use crate::{device, trainer};

/// Name of the manifest, in the run's folder, of the faces that were kept aside where no row has split val.
pub const ASIDE: &str = "val.csv";

/// Trains a network.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: face-train train --arch base --manifest faces.csv --root photos --run runs/base"
)]
pub struct Train {
    /// What to learn [default: what the network is for].
    #[arg(long)]
    pub task: Option<TaskKind>,
    /// Network.
    #[arg(long, help = format!("Network: {NAMES} [default: base; for detect: detector]"))]
    pub arch: Option<String>,
    /// Manifest; its split column says what is trained on and validated with. Without a row of val, a tenth of train is kept
    /// aside, noted in the run's val.csv. May be given several times.
    #[arg(long, required = true)]
    pub manifest: Vec<PathBuf>,
    /// Folder that the manifests' paths start from.
    #[arg(long)]
    pub root: PathBuf,
    /// Manifest of scenes, for a detector; without any it learns from faces over made-up backgrounds. May be given several
    /// times.
    #[arg(long)]
    pub scenes: Vec<PathBuf>,
    /// Folder that keeps raw pixels of pictures, for a detector: decoding takes longer than training.
    #[arg(long)]
    pub cache: Option<PathBuf>,
    /// Folder of the run: log.csv, events for TensorBoard, last.safetensors, best.safetensors.
    #[arg(long)]
    pub run: PathBuf,
    /// Go on from the run's last checkpoint, to the same result as without a break. Other --epochs lengthen or shorten
    /// the rest of the schedule.
    #[arg(long)]
    pub resume: bool,
    /// Faces a step [default: 96; paper networks: 32; detectors: 24 pictures].
    #[arg(long)]
    pub batch: Option<usize>,
    /// Epochs at most [default: 40; paper networks: 20].
    #[arg(long)]
    pub epochs: Option<usize>,
    /// Faces an epoch; 0: as many as there are to train on, for detectors 8000 pictures. Paper networks show each face once.
    #[arg(long, default_value_t = 0)]
    pub epoch_size: usize,
    /// How cells of age, gender and source are sampled: 1 as they come, 0 all equally often.
    #[arg(long, default_value_t = 0.5)]
    pub balance: f64,
    /// Peak step size [default: 0.002].
    #[arg(long)]
    pub rate: Option<f64>,
    /// Weight decay [default: 0.05; paper networks: 0].
    #[arg(long)]
    pub decay: Option<f64>,
    /// Epochs without a better validation score before it stops [default: 12; paper networks: 5].
    #[arg(long)]
    pub patience: Option<usize>,
    /// Changes to the pictures [default: detector; paper networks: paper].
    #[arg(long)]
    pub augment: Option<AugmentKind>,
    /// Checkpoint, or run, whose weights to start from; what has another shape starts afresh. Or a model file of the very
    /// network, such as models/base.onnx.
    #[arg(long)]
    pub init_from: Option<PathBuf>,
    /// Model files whose answers are learned from beside the labels, and instead of them where there are none: each face is shown
    /// to them once, as it is. Or answers that were written down (.csv, of training/README.md). Several are averaged.
    #[arg(long)]
    pub teacher: Vec<PathBuf>,
    /// Crops of each face that the teacher's answer is the mean of, 1 to 8.
    #[arg(long, default_value_t = 8, requires = "teacher")]
    pub teacher_crops: usize,
    /// How much the teacher's answer counts against a label, 0 to 1.
    #[arg(long, default_value_t = 0.5, requires = "teacher")]
    pub teacher_weight: f64,
    /// Sources whose faces the teacher is asked about, the others learn from their labels alone. May be given several times; all
    /// unless given.
    #[arg(long, requires = "teacher")]
    pub teacher_source: Vec<String>,
    /// Crops of each face in a step, 1 or 2.
    #[arg(long, default_value_t = 1)]
    pub views: usize,
    /// How much two crops of one face, if there are two, shall have one answer.
    #[arg(long, default_value_t = 0.7)]
    pub consistency: f64,
    /// Variables that stay as they are: those whose names start so, such as stem or s0. May be given several times.
    #[arg(long)]
    pub freeze: Vec<String>,
    /// Convolutions in bfloat16 while training: faster on processors that have it, and on GPUs.
    #[arg(long)]
    pub half: bool,
    /// Seed of everything random.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Threads that load pictures.
    #[arg(long, default_value_t = 1)]
    pub workers: usize,
    /// Threads that compute; 0: all.
    #[arg(long, default_value_t = 0)]
    pub threads: i32,
    /// cpu or cuda.
    #[arg(long, default_value = "cpu")]
    pub device: String,
    /// Stop after so many steps as Ctrl-C does: with a checkpoint that --resume goes on from.
    #[arg(long)]
    pub stop_after: Option<usize>,
}

/// What a network learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TaskKind {
    /// Age and gender of a face.
    Estimate,
    /// Where faces are.
    Detect,
}

/// Sets of changes to the pictures.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum AugmentKind {
    /// The published study's: rotation, shear, zoom, mirroring.
    Paper,
    /// Our own: a detector's errors, light, loss of detail, covering.
    Detector,
    /// No change.
    None,
}

impl Train {
    fn config(&self, faces: usize, scenes: usize) -> Result<TrainConfig> {
        let default = if self.task == Some(TaskKind::Detect) { "detector" } else { "base" };
        let arch = self.arch.clone().unwrap_or_else(|| default.to_owned());
        let network = Arch::named(&arch)?;
        let detect = network.task() == Task::Detect;
        if let Some(task) = self.task {
            ensure!((task == TaskKind::Detect) == detect, "{arch} is not a network for that task");
        }
        ensure!(detect || self.scenes.is_empty(), "--scenes is for detectors, {arch} is none");
        let paper = matches!(network, Arch::Paper(_));
        let augment = match (self.augment, paper) {
            // A detector's frames are composed, see `detect::compose`.
            _ if detect => Augment::NONE,
            (Some(AugmentKind::None), _) => Augment::NONE,
            (Some(AugmentKind::Paper), _) | (None, true) => Augment::PAPER,
            (Some(AugmentKind::Detector), _) | (None, false) => Augment::DETECTOR,
        };
        let config = TrainConfig {
            arch,
            input: match &network {
                Arch::Paper(_) => paper_input(),
                Arch::Detector(_) => whole_input(),
                Arch::Estimator(_) => canonical_input(network.side()),
            },
            network,
            detect: detect.then(|| DetectConfig { scenes, ..DetectConfig::default() }),
            augment,
            loss: LossWeights {
                teacher: if self.teacher.is_empty() { 0.0 } else { self.teacher_weight },
                consistency: if self.views == 2 { self.consistency } else { 0.0 },
                ..if paper { LossWeights::PAPER } else { LossWeights::default() }
            },
            teacher: self.teacher.iter().map(|path| path.display().to_string()).collect(),
            teacher_crops: if self.teacher.is_empty() { 0 } else { self.teacher_crops },
            teacher_sources: self.teacher_source.clone(),
            views: self.views,
            batch: self.batch.unwrap_or(if paper {
                32
            } else if detect {
                24
            } else {
                96
            }),
            epochs: self.epochs.unwrap_or(if paper { 20 } else { 40 }),
            epoch_size: match self.epoch_size {
                0 if detect => 8000,
                size if !paper && size > 0 => size,
                _ => faces,
            },
            balance: self.balance,
            rate: self.rate.unwrap_or(2e-3),
            decay: self.decay.unwrap_or(if paper { 0.0 } else { 0.05 }),
            clip: if paper { 0.0 } else { 5.0 },
            average: if paper { 0.0 } else { 0.999 },
            patience: self.patience.unwrap_or(if paper { 5 } else { 12 }),
            half: self.half,
            seed: self.seed,
            schedule: if paper { Schedule::Constant } else { Schedule::Cosine },
            shuffle: paper,
            freeze: self.freeze.clone(),
            init_from: self.init_from.as_ref().map(|path| path.display().to_string()),
        };
        ensure!(config.batch > 0 && config.epochs > 0, "batch and epochs start at 1");
        ensure!(config.rate > 0.0 && config.rate.is_finite(), "rate must be above 0");
        ensure!((0.0..=1.0).contains(&config.balance), "balance must be 0 to 1");
        ensure!((0.0..=1.0).contains(&self.teacher_weight), "teacher-weight must be 0 to 1");
        ensure!((1..=8).contains(&self.teacher_crops), "teacher-crops must be 1 to 8");
        ensure!(matches!(self.views, 1 | 2), "views must be 1 or 2");
        ensure!(self.consistency >= 0.0, "consistency must be 0 or more");
        ensure!(config.batch.is_multiple_of(self.views), "a step must hold both views of a face");
        let own = matches!(config.network, Arch::Estimator(_));
        ensure!(own || self.teacher.is_empty(), "--teacher is for tiny and base");
        ensure!(self.views == 1 || (own && !config.shuffle), "--views is for tiny and base");
        Ok(config)
    }

    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let device = device::open(&self.device)?;
        if self.threads > 0 {
            tch::set_num_threads(self.threads);
        }
        trainer::watch_for_interrupts()?;
        let mut rows = Vec::new();
        for path in &self.manifest {
            rows.extend(manifest::read(path)?);
        }
        let aside = !rows.iter().any(|row| row.split == "val");
        if aside {
            split::keep_aside(&mut rows, self.seed);
        }
        let mut scenes = Vec::new();
        for path in &self.scenes {
            scenes.extend(scene::read(path)?);
        }
        let trained = scenes.iter().filter(|scene| scene.split == "train").count();
        let config = self.config(rows.iter().filter(|r| r.split == "train").count(), trained)?;
        let task = config.network.task();
        let resumed = self.resumed(&config)?;
        if aside {
            self.note_aside(&rows)?;
        }
        if task == Task::Detect {
            let cache = self.cache.as_deref();
            let data = Data { rows, scenes, root: &self.root, cache };
            let job = Detect::new(&config, &data, self.workers, device)?;
            return trainer::fit(&config, &self, device, &job, resumed);
        }
        let taught = !self.teacher.is_empty();
        let useful = |row: &manifest::Row| {
            taught && row.split == "train"
                || task.has_age() && row.rough_age().is_some()
                || task.has_gender() && row.is_male().is_some()
        };
        let all = rows.len();
        // Moved, not copied: a manifest of half a million rows is 200 MB.
        let (mut train, mut val) = (Vec::new(), Vec::new());
        for row in rows {
            match row.split.as_str() {
                "train" if useful(&row) => train.push(row),
                "val" if useful(&row) => val.push(row),
                _ => {}
            }
        }
        ensure!(
            !train.is_empty(),
            "none of {all} rows has split train and a label for {}",
            config.arch
        );
        ensure!(
            !val.is_empty(),
            "none of {all} rows has split val and a label for {}",
            config.arch
        );
        let males = train.iter().filter_map(manifest::Row::is_male).filter(|m| *m).count();
        let known = train.iter().filter(|row| row.is_male().is_some()).count();
        if task.has_gender() && (males == 0 || males == known) {
            eprintln!(
                "warning: of {known} faces with a gender, {males} are male: nothing to tell apart"
            );
        }
        let job = Estimate::new(&config, &self, device, train, val)?;
        trainer::fit(&config, &self, device, &job, resumed)
    }

    /// Tells and writes down which faces were kept aside, for `calibrate` and `export`.
    fn note_aside(&self, rows: &[manifest::Row]) -> Result<()> {
        let aside: Vec<_> = rows.iter().filter(|row| row.split == "val").cloned().collect();
        let file = self.run.join(ASIDE);
        println!(
            "no row has split val: {} of train are kept aside to stop by ({})",
            aside.len(),
            file.display()
        );
        manifest::write(&file, "train, kept aside", &aside)
    }

    /// Makes the run's folder; the checkpoint to go on from, if that is asked for.
    fn resumed(&self, config: &TrainConfig) -> Result<Option<Checkpoint>> {
        std::fs::create_dir_all(&self.run)
            .with_context(|| format!("folder {}", self.run.display()))?;
        let last = self.run.join("last.safetensors");
        let resumed = match (self.resume, last.exists()) {
            (true, true) => Some(Checkpoint::load(&last)?),
            (false, true) => bail!("{} has a run already: add --resume", self.run.display()),
            (_, false) => None,
        };
        if let Some(checkpoint) = &resumed {
            let same = TrainConfig {
                epochs: checkpoint.config.epochs,
                patience: checkpoint.config.patience,
                ..config.clone()
            };
            ensure!(
                checkpoint.config == same,
                "the run was started with other arguments; only --epochs and --patience may change"
            );
        }
        crate::files::replace_bytes(
            &self.run.join("config.json"),
            &serde_json::to_vec_pretty(config)?,
        )?;
        Ok(resumed)
    }
}
