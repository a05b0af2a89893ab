//! The training loop: start, epoch, step, validate, save. It can be resumed, with the same result as without a break.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, bail, ensure};
use tch::Device;

use crate::checkpoint::{BEST, Checkpoint, LAST, Partial};
use crate::config::{Schedule, TrainConfig};
use crate::events::Events;
use crate::interrupt;
use crate::job::{Job, Judgement, first_failure};
use crate::learner::Learner;
use crate::log::{self, Report};
use crate::optim::cosine;
use crate::progress::{Bar, peak_memory};

/// The place of a run.
pub struct Place<'a> {
    /// Its folder.
    pub run: &'a Path,
    /// The device of the tensors.
    pub device: Device,
    /// The identifier of its faces, for a checkpoint.
    pub data: &'a str,
    /// The number of steps after which it stops, as if interrupted.
    pub stop_after: Option<usize>,
}

/// Trains until the epochs are done, or until the score does not improve.
pub fn fit<J: Job>(
    config: &TrainConfig,
    place: &Place<'_>,
    job: &J,
    resumed: Option<Checkpoint>,
) -> Result<()> {
    // Start.
    let mut learner = Learner::start(config, place.device, place.data, job, resumed)?;
    log::keep(place.run, learner.progress.epochs)?;
    let mut events = Events::create(place.run)?;
    println!("{}, {}", learner.describe(), job.describe());
    let steps = job.steps();
    ensure!(steps > 0, "an epoch has no step: fewer faces than batch_size, and drop_last");
    let save = |learner: &Learner, name: &str| learner.save(&place.run.join(name));
    let mut taken = 0;

    while learner.progress.epochs < config.epochs && learner.progress.since_best < config.patience {
        // Epoch.
        let (epoch, start) = (learner.progress.epochs, Instant::now());
        let partial = learner.progress.partial.take().unwrap_or_default();
        let (mut step, mut seen) = (partial.steps, partial.seen);
        let mut sum = learner.sums(&partial, job.parts().len());
        let skipped = learner.skipped();
        let mut stream = job.stream(epoch as u64, step);
        let mut bar = Bar::new(epoch, config.epochs, steps, step);

        for batch in &mut stream {
            // Step.
            let (batch, index) = (batch?, epoch * steps + step);
            learner.seed(index);
            match job.pictures(&batch) {
                0 => bar.say(&format!("step {step}: none of its pictures could be read")),
                pictures => {
                    seen += pictures;
                    let losses = job.losses(learner.net(), batch)?;
                    let rate = match config.schedule {
                        Schedule::Cosine => {
                            let warm_up = config.warmup_steps.min(steps);
                            cosine(config.learning_rate, index, steps * config.epochs, warm_up)
                        }
                        Schedule::Constant => config.learning_rate,
                    };
                    learner.step(&losses[0], rate);
                    learner.add(&mut sum, &losses);
                }
            }
            (step, taken) = (step + 1, taken + 1);
            bar.advance(step, || learner.means(&sum), job.parts());
            if interrupt::asked() || place.stop_after == Some(taken) {
                learner.progress.partial = Some(Partial::new(step, seen, &sum)?);
                save(&learner, LAST)?;
                bail!("interrupted; --resume goes on in epoch {} after step {step}", epoch + 1);
            }
        }
        let waited = stream.waited();
        bar.finish();
        learner.settle_average();
        ensure!(seen > 0, "no picture could be read: {}", first_failure(&job.failures()));
        let skipped = learner.skipped() - skipped;
        // A run that was stopped after an epoch's last step has no step left in it.
        let left = step - partial.steps;
        ensure!(
            left == 0 || skipped < left as f64,
            "no step of epoch {} was finite: a smaller learning_rate may help",
            epoch + 1
        );
        let trained = start.elapsed();

        // Validate.
        let Judgement { score, groups } = job.validate(learner.averaged())?;
        let better = learner.progress.judged(score);
        let report = Report {
            epoch: epoch + 1,
            parts: job.parts(),
            losses: &learner.means(&sum)?,
            score,
            better,
            without_gain: (learner.progress.since_best, config.patience),
            skipped,
            rate: (seen - partial.seen) as f64 / trained.as_secs_f64(),
            waiting: waited.as_secs_f64() / trained.as_secs_f64(),
            groups: &groups,
        };
        log::append(place.run, &report)?;
        events.scalars(epoch + 1, &report.scalars())?;

        // Save.
        if better {
            learner.save_average(&place.run.join(BEST))?;
        }
        save(&learner, LAST)?;
        // If the line cannot be written, the program ends. The epoch is kept by then.
        println!("{}", report.text());
    }
    let failures = job.failures();
    for (path, error) in failures.iter().take(10) {
        eprintln!("left out {path}: {error}");
    }
    println!(
        "done after {} epochs, {} pictures left out, at most {} MB of memory",
        learner.progress.epochs,
        failures.len(),
        peak_memory() / 1_000_000
    );
    Ok(())
}
