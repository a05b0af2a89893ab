//! Trains a network: flags and files become checked settings, the data is read, the loop runs.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};
use face_predict::Task;
use toml::{Table, Value};

use crate::checkpoint::LAST;
use crate::config::settings::{Settings, Sources};
use crate::data::feed::Teachers;
use crate::data::manifest::{self, Row};
use crate::data::split;
use crate::detect::job::{Data, Detect};
use crate::detect::scene::{self, Scene};
use crate::estimate::Estimate;
use crate::job::Job;
use crate::model::NAMES;
use crate::teacher::Teaching;
use crate::trainer::{self, Place};
use crate::{device, interrupt, run};

/// Trains a network. Settings are the defaults of the network, then those of --config, then --set, then other flags.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: face-train train --arch base --manifest faces.csv --root photos --run runs/base\n         face-train train --config runs/base --run runs/again --set seed=2 --set augment.flip=0"
)]
pub struct Train {
    /// Folder of the run: config.toml, log.csv, events for TensorBoard, last.safetensors, best.safetensors.
    #[arg(long)]
    pub run: PathBuf,
    /// Settings to start from: a file, or the folder of a run, which is repeated.
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// A setting, such as learning_rate=0.001 or network.dropout=0.3. The run's config.toml has them all.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Print what would happen, and do nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Write a sheet of a few faces' crops as they will be shown (PNG), and end.
    #[arg(long, value_name = "FILE")]
    pub preview: Option<PathBuf>,
    /// Go on from the run's last checkpoint. The result is the same as without a break. Other --epochs lengthen or shorten
    /// the rest of the schedule.
    #[arg(long)]
    pub resume: bool,
    /// Stop after this number of steps, as Ctrl-C does: with a checkpoint from which --resume goes on.
    #[arg(long)]
    pub stop_after: Option<usize>,
    #[command(flatten)]
    flags: Flags,
}

