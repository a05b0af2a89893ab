//! Trains a network: flags and files become checked settings, the data are read, and the loop runs.

mod faces;
mod flags;

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;
use face_predict::Task;

use self::faces::Faces;
use self::flags::{Flags, TaskKind};
use crate::checkpoint::LAST;
use crate::config::settings::{Settings, Sources};
use crate::data::feed::Teachers;
use crate::detect::job::{Data, Detect};
use crate::estimate::Estimate;
use crate::job::Job;
use crate::teacher::Teaching;
use crate::trainer::{self, Place};
use crate::{device, interrupt, learner, run};

/// Trains a network. Settings are the defaults of the network, then those of --config, then --set, then other flags.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: face-train train --arch base --manifest faces.csv --root photos --run runs/base\n         face-train train --config runs/base --run runs/again --set seed=2 --set augment.flip=0"
)]
pub struct Train {
    /// Folder of the run: config.toml, log.csv, events for TensorBoard, last.safetensors, best.safetensors.
    #[arg(long)]
    pub run: PathBuf,
    /// File with settings to start from, or the folder of a run to repeat.
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// Setting, such as learning_rate=0.001 or network.dropout=0.3. The run's config.toml has them all.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Print what would happen, and do nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Write a sheet of a few faces' crops as in training (PNG), and end.
    #[arg(long, value_name = "FILE")]
    pub preview: Option<PathBuf>,
    /// Continue from the run's last checkpoint. The result is the same as without a break. Other --epochs lengthen or
    /// shorten the rest of the schedule.
    #[arg(long)]
    pub resume: bool,
    /// Stop after this number of steps, as Ctrl-C does: with a checkpoint from which --resume continues.
    #[arg(long)]
    pub stop_after: Option<usize>,
    #[command(flatten)]
    flags: Flags,
}

impl Train {
    /// Returns the settings of all sources together.
    fn settings(&self) -> Result<Settings> {
        let detect = self.flags.task == Some(TaskKind::Detect);
        if self.resume && !self.dry_run && !self.run.join(LAST).exists() {
            return run::missing(&self.run);
        }
        // A run that continues needs only its folder.
        let own = self.run.join(crate::config::settings::FILE);
        let bare = self.resume && self.config.is_none() && self.flags.manifest.is_empty();
        let file = if bare && own.exists() { Some(&self.run) } else { self.config.as_ref() };
        let sources = Sources {
            file: file.map(PathBuf::as_path),
            set: &self.set,
            flags: self.flags.table()?,
            continued: bare,
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
            "--scenes is for detectors, but {} is not one",
            settings.train.arch
        );
        ensure!(
            !settings.manifest.is_empty(),
            "there is no manifest: give --manifest, or manifest in --config"
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
        settings.train.distillation.check_sources(&faces.rows)?;
        // The sizes of the epoch and of the scenes follow from the data.
        let of_train = |split: &str| split == "train";
        if settings.train.epoch_size == 0 || settings.train.shuffle {
            settings.train.epoch_size = faces.rows.iter().filter(|r| of_train(&r.split)).count();
        }
        if let Some(detect) = &mut settings.train.detect {
            detect.scenes = faces.scenes.iter().filter(|s| of_train(&s.split)).count();
        }
        if !self.resume {
            learner::check_start(&settings.train)?;
        }
        let fingerprint = run::fingerprint(&settings)?;
        let open = || run::open(&self.run, &settings, &fingerprint, self.resume);
        let place =
            Place { run: &self.run, device, data: &fingerprint, stop_after: self.stop_after };
        if settings.train.network.task() == Task::Detect {
            ensure!(
                self.preview.is_none(),
                "--preview is for faces, and `face-train frames` shows frames"
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
        println!("# nothing is done, because of --dry-run");
        println!("# {}: {:.1} MMAC, {}", train.arch, train.network.mega_macs(), job.describe());
        println!(
            "# {} steps in an epoch, {} in all, unless {} epochs bring no gain",
            job.steps(),
            job.steps() * train.epochs,
            train.patience
        );
        let exists = self.run.join(LAST).exists();
        let folder = self.run.display();
        match (exists, self.resume) {
            (true, true) => println!("# {folder} would continue from its last checkpoint"),
            (true, false) => println!("# {folder} has a run already: it would be refused"),
            (false, true) => println!("# {folder} has no run to continue: it would be refused"),
            (false, false) => println!("# {folder} would be made"),
        }
        print!("{}", toml::to_string_pretty(settings)?);
        Ok(())
    }
}
