//! Makes a model file from a folder of labelled pictures. It runs the other commands one after the other, and prints
//! each of them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use face_predict::Metadata;
use serde_json::Value;

use crate::data::bands::order;
use crate::model::Arch;
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
    /// Further setting of the training, such as batch_size=64. This may be given several times.
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

/// Runs a command line of this program.
pub type Dispatch<'a> = &'a dyn Fn(Vec<OsString>) -> Result<()>;

/// A command line that is built up.
struct Line(Vec<OsString>);

impl Line {
    fn new(words: &[&str]) -> Self {
        let words = std::iter::once("face-train").chain(words.iter().copied());
        Self(words.map(OsString::from).collect())
    }

    fn with(mut self, flag: &str, value: impl Into<OsString>) -> Self {
        self.0.extend([flag.into(), value.into()]);
        self
    }

    /// Prints it and runs it.
    fn run(self, dispatch: Dispatch<'_>) -> Result<()> {
        let quoted = self.0.iter().map(|word| {
            let word = word.to_string_lossy();
            if word.contains(' ') { format!("'{word}'") } else { word.into_owned() }
        });
        println!("\n$ {}", quoted.collect::<Vec<_>>().join(" "));
        dispatch(self.0)
    }
}

impl Finetune {
    /// Runs the commands.
    pub fn run(self, dispatch: Dispatch<'_>) -> Result<()> {
        ensure!((0.0..=1.0).contains(&self.keep), "keep is {}, but it must be 0 to 1", self.keep);
        ensure!(self.epochs > 0, "epochs must be 1 or more");
        ensure!(self.faces.exists(), "there is no {}", self.faces.display());
        let card = card(&self.from)?;
        let arch = self.arch.clone().unwrap_or_else(|| card.name.clone());
        ensure!(
            matches!(Arch::named(&arch), Ok(Arch::Estimator(_))),
            "{} is called {:?}, which is not a network of this program: give --arch tiny or base",
            self.from.display(),
            card.name
        );
        let from_folder = self.faces.is_dir();
        let own = self.faces.parent().filter(|p| !p.as_os_str().is_empty());
        let images = match &self.images {
            Some(images) => images.clone(),
            None if from_folder => self.faces.clone(),
            None => own.unwrap_or(Path::new(".")).to_owned(),
        };
        let at = |name: &str| self.run.join(name);
        let (all, parts) = (at("all.csv"), at("faces.csv"));

        if !parts.exists() {
            let kind = if from_folder { "folder" } else { "table" };
            let mut line = Line::new(&["ingest", kind]);
            if !from_folder {
                line = line.with("--table", &self.faces);
            }
            line.with("--images", &images)
                .with("--workers", self.workers.to_string())
                .with("--out", &all)
                .run(dispatch)?;
            Line::new(&["split"])
                .with("--parts", "train=0.8,val=0.1,test=0.1")
                .with("--out", &parts)
                .and(&all)
                .run(dispatch)?;
        }
        let train = || {
            let mut line = Line::new(&["train"])
                .with("--arch", &arch)
                .with("--init-from", &self.from)
                .with("--learning-rate", self.learning_rate.to_string())
                .with("--epochs", self.epochs.to_string())
                .with("--patience", self.epochs.div_ceil(3).to_string())
                .with("--workers", self.workers.to_string())
                .with("--device", &self.device)
                .with("--manifest", &parts)
                .with("--root", &images)
                .with("--run", &self.run);
            if self.keep > 0.0 {
                line = line
                    .with("--teacher", &self.from)
                    .with("--teacher-crops", "4")
                    .with("--teacher-weight", self.keep.to_string());
            }
            self.set.iter().fold(line, |line, pair| line.with("--set", pair))
        };
        train().with("--preview", at("preview.png")).run(dispatch)?;
        println!("{} shows how the faces will be shown", at("preview.png").display());
        let mut line = train();
        if at(checkpoint::LAST).exists() {
            line.0.push("--resume".into());
        }
        line.run(dispatch)?;
        let on = |line: Line| line.with("--manifest", &parts).with("--root", &images);
        on(Line::new(&["calibrate"]).with("--run", &self.run))
            .with("--device", &self.device)
            .run(dispatch)?;
        let data = format!("{}; {}", card.data, self.faces.display());
        on(Line::new(&["export"]).with("--run", &self.run).with("--out", &self.out))
            .with("--name", &card.name)
            .with("--license", &self.license)
            .with("--data", data)
            .run(dispatch)?;
        let report = at("report");
        on(Line::new(&["evaluate"]).with("--model", &self.from).with("--model", &self.out))
            .with("--out", &report)
            .with("--workers", self.workers.to_string())
            .run(dispatch)?;
        let text = std::fs::read(report.join("metrics.json"))?;
        let told = compare(&serde_json::from_slice(&text)?)?;
        println!("\n{told}");
        let page = format!(
            "# {}\n\nThe training continued from `{}` ({}, licence {}) with the faces of `{}`, by `face-train finetune`. The licence of these weights is: {}.\n\n{told}",
            self.out.file_stem().unwrap_or_default().to_string_lossy(),
            self.from.display(),
            card.version,
            card.license,
            self.faces.display(),
            self.license
        );
        let beside = self.out.with_extension("md");
        crate::files::replace_bytes(&beside, page.as_bytes())?;
        println!(
            "{} and {} were written, and {} has more",
            self.out.display(),
            beside.display(),
            report.display()
        );
        Ok(())
    }
}

