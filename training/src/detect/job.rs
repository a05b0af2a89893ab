//! The task of finding faces, in the form that the training loop needs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, bail, ensure};
use rand::Rng;
use tch::{Device, Kind, Tensor};

use super::Target;
use super::camera::{SHAPES, soil};
use super::compose::{Composer, Face, Frame};
use super::loss::losses;
use super::scene::Scene;
use super::store::Store;
use super::validation::{Validation, WRONG_RATE};
use crate::augment::batch::apply as degraded;
use crate::augment::crop::normalise;
use crate::augment::draw::Draw;
use crate::config::{DetectWeights, TrainConfig};
use crate::data::manifest::Row;
use crate::data::sampler::generator;
use crate::data::stream::Stream;
use crate::device::upload;
use crate::job::{Job, Judgement, first_failure};
use crate::model::{Arch, Network};

/// The number of frames with faces put on them for validation, at most that of an epoch.
const FRAMES: usize = 300;
/// Pictures of scenes are kept with this longer side: twice the input's, so that a half can be shown.
const KEPT: usize = 640;
/// Pictures of faces are smaller.
const KEPT_FACES: usize = 256;

/// Frames of one size. These are numbers and not tensors, since a thread that outlives `main` by a moment must not call
/// libtorch.
pub struct Batch {
    size: (usize, usize),
    planes: Vec<f32>,
    draws: Vec<Draw>,
    faces: Vec<Vec<Target>>,
}

/// The frames with faces to be found.
pub struct Detect<'a> {
    config: &'a TrainConfig,
    strides: Vec<usize>,
    weights: DetectWeights,
    maker: Arc<Maker>,
    val: Validation,
    workers: usize,
    device: Device,
}

/// The data that worker threads share.
struct Maker {
    composer: Composer,
    seed: u64,
    failures: Mutex<BTreeMap<String, String>>,
}

impl Maker {
    fn sample(
        &self,
        epoch: u64,
        place: u64,
        size: (usize, usize),
    ) -> Result<(Vec<f32>, Draw, Vec<Target>)> {
        let mut rng = generator(self.seed, epoch, 1 + place);
        let (width, height) = size;
        let Frame { canvas, targets } = self.composer.frame(width, height, &mut rng)?;
        Ok((canvas.planes(), soil(&mut rng), targets))
    }

    fn batch(&self, epoch: u64, index: usize, count: usize, batch: usize) -> Batch {
        let mut rng = generator(self.seed, epoch, u64::MAX - index as u64);
        let size = SHAPES[rng.random_range(0..SHAPES.len())];
        let (mut planes, mut draws, mut faces) = (Vec::new(), Vec::new(), Vec::new());
        for i in 0..count {
            match self.sample(epoch, (index * batch + i) as u64, size) {
                Ok((frame, draw, targets)) => {
                    planes.extend(frame);
                    draws.push(draw);
                    faces.push(targets);
                }
                Err(error) => {
                    let mut failures = self.failures.lock().expect("no holder panics");
                    let message = format!("{error:#}");
                    failures.insert(message.clone(), message);
                }
            }
        }
        Batch { size, planes, draws, faces }
    }
}

/// The pictures of a run and their places.
pub struct Data<'a> {
    /// Faces.
    pub rows: Vec<Row>,
    /// Scenes.
    pub scenes: Vec<Scene>,
    /// Folder that paths start from.
    pub root: &'a Path,
    /// Folder that keeps raw pixels.
    pub cache: Option<&'a Path>,
}

impl Data<'_> {
    fn faces(&self, split: &str) -> Vec<Face> {
        let rows = self.rows.iter().filter(|row| row.split == split);
        rows.filter_map(|row| {
            let region = row.region().filter(|r| r.landmarks.is_some())?;
            Some(Face { path: row.path.clone(), region })
        })
        .collect()
    }

    /// The scenes of one part.
    pub fn scenes(&self, split: &str) -> Vec<Scene> {
        self.scenes.iter().filter(|scene| scene.split == split).cloned().collect()
    }

    /// Frames of one part, with the given scenes.
    pub fn composer(&self, split: &str, scenes: Vec<Scene>) -> Result<Composer> {
        let faces = self.faces(split);
        ensure!(!faces.is_empty(), "no row of the manifests has split {split} and landmarks");
        Ok(Composer {
            faces,
            scenes,
            face_store: Store::new(self.root, self.cache, KEPT_FACES),
            scene_store: Store::new(self.root, self.cache, KEPT),
        })
    }

    /// The validation part.
    pub fn validation(&self, config: &TrainConfig, device: Device) -> Result<Validation> {
        Ok(Validation {
            scenes: self.scenes("val"),
            scene_store: Store::new(self.root, self.cache, KEPT),
            // The same frames for weights with and without scenes.
            frames: self.composer("val", Vec::new())?,
            input: config.input.clone(),
            strides: strides(config)?,
            device,
            count: FRAMES.min(config.epoch_size),
            failures: Mutex::default(),
        })
    }
}

