//! The task of finding faces, in the form that the training loop needs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, bail, ensure};
use face_predict::{DetectSpec, Detection, InputSpec};
use rand::Rng;
use rand_pcg::Pcg64Mcg;
use tch::{Device, Kind, Tensor};

use super::compose::{Composer, Face, Frame};
use super::letterbox::{Letterbox, tensor};
use super::loss::losses;
use super::measure::{Answer, Judged, Truth};
use super::paint::Canvas;
use super::scene::Scene;
use super::store::Store;
use super::{SMALLEST, Target};
use crate::augment::Augment;
use crate::augment::batch::apply as degraded;
use crate::augment::crop::normalise;
use crate::augment::draw::Draw;
use crate::config::{DetectWeights, TrainConfig};
use crate::data::labels::upload;
use crate::data::manifest::Row;
use crate::data::sampler::generator;
use crate::data::stream::Stream;
use crate::job::{Job, Judgement};
use crate::model::detector::SIDE;
use crate::model::{Arch, Network};

/// Boxes that share more of their union than this belong to one face.
pub const OVERLAP: f32 = 0.4;
/// The number of frames with faces put on them for validation, at most that of an epoch.
const FRAMES: usize = 300;
/// Answers with a lower score are ignored.
const LEAST: f32 = 0.02;
/// Pictures of scenes are kept with this longer side: twice the input's, so that a half can be shown.
pub const KEPT: usize = 640;
/// Pictures of faces are smaller.
const KEPT_FACES: usize = 256;

/// The sizes of frames, and how often each comes. They are those of phones and cameras, scaled to 320, parts of that,
/// which show as many faces for less work, and pictures of one face.
pub const SHAPES: [(usize, usize); 14] = [
    (320, 256),
    (320, 192),
    (320, 320),
    (256, 320),
    (192, 320),
    (320, 256),
    (256, 192),
    (256, 192),
    (192, 256),
    (192, 256),
    (224, 224),
    (224, 224),
    (128, 128),
    (64, 64),
];

/// The number of sizes, from the first on, that are those of a camera.
const CAMERAS: usize = 6;

/// Light and loss of detail, over the whole frame.
const AUGMENT: Augment = Augment { light: 0.3, degrade: 0.08, ..Augment::NONE };

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

/// The changes that a camera might make to a frame.
pub fn soil(rng: &mut Pcg64Mcg) -> Draw {
    Draw::new(&AUGMENT, rng)
}

/// Returns a frame as a camera might have taken it, `[1, 3, H, W]` from 0 to 255.
pub fn soiled(canvas: &Canvas, rng: &mut Pcg64Mcg) -> Tensor {
    tch::manual_seed(rng.random::<u32>().into());
    degraded(tensor(&canvas.planes(), canvas.width, canvas.height), &[soil(rng)])
}

/// The validation data of a run. Thresholds are chosen on it, too.
pub struct Validation {
    scenes: Vec<Scene>,
    scene_store: Store,
    frames: Composer,
    input: InputSpec,
    strides: Vec<usize>,
    device: Device,
    count: usize,
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
        ensure!(!precisions.is_empty(), "there is no face to validate with");
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
        self.maker.failures.lock().expect("no holder panics").clone()
    }
}

/// The threshold is chosen for this number of wrong answers in each picture: one in ten pictures.
pub const WRONG_RATE: f64 = 0.1;

/// The judged pictures of one kind.
pub struct Group {
    /// `scenes` or `frames`.
    pub name: &'static str,
    /// Right and wrong answers.
    pub judged: Judged,
    /// The mean distance of landmarks from their true places, in units of the face's size, for faces that were found.
    pub landmarks: Option<f64>,
}

