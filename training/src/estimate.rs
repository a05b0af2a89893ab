//! The training of estimators.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, ensure};
use face_predict::AgeDistribution;
use tch::{Device, Tensor};

use crate::augment::Augment;
use crate::config::TrainConfig;
use crate::config::settings::Settings;
use crate::data::feed::{Fed, Feed, Teachers};
use crate::data::kept::Kept;
use crate::data::manifest::Row;
use crate::data::sampler::Sampler;
use crate::data::stream::Stream;
use crate::job::{Job, Judgement, first_failure};
use crate::log::Figures;
use crate::loss::losses;
use crate::metrics::calibration::softmax;
use crate::metrics::{self, Prediction};
use crate::model::{Network, raw};
use crate::preview;

/// Faces with their ages and genders.
pub struct Estimate<'a> {
    config: &'a TrainConfig,
    sampler: Sampler,
    train: Arc<Feed>,
    val: Arc<Feed>,
    /// Some of the training faces without changes. Beside the validation part they show overfitting.
    watched: Arc<Feed>,
    workers: usize,
    device: Device,
}

/// The number of training faces that are watched, spread over all.
const WATCHED: usize = 1000;

/// The rows with the predictions for them, the sum of the loss, and the number of faces of each source.
type Judged = (Vec<(usize, Prediction)>, BTreeMap<String, (f64, usize)>);

impl<'a> Estimate<'a> {
    /// Trains on the faces `train`, with the answers of `teachers`, and validates with `val`. The crops are kept in
    /// `cache`.
    pub fn new(
        settings: &'a Settings,
        device: Device,
        train: Vec<Row>,
        val: Vec<Row>,
        cache: Option<&Path>,
        teachers: Option<Box<dyn Teachers>>,
    ) -> Result<Self> {
        let config = &settings.train;
        let sampler = if config.shuffle {
            Sampler::uniform(train.len(), config.seed)
        } else {
            let rows: Vec<&Row> = train.iter().collect();
            let faces = config.epoch_size.div_ceil(config.views);
            Sampler::balanced(&rows, config.balance, faces, config.seed)
        };
        let feed = |rows, augment| -> Result<Feed> {
            let kept = Kept::open(&settings.root, &config.input, cache)?;
            Ok(Feed::new(rows, config.input.clone(), augment, config.seed, kept))
        };
        let labelled: Vec<&Row> =
            train.iter().filter(|row| row.has_age() || row.is_male().is_some()).collect();
        let step = labelled.len().div_ceil(WATCHED).max(1);
        let some = labelled.into_iter().step_by(step).cloned().collect();
        let watched = Arc::new(feed(some, Augment::NONE)?);
        let val = Arc::new(feed(val, Augment::NONE)?);
        let train = Arc::new(feed(train, config.augment.clone())?.taught(teachers));
        Ok(Self { config, sampler, train, val, watched, workers: settings.workers, device })
    }
}

impl Estimate<'_> {
    /// Writes a sheet of a few faces' crops as in training.
    pub fn preview(&self, path: &Path) -> Result<()> {
        let rows = self.sampler.epoch(0).into_iter().take(preview::ROWS);
        let order = rows.flat_map(|row| std::iter::repeat_n(row, preview::COLUMNS)).collect();
        let batches = self.train.stream(order, preview::COLUMNS, 0, self.workers, 0);
        let batches: Vec<Fed> = batches.collect::<Result<_>>()?;
        preview::sheet(batches, self.config.input.width, path)
    }
}

