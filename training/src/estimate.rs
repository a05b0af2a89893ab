//! The training of estimators.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, ensure};
use face_predict::AgeDistribution;
use tch::{Device, Kind, Tensor};

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

/// The rows with the predictions for them, and the sums of each source.
type Judged = (Vec<(usize, Prediction)>, BTreeMap<String, Sums>);

/// The sums of the losses of faces, and how many of them have the label, for age and for gender.
#[derive(Clone, Copy, Default)]
struct Sums([(f64, f64); 2]);

impl Sums {
    /// Adds the mean losses of a batch, with the number of its faces that each is a mean of.
    fn add(&mut self, means: [(f64, f64); 2]) {
        for (sum, (mean, faces)) in self.0.iter_mut().zip(means) {
            *sum = (sum.0 + mean * faces, sum.1 + faces);
        }
    }

    /// The mean losses of the faces, each with the number of faces.
    fn means(&self) -> [(f64, f64); 2] {
        self.0.map(|(sum, faces)| (sum / faces.max(1.0), faces))
    }

    /// The loss of all these faces, as that of one batch.
    fn loss(&self, of_gender: f64) -> f64 {
        let [(age, _), (gender, _)] = self.means();
        age + of_gender * gender
    }
}

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
        let kept = Arc::new(Kept::open(&settings.root, &config.input, cache)?);
        let feed = |rows, augment| {
            Feed::new(rows, config.input.clone(), augment, config.seed, Arc::clone(&kept))
        };
        let labelled: Vec<&Row> =
            train.iter().filter(|row| row.has_age() || row.is_male().is_some()).collect();
        let step = labelled.len().div_ceil(WATCHED).max(1);
        let some = labelled.into_iter().step_by(step).cloned().collect();
        let watched = Arc::new(feed(some, Augment::NONE));
        let val = Arc::new(feed(val, Augment::NONE));
        let train = feed(train, config.augment.clone()).taught(teachers);
        let train = Arc::new(train.guessed(config.loss.apparent));
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
        let of_gender = self.config.loss.gender;
        let score = if self.config.score_over_faces {
            let mut all = Sums::default();
            sums.values().for_each(|of| all.add(of.means()));
            all.loss(of_gender)
        } else {
            sums.values().map(|of| of.loss(of_gender)).sum::<f64>() / sums.len() as f64
        };
        let mut groups = figures(&self.val, &predictions, &sums, "");
        let (predictions, sums) = self.judge(net, &self.watched)?;
        groups.extend(figures(&self.watched, &predictions, &sums, "train "));
        Ok(Judgement { score, groups })
    }

    fn failures(&self) -> BTreeMap<String, String> {
        let mut failures = self.train.failures();
        failures.extend(self.val.failures());
        failures
    }
}

impl Estimate<'_> {
    /// Runs `net` over all of `feed`.
    fn judge(&self, net: &dyn Network, feed: &Arc<Feed>) -> Result<Judged> {
        let mut predictions = Vec::new();
        let mut sums: BTreeMap<String, Sums> = BTreeMap::new();
        // Each source is streamed by itself, so that no batch has faces of two.
        for (source, order) in by_source(feed.rows()) {
            tch::no_grad(|| -> Result<()> {
                for batch in feed.stream(order, 64, 0, self.workers, 0) {
                    let fed = batch?;
                    if fed.len() == 0 {
                        continue;
                    }
                    let batch = fed.batch(self.device);
                    let outputs = net.forward(&batch.images, false);
                    let loss = losses(&outputs, &batch, &self.config.loss);
                    // The losses are means over the faces with a label. They come from the device together.
                    let faces = [&batch.has_age, &batch.has_gender].map(|has| has.sum(Kind::Float));
                    let [ages, genders] = faces;
                    let numbers = Tensor::stack(&[loss.age, ages, loss.gender, genders], 0);
                    let numbers: Vec<f64> = numbers.to_kind(Kind::Double).try_into()?;
                    let means = [(numbers[0], numbers[1]), (numbers[2], numbers[3])];
                    sums.entry(source.to_owned()).or_default().add(means);
                    let raw = raw::split(&outputs, batch.rows.len())?;
                    predictions.extend(batch.rows.iter().copied().zip(raw));
                }
                Ok(())
            })?;
        }
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

/// Returns the places of each source's rows. They are sorted by path and box, so that the batches do not depend on the
/// order of the manifests.
fn by_source(rows: &[Row]) -> BTreeMap<&str, Vec<usize>> {
    let mut found: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        found.entry(&row.source).or_default().push(index);
    }
    let place = |row: &Row| [row.box_x, row.box_y].map(|at| at.map(f32::to_bits));
    found.values_mut().for_each(|order| {
        order.sort_by_key(|index| (&rows[*index].path, place(&rows[*index])));
    });
    found
}

/// Returns the figures of each source, whose name follows `prefix`.
fn figures(
    feed: &Feed,
    predictions: &[(usize, Prediction)],
    sums: &BTreeMap<String, Sums>,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::Sources;

    #[test]
    fn the_score_does_not_depend_on_the_order_of_the_rows() {
        let folder = tempfile::tempdir().expect("a folder");
        let set = ["network.input=64", &format!("root={}", folder.path().display())];
        let set = set.map(String::from);
        let sources =
            Sources { file: None, set: &set, flags: toml::Table::new(), continued: false };
        let settings = Settings::gather("tiny", sources).expect("good");
        // One source is much larger, and some faces lack a label.
        let rows: Vec<Row> = (0..140usize)
            .map(|i| {
                let image = image::RgbImage::from_pixel(24, 24, image::Rgb([i as u8; 3]));
                image.save(folder.path().join(format!("{i}.png"))).expect("written");
                Row {
                    path: format!("{i}.png"),
                    age: (i % 3 > 0).then_some((i % 80) as f32),
                    gender: ["male", "female", ""][i / 2 % 3].into(),
                    source: ["large", "small", "large", "large"][i % 4].into(),
                    ..Row::default()
                }
            })
            .collect();
        let vars = tch::nn::VarStore::new(Device::Cpu);
        let net = settings.train.network.build(&vars.root());
        let score = |rows: &[Row]| {
            let (train, val) = (rows[..2].to_vec(), rows.to_vec());
            let job = Estimate::new(&settings, Device::Cpu, train, val, None, None).expect("made");
            let found = job.validate(&*net).expect("judged");
            let groups: Vec<String> = found.groups.into_iter().map(|(name, _)| name).collect();
            assert!(groups.starts_with(&["large".into(), "small".into()]), "{groups:?}");
            found.score
        };
        let mut other = rows.clone();
        let first = score(&rows);
        other.reverse();
        assert_eq!(first, score(&other));
        other.sort_by(|a, b| (&a.source, &a.gender).cmp(&(&b.source, &b.gender)));
        assert_eq!(first, score(&other));
        // Pictures that cannot be read are counted.
        std::fs::write(folder.path().join("7.png"), "no picture").expect("written");
        let (train, val) = (rows[..2].to_vec(), rows[..9].to_vec());
        let job = Estimate::new(&settings, Device::Cpu, train, val, None, None).expect("made");
        job.validate(&*net).expect("judged");
        assert_eq!(job.failures().keys().collect::<Vec<_>>(), ["7.png"]);
    }
}
