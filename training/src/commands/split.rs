//! Divides a manifest into parts.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;

use crate::data::{manifest, split};

/// Divides a manifest into parts, stratified by age and gender; a person or near-duplicate group is never parted.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: face-train split faces.csv --out parted.csv --parts train=0.75,val=0.05,test=0.2"
)]
pub struct Split {
    /// Manifest. Rows that have a part keep it.
    manifest: PathBuf,
    /// Manifest to write.
    #[arg(long)]
    out: PathBuf,
    /// Shares; the default is the published study's. Without val, train keeps a tenth of its part aside to stop by.
    #[arg(long, default_value = "train=0.8,test=0.2")]
    parts: String,
    /// The same seed gives the same parts on every machine.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Split {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let parts = split::parts(&self.parts)?;
        let mut rows = manifest::read(&self.manifest)?;
        ensure!(!rows.is_empty(), "{} is empty", self.manifest.display());
        split::split(&mut rows, &parts, self.seed);
        let command = format!(
            "split {} --parts {} --seed {}",
            self.manifest.display(),
            self.parts,
            self.seed
        );
        manifest::write(&self.out, &command, &rows)?;
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for row in &rows {
            *counts.entry(&row.split).or_default() += 1;
        }
        println!("{}: {counts:?}", self.out.display());
        Ok(())
    }
}