fn strides(config: &TrainConfig) -> Result<Vec<usize>> {
    match &config.network {
        Arch::Detector(detector) => Ok(detector.strides()),
        _ => bail!("{} is not a detector", config.arch),
    }
}

impl<'a> Detect<'a> {
    /// Trains on the parts `train` of `data`, and validates with its parts `val`.
    pub fn new(
        config: &'a TrainConfig,
        data: &Data<'_>,
        workers: usize,
        device: Device,
    ) -> Result<Self> {
        let detect = config.detect.clone().context("no detector's arguments")?;
        let maker = Maker {
            composer: data.composer("train", data.scenes("train"))?,
            seed: config.seed,
            failures: Mutex::default(),
        };
        Ok(Self {
            config,
            strides: strides(config)?,
            weights: detect.weights,
            maker: Arc::new(maker),
            val: data.validation(config, device)?,
            workers,
            device,
        })
    }
}

impl Job for Detect<'_> {
    type Batch = Batch;

    fn describe(&self) -> String {
        let composer = &self.maker.composer;
        format!(
            "{} faces and {} scenes for training, {} frames and {} scenes for validation",
            composer.faces.len(),
            composer.scenes.len(),
            self.val.count,
            self.val.scenes.len()
        )
    }

    fn steps(&self) -> usize {
        self.config.epoch_size.div_ceil(self.config.batch_size)
    }

    fn stream(&self, epoch: u64, skip: usize) -> Stream<Batch> {
        let (all, batch) = (self.config.epoch_size, self.config.batch_size);
        let maker = Arc::clone(&self.maker);
        Stream::new(all.div_ceil(batch), skip, self.workers, move |_: &mut (), index| {
            maker.batch(epoch, index, batch.min(all - index * batch), batch)
        })
    }

    fn pictures(&self, batch: &Batch) -> usize {
        batch.faces.len()
    }

    fn parts(&self) -> &'static [&'static str] {
        &["score", "box", "landmark"]
    }

    fn images(&self, batch: &Batch) -> Tensor {
        let (width, height) = batch.size;
        let planes = Tensor::from_slice(&batch.planes);
        let planes = planes.view([-1, 3, height as i64, width as i64]);
        let frames = upload(planes, self.device, Kind::Float);
        normalise(&degraded(frames, &batch.draws), &self.config.input)
    }

    fn losses(&self, net: &dyn Network, batch: Batch) -> Result<Vec<Tensor>> {
        let outputs = net.forward(&self.images(&batch), true);
        losses(&outputs.grids, &self.strides, &batch.faces, &self.weights)
    }

    /// The score is 1 minus the mean of the average precisions on scenes and on frames with faces put on them.
    fn validate(&self, net: &dyn Network) -> Result<Judgement> {
        let groups = self.val.judge(net)?;
        let precisions: Vec<f64> =
            groups.iter().filter_map(|g| g.judged.average_precision()).collect();
        ensure!(
            !precisions.is_empty(),
            "there is no face to validate with {}",
            first_failure(&self.val.failures())
        );
        let score = 1.0 - precisions.iter().sum::<f64>() / precisions.len() as f64;
        let groups = groups.into_iter().map(|group| {
            let recall = group.judged.at_wrong_rate(WRONG_RATE).map(|(recall, _)| recall);
            let figures = vec![
                ("ap", group.judged.average_precision()),
                ("recall", recall),
                ("landmark", group.landmarks),
            ];
            (group.name.to_owned(), figures)
        });
        Ok(Judgement { score, groups: groups.collect() })
    }

    fn failures(&self) -> BTreeMap<String, String> {
        let mut failures = self.maker.failures.lock().expect("no holder panics").clone();
        failures.extend(self.val.failures());
        failures
    }
}
