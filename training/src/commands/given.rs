//! The arguments that `shake` and `small-faces` share: models, and faces of manifests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use face_predict::{Model, ModelOptions, Region};

use crate::data::manifest::{self, Row};

// Models, and the faces to judge them on. No documentation comment, since clap can show it in place of what a
// command says of itself.
#[derive(Args, Debug)]
#[allow(missing_docs)]
pub struct Given {
    /// ONNX file. A missing part, detector or estimator, is the built-in one. Give several to compare them.
    #[arg(long, required = true, num_args = 1..)]
    model: Vec<PathBuf>,
    /// Manifest with boxes. This may be given several times, and each source is judged by itself.
    #[arg(long, required = true, num_args = 1..)]
    manifest: Vec<PathBuf>,
    /// Folder that the paths of the manifests start from.
    #[arg(long)]
    root: PathBuf,
    /// Part of the manifests to judge on.
    #[arg(long, default_value = "val")]
    split: String,
    /// Largest number of faces of each source, spread over its rows.
    #[arg(long, default_value_t = 1000)]
    faces: usize,
}

impl Given {
    /// Calls `judge` for each model and each source. It passes the model's path, the model, the source, and those rows of the
    /// split whose face is `wanted`. `what` says in words what these rows have.
    pub fn each(
        &self,
        what: &str,
        wanted: impl Fn(&Region) -> bool,
        mut judge: impl FnMut(&Path, &Model, &str, &[Row]) -> Result<()>,
    ) -> Result<()> {
        let mut by_source: BTreeMap<String, Vec<Row>> = BTreeMap::new();
        for path in &self.manifest {
            for row in manifest::read(path)? {
                if row.split == self.split && row.region().is_some_and(|region| wanted(&region)) {
                    by_source.entry(row.source.clone()).or_default().push(row);
                }
            }
        }
        ensure!(!by_source.is_empty(), "no row with {what} has split {}", self.split);
        for file in &self.model {
            let told = || format!("model {}", file.display());
            let bytes = std::fs::read(file).with_context(told)?;
            let model = Model::load_parts(&[&bytes], &ModelOptions::new()).with_context(told)?;
            for (source, rows) in &by_source {
                judge(file, &model, source, rows)?;
            }
        }
        Ok(())
    }

    /// As many rows as were asked for, spread over all, with their places.
    pub fn spread<'a>(&self, rows: &'a [Row]) -> impl Iterator<Item = (usize, &'a Row)> {
        rows.iter().enumerate().step_by(rows.len().div_ceil(self.faces.max(1)).max(1))
    }

    /// Where a row's picture lies.
    pub fn picture(&self, row: &Row) -> PathBuf {
        self.root.join(&row.path)
    }
}
