//! Shows the progress of a training: a bar on a terminal, and plain lines otherwise.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};

/// The steps between two looks at the losses, since each waits for the device.
const EVERY: usize = 50;
/// The time between two plain lines.
const PAUSE: Duration = Duration::from_secs(30);

/// An epoch's progress.
pub struct Bar {
    bar: Option<ProgressBar>,
    prefix: String,
    steps: usize,
    told: Instant,
}

impl Bar {
    /// Starts epoch number `epoch` of `epochs`, from zero. It has `steps`, of which `done` are done.
    pub fn new(epoch: usize, epochs: usize, steps: usize, done: usize) -> Self {
        let prefix = format!("epoch {}/{epochs}", epoch + 1);
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(steps as u64);
            let style = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} {eta} {msg}");
            if let Ok(style) = style {
                bar.set_style(style);
            }
            bar.set_prefix(prefix.clone());
            bar.set_position(done as u64);
            bar
        });
        Self { bar, prefix, steps, told: Instant::now() }
    }

    /// Shows that `step` steps are done. `means` are those of the total loss and of `parts`.
    pub fn advance(&mut self, step: usize, means: impl Fn() -> Result<Vec<f32>>, parts: &[&str]) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
        let due = self.bar.is_some() || self.told.elapsed() > PAUSE;
        if !step.is_multiple_of(EVERY) || !due {
            return;
        }
        let Ok(means) = means() else { return };
        let names = ["loss"].iter().chain(parts);
        let losses: Vec<String> =
            names.zip(&means).map(|(name, mean)| format!("{name} {mean:.3}")).collect();
        match &self.bar {
            Some(bar) => bar.set_message(losses.join(" ")),
            None => {
                self.told = Instant::now();
                eprintln!("{}: step {step} of {}, {}", self.prefix, self.steps, losses.join(" "));
            }
        }
    }

    /// Prints a line beside the bar.
    pub fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => eprintln!("{line}"),
        }
    }

    /// Removes the bar.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Returns the most memory that this process held, in bytes. It is 0 if the system does not tell.
pub fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    number.unwrap_or(0) * 1024
}
