//! Makes a model file from a folder of labelled pictures. It runs the other commands one after the other, and prints
//! each of them.

mod line;
mod steps;
mod told;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use face_predict::Metadata;
use sha2::{Digest, Sha256};

use self::line::Dispatch;
use self::steps::Steps;
use crate::data::manifest;
use crate::model::Arch;
use crate::provenance::{Used, hex, sha256};
use crate::{checkpoint, onnx};

/// Trains a model file further with faces of your own. It needs some hundred faces, and better thousands. They are
/// labelled by folder (photos/female/34/anna.jpg), or by a CSV file with path, age and gender. A tenth is kept aside
/// for the validation and the calibration, and a tenth for the final judgement. Both files are compared on the latter,
/// for each group.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: face-train finetune photos --from models/base.onnx --out ours.onnx --run runs/ours\n         face-train finetune labels.csv --images photos --from models/base.onnx --out ours.onnx --run runs/ours"
)]
pub struct Finetune {
    /// Folder of pictures, or a CSV file.
    faces: PathBuf,
    /// Folder that the paths of a CSV file start from [default: the file's own].
    #[arg(long)]
    images: Option<PathBuf>,
    /// Model file to start from.
    #[arg(long)]
    from: PathBuf,
    /// Network [default: that of the model file].
    #[arg(long)]
    arch: Option<String>,
    /// Model file to write. Its card is written beside it.
    #[arg(long)]
    out: PathBuf,
    /// Folder for all intermediate files. Steps that are done already are not repeated.
    #[arg(long)]
    run: PathBuf,
    /// Largest number of epochs. Training stops when a third of them brought no gain.
    #[arg(long, default_value_t = 12)]
    epochs: usize,
    /// Peak learning rate. The default is a tenth of that for a new network. With more, the first epoch forgets more
    /// than the others restore.
    #[arg(long, default_value_t = 2e-4)]
    learning_rate: f64,
    /// Weight of the old model's answers beside the labels, which keeps what it knows about other faces.
    #[arg(long, default_value_t = 0.3)]
    keep: f64,
    /// Further setting of the training, such as batch_size=64. It replaces those that this command chooses itself. This
    /// may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Licence of the new weights, for the card.
    #[arg(long, default_value = "unknown")]
    license: String,
    /// Number of threads that load pictures.
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// Device: auto, cpu or cuda.
    #[arg(long, default_value = "auto")]
    device: String,
}

/// The note of the faces that a run's folder was made from.
const SOURCE: &str = "source.json";

/// The ends of pictures' names.
const PICTURES: [&str; 5] = ["jpg", "jpeg", "png", "webp", "bmp"];

/// The settings that have a flag of this command, and the way to give them.
const TAKEN: [(&str, &str); 7] = [
    ("arch", "give --arch"),
    ("manifest", "the faces are the first argument"),
    ("root", "give --images"),
    ("init_from", "give --from"),
    ("workers", "give --workers"),
    ("device", "give --device"),
    ("distillation.teachers", "the teacher is the model of --from"),
];

impl Finetune {
    /// Runs the commands.
    pub fn run(self, dispatch: Dispatch<'_>) -> Result<()> {
        let card = self.check()?;
        let steps = Steps::new(&self, &card, dispatch);
        if !self.same_faces(steps.parts())? {
            steps.ingest()?;
        }
        self.check_parts(steps.parts())?;
        steps.train()?;
        steps.export()?;
        steps.compare()
    }

    /// Checks the arguments, and returns what the model file says about itself.
    fn check(&self) -> Result<Metadata> {
        ensure!((0.0..=1.0).contains(&self.keep), "keep is {}, but it must be 0 to 1", self.keep);
        ensure!(self.epochs > 0, "epochs must be 1 or more");
        ensure!(self.faces.exists(), "there is no {}", self.faces.display());
        for (key, flag) in TAKEN {
            let named = |pair: &String| pair.split('=').next().map(str::trim) == Some(key);
            ensure!(!self.set.iter().any(named), "--set {key} would be replaced: {flag}");
        }
        let card = onnx::metadata(&self.from)?;
        let arch = self.arch.as_ref().unwrap_or(&card.name);
        ensure!(
            matches!(Arch::named(arch), Ok(Arch::Estimator(_))),
            "{} is called {:?}, which is not a network of this program: give --arch tiny or base",
            self.from.display(),
            card.name
        );
        Ok(card)
    }

    /// Returns whether `parts` was made from these faces. It notes them if it has yet to be made. It fails if a training
    /// with other faces began, since that one would go on.
    fn same_faces(&self, parts: &Path) -> Result<bool> {
        let (note, sha256) = (self.run.join(SOURCE), self.hash()?);
        if parts.exists() {
            let told = || format!("{}", note.display());
            // Folders of older versions have no note.
            let Ok(text) = std::fs::read(&note) else { return Ok(true) };
            let before: Used = serde_json::from_slice(&text).with_context(told)?;
            if before.sha256 == sha256 {
                return Ok(true);
            }
            ensure!(
                !self.run.join(checkpoint::LAST).exists(),
                "{} was trained with other faces, those of {} at that time: choose another --run",
                self.run.display(),
                before.path.display()
            );
            // If ingest is interrupted, the old parts must not pass for the new ones.
            std::fs::remove_file(parts).with_context(|| format!("{}", parts.display()))?;
        }
        let used = Used { path: self.faces.clone(), sha256, copy: String::new() };
        crate::files::replace_bytes(&note, &serde_json::to_vec_pretty(&used)?)?;
        Ok(false)
    }

    /// Returns a hash of the table, or of the paths and sizes of the pictures in the folder.
    fn hash(&self) -> Result<String> {
        if !self.faces.is_dir() {
            return sha256(&self.faces);
        }
        let own = self.run.canonicalize().ok();
        let (mut open, mut found) = (vec![self.faces.clone()], Vec::new());
        while let Some(folder) = open.pop() {
            let told = || format!("folder {}", folder.display());
            for entry in std::fs::read_dir(&folder).with_context(told)? {
                let path = entry.with_context(told)?.path();
                let kind = path.extension().map(|e| e.to_string_lossy().to_lowercase());
                if path.is_dir() && !path.is_symlink() {
                    // The run's own pictures are none of the faces.
                    if own.is_none() || path.canonicalize().ok() != own {
                        open.push(path);
                    }
                } else if kind.is_some_and(|kind| PICTURES.contains(&kind.as_str())) {
                    let size = path.metadata().map_or(0, |about| about.len());
                    let name = path.strip_prefix(&self.faces).unwrap_or(&path);
                    found.push((name.as_os_str().as_encoded_bytes().to_vec(), size));
                }
            }
        }
        found.sort();
        Ok(hex(&Sha256::digest(serde_json::to_vec(&found)?)))
    }

    /// Refuses faces that leave nothing to train with, or nothing to judge by. The latter would be noticed only after
    /// the training.
    fn check_parts(&self, parts: &Path) -> Result<()> {
        let rows = manifest::read(parts)?;
        for part in ["train", "test"] {
            ensure!(
                rows.iter().any(|row| row.split == part),
                "no face of {} is in the part {part}: leave the column split empty, or name train and test in it",
                self.faces.display()
            );
        }
        Ok(())
    }
}
