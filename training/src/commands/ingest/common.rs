//! The common part of all data sets: their options, and the steps from rows to a manifest.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use face_predict::Model;

use super::funnel::{Funnel, Search};
use crate::data::manifest::{self, Row};
use crate::data::pictures::{self, Facts, Groups, Inspection, Inspector};

/// The options that all data sets have.
#[derive(Args, Debug)]
pub(super) struct Common {
    /// Manifest to write.
    #[arg(long)]
    pub(super) out: PathBuf,
    /// Text to put before each path, if the root of other commands is a folder above the pictures.
    #[arg(long, default_value = "")]
    pub(super) prefix: String,
    /// File with paths to leave out, without the prefix, one in each line. # starts a comment.
    #[arg(long)]
    pub(super) exclude: Option<PathBuf>,
    /// JSON file for the funnel.
    #[arg(long)]
    pub(super) funnel: Option<PathBuf>,
    /// Do not open the pictures. This is faster, but damaged and missing ones stay in, and no face is searched.
    #[arg(long)]
    pub(super) trust: bool,
    /// Number of bits, of 128, in which the hashes of near-duplicates may differ.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(0..=7))]
    pub(super) distance: u32,
    /// Leave faces without a box as they are, instead of searching their pictures with the library's detector.
    #[arg(long)]
    pub(super) no_search: bool,
    /// Leave out pictures in which no face was found, or a second one at least half as large.
    #[arg(long, conflicts_with_all = ["no_search", "trust"])]
    pub(super) only_clear: bool,
    /// Leave out pictures in which no face was found.
    #[arg(long, conflicts_with_all = ["no_search", "trust"])]
    pub(super) only_found: bool,
    /// Number of threads that read pictures.
    #[arg(long, default_value_t = 1)]
    pub(super) workers: usize,
}

/// The rule by which rows are left out whose faces cannot be told apart: a search would give all of them the same one.
const SEVERAL_ROWS: &str = "several rows of one picture without a box";

/// The number of excluded paths without a picture that are shown.
const SHOWN: usize = 5;

