//! A table of faces.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::data::manifest::{self, Row};

/// Takes a table of faces (file, age or age_min and age_max, gender, race, split, group, box, landmarks).
#[derive(Args, Debug)]
pub struct Table {
    /// CSV file with a row a face.
    #[arg(long)]
    table: PathBuf,
    /// Folder of the pictures, below the root that other commands are given.
    #[arg(long)]
    prefix: String,
    /// Name of the data set; the prefix unless given.
    #[arg(long)]
    source: Option<String>,
    /// Manifest to write.
    #[arg(long)]
    out: PathBuf,
}

/// Column names of the tables that differ from the manifest's.
#[derive(serde::Deserialize)]
struct TableRow {
    file: String,
    score: Option<f32>,
}

impl Table {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let mut reader = csv::Reader::from_path(&self.table)
            .with_context(|| format!("table {}", self.table.display()))?;
        let headers = reader.headers()?.clone();
        let source = self.source.unwrap_or_else(|| self.prefix.clone());
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record?;
            let table: TableRow = record.deserialize(Some(&headers))?;
            let mut row: Row = record.deserialize(Some(&headers))?;
            row.path = format!("{}/{}", self.prefix, table.file);
            row.source.clone_from(&source);
            if row.age_min.is_some() && row.age_max.is_none() {
                row.age_max = Some(100.0);
            }
            // Where no face was found, the picture is all that is known.
            if table.score.is_some_and(|score| score <= 0.0) {
                row = Row { box_x: None, box_y: None, box_w: None, box_h: None, ..row };
            }
            rows.push(row);
        }
        ensure!(!rows.is_empty(), "{} has no rows", self.table.display());
        let command = format!("ingest table {}", self.table.display());
        manifest::write(&self.out, &command, &rows)?;
        println!("{}: {} faces", self.out.display(), rows.len());
        Ok(())
    }
}