impl Job for Estimate<'_> {
    type Batch = Fed;

    fn describe(&self) -> String {
        let (train, val) = (self.train.rows().len(), self.val.rows().len());
        format!("{train} faces to train on, {val} to validate with")
    }

    fn steps(&self) -> usize {
        let faces = self.sampler.per_epoch() * self.config.views;
        let batch = self.config.batch_size;
        if self.config.drop_last { faces / batch } else { faces.div_ceil(batch) }
    }

    fn stream(&self, epoch: u64, skip: usize) -> Stream<Fed> {
        let views = self.config.views;
        let faces = self.sampler.epoch(epoch).into_iter();
        let mut order: Vec<usize> = faces.flat_map(|row| std::iter::repeat_n(row, views)).collect();
        order.truncate(self.steps() * self.config.batch_size);
        self.train.stream(order, self.config.batch_size, epoch, self.workers, skip)
    }

    fn pictures(&self, batch: &Fed) -> usize {
        batch.len()
    }

    fn images(&self, batch: &Fed) -> Tensor {
        batch.images(self.device)
    }

    fn parts(&self) -> &'static [&'static str] {
        &["age", "gender", "apart"]
    }

    fn losses(&self, net: &dyn Network, batch: Fed) -> Result<Vec<Tensor>> {
        let batch = batch.batch(self.device);
        let loss = losses(&net.forward(&batch.images, true), &batch, &self.config.loss);
        Ok(vec![loss.total, loss.age, loss.gender, loss.apart])
    }

    /// The score is the mean loss over sources, so that a large one does not outweigh a small one. It may also be the
    /// mean over all faces. Some training faces are judged beside the validation part.
    fn validate(&self, net: &dyn Network) -> Result<Judgement> {
        let (predictions, sums) = self.judge(net, &self.val)?;
        ensure!(
            !sums.is_empty(),
            "no validation picture could be read: {}",
            first_failure(&self.val.failures())
        );
        let all = sums.values().fold((0.0, 0), |all, sum| (all.0 + sum.0, all.1 + sum.1));
        let over_sources =
            sums.values().map(|(loss, n)| loss / *n as f64).sum::<f64>() / sums.len() as f64;
        let over_faces = all.0 / all.1 as f64;
        let score = if self.config.score_over_faces { over_faces } else { over_sources };
        let mut groups = figures(&self.val, &predictions, &sums, "");
        let (predictions, sums) = self.judge(net, &self.watched)?;
        groups.extend(figures(&self.watched, &predictions, &sums, "train "));
        Ok(Judgement { score, groups })
    }

    fn failures(&self) -> BTreeMap<String, String> {
        self.train.failures()
    }
}

impl Estimate<'_> {
    /// Runs `net` over all of `feed`.
    fn judge(&self, net: &dyn Network, feed: &Arc<Feed>) -> Result<Judged> {
        let mut predictions = Vec::new();
        let order: Vec<usize> = (0..feed.rows().len()).collect();
        let mut sums: BTreeMap<String, (f64, usize)> = BTreeMap::new();
        tch::no_grad(|| -> Result<()> {
            // Rows come sorted by source, and it is not worth arranging batches of one source each.
            for batch in feed.stream(order, 64, 0, self.workers, 0) {
                let fed = batch?;
                if fed.len() == 0 {
                    continue;
                }
                let batch = fed.batch(self.device);
                let first = &batch.rows[0];
                let outputs = net.forward(&batch.images, false);
                let loss = losses(&outputs, &batch, &self.config.loss).total.double_value(&[]);
                let sum = sums.entry(feed.rows()[*first].source.clone()).or_default();
                sum.0 += loss * batch.rows.len() as f64;
                sum.1 += batch.rows.len();
                let raw = raw::split(&outputs, batch.rows.len())?;
                predictions.extend(batch.rows.iter().copied().zip(raw));
            }
            Ok(())
        })?;
        let predictions = predictions.into_iter().map(|(row, raw)| {
            let years = softmax(&raw.age_logits, 1.0);
            let age = match raw.age {
                Some(age) => age,
                None if years.is_empty() => f32::NAN,
                None => AgeDistribution::new(&years).median(),
            };
            let male = raw.gender_logit.map_or(f32::NAN, |logit| 1.0 / (1.0 + (-logit).exp()));
            (row, Prediction { age, male })
        });
        Ok((predictions.collect(), sums))
    }
}

/// Returns the figures of each source, whose name follows `prefix`.
fn figures(
    feed: &Feed,
    predictions: &[(usize, Prediction)],
    sums: &BTreeMap<String, (f64, usize)>,
    prefix: &str,
) -> Vec<(String, Figures)> {
    let group = |name: &String| {
        let of = predictions.iter().map(|(row, p)| (&feed.rows()[*row], p));
        let s = metrics::summary(of.filter(|(row, _)| row.source == *name));
        let figures = vec![("mae", s.mae), ("bracket", s.bracket), ("gender", s.gender)];
        (format!("{prefix}{name}"), figures)
    };
    sums.keys().map(group).collect()
}