impl Line {
    fn and(mut self, word: impl Into<OsString>) -> Self {
        self.0.push(word.into());
        self
    }
}

/// Reads the description in a model file.
fn card(file: &Path) -> Result<Metadata> {
    let told = || format!("{}", file.display());
    let model = onnx::decode(&std::fs::read(file).with_context(told)?).with_context(told)?;
    let props = model.metadata_props.iter().map(|p| (p.key.as_str(), p.value.as_str()));
    Metadata::from_props(props).with_context(told)
}

/// The figures that are compared: the name in the metrics, the name for people, whether less is better, and the factor.
const FIGURES: [(&str, &str, bool, f64); 3] = [
    ("age_mae", "age error, years", true, 1.0),
    ("bracket_accuracy", "bracket, %", false, 100.0),
    ("gender_accuracy", "gender, %", false, 100.0),
];

/// Compares the first two models of an evaluation in a table, group by group, and says what became better and worse.
fn compare(metrics: &Value) -> Result<String> {
    let models = metrics["models"].as_array().context("no models in the metrics")?;
    let [before, after] = &models[..] else { bail!("{} models in the metrics", models.len()) };
    let mut text = String::from(
        "Both files were judged on the faces that were kept aside for it. Gender is the label that strangers give a face, in two values.\n\n\
         | group | figure | faces | before | after |\n| --- | --- | ---: | ---: | ---: |\n",
    );
    let (mut worse, mut better) = (Vec::new(), Vec::new());
    let sources = before["sources"].as_object().context("no sources in the metrics")?;
    for (source, groups) in sources {
        let mut groups: Vec<_> = groups.as_object().into_iter().flatten().collect();
        groups.sort_by_key(|(group, _)| order(group));
        for (group, figures) in groups {
            for (name, called, less, factor) in FIGURES {
                let of = |figures: &Value| figures[name]["value"].as_f64().map(|v| factor * v);
                let new = &after["sources"][source.as_str()][group.as_str()];
                let (Some(old), Some(new)) = (of(figures), of(new)) else { continue };
                let faces = figures[name]["faces"].as_u64().unwrap_or(0);
                let digits = if factor == 1.0 { 2 } else { 1 };
                text += &format!(
                    "| {group} | {called} | {faces} | {old:.digits$} | {new:.digits$} |\n"
                );
                let gain = if less { old - new } else { new - old };
                let line = format!("{called} of {group}: {old:.digits$} to {new:.digits$}");
                match (group == "all", gain > 0.0) {
                    (true, true) => better.push(line),
                    (_, false) if gain < 0.0 && faces >= 20 => worse.push(line),
                    _ => {}
                }
            }
        }
    }
    let list =
        |lines: &[String]| lines.iter().map(|line| format!("- {line}\n")).collect::<String>();
    if !better.is_empty() {
        text += &format!("\nThese figures of all faces became better:\n{}", list(&better));
    }
    if worse.is_empty() {
        text += "\nNo group of 20 faces or more became worse.\n";
    } else {
        text += &format!("\nThese groups of 20 faces or more became worse:\n{}", list(&worse));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn groups_that_lose_are_named() {
        let figure = |value: f64, faces: u64| json!({ "value": value, "faces": faces });
        let model = |all: f64, old: f64, few: f64| {
            json!({ "sources": { "ours": {
                "all": { "age_mae": figure(all, 200) },
                "60-69": { "age_mae": figure(old, 40) },
                "3-9": { "age_mae": figure(2.0, 30) },
                "10-19": { "age_mae": figure(3.0, 30) },
                "70-79": { "age_mae": figure(few, 5) },
            } } })
        };
        let metrics = json!({ "models": [model(6.0, 8.0, 9.0), model(4.5, 8.5, 10.0)] });
        let text = compare(&metrics).expect("two models");
        assert!(text.contains("| all | age error, years | 200 | 6.00 | 4.50 |"), "{text}");
        assert!(text.contains("- age error, years of all: 6.00 to 4.50"), "{text}");
        assert!(text.contains(
            "These groups of 20 faces or more became worse:\n- age error, years of 60-69: 8.00 to 8.50\n"
        ));
        assert!(!text.contains("of 70-79"), "{text}");
        // By age, not by letter.
        let rows = text.lines().filter_map(|line| line.strip_prefix("| "));
        let groups: Vec<&str> = rows.filter_map(|row| row.split(" |").next()).collect();
        assert_eq!(groups, ["group", "---", "all", "3-9", "10-19", "60-69", "70-79"]);
        assert!(compare(&json!({ "models": [] })).is_err());
    }
}
