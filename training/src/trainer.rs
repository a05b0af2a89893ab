//! The loop: resumable, to the same result as without a break.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use face_predict::AgeDistribution;
use indicatif::{ProgressBar, ProgressStyle};
use tch::{Device, Tensor, nn};

use crate::augment::Augment;
use crate::checkpoint::{self, Checkpoint, Partial, Progress};
use crate::commands::train::Train;
use crate::config::{Schedule, TrainConfig};
use crate::data::loader::{Placement, Source};
use crate::data::manifest::Row;
use crate::data::sampler::Sampler;
use crate::events::Events;
use crate::infer::{self, Averaged};
use crate::loss::losses;
use crate::metrics::calibration::softmax;
use crate::metrics::{self, Prediction, Summary};
use crate::model::Network;
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

/// Trains until the epochs are done or nothing gets better.
pub fn fit(
    config: &TrainConfig,
    args: &Train,
    device: Device,
    train: Vec<Row>,
    val: Vec<Row>,
    resumed: Option<Checkpoint>,
) -> Result<()> {
    tch::manual_seed(config.seed as i64);
    let (vars, mut average) = (nn::VarStore::new(device), nn::VarStore::new(device));
    let mut net = config.network.build(&vars.root());
    net.set_half(config.half);
    let averaged = config.network.build(&average.root());
    if let (Some(from), None) = (&config.init_from, &resumed) {
        start_from(Path::new(from), &vars)?;
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
    println!(
        "{}: {:.1} MMAC, {} parameters, {} faces to train on, {} to validate with",
        config.arch,
        config.network.mega_macs(),
        vars.trainable_variables().iter().map(Tensor::numel).sum::<usize>(),
        train.len(),
        val.len()
    );
    let sampler = if config.shuffle {
        Sampler::uniform(train.len(), config.seed)
    } else {
        let rows: Vec<&Row> = train.iter().collect();
        Sampler::balanced(&rows, config.balance, config.epoch_size, config.seed)
    };
    let source = |rows, augment| {
        let (input, by) = (config.input.clone(), Placement::Landmarks);
        Source::new(rows, &args.root, input, augment, by, config.seed)
    };
    let (train, val) = (source(train, config.augment.clone()), source(val, Augment::NONE));
    let mut events = Events::create(&args.run)?;
    let steps = sampler.per_epoch().div_ceil(config.batch);
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
        let mut sum = Tensor::from_slice(&partial.sums()).to_device(device);
        let order = sampler.epoch(epoch as u64);
        let mut stream = train.stream(order, config.batch, epoch as u64, args.workers, first);
        let bar = progress_bar(steps, epoch, config.epochs);
        bar.set_position(first as u64);
        let mut step = first;
        for batch in &mut stream {
            let batch = batch?.to(device);
            // Dropout draws the same numbers after a break.
            let place = (epoch * steps + step) as u64;
            tch::manual_seed(config.seed.wrapping_mul(0x9E37_79B9).wrapping_add(place) as i64);
            if batch.rows.is_empty() {
                bar.println(format!("step {step}: none of its pictures could be read"));
            } else {
                seen += batch.rows.len();
                let loss = losses(&net.forward(&batch.images, true), &batch, &config.loss);
                let rate = match config.schedule {
                    Schedule::Cosine => {
                        cosine(config.rate, epoch * steps + step, total, steps.min(500))
                    }
                    Schedule::Constant => config.rate,
                };
                if !optimiser.step(&loss.total, rate) {
                    bar.println(format!("step {step}: gradient is not finite, left out"));
                }
                restore(&frozen);
                progress.steps += 1;
                if config.average > 0.0 {
                    let n = progress.steps as f64;
                    blend(&average, &vars, config.average.min((1.0 + n) / (10.0 + n)));
                }
                let parts = [loss.total, loss.age, loss.gender];
                sum += tch::no_grad(|| Tensor::stack(&parts, 0).detach());
            }
            step += 1;
            bar.inc(1);
            if step.is_multiple_of(50) {
                let mean: Vec<f32> = (&sum / step as f64).try_into()?;
                bar.set_message(format!(
                    "loss {:.3} age {:.3} gender {:.3}",
                    mean[0], mean[1], mean[2]
                ));
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
        ensure!(seen > 0, "no picture could be read: {}", first_failure(&train));
        let trained = start.elapsed();
        let (score, by_source) = validate(&*averaged, &val, config, device, args.workers)?;
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
            loss: [mean[0], mean[1], mean[2]],
            score,
            better,
            rate: (seen - partial.seen) as f64 / trained.as_secs_f64(),
            waiting: waited.as_secs_f64() / trained.as_secs_f64(),
            by_source: &by_source,
        };
        println!("{}", report.text());
        append(&args.run.join("log.csv"), &by_source, &report.line())?;
        events.scalars(epoch + 1, &report.scalars())?;
        if better {
            save("best.safetensors", &progress, &average, None)?;
        }
        save("last.safetensors", &progress, &average, Some(&optimiser))?;
    }
    let failures = train.failures();
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

fn first_failure(source: &Source) -> String {
    let failures = source.failures();
    failures.iter().next().map_or(String::new(), |(path, error)| format!("{path}: {error}"))
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
                    if name.contains(".b") && name.ends_with("norm.weight") {
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

/// The mean validation loss over sources, so that a large one does not drown a small one, and the figures
/// of each source.
fn validate(
    net: &dyn Network,
    val: &Arc<Source>,
    config: &TrainConfig,
    device: Device,
    workers: usize,
) -> Result<(f64, Vec<(String, Summary)>)> {
    let mut predictions = Vec::new();
    let order: Vec<usize> = (0..val.rows().len()).collect();
    let mut sums: std::collections::BTreeMap<String, (f64, usize)> = Default::default();
    tch::no_grad(|| -> Result<()> {
        // Batches of one source each are not worth arranging: rows come sorted by source.
        for batch in val.stream(order, 64, 0, workers, 0) {
            let batch = batch?.to(device);
            let Some(first) = batch.rows.first() else { continue };
            let outputs = net.forward(&batch.images, false);
            let loss = losses(&outputs, &batch, &config.loss).total.double_value(&[]);
            let sum = sums.entry(val.rows()[*first].source.clone()).or_default();
            sum.0 += loss * batch.rows.len() as f64;
            sum.1 += batch.rows.len();
            let raw = infer::split(&outputs, batch.rows.len())?;
            predictions.extend(batch.rows.iter().copied().zip(raw));
        }
        Ok(())
    })?;
    ensure!(!sums.is_empty(), "no validation picture could be read: {}", first_failure(val));
    let score = sums.values().map(|(loss, n)| loss / *n as f64).sum::<f64>() / sums.len() as f64;
    let predictions: Vec<(usize, Prediction)> = predictions
        .into_iter()
        .map(|(row, raw)| {
            let years = softmax(&raw.age_logits, 1.0);
            let age = raw.age.unwrap_or_else(|| AgeDistribution::new(&years).median());
            let male = raw.gender_logit.map_or(f32::NAN, |logit| 1.0 / (1.0 + (-logit).exp()));
            (row, Prediction { age, male })
        })
        .collect();
    let by_source = sums
        .keys()
        .map(|name| {
            let of = predictions.iter().map(|(row, p)| (&val.rows()[*row], p));
            (name.clone(), metrics::summary(of.filter(|(row, _)| row.source == *name)))
        })
        .collect();
    Ok((score, by_source))
}

/// An epoch's figures.
struct Report<'a> {
    epoch: usize,
    loss: [f32; 3],
    score: f64,
    better: bool,
    rate: f64,
    waiting: f64,
    by_source: &'a [(String, Summary)],
}

impl Report<'_> {
    fn text(&self) -> String {
        let mut text = format!(
            "epoch {:3}  loss {:.3}  val {:.4}{}  {:.0}/s, {:.0} % waiting",
            self.epoch,
            self.loss[0],
            self.score,
            if self.better { " *" } else { "  " },
            self.rate,
            self.waiting * 100.0
        );
        for (name, s) in self.by_source {
            let figures = [("mae", s.mae), ("bracket", s.bracket), ("gender", s.gender)];
            text += &format!("  {name}:");
            for (figure, value) in figures {
                if let Some(value) = value {
                    text += &format!(" {figure} {value:.4}");
                }
            }
        }
        text
    }

    fn line(&self) -> String {
        let [loss, age, gender] = self.loss;
        let Self { epoch, score, rate, waiting, .. } = self;
        let mut line =
            format!("{epoch},{loss:.5},{age:.5},{gender:.5},{score:.5},{rate:.0},{waiting:.3}");
        for (_, s) in self.by_source {
            let show = |v: Option<f64>| v.map_or(String::new(), |v| format!("{v:.4}"));
            line += &format!(",{},{},{}", show(s.mae), show(s.bracket), show(s.gender));
        }
        line
    }

    fn scalars(&self) -> Vec<(String, f64)> {
        let [loss, age, gender] = self.loss.map(f64::from);
        let mut values = vec![
            ("train/loss".to_owned(), loss),
            ("train/age".to_owned(), age),
            ("train/gender".to_owned(), gender),
            ("val/score".to_owned(), self.score),
            ("speed/faces_per_second".to_owned(), self.rate),
            ("speed/waiting".to_owned(), self.waiting),
        ];
        for (name, s) in self.by_source {
            for (figure, value) in [("mae", s.mae), ("bracket", s.bracket), ("gender", s.gender)] {
                values.extend(value.map(|v| (format!("val_{name}/{figure}"), v)));
            }
        }
        values
    }
}

fn progress_bar(steps: usize, epoch: usize, epochs: usize) -> ProgressBar {
    let bar = ProgressBar::new(steps as u64);
    if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} {eta} {msg}") {
        bar.set_style(style);
    }
    bar.set_prefix(format!("epoch {}/{epochs}", epoch + 1));
    bar
}

fn append(path: &Path, by_source: &[(String, Summary)], line: &str) -> Result<()> {
    let new = !path.exists();
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("log {}", path.display()))?;
    if new {
        let mut header =
            "epoch,loss,age_loss,gender_loss,val_score,faces_per_second,waiting".to_owned();
        for (name, _) in by_source {
            header += &format!(",{name}_mae,{name}_bracket,{name}_gender");
        }
        writeln!(file, "{header}")?;
    }
    Ok(writeln!(file, "{line}")?)
}
