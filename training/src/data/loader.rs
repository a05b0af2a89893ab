//! Streams batches from disk: decode, crop and normalise with the library's own code, on worker threads.
//! Memory does not grow with the set.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::Result;
use face_predict::{
    CropRule, CropStats, InputSpec, Picture, Predictions, Quality, Warp, Workspace,
};
use rand::Rng;
use tch::{Kind, Tensor};

use super::manifest::Row;
use super::pictures;
use super::sampler::generator;
use super::stream::Stream;
use super::teacher::{Taught, Teacher};
use crate::augment::{Augment, Fault};

/// Whole years 0 to 100.
pub const YEARS: usize = 101;

/// Faces and what is known of them; tensors have one row a face.
pub struct Batch {
    /// `[N, 3, H, W]`, normalised.
    pub images: Tensor,
    /// `[N]`: exact years, or the middle of the bracket.
    pub years: Tensor,
    /// `[N]`: 1 where the year is exact.
    pub exact: Tensor,
    /// `[N, 101]`: a distribution over years where the year is exact, else 1 inside the bracket and 0 outside.
    pub ages: Tensor,
    /// `[N]`: 1 for male, 0 for female.
    pub male: Tensor,
    /// `[N]`: 1 where gender is known.
    pub has_gender: Tensor,
    /// `[N]`: 1 where age is known.
    pub has_age: Tensor,
    /// What a teacher says; none where nobody teaches.
    pub taught: Option<TaughtBatch>,
    /// Index of each face in the rows that the loader was given.
    pub rows: Vec<usize>,
    /// What the library would hold against each crop.
    pub qualities: Vec<Quality>,
}

/// What a teacher says of the faces of a batch.
pub struct TaughtBatch {
    /// `[N, 101]`: a distribution over years.
    pub ages: Tensor,
    /// `[N]`: probability of male.
    pub male: Tensor,
    /// `[N]`: 1 where a teacher was asked.
    pub known: Tensor,
}

impl TaughtBatch {
    fn new(faces: &[Option<&Taught>]) -> Self {
        let even = || vec![1.0 / YEARS as f32; YEARS];
        let years = |face: &Option<&Taught>| face.map_or_else(even, |t| t.years().collect());
        let ages: Vec<f32> = faces.iter().flat_map(years).collect();
        let male: Vec<f32> = faces.iter().map(|face| face.map_or(0.5, |t| t.male)).collect();
        let known: Vec<f32> = faces.iter().map(|f| f32::from(u8::from(f.is_some()))).collect();
        Self {
            ages: Tensor::from_slice(&ages).view([faces.len() as i64, YEARS as i64]),
            male: Tensor::from_slice(&male),
            known: Tensor::from_slice(&known),
        }
    }
}

impl Batch {
    fn new(samples: Vec<Sample>, height: usize, width: usize) -> Self {
        let n = samples.len() as i64;
        let column = |value: &dyn Fn(&Sample) -> f32| {
            Tensor::from_slice(&samples.iter().map(value).collect::<Vec<_>>())
        };
        let flat: Vec<f32> = samples.iter().flat_map(|s| s.image.iter().copied()).collect();
        let ages: Vec<f32> = samples.iter().flat_map(|s| s.ages.iter().copied()).collect();
        Self {
            images: Tensor::from_slice(&flat).view([n, 3, height as i64, width as i64]),
            ages: Tensor::from_slice(&ages).view([n, YEARS as i64]),
            years: column(&|s| s.years.unwrap_or(0.0)),
            has_age: column(&|s| f32::from(u8::from(s.years.is_some()))),
            exact: column(&|s| f32::from(u8::from(s.exact))),
            male: column(&|s| f32::from(u8::from(s.male == Some(true)))),
            has_gender: column(&|s| f32::from(u8::from(s.male.is_some()))),
            qualities: samples.iter().map(|s| s.quality).collect(),
            taught: {
                let faces: Vec<_> = samples.iter().map(|s| s.taught.as_ref()).collect();
                faces.iter().any(Option::is_some).then(|| TaughtBatch::new(&faces))
            },
            rows: samples.into_iter().map(|s| s.row).collect(),
        }
    }

    /// The same on another device.
    #[must_use]
    pub fn to(self, device: tch::Device) -> Self {
        let to = |t: Tensor| t.to_device(device).to_kind(Kind::Float);
        Self {
            images: to(self.images),
            years: to(self.years),
            exact: to(self.exact),
            ages: to(self.ages),
            male: to(self.male),
            has_gender: to(self.has_gender),
            has_age: to(self.has_age),
            taught: self.taught.map(|TaughtBatch { ages, male, known }| TaughtBatch {
                ages: to(ages),
                male: to(male),
                known: to(known),
            }),
            rows: self.rows,
            qualities: self.qualities,
        }
    }
}

