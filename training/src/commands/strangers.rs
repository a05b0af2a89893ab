//! Judges networks on sets that they have never seen, which is the measure for choices.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use sha2::{Digest, Sha256};

use super::evaluate::Judge;
use crate::config::split;
use crate::data::manifest::{self, Row};
use crate::metrics::judged::Judged;
use crate::provenance::hex;
use crate::report::strangers::{self, Stranger};

/// Trains one network for each set that is left out, judges it there, and prints one table by age band.
///
/// The part test is never used, because choices are made by this table. A run that was interrupted continues, and one
/// that is done is not repeated.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: face-train strangers --manifest utk.csv aaf.csv appa.csv --root photos --out strangers \
                  --leave-out aaf appa --with-all -- --arch tiny --epochs 8\n\
                  Or with networks that have not seen a set: --run aaf=models/base-open.onnx --run appa=models/base-open.onnx"
)]
pub struct Strangers {
    /// Manifest of faces. This may be given several times, and each source is a set.
    #[arg(long, required = true, num_args = 1..)]
    manifest: Vec<PathBuf>,
    /// Folder for the runs, the table (strangers.md) and a page for each set.
    #[arg(long)]
    out: PathBuf,
    /// Sets to leave out, one at a time [default: those of --run, else all that have ages].
    #[arg(long, num_args = 1..)]
    leave_out: Vec<String>,
    /// Run or model file that has not seen a set, as SET=PATH. Nothing is trained for that set. Whether the file has
    /// seen it cannot be checked.
    #[arg(long, value_name = "SET=PATH")]
    run: Vec<String>,
    /// Train with all sets, too. It shows what each set brings to itself and to the others.
    #[arg(long)]
    with_all: bool,
    /// Part of each set to judge on. A network that has not seen the set knows neither part.
    #[arg(long, default_value = "val", value_parser = ["val", "train", "both"])]
    split: String,
    /// Largest number of faces of a set to judge on, spread over its rows. 0 means all.
    #[arg(long, default_value_t = 2000)]
    faces: usize,
    #[command(flatten)]
    judge: Judge,
    /// Arguments of train for every run, after --. The set that is left out is removed from --teacher FILE@SET,SET. In
    /// the paths of teachers and of --init-from, {set} stands for that set, or for "with-all".
    #[arg(last = true)]
    train: Vec<String>,
}

/// The name of the run that leaves out nothing.
const ALL: &str = "with-all";
/// The options of train whose values [`without_set`] reads.
const TAKES_A_FILE: [&str; 3] = ["--teacher", "--teacher-source", "--init-from"];
/// The file in a run's folder that notes the arguments and the faces with which it was trained to its end.
const DONE: &str = "strangers.done";