/// Settings that have a flag of their own. They are put over all others.
#[derive(Args, Debug)]
struct Flags {
    /// What to learn [default: what the network is for].
    #[arg(long)]
    task: Option<TaskKind>,
    /// Network.
    #[arg(long, help = format!("Network: {NAMES} [default: base; for detect: detector]"))]
    arch: Option<String>,
    /// Manifest; its split column says what is trained on and validated with. Without a row of val, a tenth of train is kept
    /// aside, noted in the run's val.csv. May be given several times.
    #[arg(long)]
    manifest: Vec<PathBuf>,
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
    teacher_crops: Option<usize>,
    /// Weight of the teachers' answers beside the labels, 0 to 1 [default: 0.5].
    #[arg(long)]
    teacher_weight: Option<f64>,
    /// Sources whose faces the teachers are asked about, the others learn from their labels alone. May be given several times; all
    /// unless given.
    #[arg(long)]
    teacher_source: Vec<String>,
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
    fn table(&self) -> Result<Table> {
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

/// The faces and scenes of a run.
struct Faces {
    rows: Vec<Row>,
    scenes: Vec<Scene>,
    /// A tenth of train is kept aside, since no row has split val.
    aside: bool,
}

impl Faces {
    fn read(settings: &Settings) -> Result<Self> {
        let (mut rows, mut scenes) = (Vec::new(), Vec::new());
        for path in &settings.manifest {
            rows.extend(manifest::read(path)?);
        }
        for path in &settings.scenes {
            scenes.extend(scene::read(path)?);
        }
        let aside = !rows.iter().any(|row| row.split == "val");
        if aside {
            split::keep_aside(&mut rows, settings.train.seed);
        }
        Ok(Self { rows, scenes, aside })
    }

    /// Tells and writes down which faces were kept aside, for `calibrate` and `export`.
    fn note_aside(&self, folder: &std::path::Path) -> Result<()> {
        let aside: Vec<_> = self.rows.iter().filter(|row| row.split == "val").cloned().collect();
        let file = folder.join(run::ASIDE);
        println!(
            "no row has split val: {} of train are kept aside to stop by ({})",
            aside.len(),
            file.display()
        );
        manifest::write(&file, "train, kept aside", &aside)
    }

    /// The parts train and val, without faces that the network can learn nothing from.
    fn parts(self, settings: &Settings) -> Result<(Vec<Row>, Vec<Row>)> {
        let (task, arch) = (settings.train.network.task(), &settings.train.arch);
        let taught = !settings.train.distillation.teachers.is_empty();
        let useful = |row: &Row| {
            taught && row.split == "train"
                || task.has_age() && row.rough_age().is_some()
                || task.has_gender() && row.is_male().is_some()
        };
        let all = self.rows.len();
        // Moved, not copied: a manifest of half a million rows is 200 MB.
        let (mut train, mut val) = (Vec::new(), Vec::new());
        for row in self.rows {
            match row.split.as_str() {
                "train" if useful(&row) => train.push(row),
                "val" if useful(&row) => val.push(row),
                _ => {}
            }
        }
        for (part, rows) in [("train", &train), ("val", &val)] {
            ensure!(!rows.is_empty(), "none of {all} rows has split {part} and a label for {arch}");
        }
        let males = train.iter().filter_map(Row::is_male).filter(|m| *m).count();
        let known = train.iter().filter(|row| row.is_male().is_some()).count();
        if task.has_gender() && (males == 0 || males == known) {
            eprintln!(
                "warning: of {known} faces with a gender, {males} are male: nothing to tell apart"
            );
        }
        Ok((train, val))
    }
}

impl Train {
    /// The settings that all sources together make.
    fn settings(&self) -> Result<Settings> {
        let detect = self.flags.task == Some(TaskKind::Detect);
        if self.resume && !self.dry_run && !self.run.join(LAST).exists() {
            return run::missing(&self.run);
        }
        // A run that goes on needs no more than its name.
        let own = self.run.join(crate::config::settings::FILE);
        let bare = self.resume && self.config.is_none() && self.flags.manifest.is_empty();
        let file = if bare && own.exists() { Some(&self.run) } else { self.config.as_ref() };
        let sources = Sources {
            file: file.map(PathBuf::as_path),
            set: &self.set,
            flags: self.flags.table()?,
        };
        let settings = Settings::gather(if detect { "detector" } else { "base" }, sources)?;
        let is = settings.train.network.task() == Task::Detect;
        ensure!(
            self.flags.task.is_none() || is == detect,
            "{} is not a network for that task",
            settings.train.arch
        );
        ensure!(
            is || settings.scenes.is_empty(),
            "--scenes is for detectors, {} is none",
            settings.train.arch
        );
        ensure!(!settings.manifest.is_empty(), "no manifest: --manifest, or manifest in --config");
        ensure!(
            self.flags.teacher_crops.is_none()
                && self.flags.teacher_weight.is_none()
                && self.flags.teacher_source.is_empty()
                || !settings.train.distillation.teachers.is_empty(),
            "--teacher-crops, --teacher-weight and --teacher-source want a --teacher"
        );
        Ok(settings)
    }

    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let mut settings = self.settings()?;
        let device = device::open(&settings.device)?;
        if settings.threads > 0 {
            tch::set_num_threads(settings.threads);
        }
        interrupt::watch()?;
        let faces = Faces::read(&settings)?;
        // Sizes of the epoch and of the scenes follow from the data.
        let of_train = |split: &str| split == "train";
        if settings.train.epoch_size == 0 || settings.train.shuffle {
            settings.train.epoch_size = faces.rows.iter().filter(|r| of_train(&r.split)).count();
        }
        if let Some(detect) = &mut settings.train.detect {
            detect.scenes = faces.scenes.iter().filter(|s| of_train(&s.split)).count();
        }
        let fingerprint = run::fingerprint(&settings)?;
        let open = || run::open(&self.run, &settings, &fingerprint, self.resume);
        let place =
            Place { run: &self.run, device, data: &fingerprint, stop_after: self.stop_after };
        if settings.train.network.task() == Task::Detect {
            ensure!(
                self.preview.is_none(),
                "--preview is for faces; `face-train frames` shows frames"
            );
            let resumed = if self.dry_run { None } else { open()? };
            if faces.aside && !self.dry_run {
                faces.note_aside(&self.run)?;
            }
            let cache = settings.cache.as_os_str();
            let cache = (!cache.is_empty()).then_some(settings.cache.as_path());
            let Faces { rows, scenes, .. } = faces;
            let data = Data { rows, scenes, root: &settings.root, cache };
            let job = Detect::new(&settings.train, &data, settings.workers, device)?;
            return if self.dry_run {
                self.tell(&settings, &job)
            } else {
                trainer::fit(&settings.train, &place, &job, resumed)
            };
        }
        if self.dry_run || self.preview.is_some() {
            let (train, val) = faces.parts(&settings)?;
            let job = Estimate::new(&settings, device, train, val, None, None)?;
            return match &self.preview {
                Some(path) => job.preview(path),
                None => self.tell(&settings, &job),
            };
        }
        let resumed = open()?;
        if faces.aside {
            faces.note_aside(&self.run)?;
        }
        let (train, val) = faces.parts(&settings)?;
        let empty = settings.cache.as_os_str().is_empty();
        let cache = if empty { self.run.join(run::CROPS) } else { settings.cache.clone() };
        let teachers = Teaching::ask(&settings, &train, &cache, device)?;
        let teachers = teachers.map(|teaching| Box::new(teaching) as Box<dyn Teachers>);
        let job = Estimate::new(&settings, device, train, val, Some(&cache), teachers)?;
        trainer::fit(&settings.train, &place, &job, resumed)
    }

    /// Says what would happen.
    fn tell<J: Job>(&self, settings: &Settings, job: &J) -> Result<()> {
        let train = &settings.train;
        println!("# nothing is done: --dry-run");
        println!("# {}: {:.1} MMAC, {}", train.arch, train.network.mega_macs(), job.describe());
        println!(
            "# {} steps an epoch, {} in all, unless {} epochs bring no gain",
            job.steps(),
            job.steps() * train.epochs,
            train.patience
        );
        let exists = self.run.join(LAST).exists();
        let folder = self.run.display();
        match (exists, self.resume) {
            (true, true) => println!("# {folder} would go on from its last checkpoint"),
            (true, false) => println!("# {folder} has a run already: it would be refused"),
            (false, true) => println!("# {folder} has no run to go on: it would be refused"),
            (false, false) => println!("# {folder} would be made"),
        }
        print!("{}", toml::to_string_pretty(settings)?);
        Ok(())
    }
}