impl Validation {
    /// Judges `net` on the validation part.
    pub fn judge(&self, net: &dyn Network) -> Result<Vec<Group>> {
        let mut groups = Vec::new();
        if !self.scenes.is_empty() {
            let mut pairs = Vec::new();
            for scene in &self.scenes {
                let (bitmap, span) = self.scene_store.open(&scene.path)?;
                let image = bitmap.image()?;
                let letterbox = Letterbox::fit(&image, SIDE, *self.strides.last().unwrap_or(&32))?;
                let by = letterbox.scale / span;
                let targets = scene.marks.iter().map(|mark| Target {
                    rect: scaled(&mark.rect, by),
                    landmarks: None,
                    ignored: mark.ignored,
                });
                let targets: Vec<Target> = targets.collect();
                let Letterbox { planes, width, height, .. } = letterbox;
                let image = tensor(&planes, width, height);
                pairs.push((self.find(net, &image, width)?, targets));
            }
            groups.push(group("scenes", &pairs));
        }
        let mut pairs = Vec::new();
        for i in 0..self.count {
            // The seed is its own, whatever the run's seed is, so that runs can be compared.
            let mut rng = generator(77, 0, i as u64);
            let (width, height) = SHAPES[i % CAMERAS];
            let Frame { canvas, targets } = self.frames.frame(width, height, &mut rng)?;
            let image = soiled(&canvas, &mut rng);
            pairs.push((self.find(net, &image, width)?, targets));
        }
        groups.push(group("frames", &pairs));
        Ok(groups)
    }

    fn find(&self, net: &dyn Network, image: &Tensor, width: usize) -> Result<Vec<Detection>> {
        let image = normalise(&image.to_device(self.device), &self.input);
        let outputs = tch::no_grad(|| net.forward(&image, false));
        let mut grids = Vec::new();
        for grid in &outputs.grids {
            let values: Vec<f32> =
                grid.to_device(Device::Cpu).contiguous().view([-1]).try_into()?;
            grids.push(values);
        }
        let grids: Vec<&[f32]> = grids.iter().map(Vec::as_slice).collect();
        let mut found = Vec::new();
        // Early in a training an answer may not be a number. It is then ignored.
        if self.read_with(LEAST).read(&grids, width, LEAST, &mut found).is_err() {
            found.clear();
        }
        Ok(found)
    }

    fn read_with(&self, threshold: f32) -> DetectSpec {
        let strides = self.strides.clone();
        DetectSpec { strides, threshold, overlap: OVERLAP, smallest: SMALLEST }
    }

    /// Returns how to read a file's answers. The threshold is the one with one wrong answer in ten pictures, in scenes
    /// if there are any.
    pub fn spec(&self, net: &dyn Network) -> Result<(DetectSpec, Vec<Group>)> {
        let groups = self.judge(net)?;
        let first = groups.first().context("there is nothing to validate with")?;
        let (_, threshold) =
            first.judged.at_wrong_rate(WRONG_RATE).context("there is no face to validate with")?;
        Ok((self.read_with(threshold), groups))
    }
}

/// Returns a box in pixels of another size.
pub fn scaled(rect: &face_predict::Rect, by: f32) -> face_predict::Rect {
    face_predict::Rect::new(rect.x * by, rect.y * by, rect.width * by, rect.height * by)
}

fn group(name: &'static str, pairs: &[(Vec<Detection>, Vec<Target>)]) -> Group {
    let mut judged = Judged::default();
    let mut distances = Vec::new();
    for (found, targets) in pairs {
        let counts = |t: &Target| !t.ignored && t.rect.area().sqrt() >= SMALLEST;
        let truths: Vec<Truth> =
            targets.iter().map(|t| Truth { rect: t.rect, counts: counts(t) }).collect();
        let answers: Vec<Answer> =
            found.iter().map(|f| Answer { rect: f.region.rect, score: f.score }).collect();
        judged.add(&truths, &answers);
        for target in targets.iter().filter(|t| counts(t)) {
            let Some(landmarks) = &target.landmarks else { continue };
            let hit = found.iter().find(|f| f.region.rect.overlap(&target.rect) >= 0.5);
            let Some(hit) = hit.filter(|f| f.score > 0.2) else { continue };
            let size = target.rect.area().sqrt();
            let far = landmarks.iter().zip(hit.region.landmarks.iter().flatten());
            let far: f32 = far.map(|(a, b)| (a.x - b.x).hypot(a.y - b.y) / size).sum();
            distances.push(f64::from(far) / 5.0);
        }
    }
    let mean = distances.iter().sum::<f64>() / distances.len().max(1) as f64;
    Group { name, judged, landmarks: (!distances.is_empty()).then_some(mean) }
}
