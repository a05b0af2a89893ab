//! Shows the contents of a manifest.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use rand::seq::SliceRandom;

use crate::data::manifest::{self, Row};
use crate::data::sampler::generator;
use crate::report::page::{document, table, thumbnail};
use crate::report::summary;
use crate::report::svg::{Plot, histogram};

/// Draws a manifest as one HTML file.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: face-train explore faces.csv --root photos --out faces.html --funnel funnel.json"
)]
pub struct Explore {
    /// Manifest of faces.
    manifest: PathBuf,
    /// Folder that its paths start from.
    #[arg(long, required_unless_present = "no_pictures")]
    root: Option<PathBuf>,
    /// HTML file to write.
    #[arg(long)]
    out: PathBuf,
    /// Funnel file that ingest wrote.
    #[arg(long)]
    funnel: Option<PathBuf>,
    /// Write the figures as Markdown, too.
    #[arg(long)]
    summary: Option<PathBuf>,
    /// Show no pictures. The figures come from the labels alone.
    #[arg(long)]
    no_pictures: bool,
    /// Youngest valid age, as in the study.
    #[arg(long, default_value_t = 9.0)]
    min_age: f32,
    /// Oldest valid age.
    #[arg(long, default_value_t = 99.0)]
    max_age: f32,
    /// Number of faces on the contact sheet.
    #[arg(long, default_value_t = 48)]
    faces: usize,
    /// Seed that chooses the faces.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Explore {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let rows = manifest::read(&self.manifest)?;
        ensure!(!rows.is_empty(), "{} is empty", self.manifest.display());
        let funnel = self.funnel.as_ref().map(|path| -> Result<serde_json::Value> {
            let text = std::fs::read(path).with_context(|| format!("{}", path.display()))?;
            serde_json::from_slice(&text).with_context(|| format!("{}", path.display()))
        });
        let funnel = funnel.transpose()?;
        let mut body = format!(
            "<p class='note'>{} faces. Gender is a label given by strangers looking at a face, in two values. Brackets are \
             counted at their middle.</p>",
            rows.len()
        );
        body += &self.figures(&rows, funnel.as_ref());
        body += &self.counts(&rows);
        if let Some(funnel) = &funnel {
            body += &funnel_table(funnel);
        }
        if !self.no_pictures {
            body += &self.contact_sheet(&rows);
            body += &self.doubtful(&rows, funnel.as_ref());
        }
        let page = document("Faces", &body);
        crate::files::replace_bytes(&self.out, page.as_bytes())?;
        println!("{}: {} faces", self.out.display(), rows.len());
        if let Some(path) = &self.summary {
            let text = summary::markdown(&rows, funnel.as_ref());
            crate::files::replace_bytes(path, text.as_bytes())?;
            println!("{}", path.display());
        }
        Ok(())
    }

    fn figures(&self, rows: &[Row], funnel: Option<&serde_json::Value>) -> String {
        let ages = |keep: &dyn Fn(&Row) -> bool| -> Vec<f64> {
            let kept = rows.iter().filter(|row| keep(row));
            kept.filter_map(Row::rough_age).map(f64::from).collect()
        };
        let valid =
            |row: &Row| row.rough_age().is_some_and(|a| (self.min_age..=self.max_age).contains(&a));
        let chart =
            |title: &str, series: &[(&str, Vec<f64>)], low: f64, high: f64, width: f64, x: &str| {
                let unit = if x.ends_with("years") { "year(s)" } else { "pixels" };
                let bars: Vec<_> =
                    series.iter().map(|(_, values)| histogram(values, low, high, width)).collect();
                let top = bars.iter().flatten().fold(1.0, |m: f64, b| m.max(b.2));
                let mut plot = Plot::new((low, high), (0.0, top));
                for (i, ((name, _), bars)) in series.iter().zip(&bars).enumerate() {
                    plot.bars(i, bars);
                    if series.len() > 1 {
                        plot.series(name);
                    }
                }
                plot.finish(
                    title,
                    x,
                    "number of faces",
                    &format!("Each bar counts the faces in {width:.0} {unit}."),
                )
            };
        let mut out = String::from("<div class='row'>");
        let (low, high) = (f64::from(self.min_age), f64::from(self.max_age));
        // A manifest has what the filters left, and the funnel knows what came before them.
        let before: Vec<f64> = funnel
            .map(summary::ages)
            .unwrap_or_default()
            .into_iter()
            .filter(|(age, _)| (0..=100).contains(age))
            .flat_map(|(age, counts)| vec![age as f64; counts.iter().sum::<u64>() as usize])
            .collect();
        out += &match before.is_empty() {
            true => chart("Ages of all", &[("", ages(&|_| true))], 0.0, 101.0, 1.0, "age, years"),
            false => chart(
                "Ages of all, before the filters",
                &[("", before)],
                0.0,
                101.0,
                1.0,
                "age, years",
            ),
        };
        let title = format!("Ages from {low} to {high}");
        out += &chart(&title, &[("", ages(&valid))], low, high + 1.0, 1.0, "age, years");
        let of = |gender: &'static str| ages(&move |row: &Row| row.gender == gender);
        let both = [("female", of("female")), ("male", of("male"))];
        out += &chart("Ages by gender", &both, 0.0, 101.0, 2.0, "age, years");
        let mut plot = Plot::new((0.0, 3.0), (0.0, 100.0));
        for (i, (name, mut values)) in both.into_iter().enumerate() {
            let x = 1.0 + i as f64;
            let n = values.len().max(1);
            let mean = values.iter().sum::<f64>() / n as f64;
            plot.spread(i, x, &mut values);
            let median = values.get(values.len() / 2).copied().unwrap_or(f64::NAN);
            plot.label(x, 96.0, &format!("median {median:.0}, mean {mean:.1}"));
            plot.name(x, name);
        }
        out += &plot.finish(
            "Spread of ages by gender",
            "labelled gender",
            "age, years",
            "Half of the faces lie inside the box. Its line is the median, the dot the mean.",
        );
        let genders = ["female", "male", ""].map(|g| rows.iter().filter(|r| r.gender == g).count());
        let top = genders.iter().copied().max().unwrap_or(1) as f64;
        let mut plot = Plot::new((0.0, 4.0), (0.0, top * 1.15));
        for (i, (count, name)) in genders.iter().zip(["female", "male", "unknown"]).enumerate() {
            let x = 1.0 + i as f64;
            plot.bars(i, &[(x - 0.35, x + 0.35, *count as f64)]);
            plot.label(x, *count as f64 + top * 0.03, &count.to_string());
            plot.name(x, name);
        }
        out += &plot.finish(
            "Genders",
            "labelled gender",
            "number of faces",
            "The number stands above each bar.",
        );
        let sizes: Vec<f64> = rows
            .iter()
            .filter_map(|row| Some((f64::from(row.width?) * f64::from(row.height?)).sqrt()))
            .collect();
        if !sizes.is_empty() {
            let high = sizes.iter().copied().fold(1.0, f64::max);
            let series = [("", sizes)];
            let title = "Sizes of pictures";
            out += &chart(
                title,
                &series,
                0.0,
                high * 1.01,
                high / 40.0,
                "root of the picture's area, pixels",
            );
        }
        out + "</div>"
    }

    fn counts(&self, rows: &[Row]) -> String {
        let mut out = String::new();
        for (title, of) in [
            ("source", (|row| &row.source) as fn(&Row) -> &String),
            ("part", |row| &row.split),
            ("group of the data set", |row| &row.race),
        ] {
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            for row in rows {
                *counts.entry(of(row)).or_default() += 1;
            }
            let lines: Vec<Vec<String>> = counts
                .into_iter()
                .map(|(name, n)| {
                    let name = if name.is_empty() { "not given" } else { name };
                    vec![name.to_owned(), n.to_string()]
                })
                .collect();
            out += &table(&[title.to_owned(), "faces".to_owned()], &lines);
        }
        format!("<div class='row'>{out}</div>")
    }

    fn root(&self) -> &Path {
        self.root.as_deref().unwrap_or(Path::new("."))
    }

    fn face(&self, row: &Row) -> String {
        let age = match (row.age, row.age_min, row.age_max) {
            (Some(age), ..) => format!("{age:.0}"),
            (None, Some(first), Some(last)) => format!("{first:.0} to {last:.0}"),
            _ => "age unknown".into(),
        };
        thumbnail(&self.root().join(&row.path), &format!("{age} {}", row.gender))
    }

    fn contact_sheet(&self, rows: &[Row]) -> String {
        let mut order: Vec<usize> = (0..rows.len()).collect();
        let (some, _) = order.partial_shuffle(&mut generator(self.seed, 0, 5), self.faces);
        let faces: String = some.iter().map(|i| self.face(&rows[*i])).collect();
        format!("<h2>Some of them</h2><div class='faces'>{faces}</div>")
    }

    /// The rows that a person should look at: contradicting copies, and labels at the ends.
    fn doubtful(&self, rows: &[Row], funnel: Option<&serde_json::Value>) -> String {
        let mut out = String::new();
        let pairs = funnel.and_then(|f| f.get("contradicting")?.as_array());
        for pair in pairs.into_iter().flatten().take(24) {
            let text = |i: usize| pair.get(i).and_then(|v| v.as_str()).unwrap_or_default();
            for i in [0, 2] {
                // Funnels are written before the prefix is added.
                let is = |row: &&Row| {
                    row.path.strip_suffix(text(i)).is_some_and(|p| p.is_empty() || p.ends_with('/'))
                };
                let path = rows.iter().find(is);
                let path = path.map_or(text(i), |row| &row.path);
                out += &thumbnail(&self.root().join(path), &format!("copy: {}", text(i + 1)));
            }
        }
        let mut by_age: Vec<&Row> = rows.iter().filter(|row| row.age.is_some()).collect();
        by_age.sort_by(|a, b| a.age.unwrap_or(0.0).total_cmp(&b.age.unwrap_or(0.0)));
        out += &by_age.iter().rev().take(12).map(|row| self.face(row)).collect::<String>();
        out += &by_age.iter().take(12).map(|row| self.face(row)).collect::<String>();
        format!(
            "<h2>Doubtful labels</h2><p class='note'>Near-duplicates that contradict each other, then the oldest and the \
             youngest.</p><div class='faces'>{out}</div>"
        )
    }
}

fn funnel_table(funnel: &serde_json::Value) -> String {
    let line = |name: &str, count: &serde_json::Value| {
        let of = |key: &str| count.get(key).and_then(serde_json::Value::as_u64).unwrap_or(0);
        let (male, female, unknown) = (of("male"), of("female"), of("unknown"));
        let counts = [male + female + unknown, male, female, unknown];
        std::iter::once(name.to_owned()).chain(counts.map(|n| n.to_string())).collect::<Vec<_>>()
    };
    let mut rows = vec![line("rows", &funnel["rows"])];
    for rule in funnel["dropped"].as_array().into_iter().flatten() {
        rows.push(line(&format!("dropped: {}", rule[0].as_str().unwrap_or_default()), &rule[1]));
    }
    rows.push(line("kept", &funnel["kept"]));
    let head = ["", "all", "male", "female", "unknown"].map(str::to_owned);
    format!("<h2>Funnel</h2>{}", table(&head, &rows))
}
