//! The loop: resumable, to the same result as without a break.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use tch::{Device, Kind, Tensor, nn};

use crate::checkpoint::{self, Checkpoint, Partial, Progress};
use crate::commands::train::Train;
use crate::config::{Schedule, TrainConfig};
use crate::data::stream::Stream;
use crate::events::Events;
use crate::infer::Averaged;
use crate::log::{self, Figures, Report};
use crate::model::Network;
use crate::onnx;
use crate::optim::{AdamW, cosine};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// The first Ctrl-C asks for a checkpoint, a second one ends the program at once.
pub fn watch_for_interrupts() -> Result<()> {
    Ok(ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    })?)
}

/// What is particular to a task: its pictures, its loss and what it is judged by.
pub trait Job {
    /// Pictures and what is known of them.
    type Batch: Send + 'static;

    /// What there is to train on, in words.
    fn describe(&self) -> String;

    /// Pictures an epoch.
    fn per_epoch(&self) -> usize;

    /// The batches of `epoch`, in order, without the first `skip`.
    fn stream(&self, epoch: u64, skip: usize) -> Stream<Self::Batch>;

    /// Pictures in a batch; there are none where all of them failed.
    fn pictures(&self, batch: &Self::Batch) -> usize;

    /// The pictures as the network sees them.
    fn images(&self, batch: &Self::Batch) -> Tensor;

    /// Names of the losses after the total.
    fn parts(&self) -> &'static [&'static str];

    /// The losses of a batch, each a scalar: the total, which is minimised, and its parts.
    fn losses(&self, net: &dyn Network, batch: Self::Batch) -> Result<Vec<Tensor>>;

    /// Judges `net` on the validation part.
    fn validate(&self, net: &dyn Network) -> Result<Judgement>;

    /// Pictures that failed so far, with the reason.
    fn failures(&self) -> BTreeMap<String, String>;
}

/// What validation says.
pub struct Judgement {
    /// What the best checkpoint has the smallest of.
    pub score: f64,
    /// Figures to watch, by group.
    pub groups: Vec<(String, Figures)>,
}