struct Sample {
    row: usize,
    quality: Quality,
    image: Vec<f32>,
    years: Option<f32>,
    exact: bool,
    ages: Vec<f32>,
    male: Option<bool>,
    taught: Option<Taught>,
}

/// What a thread works with.
type Memory = (Warp, (Workspace, Predictions));

/// How faces are placed when nothing is changed at random.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Placement {
    /// By landmarks, else box, else as one face.
    Landmarks,
    /// By the box alone.
    Box,
    /// The picture is one face.
    Picture,
}

/// What to stream, and how.
pub struct Source {
    rows: Vec<Row>,
    root: PathBuf,
    input: InputSpec,
    augment: Augment,
    placement: Placement,
    seed: u64,
    fault: Option<Fault>,
    teacher: Option<Teacher>,
    failures: Mutex<BTreeMap<String, String>>,
}

impl Source {
    /// Faces `rows`, whose pictures lie below `root`, as `input` wants them.
    pub fn new(
        rows: Vec<Row>,
        root: &Path,
        input: InputSpec,
        augment: Augment,
        placement: Placement,
        seed: u64,
    ) -> Arc<Self> {
        let (failures, fault, teacher) = (Mutex::default(), None, None);
        let root = root.to_owned();
        Arc::new(Self { rows, root, input, augment, placement, seed, fault, teacher, failures })
    }

    /// The same faces, of which `teacher` tells what it sees.
    #[must_use]
    pub fn taught(mut self: Arc<Self>, teacher: Option<Teacher>) -> Arc<Self> {
        Arc::get_mut(&mut self).expect("not streaming yet").teacher = teacher;
        self
    }

    /// The same faces by their landmarks, each with `fault`.
    pub fn spoiled(&self, fault: Fault) -> Arc<Self> {
        let (rows, root, input) = (self.rows.clone(), self.root.clone(), self.input.clone());
        let (augment, placement) = (Augment::NONE, Placement::Landmarks);
        let (fault, failures, teacher) = (Some(fault), Mutex::default(), None);
        Arc::new(Self { rows, root, input, augment, placement, seed: 1, fault, teacher, failures })
    }

    /// The rows.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Pictures that failed so far, with the reason.
    pub fn failures(&self) -> BTreeMap<String, String> {
        self.failures.lock().expect("no holder panics").clone()
    }

    fn open(&self, row: usize) -> Result<Picture> {
        let path = self.root.join(&self.rows[row].path);
        pictures::open(&path)
    }

    fn load(
        &self,
        memory: &mut Memory,
        picture: &Picture,
        row: usize,
        epoch: u64,
        place: usize,
    ) -> Result<Sample> {
        let face = &self.rows[row];
        let image = picture.image();
        let (width, height) = image.upright_size();
        let (warp, answers) = memory;
        let teacher = self.teacher.as_ref().filter(|teacher| teacher.knows(face));
        let taught = teacher.map(|teacher| {
            let placed = face.region().filter(|_| self.placement != Placement::Picture);
            teacher.ask(row, &image, placed.as_ref(), answers).cloned()
        });
        let taught = taught.transpose()?;
        let mut rng = generator(self.seed, epoch, 1 + place as u64);
        let draw: f64 = rng.random();
        let mut region = face.region();
        let rule: &CropRule = &self.input.crop;
        let by_picture = self.placement == Placement::Picture || draw < self.augment.by_picture;
        let by_box = draw < self.augment.by_picture + self.augment.by_box;
        if (self.placement == Placement::Box || by_box)
            && let Some(region) = &mut region
        {
            region.landmarks = None;
        }
        let to_upright = match region {
            Some(region) if !by_picture => rule.place(&region)?,
            _ => rule.place_picture(width, height),
        };
        let plain = self.augment == Augment::NONE;
        let map = if plain { to_upright } else { to_upright.after(&self.augment.jitter(&mut rng)) };
        let mut planes = vec![0.0; self.input.len()];
        self.input.cut(warp, &image, &map, &mut planes)?;
        if !plain {
            self.augment.pixels(&mut planes, self.input.width, self.input.height, &mut rng);
        }
        if let Some(fault) = self.fault {
            fault.apply(&mut planes, self.input.width, self.input.height, &mut rng);
        }
        let stats = CropStats::of(&planes, self.input.width, self.input.height);
        let mut quality = Quality::of_crop(&stats);
        if self.fault == Some(Fault::Small) {
            quality = quality | Quality::SMALL;
        }
        self.input.normalise(&mut planes);
        let (years, ages, exact) = target(face);
        Ok(Sample { row, quality, image: planes, years, exact, ages, male: face.is_male(), taught })
    }

