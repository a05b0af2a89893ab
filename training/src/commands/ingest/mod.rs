//! Data sets to manifests.

mod imdb_wiki;
mod sets;
mod table;
mod wider;

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::{Args, Subcommand};
use face_predict::Model;
use serde::Serialize;

use crate::data::manifest::{self, Row};
use crate::data::pictures::{self, Look, Looker, Seen};

/// Data sets that can be read.
#[derive(Subcommand)]
pub enum Ingest {
    /// IMDB-WIKI: imdb.mat and wiki.mat.
    ImdbWiki(imdb_wiki::ImdbWiki),
    /// UTKFace: labels in the names of the pictures.
    Utkface(sets::Utkface),
    /// FairFace: fairface_label_train.csv and fairface_label_val.csv.
    Fairface(sets::Fairface),
    /// Pictures in folders that are named for gender and age.
    Folder(sets::Folder),
    /// A CSV file with the manifest's column names, or file for path.
    Csv(sets::Csv),
    /// A CSV table of faces with scores of a detector.
    Table(table::Table),
    /// WIDER FACE: a CSV table of the faces in its pictures, to a manifest of scenes.
    Wider(wider::Wider),
}

impl Ingest {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        match self {
            Self::ImdbWiki(command) => command.run(),
            Self::Utkface(command) => command.run(),
            Self::Fairface(command) => command.run(),
            Self::Folder(command) => command.run(),
            Self::Csv(command) => command.run(),
            Self::Table(command) => command.run(),
            Self::Wider(command) => command.run(),
        }
    }
}

/// What all data sets have in common.
#[derive(Args, Debug)]
struct Common {
    /// Manifest to write.
    #[arg(long)]
    out: PathBuf,
    /// Written before each path, where the root of other commands is a folder above the pictures.
    #[arg(long, default_value = "")]
    prefix: String,
    /// File of paths to leave out, one a line; # starts a comment.
    #[arg(long)]
    exclude: Option<PathBuf>,
    /// Write the funnel here, as JSON.
    #[arg(long)]
    funnel: Option<PathBuf>,
    /// Do not open the pictures: faster, but damaged and missing ones stay in, and no face is searched.
    #[arg(long)]
    trust: bool,
    /// Bits of 128 in which the hashes of near-duplicates may differ.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(0..=7))]
    distance: u32,
    /// Leave faces without a box as they are, rather than search their pictures with the library's detector.
    #[arg(long)]
    no_search: bool,
    /// Threads that look at pictures.
    #[arg(long, default_value_t = 1)]
    workers: usize,
}

/// Rows that a rule dropped.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Count {
    male: usize,
    female: usize,
    unknown: usize,
}

impl Count {
    fn add(&mut self, gender: &str) {
        match gender {
            "male" => self.male += 1,
            "female" => self.female += 1,
            _ => self.unknown += 1,
        }
    }

    fn all(&self) -> usize {
        self.male + self.female + self.unknown
    }
}

/// What each rule dropped, in order; a row counts at the first rule that drops it.
#[derive(Debug, Default, Serialize)]
struct Funnel {
    rows: Count,
    dropped: Vec<(String, Count)>,
    kept: Count,
    /// Near-duplicates whose labels differ: path, label, and the same of the other.
    contradicting: Vec<[String; 4]>,
}

impl Funnel {
    fn new(rules: &[&str]) -> Self {
        let dropped = rules.iter().map(|rule| ((*rule).to_owned(), Count::default())).collect();
        Self { dropped, ..Self::default() }
    }

    fn drop(&mut self, rule: &str, gender: &str) {
        match self.dropped.iter_mut().find(|(name, _)| name == rule) {
            Some((_, count)) => count.add(gender),
            None => {
                let mut count = Count::default();
                count.add(gender);
                self.dropped.push((rule.to_owned(), count));
            }
        }
    }

    fn print(&self) {
        let line = |name: &str, c: &Count| {
            println!("{name:36} {:>9} {:>9} {:>9} {:>9}", c.all(), c.male, c.female, c.unknown);
        };
        println!("{:36} {:>9} {:>9} {:>9} {:>9}", "", "all", "male", "female", "unknown");
        line("rows", &self.rows);
        for (rule, count) in &self.dropped {
            line(&format!("- {rule}"), count);
        }
        line("kept", &self.kept);
        if !self.contradicting.is_empty() {
            println!("{} near-duplicates contradict each other", self.contradicting.len());
        }
    }
}

/// Drops what is excluded, missing or damaged, groups near-duplicates, and writes manifest and funnel.
fn finish(
    common: &Common,
    images: &Path,
    command: &str,
    mut rows: Vec<Row>,
    mut funnel: Funnel,
) -> Result<()> {
    if let Some(path) = &common.exclude {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("exclusion file {}", path.display()))?;
        let lines = text.lines().map(|l| l.split('#').next().unwrap_or_default().trim());
        let excluded: HashSet<&str> = lines.filter(|line| !line.is_empty()).collect();
        rows.retain(|row| {
            let out = excluded.contains(row.path.as_str());
            if out {
                funnel.drop("excluded by hand", &row.gender);
            }
            !out
        });
    }
    if !common.trust {
        let search = !common.no_search && rows.iter().any(|row| row.region().is_none());
        let detector = search.then(Model::load_default).transpose()?;
        let search = detector.as_ref();
        let looker = Looker { root: images, out: &common.out, search, workers: common.workers };
        let looks = looker.look(&rows)?;
        let (mut searched, mut found) = (0, 0);
        let mut hashes = Vec::new();
        let mut kept = Vec::with_capacity(rows.len());
        for (mut row, look) in rows.into_iter().zip(looks) {
            match look {
                Look::Whole(Seen { width, height, hash, face }) => {
                    (row.width, row.height) = (Some(width), Some(height));
                    searched += usize::from(search.is_some() && row.region().is_none());
                    found += usize::from(face.is_some());
                    if let Some(face) = face {
                        row.set_region(&face);
                    }
                    hashes.push(Some(hash));
                    kept.push(row);
                }
                Look::Missing => funnel.drop("picture missing", &row.gender),
                Look::Damaged(_) => funnel.drop("picture damaged", &row.gender),
            }
        }
        rows = kept;
        if searched > 0 {
            println!(
                "{found} of {searched} faces without a box were found; the others are their whole pictures"
            );
        }
        let mut first: BTreeMap<usize, usize> = BTreeMap::new();
        for (i, group) in pictures::alike(&hashes, common.distance).into_iter().enumerate() {
            let Some(group) = group else { continue };
            rows[i].group = format!("g{group}");
            let one = *first.entry(group).or_insert(i);
            let label = |row: &Row| {
                let age = row.age.or(row.age_min).map_or(String::new(), |a| a.to_string());
                format!("{age} {}", row.gender)
            };
            let (a, b) = (label(&rows[one]), label(&rows[i]));
            if a != b {
                let (from, to) = (rows[one].path.clone(), rows[i].path.clone());
                funnel.contradicting.push([from, a, to, b]);
            }
        }
    }
    for row in &mut rows {
        funnel.kept.add(&row.gender);
        if !common.prefix.is_empty() {
            row.path = format!("{}/{}", common.prefix.trim_end_matches('/'), row.path);
        }
    }
    funnel.print();
    if let Some(path) = &common.funnel {
        crate::files::replace_bytes(path, &serde_json::to_vec_pretty(&funnel)?)?;
    }
    ensure!(!rows.is_empty(), "no face is left");
    manifest::write(&common.out, command, &rows)?;
    pictures::done(&common.out);
    println!("{}: {} faces", common.out.display(), rows.len());
    Ok(())
}
