//! Fits the numbers that turn a network's outputs into probabilities.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use clap::Args;
use face_predict::{AgeSpec, Task};

use crate::augment::fault::Fault;
use crate::checkpoint::weights_in;
use crate::config::{Form, TrainConfig};
use crate::data::loader::{Placement, Source};
use crate::data::manifest::Row;
use crate::detect::job::Data;
use crate::detect::scene;
use crate::infer::{self, Averaged};
use crate::job::first_failure;
use crate::metrics::calibration::{Calibration, TEMPERATURES, labelled};
use crate::model::raw::Raw;
use crate::provenance::sha256;
use crate::{device, onnx, run};

#[derive(Args, Debug)]
#[command(
    after_help = "Example: face-train calibrate --run runs/base --manifest faces.csv --root photos"
)]
pub struct Calibrate {
    /// Folder of the run. Its best checkpoint is used, and calibration.json is written there.
    #[arg(long)]
    run: PathBuf,
    /// Manifest, of which the rows of split val are used, and never those of test. Without rows of val, those that the
    /// run kept aside are used. This may be given several times.
    #[arg(long, required = true)]
    manifest: Vec<PathBuf>,
    /// Folder that the paths of the manifests start from.
    #[arg(long)]
    root: PathBuf,
    /// Manifest of scenes, for a detector. The rows of split val are used. This may be given several times.
    #[arg(long)]
    scenes: Vec<PathBuf>,
    /// Folder that keeps raw pixels of pictures, for a detector.
    #[arg(long)]
    cache: Option<PathBuf>,
    /// Number of threads that load pictures.
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// Device: auto, cpu or cuda.
    #[arg(long, default_value = "auto")]
    device: String,
}

