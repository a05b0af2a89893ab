//! Fits what turns a network's outputs into probabilities.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use clap::Args;
use face_predict::{AgeSpec, Task};

use crate::augment::{Augment, Fault};
use crate::commands::train::ASIDE;
use crate::data::loader::{Placement, Source};
use crate::data::manifest::{self, Row};
use crate::detect::job::Data;
use crate::detect::scene;
use crate::infer::{self, Averaged, Raw};
use crate::metrics::calibration::Calibration;

/// Name of the file in the run's folder.
pub const FILE: &str = "calibration.json";

#[derive(Args, Debug)]
#[command(
    after_help = "Example: face-train calibrate --run runs/base --manifest faces.csv --root photos"
)]
pub struct Calibrate {
    /// Folder of the run, whose best checkpoint is taken; calibration.json goes there.
    #[arg(long)]
    run: PathBuf,
    /// Manifest; its rows of split val are used, never those of test; without any, those that the run kept aside. May be given
    /// several times.
    #[arg(long, required = true)]
    manifest: Vec<PathBuf>,
    /// Folder that the manifests' paths start from.
    #[arg(long)]
    root: PathBuf,
    /// Manifest of scenes, for a detector; those of split val are used. May be given several times.
    #[arg(long)]
    scenes: Vec<PathBuf>,
    /// Folder that keeps raw pixels of pictures, for a detector.
    #[arg(long)]
    cache: Option<PathBuf>,
    /// Threads that load pictures.
    #[arg(long, default_value_t = 1)]
    workers: usize,
}

impl Calibrate {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let averaged = Averaged::load(&self.run)?;
        if averaged.checkpoint.config.network.task() == Task::Detect {
            return self.threshold(&averaged);
        }
        let rows = validation(&self.manifest, &self.run)?;
        let input = averaged.checkpoint.config.input.clone();
        let source = Source::new(rows, &self.root, input, Augment::NONE, Placement::Landmarks, 0);
        let faces = self.outputs(&averaged, &source)?;
        ensure!(!faces.is_empty(), "no picture of the validation part could be read");
        let pairs = |faces: &[(usize, Raw)]| -> Vec<(Row, Raw)> {
            faces.iter().map(|(row, raw)| (source.rows()[*row].clone(), raw.clone())).collect()
        };
        let faces = pairs(&faces);
        let by_reference: Vec<_> = faces.iter().map(|(row, raw)| (row, raw)).collect();
        let mut found = Calibration::fit(&by_reference);
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
        if let Some(gender) = &found.gender {
            println!("gender temperature {:.3}, {:.2?}", gender.temperature, gender.doubt.0);
        }
        for (band, (share, faces)) in &found.coverage {
            println!("80 % interval, {band:>5}: {:.1} % of {faces}", share * 100.0);
        }
        for (source, bands) in Calibration::left_out(&by_reference) {
            let bands = bands
                .iter()
                .map(|(band, (share, n))| format!("{band} {:.1} of {n}", share * 100.0));
            let bands: Vec<String> = bands.collect();
            println!("fitted without {source}, its 80 % intervals hold, %: {}", bands.join(", "));
        }
        let file = self.run.join(FILE);
        crate::files::replace_bytes(&file, &serde_json::to_vec_pretty(&found)?)?;
        println!("{}: from {} faces", file.display(), found.faces);
        Ok(())
    }

    fn outputs(&self, averaged: &Averaged, source: &Arc<Source>) -> Result<Vec<(usize, Raw)>> {
        infer::run(&*averaged.net, source, tch::Device::Cpu, self.workers)
    }

    /// A detector's threshold.
    fn threshold(&self, averaged: &Averaged) -> Result<()> {
        // One small picture at a time: on a busy machine, threads that wait for each other took ten times as long.
        tch::set_num_threads(1);
        let mut scenes = Vec::new();
        for path in &self.scenes {
            scenes.extend(scene::read(path)?);
        }
        let rows = validation(&self.manifest, &self.run)?;
        let data = Data { rows, scenes, root: &self.root, cache: self.cache.as_deref() };
        let validation = data.validation(&averaged.checkpoint.config, tch::Device::Cpu)?;
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
        let (file, threshold) = (self.run.join(FILE), spec.threshold);
        let found = Calibration::of_detector(spec, faces);
        crate::files::replace_bytes(&file, &serde_json::to_vec_pretty(&found)?)?;
        println!("{}: threshold {threshold:.3}, from {faces} faces", file.display());
        Ok(())
    }
}

/// Rows of split val; without any, those that the run kept aside.
pub fn validation(manifests: &[PathBuf], run: &Path) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for path in manifests {
        rows.extend(manifest::read(path)?);
    }
    rows.retain(|row| row.split == "val");
    let aside = folder(run).join(ASIDE);
    if rows.is_empty() && aside.exists() {
        rows = manifest::read(&aside)?;
    }
    ensure!(!rows.is_empty(), "no row of the manifests has split val");
    Ok(rows)
}

/// The folder of a run that was given as such, or by a checkpoint in it.
fn folder(run: &Path) -> &Path {
    if run.is_dir() { run } else { run.parent().unwrap_or(Path::new(".")) }
}

/// The run's calibration, if it has one.
pub fn read(run: &Path) -> Result<Option<Calibration>> {
    let file = folder(run).join(FILE);
    if !file.exists() {
        return Ok(None);
    }
    let text = std::fs::read(&file).with_context(|| format!("{}", file.display()))?;
    Ok(Some(serde_json::from_slice(&text).with_context(|| format!("{}", file.display()))?))
}
