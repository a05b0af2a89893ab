//! Trains a network: one loop, resumable.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use tch::{Device, Kind, Tensor, nn};

use crate::augment::Augment;
use crate::checkpoint::{self, Checkpoint, Progress};
use crate::config::{Schedule, TrainConfig, canonical_input};
use crate::data::loader::{Placement, Source};
use crate::data::manifest::{self, Row};
use crate::data::sampler::Sampler;
use crate::loss::{LossWeights, losses};
use crate::metrics::{self, Prediction, Summary};
use crate::model::{self, Arch, Network};
use crate::optim::{AdamW, cosine};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Example: face-train train --arch base --manifest faces.csv --root photos --run runs/base
#[derive(Args, Debug)]
pub struct Train {
    /// Network: tiny or base.
    #[arg(long, default_value = "base")]
    arch: String,
    /// Manifest; its split column says what is trained on and validated with. May be given several times.
    #[arg(long, required = true)]
    manifest: Vec<PathBuf>,
    /// Folder that the manifests' paths start from.
    #[arg(long)]
    root: PathBuf,
    /// Folder of the run: log.csv, last.safetensors, best.safetensors.
    #[arg(long)]
    run: PathBuf,
    /// Go on from the run's last checkpoint, to the same result as without a break.
    #[arg(long)]
    resume: bool,
    /// Faces a step.
    #[arg(long, default_value_t = 96)]
    batch: usize,
    /// Epochs at most.
    #[arg(long, default_value_t = 40)]
    epochs: usize,
    /// Faces an epoch; 0: as many as there are to train on.
    #[arg(long, default_value_t = 0)]
    epoch_size: usize,
    /// How cells of age, gender and source are sampled: 1 as they come, 0 all equally often.
    #[arg(long, default_value_t = 0.5)]
    balance: f64,
    /// Peak step size.
    #[arg(long, default_value_t = 2e-3)]
    rate: f64,
    /// Weight decay.
    #[arg(long, default_value_t = 0.05)]
    decay: f64,
    /// Epochs without a better validation score before it stops.
    #[arg(long, default_value_t = 12)]
    patience: usize,
    /// Convolutions in bfloat16 while training: faster on processors that have it.
    #[arg(long)]
    half: bool,
    /// Seed of everything random.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Threads that load pictures.
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// Threads that compute; 0: all.
    #[arg(long, default_value_t = 0)]
    threads: i32,
    /// cpu or cuda.
    #[arg(long, default_value = "cpu")]
    device: String,
}

impl Train {
    fn config(&self, faces: usize) -> Result<TrainConfig> {
        let network = Arch::named(&self.arch)?;
        ensure!(self.batch > 0 && self.epochs > 0, "batch and epochs start at 1");
        Ok(TrainConfig {
            arch: self.arch.clone(),
            input: canonical_input(network.side()),
            network,
            augment: Augment::DETECTOR,
            loss: LossWeights::default(),
            batch: self.batch,
            epochs: self.epochs,
            epoch_size: if self.epoch_size == 0 { faces } else { self.epoch_size },
            balance: self.balance,
            rate: self.rate,
            decay: self.decay,
            clip: 5.0,
            average: 0.999,
            patience: self.patience,
            half: self.half,
            seed: self.seed,
            schedule: Schedule::Cosine,
            shuffle: false,
            freeze: Vec::new(),
            init_from: None,
        })
    }

    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let device = match self.device.as_str() {
            "cpu" => Device::Cpu,
            "cuda" => Device::cuda_if_available(),
            other => bail!("device is {other:?}, it must be cpu or cuda"),
        };
        if self.threads > 0 {
            tch::set_num_threads(self.threads);
        }
        // A second Ctrl-C ends the program at once.
        ctrlc::set_handler(|| {
            if INTERRUPTED.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
        })?;
        let mut rows = Vec::new();
        for path in &self.manifest {
            rows.extend(manifest::read(path)?);
        }
        let part =
            |name: &str| rows.iter().filter(|r| r.split == name).cloned().collect::<Vec<_>>();
        let (train, val) = (part("train"), part("val"));
        ensure!(!train.is_empty(), "no row of the manifests has split train");
        ensure!(!val.is_empty(), "no row of the manifests has split val");
        let config = self.config(train.len())?;
        std::fs::create_dir_all(&self.run)?;
        let last = self.run.join("last.safetensors");
        let resumed = match (self.resume, last.exists()) {
            (true, true) => Some(Checkpoint::load(&last)?),
            (true, false) => None,
            (false, true) => bail!("{} has a run already: add --resume", self.run.display()),
            (false, false) => None,
        };
        if let Some(checkpoint) = &resumed {
            ensure!(checkpoint.config == config, "the run was started with other arguments");
        }
        fit(&config, &self, device, train, val, resumed)
    }
}