impl Calibrate {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let device = device::open(&self.device)?;
        // If the run goes on meanwhile, the hash is that of the older weights, and the calibration is refused later.
        let weights = weights_in(&self.run);
        let hash = sha256(&weights).with_context(|| format!("checkpoint {}", weights.display()))?;
        let averaged = Averaged::load(&self.run, device)?;
        if averaged.checkpoint.config.network.task() == Task::Detect {
            return self.threshold(&averaged, hash);
        }
        let rows = run::validation(&self.manifest, &self.run)?;
        let input = averaged.checkpoint.config.input.clone();
        let source = Source::new(rows, &self.root, input, Placement::Landmarks);
        let faces = self.outputs(&averaged, &source)?;
        ensure!(
            !faces.is_empty(),
            "no picture of the validation part could be read: {}",
            first_failure(&source.failures())
        );
        let pairs = |faces: &[(usize, Raw)]| -> Vec<(Row, Raw)> {
            faces.iter().map(|(row, raw)| (source.rows()[*row].clone(), raw.clone())).collect()
        };
        let faces = pairs(&faces);
        let by_reference: Vec<_> = faces.iter().map(|(row, raw)| (row, raw)).collect();
        let before = before(&averaged.checkpoint.config);
        let (ages, genders) = labelled(&by_reference);
        let mut found = Calibration::fit(&by_reference, before.as_ref())?;
        found.checkpoint = hash;
        let mut spoiled = faces.clone();
        for fault in Fault::ALL {
            println!("{fault:?} faces");
            spoiled.extend(pairs(&self.outputs(&averaged, &source.spoiled(fault))?));
        }
        let spoiled: Vec<_> = spoiled.iter().map(|(row, raw)| (row, raw)).collect();
        found.fit_doubt(&spoiled);
        match &found.age {
            Some(AgeSpec::Distribution { temperature, by_age, by_width, doubt, .. }) => {
                println!(
                    "age temperature {temperature:.3}, by age {by_age:.2?}, by width {by_width:.2?}, {:.2?}",
                    doubt.0
                );
            }
            Some(AgeSpec::Regression { residuals, .. }) => {
                println!("age residuals from {:?} to {:?}", residuals.first(), residuals.last());
            }
            _ => {}
        }
        let task = averaged.checkpoint.config.network.task();
        if task.has_age() {
            let known = before.as_ref().is_some_and(|before| before.age.is_some());
            warn("age", ages, known, age_temperature(&found));
        }
        if task.has_gender() {
            let known = before.as_ref().is_some_and(|before| before.gender.is_some());
            warn("gender", genders, known, found.gender.as_ref().map(|spec| spec.temperature));
        }
        if let Some(gender) = &found.gender {
            println!("gender temperature {:.3}, {:.2?}", gender.temperature, gender.doubt.0);
        }
        for (band, (share, faces)) in &found.coverage {
            println!("the 80 % interval holds, {band:>5}: {:.1} % of {faces}", share * 100.0);
        }
        for (source, bands) in Calibration::left_out(&by_reference) {
            let bands = bands
                .iter()
                .map(|(band, (share, n))| format!("{band} {:.1} of {n}", share * 100.0));
            let bands: Vec<String> = bands.collect();
            println!(
                "fitted without {source}, the 80 % intervals of {source} hold, %: {}",
                bands.join(", ")
            );
        }
        let file = run::keep_calibration(&self.run, &found)?;
        println!(
            "{} was fitted on {} faces, {ages} with an age and {genders} with a gender",
            file.display(),
            found.faces
        );
        Ok(())
    }

    fn outputs(&self, averaged: &Averaged, source: &Arc<Source>) -> Result<Vec<(usize, Raw)>> {
        infer::run(averaged, source, self.workers)
    }

    /// Chooses a detector's threshold.
    fn threshold(&self, averaged: &Averaged, hash: String) -> Result<()> {
        // It shows one small picture at a time. On a busy machine, threads that wait for each other took ten times as
        // long.
        tch::set_num_threads(1);
        let mut scenes = Vec::new();
        for path in &self.scenes {
            scenes.extend(scene::read(path)?);
        }
        let rows = run::validation(&self.manifest, &self.run)?;
        let data = Data { rows, scenes, root: &self.root, cache: self.cache.as_deref() };
        let validation = data.validation(&averaged.checkpoint.config, averaged.device())?;
        let (spec, groups) = validation.spec(&*averaged.net)?;
        for group in &groups {
            println!(
                "{}: {} faces, average precision {:.3}; at the threshold recall {:.3}, {:.3} wrong answers a picture",
                group.name,
                group.judged.faces(),
                group.judged.average_precision().unwrap_or(f64::NAN),
                group.judged.recall(spec.threshold).unwrap_or(f64::NAN),
                group.judged.wrong_rate(spec.threshold)
            );
        }
        let faces = groups.first().map_or(0, |group| group.judged.faces());
        let threshold = spec.threshold;
        let found = Calibration { checkpoint: hash, ..Calibration::of_detector(spec, faces) };
        let file = run::keep_calibration(&self.run, &found)?;
        println!("{}: threshold {threshold:.3}, from {faces} faces", file.display());
        Ok(())
    }
}

/// Returns the calibration of the weights that a run started from, if they have one.
fn before(config: &TrainConfig) -> Option<Calibration> {
    let from = Path::new(config.init_from.as_deref()?);
    let found = if Form::of(from) == Form::Model {
        onnx::metadata(from).map(|card| Some(Calibration::of(card.age, card.gender, 0)))
    } else {
        run::calibration(from)
    };
    found.unwrap_or_else(|error| {
        eprintln!("warning: the calibration of {} cannot be read: {error:#}", from.display());
        None
    })
}

fn age_temperature(found: &Calibration) -> Option<f32> {
    match &found.age {
        Some(AgeSpec::Distribution { temperature, .. }) => Some(*temperature),
        _ => None,
    }
}

/// Warns of a head that the faces say nothing about, or too little. `known` says whether the weights that the run
/// started from were calibrated.
fn warn(head: &str, faces: usize, known: bool, temperature: Option<f32>) {
    let ends = |t: f32| !(1.01 * TEMPERATURES[0]..=0.99 * TEMPERATURES[1]).contains(&t);
    if faces == 0 && known {
        eprintln!(
            "warning: no face of the validation part has a label for {head}, so {head} keeps the calibration that it started with"
        );
    } else if faces == 0 {
        eprintln!(
            "warning: no face of the validation part has a label for {head}, so {head} is not calibrated"
        );
    } else if temperature.is_some_and(ends) {
        eprintln!(
            "warning: the temperature of {head} ran to the end of its range, so do not trust it: {faces} faces have a label"
        );
    }
}
