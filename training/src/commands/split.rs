//! Divides a manifest into parts.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;

use crate::data::{manifest, split};

/// Divides a manifest into parts, stratified by age and gender. A person, or a group of near-duplicates, always stays
/// in one part.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: face-train split faces.csv --out parted.csv --parts train=0.75,val=0.05,test=0.2"
)]
pub struct Split {
    /// Manifest of faces. Rows that have a part keep it.
    manifest: PathBuf,
    /// Manifest to write.
    #[arg(long)]
    out: PathBuf,
    /// Shares of the parts. The default is that of the published study. Without val, training keeps a tenth of train
    /// aside for validation.
    #[arg(long, default_value = "train=0.8,test=0.2")]
    parts: String,
    /// Seed. The same seed gives the same parts on every machine.
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
