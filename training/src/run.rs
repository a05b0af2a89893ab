//! The folder of a run: its files, its origin, and the settings with which it may continue.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use face_predict::AgeSpec;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::checkpoint::{Checkpoint, LAST, weights_in};
use crate::config::settings::{self, Settings};
use crate::config::{Form, TrainConfig};
use crate::data::manifest::{self, Row};
use crate::metrics::calibration::Calibration;
use crate::provenance::{Provenance, hex, sha256};

/// The manifest of the faces that were kept aside because no row has split val.
pub const ASIDE: &str = "val.csv";
/// The folder of kept crops and answers.
pub const CROPS: &str = "crops";
/// The result of `calibrate`.
pub const CALIBRATION: &str = "calibration.json";

/// Returns the checkpoint from which a run continues, or nothing for a new run. A run that may not start is refused.
pub fn check(
    folder: &Path,
    train: &TrainConfig,
    data: &str,
    resume: bool,
) -> Result<Option<Checkpoint>> {
    let last = folder.join(LAST);
    match (resume, last.exists()) {
        (true, false) => missing(folder),
        (false, true) => bail!("{} has a run already: add --resume", folder.display()),
        (false, false) => Ok(None),
        (true, true) => {
            let checkpoint = Checkpoint::load(&last)?;
            ensure!(
                train.goes_on(&checkpoint.config),
                "the run was started with other arguments; only epochs and patience may change. --resume with --run alone \
                 takes all of them from the run. These differ: {}",
                differences(&checkpoint.config, train)?
            );
            ensure!(
                checkpoint.data.is_empty() || checkpoint.data == data,
                "the run was started with other faces: its manifests or teachers have changed"
            );
            Ok(Some(checkpoint))
        }
    }
}

/// Makes the folder of a new run, and notes its settings and their origin there.
pub fn begin(folder: &Path, settings: &Settings) -> Result<()> {
    let train = &settings.train;
    let start = train.init_from.iter().map(PathBuf::from);
    let teachers = train.distillation.asked().map(|teacher| teacher.path.to_owned());
    let weights: Vec<PathBuf> = start.chain(teachers).collect();
    let provenance = Provenance::now(&settings.manifest, &settings.scenes, &weights)?;
    for used in provenance.manifests.iter().chain(&provenance.scenes) {
        let bytes = std::fs::read(&used.path)?;
        crate::files::replace_bytes(&folder.join(&used.copy), &bytes)?;
    }
    let text = settings.text(&provenance)?;
    crate::files::replace_bytes(&folder.join(settings::FILE), text.as_bytes())
}

/// Locks a run's folder, which is made if it is not there, until the file is closed. Two trainings would overwrite each
/// other's checkpoints. A file system without locks is taken as it is.
pub fn lock(folder: &Path) -> Result<File> {
    let told = || format!("folder {}", folder.display());
    std::fs::create_dir_all(folder).with_context(told)?;
    let lock = File::open(folder).with_context(told)?;
    if let Err(TryLockError::WouldBlock) = lock.try_lock() {
        bail!("{}: another training is at work there", folder.display());
    }
    Ok(lock)
}

/// There is no run to continue.
pub fn missing<T>(folder: &Path) -> Result<T> {
    let shown = folder.display();
    bail!("--resume: {shown} has no run, its {LAST} is missing{}", neighbours(folder))
}

/// Lists the runs beside `folder`, in case its name was mistyped.
fn neighbours(folder: &Path) -> String {
    let beside = folder.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let entries = std::fs::read_dir(beside).into_iter().flatten().filter_map(Result::ok);
    let names = entries.filter(|entry| entry.path().join(LAST).exists());
    let names: Vec<String> =
        names.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    if names.is_empty() { String::new() } else { format!("; runs there: {}", names.join(", ")) }
}

/// Names the settings in which two runs differ.
fn differences(before: &impl Serialize, now: &impl Serialize) -> Result<String> {
    fn compare(name: &str, a: &toml::Value, b: &toml::Value, found: &mut Vec<String>) {
        match (a, b) {
            (toml::Value::Table(a), toml::Value::Table(b)) => {
                let keys: std::collections::BTreeSet<_> = a.keys().chain(b.keys()).collect();
                let none = toml::Value::String("nothing".into());
                for key in keys {
                    let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                    let of = |t: &toml::Table| t.get(key).unwrap_or(&none).clone();
                    compare(&name, &of(a), &of(b), found);
                }
            }
            (a, b) if a != b => found.push(format!("{name} was {a}, now {b}")),
            _ => {}
        }
    }
    let mut found = Vec::new();
    let (a, b) = (toml::Value::try_from(before)?, toml::Value::try_from(now)?);
    compare("", &a, &b, &mut found);
    found.retain(|line| !line.starts_with("epochs ") && !line.starts_with("patience "));
    Ok(found.join("; "))
}

