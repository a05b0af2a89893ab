//! The steps of a finetuning: each runs one or two other commands.

use std::path::{Path, PathBuf};

use anyhow::Result;
use face_predict::Metadata;

use super::line::{Dispatch, Line};
use super::{Finetune, told};
use crate::{checkpoint, files};

/// A finetuning whose arguments were checked.
pub struct Steps<'a> {
    asked: &'a Finetune,
    /// What the model file to start from says about itself.
    card: &'a Metadata,
    dispatch: Dispatch<'a>,
    /// The folder that the paths of the manifest start from.
    images: PathBuf,
    /// The manifest whose faces have parts.
    parts: PathBuf,
}

impl<'a> Steps<'a> {
    pub fn new(asked: &'a Finetune, card: &'a Metadata, dispatch: Dispatch<'a>) -> Self {
        let beside = asked.faces.parent().filter(|p| !p.as_os_str().is_empty());
        let images = match &asked.images {
            Some(images) => images.clone(),
            None if asked.faces.is_dir() => asked.faces.clone(),
            None => beside.unwrap_or(Path::new(".")).to_owned(),
        };
        Self { asked, card, dispatch, images, parts: asked.run.join("faces.csv") }
    }

    pub fn parts(&self) -> &Path {
        &self.parts
    }

    /// Finds the faces of the pictures, and splits them into parts.
    pub fn ingest(&self) -> Result<()> {
        let all = self.asked.run.join("all.csv");
        let line = match self.asked.faces.is_dir() {
            true => Line::new(&["ingest", "folder"]),
            false => Line::new(&["ingest", "table"]).with("--table", &self.asked.faces),
        };
        line.with("--images", &self.images)
            .with("--workers", self.asked.workers.to_string())
            .with("--out", &all)
            .run(self.dispatch)?;
        Line::new(&["split"])
            .with("--parts", "train=0.8,val=0.1,test=0.1")
            .with("--out", &self.parts)
            .and(&all)
            .run(self.dispatch)
    }

    /// Shows the faces as the network will see them, trains and calibrates. A training that was stopped goes on.
    pub fn train(&self) -> Result<()> {
        let preview = self.asked.run.join("preview.png");
        self.training().with("--preview", &preview).run(self.dispatch)?;
        println!("{} shows how the faces will be shown", preview.display());
        let begun = self.asked.run.join(checkpoint::LAST).exists();
        let training = self.training();
        let training = if begun { training.and("--resume") } else { training };
        training.run(self.dispatch)?;
        self.with_parts(Line::new(&["calibrate"]).with("--run", &self.asked.run))
            .with("--device", &self.asked.device)
            .run(self.dispatch)
    }

    /// Returns the command line of the training.
    fn training(&self) -> Line {
        let asked = self.asked;
        let line = Line::new(&["train"])
            .with("--arch", asked.arch.as_ref().unwrap_or(&self.card.name))
            .with("--init-from", &asked.from)
            .with("--workers", asked.workers.to_string())
            .with("--device", &asked.device);
        let mut line = self.with_parts(line).with("--run", &asked.run);
        let mut usual = vec![
            format!("learning_rate={}", asked.learning_rate),
            format!("epochs={}", asked.epochs),
            format!("patience={}", asked.epochs.div_ceil(3)),
        ];
        if asked.keep > 0.0 {
            line = line.with("--teacher", &asked.from);
            usual.push("distillation.crops=4".into());
            usual.push(format!("loss.distillation={}", asked.keep));
        }
        // Of two values for a setting the last one counts, which is the user's.
        usual.iter().chain(&asked.set).fold(line, |line, pair| line.with("--set", pair))
    }

    /// Writes the model file.
    pub fn export(&self) -> Result<()> {
        let asked = self.asked;
        self.with_parts(Line::new(&["export"]).with("--run", &asked.run).with("--out", &asked.out))
            .with("--name", &self.card.name)
            .with("--license", &asked.license)
            .with("--data", format!("{}; {}", self.card.data, asked.faces.display()))
            .run(self.dispatch)
    }

    /// Judges the old and the new model file, prints the comparison, and writes it into the card.
    pub fn compare(&self) -> Result<()> {
        let asked = self.asked;
        let report = asked.run.join("report");
        let models =
            Line::new(&["evaluate"]).with("--model", &asked.from).with("--model", &asked.out);
        self.with_parts(models)
            .with("--out", &report)
            .with("--workers", asked.workers.to_string())
            .run(self.dispatch)?;
        let metrics = std::fs::read(report.join("metrics.json"))?;
        let told = told::compare(&serde_json::from_slice(&metrics)?)?;
        println!("\n{told}");
        let page = format!(
            "# {}\n\nThe training continued from `{}` ({}, licence {}) with the faces of `{}`, by `face-train finetune`. The licence of these weights is: {}.\n\n{told}",
            asked.out.file_stem().unwrap_or_default().to_string_lossy(),
            asked.from.display(),
            self.card.version,
            self.card.license,
            asked.faces.display(),
            asked.license
        );
        let beside = asked.out.with_extension("md");
        files::replace_bytes(&beside, page.as_bytes())?;
        println!(
            "{} and {} were written, and {} has more",
            asked.out.display(),
            beside.display(),
            report.display()
        );
        Ok(())
    }

    /// Names the faces that have parts.
    fn with_parts(&self, line: Line) -> Line {
        line.with("--manifest", &self.parts).with("--root", &self.images)
    }
}
