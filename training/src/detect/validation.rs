//! Validates a detector during its training, and chooses its threshold.

use std::collections::BTreeMap;
use std::sync::Mutex;

use anyhow::{Context, Result};
use face_predict::{DetectSpec, Detection, InputSpec, Region};
use tch::{Device, Tensor};

use super::camera::{CAMERAS, SHAPES, soiled};
use super::compose::{Composer, Frame};
use super::letterbox::{Letterbox, tensor};
use super::measure::{Answer, Judged, Truth};
use super::scene::Scene;
use super::store::Store;
use super::{SMALLEST, Target};
use crate::augment::crop::normalise;
use crate::data::sampler::generator;
use crate::job::first_failure;
use crate::model::Network;
use crate::model::detector::SIDE;

/// Boxes that share more of their union than this belong to one face.
const OVERLAP: f32 = 0.4;
/// The threshold is chosen for this number of wrong answers in each picture: one in ten pictures.
pub const WRONG_RATE: f64 = 0.1;
/// Answers with a lower score are ignored.
const LEAST: f32 = 0.02;

/// The validation data of a run. Thresholds are chosen on it, too.
pub struct Validation {
    pub(super) scenes: Vec<Scene>,
    pub(super) scene_store: Store,
    pub(super) frames: Composer,
    pub(super) input: InputSpec,
    pub(super) strides: Vec<usize>,
    pub(super) device: Device,
    pub(super) count: usize,
    /// The pictures that failed so far, with the reason.
    pub(super) failures: Mutex<BTreeMap<String, String>>,
}

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
    /// Judges `net` on the validation part. Pictures that cannot be read are left out, as in the training.
    pub fn judge(&self, net: &dyn Network) -> Result<Vec<Group>> {
        let mut groups = Vec::new();
        if !self.scenes.is_empty() {
            let mut pairs = Vec::new();
            for scene in &self.scenes {
                let Some((letterbox, targets)) = self.noted(self.boxed(scene)) else { continue };
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
            let frame = self.noted(self.frames.frame(width, height, &mut rng));
            let Some(Frame { canvas, targets }) = frame else { continue };
            let image = soiled(&canvas, &mut rng);
            pairs.push((self.find(net, &image, width)?, targets));
        }
        groups.push(group("frames", &pairs));
        Ok(groups)
    }

    /// Returns a scene as the input shows it, with its faces.
    fn boxed(&self, scene: &Scene) -> Result<(Letterbox, Vec<Target>)> {
        let (bitmap, span) = self.scene_store.open(&scene.path)?;
        let letterbox =
            Letterbox::fit(&bitmap.image()?, SIDE, *self.strides.last().unwrap_or(&32))?;
        let by = letterbox.scale / span;
        let targets = scene.marks.iter().map(|mark| Target {
            rect: Region::from_box(mark.rect).scaled(by).rect,
            landmarks: None,
            ignored: mark.ignored,
        });
        Ok((letterbox, targets.collect()))
    }

    /// Returns what could be read, and notes what could not.
    fn noted<T>(&self, read: Result<T>) -> Option<T> {
        let note = |error: &anyhow::Error| {
            let message = format!("{error:#}");
            let mut failures = self.failures.lock().expect("no holder panics");
            failures.insert(message.clone(), message);
        };
        read.inspect_err(note).ok()
    }

    /// The pictures that failed so far, with the reason.
    pub fn failures(&self) -> BTreeMap<String, String> {
        self.failures.lock().expect("no holder panics").clone()
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
        let failures = self.failures();
        if !failures.is_empty() {
            eprintln!("{} pictures left out: {}", failures.len(), first_failure(&failures));
        }
        let first = groups.first().context("there is nothing to validate with")?;
        let (_, threshold) =
            first.judged.at_wrong_rate(WRONG_RATE).context("there is no face to validate with")?;
        Ok((self.read_with(threshold), groups))
    }
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