/// Returns an identifier of a choice of faces and teachers. It includes the manifests without their first line, which
/// says how they were made, and the teachers' files.
pub fn fingerprint(settings: &Settings) -> Result<String> {
    let mut hash = Sha256::new();
    for path in settings.manifest.iter().chain(&settings.scenes) {
        let bytes = std::fs::read(path).with_context(|| format!("manifest {}", path.display()))?;
        let rows = bytes.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        hash.update(Sha256::digest(&bytes[rows..]));
    }
    for teacher in settings.train.distillation.asked() {
        hash.update(sha256(&weights_in(teacher.path))?);
        // A run's answers are softer or sharper once it is calibrated.
        if teacher.form == Form::Run && calibration(teacher.path)?.is_some() {
            hash.update(serde_json::to_vec(&temperatures(teacher.path)?)?);
        }
    }
    Ok(hex(&hash.finalize()))
}

/// Returns the temperatures of a run's age and gender, which are 1 without a calibration.
pub fn temperatures(run: &Path) -> Result<(f64, f64)> {
    let Some(found) = calibration(run)? else { return Ok((1.0, 1.0)) };
    let of_age = match found.age {
        Some(AgeSpec::Distribution { temperature, .. }) => f64::from(temperature),
        _ => 1.0,
    };
    Ok((of_age, found.gender.map_or(1.0, |gender| f64::from(gender.temperature))))
}

/// Returns the folder of a run that was given as such, or by a checkpoint in it.
pub fn folder(run: &Path) -> &Path {
    if run.is_dir() { run } else { run.parent().unwrap_or(Path::new(".")) }
}

/// Returns the rows of split val. Without any, it returns those that the run kept aside.
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

/// Returns the calibration of the weights in `run`, which is a folder or a checkpoint, if there is one. It fails if the
/// calibration was fitted to other weights, such as those before the run went on.
pub fn calibration(run: &Path) -> Result<Option<Calibration>> {
    let file = folder(run).join(CALIBRATION);
    if !file.exists() {
        return Ok(None);
    }
    let told = || format!("{}", file.display());
    let text = std::fs::read(&file).with_context(told)?;
    let found: Calibration = serde_json::from_slice(&text).with_context(told)?;
    let weights = weights_in(run);
    ensure!(
        found.checkpoint.is_empty() || found.checkpoint == sha256(&weights)?,
        "{} was fitted to other weights than those of {}: run `face-train calibrate` again",
        file.display(),
        weights.display()
    );
    Ok(Some(found))
}

/// Writes the calibration of the weights in `run`, and returns its path.
pub fn keep_calibration(run: &Path, found: &Calibration) -> Result<PathBuf> {
    let file = folder(run).join(CALIBRATION);
    crate::files::replace_bytes(&file, &serde_json::to_vec_pretty(found)?)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::BEST;

    #[test]
    fn a_calibration_is_that_of_its_weights_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let run = folder.path();
        let (best, last) = (run.join(BEST), run.join(LAST));
        std::fs::write(&best, "best").expect("written");
        std::fs::write(&last, "last").expect("written");
        assert_eq!(calibration(run).expect("there is none"), None);
        let checkpoint = sha256(&best).expect("read");
        let found = Calibration { checkpoint, ..Calibration::none() };
        keep_calibration(&best, &found).expect("written");
        assert_eq!(calibration(run).expect("fits"), Some(found.clone()));
        assert_eq!(calibration(&best).expect("fits"), Some(found));
        let error = |path: &Path| calibration(path).expect_err("other weights").to_string();
        assert!(error(&last).contains("run `face-train calibrate` again"), "{}", error(&last));
        // The run goes on, and finds better weights.
        std::fs::write(&best, "better").expect("written");
        assert!(error(run).contains("run `face-train calibrate` again"), "{}", error(run));
        // Older files do not say which weights they were fitted to.
        let mut old = serde_json::to_value(Calibration::none()).expect("JSON");
        old.as_object_mut().expect("an object").remove("checkpoint").expect("a field");
        std::fs::write(run.join(CALIBRATION), old.to_string()).expect("written");
        assert_eq!(calibration(run).expect("read"), Some(Calibration::none()));
    }
}
