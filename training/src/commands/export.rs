//! Writes a run's network as ONNX.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use face_predict::Task;
use tch::Tensor;

use crate::data::loader::{Placement, Source};
use crate::export::{self, Card};
use crate::infer::Averaged;
use crate::onnx::Storage;
use crate::run;

#[derive(Args, Debug)]
#[command(
    after_help = "Example: face-train export --run runs/base --out base.onnx --manifest faces.csv --root photos"
)]
pub struct Export {
    /// Folder of the run, whose best checkpoint is used, or a checkpoint.
    #[arg(long)]
    run: PathBuf,
    /// ONNX file to write.
    #[arg(long)]
    out: PathBuf,
    /// Store weights in four bytes instead of two.
    #[arg(long)]
    f32: bool,
    /// Name in the file [default: that of the network].
    #[arg(long)]
    name: Option<String>,
    /// Version of the weights.
    #[arg(long, default_value = env!("CARGO_PKG_VERSION"))]
    version: String,
    /// Licence of the weights.
    #[arg(long, default_value = "unknown")]
    license: String,
    /// Data that the weights were trained on.
    #[arg(long, default_value = "unknown")]
    data: String,
    /// Git revision of the code [default: that of the current folder].
    #[arg(long)]
    revision: Option<String>,
    /// Manifest whose validation faces the file is checked on, besides random pictures.
    #[arg(long, requires = "root")]
    manifest: Vec<PathBuf>,
    /// Folder that the paths of the manifests start from.
    #[arg(long)]
    root: Option<PathBuf>,
    /// Write some pictures with the checkpoint's answers to this file, for tests in other engines.
    #[arg(long)]
    probes: Option<PathBuf>,
    /// Number of these faces.
    #[arg(long, default_value_t = 100)]
    faces: usize,
}

impl Export {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let averaged = Averaged::load(&self.run, tch::Device::Cpu)?;
        let calibration = export::calibration(&averaged, &self.run)?;
        let card = Card {
            name: self.name.clone().unwrap_or(averaged.checkpoint.config.arch.clone()),
            version: self.version.clone(),
            license: self.license.clone(),
            data: self.data.clone(),
            revision: self.revision.clone().unwrap_or_else(crate::provenance::revision),
        };
        let full = export::encode(&averaged, &calibration, &card, Storage::F32)?;
        let file = if self.f32 {
            full.clone()
        } else {
            export::encode(&averaged, &calibration, &card, Storage::F16)?
        };
        let faces = match averaged.checkpoint.config.network.task() {
            // A detector takes no crops.
            Task::Detect => Vec::new(),
            _ => self.real_faces(&averaged)?,
        };
        let found = export::check(&averaged, &full, &file, &faces)?;
        crate::files::replace_bytes(&self.out, &file)?;
        if let Some(path) = &self.probes {
            crate::files::replace_bytes(path, &serde_json::to_vec(&found.probes)?)?;
        }
        println!(
            "{}: {} bytes; of {} pictures, {} of them faces: graph within {:.1e} of the checkpoint, file within {:.1e}",
            self.out.display(),
            file.len(),
            found.images,
            faces.len(),
            found.graph,
            found.file
        );
        Ok(())
    }

    fn real_faces(&self, averaged: &Averaged) -> Result<Vec<Tensor>> {
        if self.manifest.is_empty() {
            return Ok(Vec::new());
        }
        let mut rows = run::validation(&self.manifest, &self.run)?;
        // The faces are spread over the manifests, which are often sorted.
        let step = rows.len().div_ceil(self.faces.max(1));
        rows = rows.into_iter().step_by(step).collect();
        let input = averaged.checkpoint.config.input.clone();
        let root = self.root.as_deref().context("--manifest needs --root")?;
        let source = Source::new(rows, root, input, Placement::Landmarks);
        let mut faces = Vec::new();
        for batch in source.stream(1, 1) {
            let batch = batch?;
            if !batch.rows.is_empty() {
                faces.push(batch.images(tch::Device::Cpu));
            }
        }
        Ok(faces)
    }
}
