//! Training to estimate age and gender.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Result, ensure};
use face_predict::AgeDistribution;
use tch::{Device, Tensor};

use crate::augment::Augment;
use crate::commands::train::Train;
use crate::config::TrainConfig;
use crate::data::loader::{Batch, Placement, Source};
use crate::data::manifest::Row;
use crate::data::sampler::Sampler;
use crate::data::stream::Stream;
use crate::data::teacher::Teacher;
use crate::infer;
use crate::loss::losses;
use crate::metrics::calibration::softmax;
use crate::metrics::{self, Prediction};
use crate::model::Network;
use crate::trainer::{Job, Judgement, first_failure};

/// Faces with their ages and genders.
pub struct Estimate<'a> {
    config: &'a TrainConfig,
    sampler: Sampler,
    train: Arc<Source>,
    val: Arc<Source>,
    workers: usize,
    device: Device,
}

impl<'a> Estimate<'a> {
    /// Trains on the faces `train` and validates with `val`.
    pub fn new(
        config: &'a TrainConfig,
        args: &Train,
        device: Device,
        train: Vec<Row>,
        val: Vec<Row>,
    ) -> Result<Self> {
        let sampler = if config.shuffle {
            Sampler::uniform(train.len(), config.seed)
        } else {
            let rows: Vec<&Row> = train.iter().collect();
            let faces = config.epoch_size.div_ceil(config.views);
            Sampler::balanced(&rows, config.balance, faces, config.seed)
        };
        let source = |rows, augment| {
            let (input, by) = (config.input.clone(), Placement::Landmarks);
            Source::new(rows, &args.root, input, augment, by, config.seed)
        };
        let sources = &config.teacher_sources;
        let open = || Teacher::open(&args.teacher, args.teacher_crops, sources, &train);
        let teacher = (!args.teacher.is_empty()).then(open).transpose()?;
        let train = source(train, config.augment.clone()).taught(teacher);
        let val = source(val, Augment::NONE);
        Ok(Self { config, sampler, train, val, workers: args.workers, device })
    }
}

impl Job for Estimate<'_> {
    type Batch = Batch;

    fn describe(&self) -> String {
        let (train, val) = (self.train.rows().len(), self.val.rows().len());
        format!("{train} faces to train on, {val} to validate with")
    }

    fn per_epoch(&self) -> usize {
        self.sampler.per_epoch() * self.config.views
    }

    fn stream(&self, epoch: u64, skip: usize) -> Stream<Batch> {
        let views = self.config.views;
        let faces = self.sampler.epoch(epoch).into_iter();
        let order = faces.flat_map(|row| std::iter::repeat_n(row, views)).collect();
        self.train.stream(order, self.config.batch, epoch, self.workers, skip)
    }

    fn pictures(&self, batch: &Batch) -> usize {
        batch.rows.len()
    }

    fn images(&self, batch: &Batch) -> Tensor {
        batch.images.to_device(self.device)
    }

    fn parts(&self) -> &'static [&'static str] {
        &["age", "gender", "apart"]
    }

    fn losses(&self, net: &dyn Network, batch: Batch) -> Result<Vec<Tensor>> {
        let batch = batch.to(self.device);
        let loss = losses(&net.forward(&batch.images, true), &batch, &self.config.loss);
        Ok(vec![loss.total, loss.age, loss.gender, loss.apart])
    }

    /// The score is the mean loss over sources, so that a large one does not drown a small one.
    fn validate(&self, net: &dyn Network) -> Result<Judgement> {
        let val = &self.val;
        let mut predictions = Vec::new();
        let order: Vec<usize> = (0..val.rows().len()).collect();
        let mut sums: BTreeMap<String, (f64, usize)> = BTreeMap::new();
        tch::no_grad(|| -> Result<()> {
            // Batches of one source each are not worth arranging: rows come sorted by source.
            for batch in val.stream(order, 64, 0, self.workers, 0) {
                let batch = batch?.to(self.device);
                let Some(first) = batch.rows.first() else { continue };
                let outputs = net.forward(&batch.images, false);
                let loss = losses(&outputs, &batch, &self.config.loss).total.double_value(&[]);
                let sum = sums.entry(val.rows()[*first].source.clone()).or_default();
                sum.0 += loss * batch.rows.len() as f64;
                sum.1 += batch.rows.len();
                let raw = infer::split(&outputs, batch.rows.len())?;
                predictions.extend(batch.rows.iter().copied().zip(raw));
            }
            Ok(())
        })?;
        ensure!(
            !sums.is_empty(),
            "no validation picture could be read: {}",
            first_failure(&val.failures())
        );
        let score =
            sums.values().map(|(loss, n)| loss / *n as f64).sum::<f64>() / sums.len() as f64;
        let predictions: Vec<(usize, Prediction)> = predictions
            .into_iter()
            .map(|(row, raw)| {
                let years = softmax(&raw.age_logits, 1.0);
                let age = raw.age.unwrap_or_else(|| AgeDistribution::new(&years).median());
                let male = raw.gender_logit.map_or(f32::NAN, |logit| 1.0 / (1.0 + (-logit).exp()));
                (row, Prediction { age, male })
            })
            .collect();
        let groups = sums.keys().map(|name| {
            let of = predictions.iter().map(|(row, p)| (&val.rows()[*row], p));
            let s = metrics::summary(of.filter(|(row, _)| row.source == *name));
            let figures = vec![("mae", s.mae), ("bracket", s.bracket), ("gender", s.gender)];
            (name.clone(), figures)
        });
        Ok(Judgement { score, groups: groups.collect() })
    }

    fn failures(&self) -> BTreeMap<String, String> {
        self.train.failures()
    }
}