impl Strangers {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let mut rows = Vec::new();
        for path in &self.manifest {
            rows.extend(manifest::read(path)?);
        }
        rows.retain(|row| row.split != "test" && row.split != "excluded");
        let given = self.given()?;
        let left_out = self.left_out(&rows, &given)?;
        std::fs::create_dir_all(&self.out)
            .with_context(|| format!("folder {}", self.out.display()))?;
        let mut judged: Vec<(String, Judged)> = Vec::new();
        for set in &left_out {
            let file = match given.get(set) {
                Some(file) => file.clone(),
                None => self.trained(&format!("without-{}", plain(set)), &rows, Some(set))?,
            };
            // With --with-all, each network is judged on every set.
            let only = (!self.with_all).then_some(set.as_str());
            judged.push((set.clone(), self.judged(&file, &rows, only)?));
        }
        let all = if self.with_all {
            let file = self.trained(ALL, &rows, None)?;
            Some(self.judged(&file, &rows, None)?)
        } else {
            None
        };
        let of =
            judged.iter().map(|(set, judged)| Stranger { set, unseen: judged, seen: all.as_ref() });
        let mut text = strangers::markdown(&of.collect::<Vec<_>>());
        if let Some(all) = &all {
            let without: Vec<_> =
                judged.iter().map(|(set, judged)| (set.clone(), judged)).collect();
            text += &format!("\n{}", strangers::brings(all, &without));
        }
        let file = self.out.join("strangers.md");
        crate::files::replace_bytes(&file, text.as_bytes())?;
        println!("{text}\n{}: part {}, a label of n years is n", file.display(), self.split);
        Ok(())
    }

    /// The networks that were given, by set.
    fn given(&self) -> Result<BTreeMap<String, PathBuf>> {
        let one = |text: &String| -> Result<(String, PathBuf)> {
            let (set, path) = text.split_once('=').context("--run is SET=PATH")?;
            let path = PathBuf::from(path);
            ensure!(path.exists(), "--run {text}: there is no {}", path.display());
            Ok((set.to_owned(), path))
        };
        self.run.iter().map(one).collect()
    }

    fn left_out(
        &self,
        rows: &[Row],
        given: &BTreeMap<String, PathBuf>,
    ) -> Result<BTreeSet<String>> {
        let known: BTreeSet<&String> = rows.iter().map(|row| &row.source).collect();
        let mut sets: BTreeSet<String> =
            self.leave_out.iter().chain(given.keys()).cloned().collect();
        if sets.is_empty() {
            sets = rows.iter().filter(|row| row.has_age()).map(|row| row.source.clone()).collect();
        }
        for set in &sets {
            ensure!(known.contains(set), "no row is of the set {set:?}; the sets are {known:?}");
            let judged = rows.iter().filter(|row| row.source == *set && self.judges(row));
            ensure!(judged.count() > 0, "no row of {set} has split {}", self.split);
        }
        if sets.iter().any(|set| !given.contains_key(set)) {
            ensure!(known.len() > 1, "there is only one set, so nothing is left to train on");
        }
        Ok(sets)
    }

    fn judges(&self, row: &Row) -> bool {
        row.split == self.split
            || self.split == "both" && ["train", "val"].contains(&row.split.as_str())
    }

    /// Returns the run called `name`, trained to its end on all rows but those of `without`, and calibrated.
    fn trained(&self, name: &str, rows: &[Row], without: Option<&str>) -> Result<PathBuf> {
        let run = self.out.join(name);
        let table = self.out.join(format!("{name}.csv"));
        let kept = rows.iter().filter(|row| without.is_none_or(|set| row.source != set));
        let kept: Vec<Row> = kept.cloned().collect();
        let done = run.join(DONE);
        let arguments = self.note(&kept)?;
        if let Ok(before) = std::fs::read_to_string(&done) {
            ensure!(
                before == arguments,
                "{} was trained with {:?}, and not with {:?}: choose another --out",
                run.display(),
                before.trim_end(),
                arguments.trim_end()
            );
            return Ok(run);
        }
        manifest::write(&table, "strangers", &kept)?;
        let paths = [("--manifest", &table), ("--root", &self.judge.root), ("--run", &run)];
        let mut train: Vec<std::ffi::OsString> = vec!["train".into()];
        for (option, path) in paths {
            train.extend([option.into(), path.into()]);
        }
        train.extend(without_set(&self.train, without).into_iter().map(Into::into));
        if run.join("last.safetensors").exists() {
            train.push("--resume".into());
        }
        eprintln!("{name}: {} faces", kept.len());
        program(&train)?;
        let mut calibrate: Vec<std::ffi::OsString> = vec!["calibrate".into()];
        for (option, path) in paths {
            calibrate.extend([option.into(), path.into()]);
        }
        program(&calibrate)?;
        crate::files::replace_bytes(&done, arguments.as_bytes())?;
        Ok(run)
    }

    /// Returns what distinguishes a run from others: its arguments, its rows and their pictures.
    fn note(&self, rows: &[Row]) -> Result<String> {
        let root = &self.judge.root;
        let root = root.canonicalize().with_context(|| format!("folder {}", root.display()))?;
        let hash = hex(&Sha256::digest(serde_json::to_vec(rows)?));
        let (train, count, root) = (self.train.join(" "), rows.len(), root.display());
        Ok(format!("{train} of {count} faces ({}) in {root}\n", &hash[..16]))
    }

    /// Judges a network on the faces of `only`, or of all sets.
    fn judged(&self, file: &Path, rows: &[Row], only: Option<&str>) -> Result<Judged> {
        if file.is_dir() && !file.join(crate::run::CALIBRATION).exists() {
            bail!("{} is not calibrated", file.display());
        }
        let mut by_source: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
        for row in rows.iter().filter(|row| self.judges(row)) {
            if only.is_none_or(|set| row.source == set) {
                by_source.entry(&row.source).or_default().push(row);
            }
        }
        let most = if self.faces == 0 { usize::MAX } else { self.faces };
        let some = by_source.into_values().flat_map(|rows| {
            let step = rows.len().div_ceil(most.min(rows.len()).max(1)).max(1);
            rows.into_iter().step_by(step).cloned().collect::<Vec<_>>()
        });
        let rows: Vec<Row> = some.collect();
        let judged =
            self.judge.judge(file, &rows).with_context(|| format!("{}", file.display()))?;
        if !judged.failures.is_empty() {
            eprintln!("{}: {} pictures left out", file.display(), judged.failures.len());
        }
        Ok(judged)
    }
}