fn fit(
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
    average.copy(&vars)?;
    let mut optimiser = AdamW::new(&vars, config.decay, config.clip);
    let mut progress = Progress { epochs: 0, steps: 0, best: None, since_best: 0 };
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
    let sampler = Sampler::balanced(
        &train.iter().collect::<Vec<_>>(),
        config.balance,
        config.epoch_size,
        config.seed,
    );
    let source = |rows, augment| {
        Source::new(
            rows,
            &args.root,
            config.input.clone(),
            augment,
            Placement::Landmarks,
            config.seed,
        )
    };
    let (train, val) = (source(train, config.augment.clone()), source(val, Augment::NONE));
    let steps = sampler.per_epoch().div_ceil(config.batch);
    let total = steps * config.epochs;
    let save =
        |name: &str, progress: &Progress, average: &nn::VarStore, optimiser: Option<&AdamW>| {
            checkpoint::save(&args.run.join(name), config, progress, &vars, average, optimiser)
        };
    while progress.epochs < config.epochs && progress.since_best < config.patience {
        let epoch = progress.epochs;
        // Dropout draws the same numbers after a break.
        tch::manual_seed((config.seed.wrapping_mul(1_000_003) + epoch as u64) as i64);
        let start = Instant::now();
        let mut stream =
            train.stream(sampler.epoch(epoch as u64), config.batch, epoch as u64, args.workers, 0);
        let bar = progress_bar(steps, epoch, config.epochs);
        let (mut sum, mut seen) = (Tensor::zeros([3], (Kind::Float, device)), 0usize);
        for (step, batch) in (&mut stream).enumerate() {
            let batch = batch?.to(device);
            seen += batch.rows.len();
            let loss = losses(&net.forward(&batch.images, true), &batch, &config.loss);
            let rate = cosine(config.rate, epoch * steps + step, total, steps.min(500));
            if !optimiser.step(&loss.total, rate) {
                bar.println(format!("step {step}: gradient is not finite, left out"));
            }
            progress.steps += 1;
            blend(
                &average,
                &vars,
                config.average.min((1.0 + progress.steps as f64) / (10.0 + progress.steps as f64)),
            );
            sum += tch::no_grad(|| Tensor::stack(&[loss.total, loss.age, loss.gender], 0).detach());
            bar.inc(1);
            if step % 50 == 49 {
                let mean: Vec<f32> = (&sum / (step + 1) as f64).try_into()?;
                bar.set_message(format!(
                    "loss {:.3} age {:.3} gender {:.3}",
                    mean[0], mean[1], mean[2]
                ));
            }
            if INTERRUPTED.load(Ordering::SeqCst) {
                bail!("interrupted; --resume goes on after epoch {epoch}");
            }
        }
        let waited = stream.waited();
        bar.finish_and_clear();
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
        let rate = seen as f64 / trained.as_secs_f64();
        let share = waited.as_secs_f64() / trained.as_secs_f64();
        let mut line = format!(
            "{},{:.5},{:.5},{:.5},{score:.5},{rate:.0},{share:.3}",
            epoch + 1,
            mean[0],
            mean[1],
            mean[2]
        );
        let mut text = format!(
            "epoch {:3}  loss {:.3}  val {score:.4}{}  {rate:.0}/s, {:.0} % waiting",
            epoch + 1,
            mean[0],
            if better { " *" } else { "  " },
            share * 100.0
        );
        for (name, s) in &by_source {
            let show = |v: Option<f64>| v.map_or(String::new(), |v| format!("{v:.4}"));
            line += &format!(",{},{},{}", show(s.mae), show(s.bracket), show(s.gender));
            text += &format!(
                "  {name}: mae {} bracket {} gender {}",
                show(s.mae),
                show(s.bracket),
                show(s.gender)
            );
        }
        println!("{text}");
        append(&args.run.join("log.csv"), &by_source, &line)?;
        if better {
            save("best.safetensors", &progress, &average, None)?;
        }
        save("last.safetensors", &progress, &average, Some(&optimiser))?;
    }
    let failures = train.failures();
    for (path, error) in failures.iter().take(10) {
        eprintln!("left out {path}: {error}");
    }
    println!("done after {} epochs, {} pictures left out", progress.epochs, failures.len());
    Ok(())
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
    val: &std::sync::Arc<Source>,
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
            let outputs = net.forward(&batch.images, false);
            let loss = losses(&outputs, &batch, &config.loss).total.double_value(&[]);
            let first = batch.rows.first().context("an empty batch")?;
            let sum = sums.entry(val.rows()[*first].source.clone()).or_default();
            sum.0 += loss * batch.rows.len() as f64;
            sum.1 += batch.rows.len();
            predictions.extend(batch.rows.iter().copied().zip(read(&outputs)?));
        }
        Ok(())
    })?;
    let score = sums.values().map(|(loss, n)| loss / *n as f64).sum::<f64>() / sums.len() as f64;
    let by_source = sums
        .keys()
        .map(|name| {
            let of = predictions.iter().map(|(row, p)| (&val.rows()[*row], p));
            (name.clone(), metrics::summary(of.filter(|(row, _)| row.source == *name)))
        })
        .collect();
    Ok((score, by_source))
}

fn read(outputs: &model::Outputs) -> Result<Vec<Prediction>> {
    let to_vec = |t: Tensor| Vec::<f32>::try_from(t.to_device(Device::Cpu).contiguous().view([-1]));
    let years = match &outputs.age_logits {
        Some(logits) => to_vec(logits.softmax(-1, Kind::Float))?,
        None => Vec::new(),
    };
    let ages = outputs.age.as_ref().map(|age| to_vec(age.shallow_clone())).transpose()?;
    let male = match &outputs.gender_logit {
        Some(logit) => to_vec(logit.sigmoid())?,
        None => vec![f32::NAN; years.len() / crate::data::loader::YEARS],
    };
    Ok(male
        .into_iter()
        .enumerate()
        .map(|(i, male)| {
            let years = years.chunks(crate::data::loader::YEARS).nth(i).unwrap_or(&[]).to_vec();
            let age = match &ages {
                Some(ages) => ages[i],
                None => face_predict::AgeDistribution::new(&years).median(),
            };
            Prediction { age, years, male }
        })
        .collect())
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
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
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
