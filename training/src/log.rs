//! The table of a run's epochs.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};

/// Name of the file in the run's folder.
pub const FILE: &str = "log.csv";

/// The figures of one group of pictures. Those without labels are `None`.
pub type Figures = Vec<(&'static str, Option<f64>)>;

/// The figures of an epoch.
pub struct Report<'a> {
    /// Its number, from one.
    pub epoch: usize,
    /// Names of the losses after the total.
    pub parts: &'a [&'a str],
    /// The total and its parts, as means over the steps that were finite and had pictures.
    pub losses: &'a [f32],
    /// The validation score. Smaller is better.
    pub score: f64,
    /// Whether it is the best so far.
    pub better: bool,
    /// The epochs without a better score, and how many of them end the run.
    pub without_gain: (usize, usize),
    /// The steps that were not finite.
    pub skipped: f64,
    /// The pictures a second.
    pub rate: f64,
    /// The share of the time that was spent waiting for pictures.
    pub waiting: f64,
    /// The figures of the validation part, by group.
    pub groups: &'a [(String, Figures)],
}

impl Report<'_> {
    /// Returns the line for people.
    pub fn text(&self) -> String {
        let mut text = format!(
            "epoch {:3}  loss {:.3}  val {:.4}{}  {:.0}/s, {:.0} % waiting",
            self.epoch,
            self.losses[0],
            self.score,
            if self.better { " *" } else { "  " },
            self.rate,
            self.waiting * 100.0
        );
        if let (since @ 1.., patience) = self.without_gain {
            text += &format!("  {since} of {patience} without gain");
        }
        if self.skipped > 0.0 {
            text += &format!("  {} steps were not finite and left out", self.skipped);
        }
        for (name, figures) in self.groups {
            text += &format!("  {name}:");
            for (figure, value) in figures {
                if let Some(value) = value {
                    text += &format!(" {figure} {value:.4}");
                }
            }
        }
        text
    }

    /// Returns the names of the columns. A group may be called anything, so names are quoted where they must be.
    fn header(&self) -> Result<String> {
        let mut names = vec!["epoch".to_owned(), "loss".to_owned()];
        names.extend(self.parts.iter().map(|part| format!("{part}_loss")));
        names.extend(["val_score", "faces_per_second", "waiting"].map(str::to_owned));
        for (name, figures) in self.groups {
            // A header has one line.
            let name = name.replace(['\n', '\r'], " ");
            names.extend(figures.iter().map(|(figure, _)| format!("{name}_{figure}")));
        }
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(names)?;
        Ok(String::from_utf8(csv.into_inner()?)?)
    }

    fn line(&self) -> String {
        let Self { epoch, score, rate, waiting, .. } = self;
        let mut line = epoch.to_string();
        self.losses.iter().for_each(|loss| line += &format!(",{loss:.5}"));
        line += &format!(",{score:.5},{rate:.0},{waiting:.3}");
        for (_, value) in self.groups.iter().flat_map(|(_, figures)| figures) {
            line += &value.map_or(",".to_owned(), |v| format!(",{v:.4}"));
        }
        line
    }

    /// Returns the numbers by name, for TensorBoard.
    pub fn scalars(&self) -> Vec<(String, f64)> {
        let names = ["loss"].iter().chain(self.parts);
        let losses = names.zip(self.losses);
        let mut values: Vec<(String, f64)> =
            losses.map(|(name, loss)| (format!("train/{name}"), f64::from(*loss))).collect();
        values.extend([
            ("val/score".to_owned(), self.score),
            ("speed/faces_per_second".to_owned(), self.rate),
            ("speed/waiting".to_owned(), self.waiting),
        ]);
        for (name, figures) in self.groups {
            for (figure, value) in figures {
                values.extend(value.map(|v| (format!("val_{name}/{figure}"), v)));
            }
        }
        values
    }
}

/// Adds a line to the log of `run`.
pub fn append(run: &Path, report: &Report<'_>) -> Result<()> {
    let path = run.join(FILE);
    let head = if path.exists() { String::new() } else { report.header()? };
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .with_context(|| format!("log {}", path.display()))?;
    Ok(file.write_all(format!("{head}{}\n", report.line()).as_bytes())?)
}

/// Keeps the header and the first `epochs` epochs. A process that was killed between the log and the checkpoint repeats
/// its last epoch.
pub fn keep(run: &Path, epochs: usize) -> Result<()> {
    let path = run.join(FILE);
    if !path.exists() {
        return Ok(());
    }
    let told = || format!("log {}", path.display());
    if epochs == 0 {
        return std::fs::remove_file(&path).with_context(told);
    }
    let text = std::fs::read_to_string(&path).with_context(told)?;
    let kept: String = text.split_inclusive('\n').take(1 + epochs).collect();
    if kept == text { Ok(()) } else { crate::files::replace_bytes(&path, kept.as_bytes()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_commas_stay_one_column() {
        let run = tempfile::tempdir().expect("a folder");
        let groups = [
            ("a, \"b\"\nc".to_owned(), vec![("mae", Some(1.0))]),
            ("d".to_owned(), vec![("mae", None)]),
        ];
        let report = Report {
            epoch: 1,
            parts: &["age"],
            losses: &[3.0, 2.0],
            score: 1.0,
            better: true,
            without_gain: (0, 3),
            skipped: 0.0,
            rate: 9.0,
            waiting: 0.0,
            groups: &groups,
        };
        append(run.path(), &report).expect("written");
        append(run.path(), &report).expect("written");
        keep(run.path(), 1).expect("cut");
        let mut reader = csv::Reader::from_path(run.path().join(FILE)).expect("a log");
        let header = reader.headers().expect("names").clone();
        assert_eq!(
            header.iter().skip(5).collect::<Vec<_>>(),
            ["waiting", "a, \"b\" c_mae", "d_mae"]
        );
        let rows: Vec<_> =
            reader.records().map(|row| row.expect("as long as the header")).collect();
        assert_eq!((rows.len(), &rows[0][6], &rows[0][7]), (1, "1.0000", ""));
    }

    #[test]
    fn lines_beyond_the_checkpoint_go() {
        let run = tempfile::tempdir().expect("a folder");
        keep(run.path(), 3).expect("no log is fine");
        let path = run.path().join(FILE);
        std::fs::write(&path, "epoch,loss\n1,3\n2,2\n3,").expect("written");
        keep(run.path(), 2).expect("cut");
        assert_eq!(std::fs::read_to_string(&path).expect("a log"), "epoch,loss\n1,3\n2,2\n");
        keep(run.path(), 0).expect("removed");
        assert!(!path.exists());
    }
}
