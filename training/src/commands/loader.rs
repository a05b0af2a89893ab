//! Measures the loader alone.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, ensure};
use clap::Args;

use crate::augment::Augment;
use crate::config::{canonical_input, paper_input};
use crate::data::loader::{Placement, Source};
use crate::data::manifest;
use crate::model::Arch;
use crate::trainer::peak_memory;

/// Streams a manifest without training, to see how fast pictures come.
#[derive(Args, Debug)]
#[command(after_help = "Example: face-train loader --manifest faces.csv --root photos --workers 2")]
pub struct Loader {
    /// Manifest.
    #[arg(long)]
    manifest: PathBuf,
    /// Folder that its paths start from.
    #[arg(long)]
    root: PathBuf,
    /// Network whose crop is cut.
    #[arg(long, default_value = "base")]
    arch: String,
    /// Threads.
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// Pictures at most.
    #[arg(long, default_value_t = 5000)]
    faces: usize,
    /// Change the pictures as in training.
    #[arg(long)]
    augment: bool,
}

impl Loader {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let rows = manifest::read(&self.manifest)?;
        ensure!(!rows.is_empty(), "the manifest is empty");
        let (count, faces) = (rows.len(), rows.len().min(self.faces));
        let arch = Arch::named(&self.arch)?;
        let paper = matches!(arch, Arch::Paper(_));
        let input = if paper { paper_input() } else { canonical_input(arch.side()) };
        let augment = match (self.augment, paper) {
            (false, _) => Augment::NONE,
            (true, true) => Augment::PAPER,
            (true, false) => Augment::DETECTOR,
        };
        let source = Source::new(rows, &self.root, input, augment, Placement::Landmarks, 1);
        let start = Instant::now();
        let mut seen = 0;
        // Spread over the manifest, which is often sorted.
        let order = (0..faces).map(|i| i * count / faces).collect();
        for batch in source.stream(order, 64, 0, self.workers, 0) {
            seen += batch?.rows.len();
        }
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "{seen} of {faces} pictures in {seconds:.1} s: {:.0} a second from {} threads, at most {} MB of memory",
            seen as f64 / seconds,
            self.workers,
            peak_memory() / 1_000_000
        );
        Ok(())
    }
}