/// Trains until the epochs are done or nothing gets better.
pub fn fit<J: Job>(
    config: &TrainConfig,
    args: &Train,
    device: Device,
    job: &J,
    resumed: Option<Checkpoint>,
) -> Result<()> {
    tch::manual_seed(config.seed as i64);
    let (vars, mut average) = (nn::VarStore::new(device), nn::VarStore::new(device));
    let mut net = config.network.build(&vars.root());
    net.set_half(config.half);
    let averaged = config.network.build(&average.root());
    if let (Some(from), None) = (&config.init_from, &resumed) {
        let from = Path::new(from);
        if from.extension().is_some_and(|e| e == "onnx") {
            adopt(from, &*net, job)?;
        } else {
            start_from(from, &vars)?;
        }
    }
    average.copy(&vars)?;
    let frozen = freeze(&vars, &config.freeze)?;
    let mut optimiser = AdamW::new(&vars, config.decay, config.clip);
    let mut progress = Progress::default();
    if let Some(checkpoint) = resumed {
        checkpoint.restore("weights", &vars)?;
        checkpoint.restore("average", &average)?;
        checkpoint.restore_optimiser(&mut optimiser)?;
        progress = checkpoint.progress;
    }
    log::keep(&args.run, progress.epochs)?;
    println!(
        "{}: {:.1} MMAC, {} parameters, {}",
        config.arch,
        config.network.mega_macs(),
        vars.trainable_variables().iter().map(Tensor::numel).sum::<usize>(),
        job.describe()
    );
    let mut events = Events::create(&args.run)?;
    let steps = job.per_epoch().div_ceil(config.batch);
    let total = steps * config.epochs;
    let save =
        |name: &str, progress: &Progress, average: &nn::VarStore, optimiser: Option<&AdamW>| {
            checkpoint::save(&args.run.join(name), config, progress, &vars, average, optimiser)
        };
    let mut taken = 0;
    while progress.epochs < config.epochs && progress.since_best < config.patience {
        let epoch = progress.epochs;
        let start = Instant::now();
        let partial = progress.partial.take().unwrap_or_default();
        let (first, mut seen) = (partial.steps, partial.seen);
        let mut sum = match partial.sums() {
            sums if sums.is_empty() => {
                Tensor::zeros(1 + job.parts().len() as i64, (Kind::Float, device))
            }
            sums => Tensor::from_slice(&sums).to_device(device),
        };
        let mut stream = job.stream(epoch as u64, first);
        let bar = progress_bar(steps, epoch, config.epochs);
        bar.set_position(first as u64);
        let mut step = first;
        for batch in &mut stream {
            let batch = batch?;
            // Dropout draws the same numbers after a break.
            let place = (epoch * steps + step) as u64;
            tch::manual_seed(config.seed.wrapping_mul(0x9E37_79B9).wrapping_add(place) as i64);
            let pictures = job.pictures(&batch);
            if pictures == 0 {
                bar.println(format!("step {step}: none of its pictures could be read"));
            } else {
                seen += pictures;
                let losses = job.losses(&*net, batch)?;
                let rate = match config.schedule {
                    Schedule::Cosine => {
                        cosine(config.rate, epoch * steps + step, total, steps.min(500))
                    }
                    Schedule::Constant => config.rate,
                };
                if !optimiser.step(&losses[0], rate) {
                    bar.println(format!("step {step}: gradient is not finite, left out"));
                }
                restore(&frozen);
                progress.steps += 1;
                if config.average > 0.0 {
                    let n = progress.steps as f64;
                    blend(&average, &vars, config.average.min((1.0 + n) / (10.0 + n)));
                }
                sum += tch::no_grad(|| Tensor::stack(&losses, 0).detach());
            }
            step += 1;
            bar.inc(1);
            if step.is_multiple_of(50) {
                let mean: Vec<f32> = (&sum / step as f64).try_into()?;
                let names = ["loss"].iter().chain(job.parts());
                let parts = names.zip(&mean).map(|(name, mean)| format!("{name} {mean:.3}"));
                bar.set_message(parts.collect::<Vec<_>>().join(" "));
            }
            taken += 1;
            if INTERRUPTED.load(Ordering::SeqCst) || args.stop_after == Some(taken) {
                progress.partial = Some(Partial::new(step, seen, &sum)?);
                save("last.safetensors", &progress, &average, Some(&optimiser))?;
                bail!("interrupted; --resume goes on in epoch {} after step {step}", epoch + 1);
            }
        }
        if config.average == 0.0 {
            blend(&average, &vars, 0.0);
        }
        let waited = stream.waited();
        bar.finish_and_clear();
        ensure!(seen > 0, "no picture could be read: {}", first_failure(&job.failures()));
        let trained = start.elapsed();
        let Judgement { score, groups } = job.validate(&*averaged)?;
        progress.epochs += 1;
        let better = progress.best.is_none_or(|best| score < best);
        if better {
            (progress.best, progress.since_best) = (Some(score), 0);
        } else {
            progress.since_best += 1;
        }
        let mean: Vec<f32> = (&sum / steps as f64).try_into()?;
        let report = Report {
            epoch: epoch + 1,
            parts: job.parts(),
            losses: &mean,
            score,
            better,
            rate: (seen - partial.seen) as f64 / trained.as_secs_f64(),
            waiting: waited.as_secs_f64() / trained.as_secs_f64(),
            groups: &groups,
        };
        println!("{}", report.text());
        log::append(&args.run, &report)?;
        events.scalars(epoch + 1, &report.scalars())?;
        if better {
            save("best.safetensors", &progress, &average, None)?;
        }
        save("last.safetensors", &progress, &average, Some(&optimiser))?;
    }
    let failures = job.failures();
    for (path, error) in failures.iter().take(10) {
        eprintln!("left out {path}: {error}");
    }
    println!(
        "done after {} epochs, {} pictures left out, at most {} MB of memory",
        progress.epochs,
        failures.len(),
        peak_memory() / 1_000_000
    );
    Ok(())
}