/// Returns the arguments of train for the run without `set`. Its teachers are not asked about the set, and `{set}` stands
/// for it. A teacher of this set alone is left out.
fn without_set(arguments: &[String], set: Option<&str>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    let named = |argument: &String| argument.starts_with("--teacher-source");
    let (had_sources, mut arguments) = (arguments.iter().any(named), arguments.iter());
    while let Some(argument) = arguments.next() {
        let (option, value) = match argument.split_once('=') {
            Some((option, value)) => (option, Some(value.to_owned())),
            None if TAKES_A_FILE.contains(&argument.as_str()) => {
                (argument.as_str(), arguments.next().cloned())
            }
            None => (argument.as_str(), None),
        };
        let (true, Some(value)) = (TAKES_A_FILE.contains(&option), value) else {
            kept.push(argument.clone());
            continue;
        };
        let value = value.replace("{set}", set.unwrap_or(ALL));
        let value = match (option, split(&value), set) {
            ("--teacher", (file, Some(sources)), Some(set)) => {
                let others: Vec<&str> = sources.split(',').filter(|s| *s != set).collect();
                if others.is_empty() {
                    continue;
                }
                format!("{file}@{}", others.join(","))
            }
            ("--teacher-source", _, Some(set)) if value == set => continue,
            _ => value,
        };
        kept.extend([option.to_owned(), value]);
    }
    // Without any source, teachers that name none of their own would be asked about all of them.
    if had_sources && !kept.iter().any(named) {
        let pairs = |i: &usize| kept[*i] == "--teacher" && split(&kept[i + 1]).1.is_none();
        for i in (0..kept.len()).filter(pairs).rev().collect::<Vec<_>>() {
            kept.drain(i..i + 2);
        }
    }
    kept
}

/// Runs this program with other arguments. Each run then stands on its own, and its memory is freed when it ends.
fn program(arguments: &[std::ffi::OsString]) -> Result<()> {
    let own = std::env::current_exe().context("the path of this program is not known")?;
    let status =
        Command::new(own).args(arguments).status().context("this program cannot be started")?;
    let shown: Vec<_> = arguments.iter().map(|a| a.to_string_lossy()).collect();
    ensure!(status.success(), "face-train {} ended with {status}", shown.join(" "));
    Ok(())
}

/// Returns a set's name in a form that fits a file.
fn plain(set: &str) -> String {
    set.chars().map(|c| if c.is_alphanumeric() || c == '-' { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn teachers_are_not_asked_about_the_set_that_is_left_out() {
        let of = |text: &str, set| {
            let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            without_set(&words, set).join(" ")
        };
        let given =
            "--arch tiny --teacher t.onnx@aaf,appa --teacher=own@aaf --init-from x/{set} --bf16";
        assert_eq!(
            of(given, Some("aaf")),
            "--arch tiny --teacher t.onnx@appa --init-from x/aaf --bf16"
        );
        assert_eq!(
            of(given, None),
            "--arch tiny --teacher t.onnx@aaf,appa --teacher own@aaf --init-from x/with-all --bf16"
        );
        let sources = "--teacher t-{set} --teacher-source aaf --teacher-source appa";
        assert_eq!(of(sources, Some("aaf")), "--teacher t-aaf --teacher-source appa");
        let alone = "--teacher a --teacher b@appa --teacher-source aaf --bf16";
        assert_eq!(of(alone, Some("aaf")), "--teacher b@appa --bf16");
        // The @ of a folder names no sources.
        let folder = "--teacher me@home/a --teacher-source aaf --bf16";
        assert_eq!(of(folder, Some("aaf")), "--bf16");
    }
}
