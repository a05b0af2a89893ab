//! The faces that a run trains on and validates with.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use anyhow::{Result, ensure};
use face_predict::Task;

use crate::config::TrainConfig;
use crate::config::settings::Settings;
use crate::data::manifest::{self, Row};
use crate::data::split;
use crate::detect::scene::{self, Scene};
use crate::run;

/// The faces and scenes of a run.
pub struct Faces {
    /// The faces of all manifests.
    pub rows: Vec<Row>,
    /// The scenes of a detector.
    pub scenes: Vec<Scene>,
    /// A tenth of train is kept aside, since no row has split val.
    pub aside: bool,
}

/// Returns whether a network can learn something from a row, or be judged by it.
fn useful(row: &Row, config: &TrainConfig) -> bool {
    let task = config.network.task();
    task.has_age() && row.rough_age().is_some()
        || task.has_gender() && row.is_male().is_some()
        || row.split == "train" && config.distillation.teaches(&row.source)
}

/// Warns of pictures that are in several parts. Two manifests may have the same set, each with parts of its own.
fn warn_of_shared(rows: &[Row]) {
    let mut parts: HashMap<&str, &str> = HashMap::new();
    let mut shared: BTreeSet<&str> = BTreeSet::new();
    let used = |row: &&Row| manifest::PARTS.contains(&row.split.as_str());
    for row in rows.iter().filter(used) {
        let first = *parts.entry(&row.path).or_insert(&row.split);
        if first != row.split {
            shared.insert(&row.path);
        }
    }
    if let Some(path) = shared.first() {
        eprintln!(
            "warning: {} pictures are in several parts, such as {path}: the network is judged by what it has seen",
            shared.len()
        );
    }
}

impl Faces {
    /// Returns the number of faces to train on. A detector needs no labels.
    pub fn to_train_on(&self, config: &TrainConfig) -> usize {
        let all = config.network.task() == Task::Detect;
        let rows = self.rows.iter().filter(|row| row.split == "train");
        rows.filter(|row| all || useful(row, config)).count()
    }

    /// Reads the manifests.
    pub fn read(settings: &Settings) -> Result<Self> {
        let (mut rows, mut scenes) = (Vec::new(), Vec::new());
        for path in &settings.manifest {
            rows.extend(manifest::read(path)?);
        }
        for path in &settings.scenes {
            scenes.extend(scene::read(path)?);
        }
        warn_of_shared(&rows);
        let aside = !rows.iter().any(|row| row.split == "val");
        if aside {
            split::keep_aside(&mut rows, settings.train.seed);
        }
        Ok(Self { rows, scenes, aside })
    }

    /// Reports and writes down which faces were kept aside, for `calibrate` and `export`.
    pub fn note_aside(&self, folder: &Path) -> Result<()> {
        let aside: Vec<_> = self.rows.iter().filter(|row| row.split == "val").cloned().collect();
        let file = folder.join(run::ASIDE);
        println!(
            "no row has split val, so {} of train are kept aside for validation ({})",
            aside.len(),
            file.display()
        );
        manifest::write(&file, "train, kept aside", &aside)
    }

    /// Returns the parts train and val, without faces from which the network can learn nothing.
    pub fn parts(self, settings: &Settings) -> Result<(Vec<Row>, Vec<Row>)> {
        let (task, arch) = (settings.train.network.task(), &settings.train.arch);
        let distillation = &settings.train.distillation;
        let useful = |row: &Row| useful(row, &settings.train);
        let all = self.rows.len();
        if !distillation.teachers.is_empty() {
            let idle = self.rows.iter().filter(|row| row.split == "train" && !useful(row)).count();
            if idle > 0 {
                println!(
                    "{idle} faces are left out: they have no label, and no teacher is asked about their source"
                );
            }
        }
        // The rows are moved and not copied: a manifest of half a million rows is 200 MB.
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
        let shown = train.iter().any(|row| row.weight != Some(0.0));
        ensure!(shown, "all {} faces to train on have the weight 0", train.len());
        let males = train.iter().filter_map(Row::is_male).filter(|m| *m).count();
        let known = train.iter().filter(|row| row.is_male().is_some()).count();
        if task.has_gender() && (males == 0 || males == known) {
            eprintln!(
                "warning: {males} of {known} faces with a gender are male, so there is nothing to tell apart"
            );
        }
        Ok((train, val))
    }
}