/// The most memory that this process held, in bytes; 0 where the system does not say.
pub fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    number.unwrap_or(0) * 1024
}

/// The first of what failed, in words.
pub fn first_failure(failures: &BTreeMap<String, String>) -> String {
    failures.iter().next().map_or(String::new(), |(path, error)| format!("{path}: {error}"))
}

/// Takes the weights of a model file; the job's first pictures give batch norm back what the file lacks.
fn adopt<J: Job>(path: &Path, net: &dyn Network, job: &J) -> Result<()> {
    let told = || format!("model file {}", path.display());
    let constants = onnx::constants(&onnx::decode(&std::fs::read(path).with_context(told)?)?)?;
    let mut images: Vec<Tensor> = Vec::new();
    for batch in job.stream(0, 0).take(8) {
        let batch = batch?;
        if job.pictures(&batch) > 0 {
            images.push(job.images(&batch));
        }
    }
    // A detector's batches have several sizes.
    let size = images.first().map(|first| first.size()[2..].to_vec());
    images.retain(|batch| Some(&batch.size()[2..]) == size.as_deref());
    ensure!(!images.is_empty(), "no picture could be read: {}", first_failure(&job.failures()));
    tch::no_grad(|| net.adopt(&constants, &Tensor::cat(&images, 0))).with_context(told)
}

/// Takes the variables of the same name and shape.
fn start_from(path: &Path, vars: &nn::VarStore) -> Result<()> {
    let from = Averaged::load(path)?;
    let (mut taken, mut fresh) = (0, Vec::new());
    tch::no_grad(|| {
        for (name, mut value) in vars.variables() {
            match from.checkpoint.average(&name) {
                Ok(saved) if saved.size() == value.size() => {
                    value.copy_(&saved);
                    taken += 1;
                }
                _ => {
                    // A further block of a known network starts as the identity, and disturbs nothing.
                    if [".b", ".a"].iter().any(|block| name.contains(block))
                        && name.ends_with("norm.weight")
                    {
                        let _ = value.zero_();
                    }
                    fresh.push(name);
                }
            }
        }
    });
    ensure!(taken > 0, "{} shares no variable with this network", path.display());
    fresh.sort();
    println!("{taken} variables from {}; afresh: {fresh:?}", path.display());
    Ok(())
}

/// Stops the variables below the given prefixes from changing; returns them with their values, because batch
/// norm's statistics move by themselves.
fn freeze(vars: &nn::VarStore, prefixes: &[String]) -> Result<Vec<(Tensor, Tensor)>> {
    let mut frozen = Vec::new();
    for prefix in prefixes {
        let before = frozen.len();
        for (name, value) in vars.variables() {
            if name.starts_with(prefix) {
                let value = value.set_requires_grad(false);
                frozen.push((value.shallow_clone(), value.copy()));
            }
        }
        ensure!(frozen.len() > before, "no variable starts with {prefix:?}");
    }
    Ok(frozen)
}

fn restore(frozen: &[(Tensor, Tensor)]) {
    tch::no_grad(|| {
        for (value, saved) in frozen {
            value.shallow_clone().copy_(saved);
        }
    });
}

/// Moves the average towards the weights, batch norm's statistics included.
fn blend(average: &nn::VarStore, vars: &nn::VarStore, decay: f64) {
    tch::no_grad(|| {
        let vars = vars.variables();
        for (name, mut value) in average.variables() {
            if let Some(new) = vars.get(&name) {
                let _ = value.lerp_(&new.detach(), 1.0 - decay);
            }
        }
    });
}

fn progress_bar(steps: usize, epoch: usize, epochs: usize) -> ProgressBar {
    let bar = ProgressBar::new(steps as u64);
    if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} {eta} {msg}") {
        bar.set_style(style);
    }
    bar.set_prefix(format!("epoch {}/{epochs}", epoch + 1));
    bar
}