    fn batch(&self, memory: &mut Memory, rows: &[usize], epoch: u64, first: usize) -> Batch {
        let mut samples = Vec::with_capacity(rows.len());
        // Several views of a face come side by side: its picture is decoded once.
        let mut last: Option<(usize, Picture)> = None;
        for (offset, row) in rows.iter().enumerate() {
            let picture = match last.take() {
                Some((at, picture)) if at == *row => Ok(picture),
                _ => self.open(*row),
            };
            let loaded = picture.and_then(|picture| {
                let sample = self.load(memory, &picture, *row, epoch, first + offset);
                last = Some((*row, picture));
                sample
            });
            match loaded {
                Ok(sample) => samples.push(sample),
                Err(error) => {
                    let mut failures = self.failures.lock().expect("no holder panics");
                    failures.insert(self.rows[*row].path.clone(), format!("{error:#}"));
                }
            }
        }
        Batch::new(samples, self.input.height, self.input.width)
    }

    /// Streams `order` in batches, in order, from `workers` threads; the first `skip` batches are left out.
    pub fn stream(
        self: &Arc<Self>,
        order: Vec<usize>,
        batch: usize,
        epoch: u64,
        workers: usize,
        skip: usize,
    ) -> Stream<Batch> {
        let source = Arc::clone(self);
        Stream::new(
            order.len().div_ceil(batch),
            skip,
            workers,
            move |memory: &mut Memory, index| {
                let rows = order.chunks(batch).nth(index).unwrap_or_default();
                source.batch(memory, rows, epoch, index * batch)
            },
        )
    }
}

/// How much of a target is the age that strangers guessed, where both are known.
const GUESSED: f32 = 0.4;

/// Target of a face: its years, the distribution, and whether they are exact. A Gaussian around the year (label distribution
/// learning, Gao et al. 2017), or the bracket. Wider for the old, whose years are harder to tell apart and were labelled more
/// loosely. Where many strangers guessed, too, what they saw is a part of the target: it is what the picture shows.
///
/// A label of n years stands for n to n + 1. It is the number n here, in the library's median and intervals, and where errors
/// are measured: all of them speak of whole years.
fn target(face: &Row) -> (Option<f32>, Vec<f32>, bool) {
    let mut ages = vec![0.0f32; YEARS];
    if let Some(age) = face.age {
        let sigma = (1.0 + 0.025 * age).clamp(1.0, 3.0);
        let guessed = face
            .apparent_age
            .map(|guess| (guess, face.apparent_std.unwrap_or(sigma).clamp(sigma, 8.0), GUESSED));
        let share = 1.0 - guessed.map_or(0.0, |(.., share)| share);
        let mut mean = 0.0;
        for (centre, sigma, share) in [Some((age, sigma, share)), guessed].into_iter().flatten() {
            let gaussian = |year: usize| (-0.5 * ((year as f32 - centre) / sigma).powi(2)).exp();
            let sum: f32 = (0..YEARS).map(gaussian).sum();
            let scale = share / sum.max(f32::MIN_POSITIVE);
            ages.iter_mut().enumerate().for_each(|(year, v)| *v += scale * gaussian(year));
            mean += share * centre;
        }
        return (Some(mean), ages, true);
    }
    if let (Some(first), Some(last)) = (face.age_min, face.age_max) {
        for (year, value) in ages.iter_mut().enumerate() {
            *value = f32::from(u8::from((first..=last).contains(&(year as f32))));
        }
    }
    (face.rough_age(), ages, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_of_strangers_are_a_part_of_the_target() {
        let mut face = Row { age: Some(16.0), ..Row::default() };
        let (years, alone, exact) = target(&face);
        assert!(exact && years == Some(16.0));
        assert!((alone.iter().sum::<f32>() - 1.0).abs() < 1e-4);
        (face.apparent_age, face.apparent_std) = (Some(26.0), Some(5.0));
        let (years, both, _) = target(&face);
        assert!((years.expect("known") - 20.0).abs() < 1e-4);
        assert!((both.iter().sum::<f32>() - 1.0).abs() < 1e-4);
        assert!(both[16] > 0.5 * alone[16] && both[26] > 20.0 * alone[26]);
    }
}