/// Drops rows that are excluded, missing or damaged, groups near-duplicates, and writes the manifest and the funnel.
/// Without `images` no picture is opened.
pub(super) fn finish(
    common: &Common,
    images: Option<&Path>,
    command: &str,
    mut rows: Vec<Row>,
    mut funnel: Funnel,
) -> Result<()> {
    ensure!(
        !(common.only_clear || common.only_found) || images.is_some() && !common.no_search,
        "--only-clear and --only-found search pictures: they need --images, and no --whole"
    );
    if let Some(path) = &common.exclude {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("exclusion file {}", path.display()))?;
        let lines = text.lines().map(|l| l.split('#').next().unwrap_or_default().trim());
        let excluded: HashSet<&str> = lines.filter(|line| !line.is_empty()).collect();
        let mut unused: BTreeSet<&str> = excluded.iter().copied().collect();
        rows.retain(|row| {
            let out = excluded.contains(row.path.as_str());
            if out {
                funnel.drop("excluded by hand", &row.gender);
                unused.remove(row.path.as_str());
            }
            !out
        });
        if !unused.is_empty() {
            let some: Vec<&str> = unused.iter().copied().take(SHOWN).collect();
            eprintln!(
                "{}: {} of {} lines name no picture of the set, whose paths are without --prefix: {}",
                path.display(),
                unused.len(),
                excluded.len(),
                some.join(", ")
            );
        }
    }
    if let Some(images) = images.filter(|_| !common.trust) {
        rows = inspected(common, images, rows, &mut funnel)?;
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

/// Returns the rows whose pictures are whole, with what was seen in them.
fn inspected(
    common: &Common,
    images: &Path,
    rows: Vec<Row>,
    funnel: &mut Funnel,
) -> Result<Vec<Row>> {
    let search = !common.no_search && rows.iter().any(|row| row.region().is_none());
    let detector = search.then(Model::load_default).transpose()?;
    let search = detector.as_ref();
    let inspector = Inspector { root: images, out: &common.out, search, workers: common.workers };
    let inspections = inspector.inspect(&rows)?;
    let mut bare: HashMap<String, usize> = HashMap::new();
    for row in rows.iter().filter(|row| row.region().is_none()) {
        *bare.entry(row.path.clone()).or_default() += 1;
    }
    let mut told = Search::default();
    let mut hashes = Vec::new();
    let mut kept = Vec::with_capacity(rows.len());
    for (mut row, inspection) in rows.into_iter().zip(inspections) {
        let Facts { width, height, hash, face, faces } = match inspection {
            Inspection::Whole(seen) => seen,
            Inspection::Left(rule, why) => {
                funnel.leave_out(rule.name(), &row.gender, &row.path, &why);
                continue;
            }
        };
        if search.is_some() && row.region().is_none() {
            told.searched += 1;
            told.not_found += usize::from(face.is_none());
            told.several += usize::from(faces[0] > 1);
            told.unclear += usize::from(faces[1] > 0);
            let rule = match (&face, faces[1]) {
                _ if bare[&row.path] > 1 => Some(SEVERAL_ROWS),
                (None, _) if common.only_clear || common.only_found => Some("face not found"),
                (Some(_), 1..) if common.only_clear => Some("a second face at least half as large"),
                _ => None,
            };
            if let Some(rule) = rule {
                funnel.leave_out(rule, &row.gender, &row.path, "");
                continue;
            }
        }
        (row.width, row.height) = (Some(width), Some(height));
        // Another row of the same picture may have a box, and this one may be a second face.
        if let Some(face) = face.filter(|_| row.region().is_none()) {
            row.set_region(&face);
        }
        hashes.push(Some(hash));
        kept.push(row);
    }
    if told.searched > 0 {
        funnel.search = Some(told);
    }
    group(&mut kept, &pictures::alike(&hashes, common.distance), funnel);
    Ok(apart(kept, funnel))
}

/// The rule by which copies are left out, so that nobody is judged, or chosen, by faces that were trained on.
const COPY: &str = "a near-duplicate is in val or test";

/// Leaves out rows of train whose group has rows of val or test, and rows of val whose group has rows of test.
fn apart(mut rows: Vec<Row>, funnel: &mut Funnel) -> Vec<Row> {
    let order = |row: &Row| manifest::PARTS.iter().position(|part| row.split == *part);
    let mut last: HashMap<String, usize> = HashMap::new();
    for row in rows.iter().filter(|row| !row.group.is_empty()) {
        if let Some(part) = order(row) {
            let last = last.entry(row.group.clone()).or_insert(part);
            *last = part.max(*last);
        }
    }
    rows.retain(|row| {
        let copied = order(row).zip(last.get(&row.group)).is_some_and(|(part, last)| part < *last);
        if copied {
            funnel.leave_out(COPY, &row.gender, &row.path, "");
        }
        !copied
    });
    rows
}

/// Joins near-duplicates, and the groups that the table gave them. Lists those whose labels differ.
fn group(rows: &mut [Row], alike: &[Option<usize>], funnel: &mut Funnel) {
    let mut joined = Groups::new(rows.len());
    let mut by_name: HashMap<&str, usize> = HashMap::new();
    let mut first: BTreeMap<usize, usize> = BTreeMap::new();
    for (i, (row, group)) in rows.iter().zip(alike).enumerate() {
        // Tables write 0 for "in no group".
        if !row.group.is_empty() && row.group != "0" {
            joined.join(i, *by_name.entry(&row.group).or_insert(i));
        }
        let Some(group) = *group else { continue };
        let one = *first.entry(group).or_insert(i);
        joined.join(i, one);
        let label = |row: &Row| {
            let age = row.age.or(row.age_min).map_or(String::new(), |a| a.to_string());
            format!("{age} {}", row.gender)
        };
        let (a, b) = (label(&rows[one]), label(row));
        // Two faces of one picture are no copies.
        if a != b && rows[one].path != row.path {
            let (from, to) = (rows[one].path.clone(), row.path.clone());
            funnel.contradicting.push([from, a, to, b]);
        }
    }
    let mut names: HashMap<usize, String> = HashMap::new();
    for (i, row) in rows.iter().enumerate() {
        if !row.group.is_empty() && row.group != "0" {
            names.entry(joined.root(i)).or_insert_with(|| row.group.clone());
        }
    }
    for i in 0..rows.len() {
        let root = joined.root(i);
        if let Some(name) = names.get(&root) {
            rows[i].group.clone_from(name);
        } else if alike[i].is_some() {
            // A source is included, so that groups of several manifests stay apart.
            rows[i].group = format!("{} {root}", rows[root].source);
        }
    }
}
