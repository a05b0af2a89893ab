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
        // A run that continues needs only its folder. What is given besides must agree with it.
        let own = self.run.join(crate::config::settings::FILE);
        let continued = self.resume && self.config.is_none();
        let file = if continued && own.exists() { Some(&self.run) } else { self.config.as_ref() };
        let sources = Sources {
            file: file.map(PathBuf::as_path),
            set: &self.set,
            flags: self.flags.table()?,
            continued,
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
        let told = self.settings()?;
        let device = device::open(&told.device)?;
        if told.threads > 0 {
            tch::set_num_threads(told.threads);
        }
        interrupt::watch()?;
        let faces = Faces::read(&told)?;
        told.train.distillation.check_sources(&faces.rows)?;
        // The sizes of the epoch and of the scenes follow from the data. They are not saved, since the run may be
        // repeated with other faces.
        let mut settings = told.clone();
        let of_train = |split: &str| split == "train";
        if settings.train.epoch_size == 0 || settings.train.shuffle {
            settings.train.epoch_size = faces.to_train_on(&settings.train);
        }
        if let Some(detect) = &mut settings.train.detect {
            detect.scenes = faces.scenes.iter().filter(|s| of_train(&s.split)).count();
        }
        if !self.resume {
            learner::check_start(&settings.train)?;
        }
        let fingerprint = run::fingerprint(&settings)?;
        let check = || run::check(&self.run, &settings.train, &fingerprint, self.resume);
        if self.dry_run || self.preview.is_some() {
            return self.show(&settings, faces, device, check().err());
        }
        // The lock makes the folder of a new run. A run that is refused must leave no folder.
        if !self.resume {
            check()?;
        }
        let _lock = run::lock(&self.run)?;
        let resumed = check()?;
        if resumed.is_none() {
            run::begin(&self.run, &told)?;
        }
        if faces.aside {
            faces.note_aside(&self.run)?;
        }
        let place =
            Place { run: &self.run, device, data: &fingerprint, stop_after: self.stop_after };
        if settings.train.network.task() == Task::Detect {
            let job = detector(&settings, faces, device)?;
            return trainer::fit(&settings.train, &place, &job, resumed);
        }
        let (train, val) = faces.parts(&settings)?;
        let empty = settings.cache.as_os_str().is_empty();
        let cache = if empty { self.run.join(run::CROPS) } else { settings.cache.clone() };
        let teachers = Teaching::ask(&settings, &train, &cache, device)?;
        let teachers = teachers.map(|teaching| Box::new(teaching) as Box<dyn Teachers>);
        let job = Estimate::new(&settings, device, train, val, Some(&cache), teachers)?;
        trainer::fit(&settings.train, &place, &job, resumed)
    }

    /// Shows what would happen, or the crops. Nothing is trained.
    fn show(
        &self,
        settings: &Settings,
        faces: Faces,
        device: tch::Device,
        refused: Option<anyhow::Error>,
    ) -> Result<()> {
        if settings.train.network.task() == Task::Detect {
            ensure!(
                self.preview.is_none(),
                "--preview is for faces, and `face-train frames` shows frames"
            );
            return self.tell(settings, &detector(settings, faces, device)?, refused);
        }
        let (train, val) = faces.parts(settings)?;
        let job = Estimate::new(settings, device, train, val, None, None)?;
        match &self.preview {
            Some(path) => job.preview(path),
            None => self.tell(settings, &job, refused),
        }
    }

    /// Says what would happen.
    fn tell<J: Job>(
        &self,
        settings: &Settings,
        job: &J,
        refused: Option<anyhow::Error>,
    ) -> Result<()> {
        let train = &settings.train;
        println!("# nothing is done, because of --dry-run");
        println!("# {}: {:.1} MMAC, {}", train.arch, train.network.mega_macs(), job.describe());
        println!(
            "# {} steps in an epoch, {} in all, unless {} epochs bring no gain",
            job.steps(),
            job.steps() * train.epochs,
            train.patience
        );
        let folder = self.run.display();
        match refused {
            Some(reason) => println!("# it would be refused: {reason:#}"),
            None if self.resume => println!("# {folder} would continue from its last checkpoint"),
            None => println!("# {folder} would be made"),
        }
        print!("{}", toml::to_string_pretty(settings)?);
        Ok(())
    }
}

fn detector<'a>(
    settings: &'a Settings,
    Faces { rows, scenes, .. }: Faces,
    device: tch::Device,
) -> Result<Detect<'a>> {
    let cache = settings.cache.as_os_str();
    let cache = (!cache.is_empty()).then_some(settings.cache.as_path());
    let data = Data { rows, scenes, root: &settings.root, cache };
    Detect::new(&settings.train, &data, settings.workers, device)
}
