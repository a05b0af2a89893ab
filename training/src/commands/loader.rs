//! Measures the loader alone.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, ensure};
use clap::Args;

use crate::augment::Augment;
use crate::config::TrainConfig;
use crate::data::feed::Feed;
use crate::data::kept::Kept;
use crate::data::manifest;
use crate::model::Arch;
use crate::progress::peak_memory;

/// Reads a manifest's pictures without training, to see how fast they come.
#[derive(Args, Debug)]
#[command(after_help = "Example: face-train loader --manifest faces.csv --root photos --workers 2")]
pub struct Loader {
    /// Manifest of faces.
    #[arg(long)]
    manifest: PathBuf,
    /// Folder that its paths start from.
    #[arg(long)]
    root: PathBuf,
    /// Network whose crop is cut.
    #[arg(long, default_value = "base")]
    arch: String,
    /// Number of threads.
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// Largest number of pictures.
    #[arg(long, default_value_t = 5000)]
    faces: usize,
    /// Change the pictures as in training.
    #[arg(long)]
    augment: bool,
    /// Folder that keeps crops. Without it, they are cut each time.
    #[arg(long)]
    cache: Option<PathBuf>,
    /// Number of rounds over the same pictures. From the second one on they come from the cache.
    #[arg(long, default_value_t = 1)]
    rounds: usize,
}

impl Loader {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let rows = manifest::read(&self.manifest)?;
        ensure!(!rows.is_empty(), "the manifest is empty");
        let (count, faces) = (rows.len(), rows.len().min(self.faces));
        let TrainConfig { input, augment, .. } =
            TrainConfig::of(&self.arch, Arch::named(&self.arch)?);
        let augment = if self.augment { augment } else { Augment::NONE };
        let kept = Arc::new(Kept::open(&self.root, &input, self.cache.as_deref())?);
        let feed = Arc::new(Feed::new(rows, input, augment, 1, kept));
        for round in 0..self.rounds as u64 {
            let start = Instant::now();
            let mut seen = 0;
            // The pictures are spread over the manifest, which is often sorted.
            let order = (0..faces).map(|i| i * count / faces).collect();
            for batch in feed.stream(order, 64, round, self.workers, 0) {
                let batch = batch?;
                seen += batch.len();
                if batch.len() > 0 {
                    let _ = batch.images(tch::Device::Cpu);
                }
            }
            let seconds = start.elapsed().as_secs_f64();
            println!(
                "{seen} of {faces} pictures in {seconds:.1} s: {:.0} a second from {} threads, at most {} MB of memory",
                seen as f64 / seconds,
                self.workers,
                peak_memory() / 1_000_000
            );
        }
        Ok(())
    }
}
