//! Shows faces to a model, and keeps its answer to each fixed crop.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use face_predict::{
    Affine, Image, InputSpec, Model, ModelOptions, Options, Point, Predictions, Rect, Region, Warp,
    Workspace,
};
use half::f16;
use sha2::{Digest, Sha256};
use tch::{Device, Kind, Tensor};

use crate::augment::Augment;
use crate::augment::crop::inverse;
use crate::checkpoint::weights_in;
use crate::config::{Form, Teacher};
use crate::data::feed::fixed;
use crate::data::kept::{Places, key};
use crate::data::labels::Taught;
use crate::data::manifest::Row;
use crate::data::pictures;
use crate::data::records::{Key, Records};
use crate::data::stream::Stream;
use crate::device::upload;
use crate::infer::Averaged;
use crate::interrupt;
use crate::model::YEARS;
use crate::provenance::sha256;
use crate::run;

/// The bytes of an answer to one crop: the years and male, as f16.
const BYTES: usize = 2 * (YEARS + 1);
/// The faces that a thread shows at once.
const FACES: usize = 16;

/// The questions to a teacher.
pub struct Question<'a> {
    /// The folder that paths start from.
    pub root: &'a Path,
    /// The crop of the student.
    pub input: &'a InputSpec,
    /// How the student's crops move.
    pub augment: &'a Augment,
    /// The number of crops of each face.
    pub crops: usize,
    /// The number of threads that show pictures.
    pub workers: usize,
    /// The device on which networks run.
    pub device: Device,
}

/// The result of showing a face.
enum Shown {
    /// An answer.
    Said(Key, Vec<u8>),
    /// Crops for a network, `[crops, 3, H, W]`.
    Crops(Key, Vec<f32>),
    /// The reason why it could not be shown.
    Failed(String, String),
}

/// A run's network, with the temperatures of its age and gender.
struct RunNetwork {
    averaged: Averaged,
    temperatures: (f64, f64),
}

/// The working memory of a thread.
type Memory = (Warp, (Workspace, Predictions));

/// The part of a teacher that threads need.
enum Answerer {
    /// A model file, run by the library.
    Library(Model),
    /// A run's network, run by libtorch.
    Network(InputSpec),
}

impl Question<'_> {
    /// Returns the answers of `teacher` about `rows`, which `folder` keeps. It is asked only about faces whose answers
    /// are not there yet.
    pub fn put(&self, teacher: &Teacher<'_>, rows: &[&Row], folder: &Path) -> Result<Records> {
        let told = format!("teacher {}", teacher.path.display());
        let (answerer, network) = self.load(teacher).with_context(|| told.clone())?;
        let temperatures = network.as_ref().map_or((1.0, 1.0), |network| network.temperatures);
        let hash = sha256(&weights_in(teacher.path))?;
        let augment = places(self.augment);
        let asked_for = (hash, temperatures, self.crops, &augment, self.input);
        let name = Sha256::digest(serde_json::to_vec(&asked_for)?);
        let name = name[..6].iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let records =
            Records::open(&folder.join(format!("answers-{name}.bin")), BYTES * self.crops)?;
        let asked: Vec<(Key, Row)> = rows
            .iter()
            .filter_map(|row| Some((key(self.root, row).ok()?, (*row).clone())))
            .filter(|(key, _)| !records.has(key))
            .collect();
        if !asked.is_empty() {
            ensure!(
                records.writable(),
                "{told}: another run is answering into {}: wait for it, or choose another --cache",
                records.path().display()
            );
            let shower = Shower {
                root: self.root.to_owned(),
                rule: self.input.crop.clone(),
                augment,
                crops: self.crops,
                answerer,
                asked,
            };
            self.ask(&told, shower, network.as_ref(), &records)?;
        }
        // Training takes long, and another run may ask about its own faces meanwhile.
        records.close();
        Ok(records)
    }

    /// Loads what answers: a model file for the threads that show faces, or a run's network for this thread.
    fn load(&self, teacher: &Teacher<'_>) -> Result<(Answerer, Option<RunNetwork>)> {
        if teacher.form == Form::Model {
            let bytes = std::fs::read(teacher.path)?;
            let model = Model::load_parts(&[&bytes], &ModelOptions::new())?;
            return Ok((Answerer::Library(model), None));
        }
        let temperatures = run::temperatures(teacher.path)?;
        let averaged = Averaged::load(teacher.path, self.device)?;
        let input = averaged.checkpoint.config.input.clone();
        Ok((Answerer::Network(input), Some(RunNetwork { averaged, temperatures })))
    }

    /// Shows the faces of `shower`, and keeps the answers in `records`.
    fn ask(
        &self,
        told: &str,
        shower: Shower,
        network: Option<&RunNetwork>,
        records: &Records,
    ) -> Result<()> {
        let count = shower.asked.len();
        println!("{told}: {count} faces, {} crops of each", self.crops);
        // A face without an answer would be left out of the training.
        let keep = |key: &Key, bytes: &[u8]| {
            records.put(key, bytes);
            let file = records.path().display();
            ensure!(records.has(key), "{told}: its answers cannot be kept in {file}");
            Ok(())
        };
        let shower = Arc::new(shower);
        let stream = Stream::new(
            count.div_ceil(FACES),
            0,
            self.workers,
            move |memory: &mut Memory, index| {
                let faces = shower.asked.iter().skip(index * FACES).take(FACES);
                faces.map(|face| shower.show(face, memory)).collect::<Vec<Shown>>()
            },
        );
        let mut failures = BTreeMap::new();
        let mut done = 0;
        for shown in stream {
            let shown = shown?;
            done += shown.len();
            let mut crops = Vec::new();
            for shown in shown {
                match shown {
                    Shown::Said(key, bytes) => keep(&key, &bytes)?,
                    Shown::Crops(key, planes) => crops.push((key, planes)),
                    Shown::Failed(path, error) => drop(failures.insert(path, error)),
                }
            }
            if let (Some(network), false) = (network, crops.is_empty()) {
                for (key, bytes) in self.answer(network, crops)? {
                    keep(&key, &bytes)?;
                }
            }
            if done % 4096 < FACES || done == count {
                eprintln!("{told}: {done} of {count}");
            }
            if interrupt::asked() {
                bail!("interrupted; {done} of {count} answers are kept");
            }
        }
        ensure!(
            failures.len() < count,
            "{told} has no answer at all: {}",
            crate::job::first_failure(&failures)
        );
        Ok(())
    }

    /// Returns the answers of a run's network to crops.
    fn answer(
        &self,
        RunNetwork { averaged, temperatures: (of_age, of_gender) }: &RunNetwork,
        crops: Vec<(Key, Vec<f32>)>,
    ) -> Result<Vec<(Key, Vec<u8>)>> {
        let input = &averaged.checkpoint.config.input;
        let planes: Vec<f32> = crops.iter().flat_map(|(_, planes)| planes).copied().collect();
        let images =
            Tensor::from_slice(&planes).view([-1, 3, input.height as i64, input.width as i64]);
        let images = upload(images, self.device, Kind::Float);
        let outputs = tch::no_grad(|| averaged.net.forward(&images, false));
        let logits = outputs.age_logits.context("a teacher must tell age as a distribution")?;
        let male = outputs.gender_logit.context("a teacher must tell gender")?;
        let years = (logits / *of_age).softmax(-1, Kind::Float);
        let both = Tensor::cat(&[years, (male / *of_gender).sigmoid()], 1);
        let both: Vec<f32> = both.to_device(Device::Cpu).contiguous().view([-1]).try_into()?;
        let answers = both.chunks_exact(self.crops * (YEARS + 1));
        Ok(crops.iter().zip(answers).map(|((key, _), answers)| (*key, pack(answers))).collect())
    }
}

/// The tools with which threads show faces.
struct Shower {
    root: std::path::PathBuf,
    rule: face_predict::CropRule,
    augment: Augment,
    crops: usize,
    answerer: Answerer,
    asked: Vec<(Key, Row)>,
}

impl Shower {
    fn show(&self, (key, row): &(Key, Row), memory: &mut Memory) -> Shown {
        let shown = (|| {
            let picture = pictures::open(&self.root.join(&row.path))?;
            let image = picture.image();
            let moves = self.moves(row, &image)?;
            match &self.answerer {
                Answerer::Library(model) => {
                    let numbers = ask_library(model, row, &image, &moves, &mut memory.1)?;
                    Ok(Shown::Said(*key, pack(&numbers)))
                }
                Answerer::Network(input) => {
                    let planes = crops(input, row, &image, &moves, &mut memory.0)?;
                    Ok(Shown::Crops(*key, planes))
                }
            }
        })();
        shown.unwrap_or_else(|error: anyhow::Error| {
            Shown::Failed(row.path.clone(), format!("{error:#}"))
        })
    }

    /// Returns how the picture moves under each of the student's crops, in pixels.
    fn moves(&self, row: &Row, image: &Image<'_>) -> Result<Vec<Affine>> {
        let (usual, places) = Places::of(row, &self.rule, image.upright_size())?;
        let back = inverse(&usual).context("the face has no size")?;
        let moved = |crop_index| {
            let place = fixed(&self.augment, &places, &row.path, crop_index);
            usual.after(&place).after(&back)
        };
        Ok((0..self.crops).map(moved).collect())
    }
}

/// Returns the crops that a run's network takes.
fn crops(
    input: &InputSpec,
    row: &Row,
    image: &Image<'_>,
    moves: &[Affine],
    warp: &mut Warp,
) -> Result<Vec<f32>> {
    let (usual, _) = Places::of(row, &input.crop, image.upright_size())?;
    let mut all = Vec::with_capacity(moves.len() * input.len());
    for by in moves {
        let mut planes = vec![0.0; input.len()];
        input.cut(warp, image, &by.after(&usual), &mut planes)?;
        input.normalise(&mut planes);
        all.extend(planes);
    }
    Ok(all)
}

/// Returns the answers of a model of the library. A face without a place is its whole picture, and is not moved.
fn ask_library(
    model: &Model,
    row: &Row,
    image: &Image<'_>,
    moves: &[Affine],
    (workspace, answers): &mut (Workspace, Predictions),
) -> Result<Vec<f32>> {
    let places: Vec<Region> =
        row.region().map_or(Vec::new(), |at| moves.iter().map(|by| moved(&at, by)).collect());
    let options = if places.is_empty() {
        Options::new().cropped(true)
    } else {
        Options::new().regions(&places)
    };
    model.predict_into(image, &options, workspace, answers)?;
    let mut numbers = Vec::with_capacity(moves.len() * (YEARS + 1));
    for crop_index in 0..moves.len() {
        let index = if places.is_empty() { 0 } else { crop_index };
        let face = answers.face(index).context("no face came back from the teacher")?;
        let age = face.age().context("a teacher must tell age")?;
        ensure!(age.years().len() == YEARS, "a teacher's years must be 0 to {}", YEARS - 1);
        numbers.extend(age.years());
        numbers.push(1.0 - face.female_probability().context("a teacher must tell gender")?);
    }
    Ok(numbers)
}

/// Returns a face in a moved picture. A box stays upright, and keeps its shape.
fn moved(region: &Region, by: &Affine) -> Region {
    let (centre, scale) = (by.apply(region.rect.center()), by.magnification());
    let (width, height) = (region.rect.width * scale, region.rect.height * scale);
    let rect = Rect::new(centre.x - width / 2.0, centre.y - height / 2.0, width, height);
    Region { rect, landmarks: region.landmarks.map(|l| l.map(|p: Point| by.apply(p))) }
}

fn pack(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect()
}

/// Returns the answer to one crop, whose years sum to 1 again.
pub fn unpack(bytes: &[u8], crop_index: usize) -> Option<Taught> {
    let bytes = bytes.get(crop_index * BYTES..(crop_index + 1) * BYTES)?;
    let mut years: Vec<f32> =
        bytes.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect();
    let male = years.pop()?;
    let sum = years.iter().sum::<f32>().max(f32::MIN_POSITIVE);
    years.iter_mut().for_each(|p| *p /= sum);
    Some(Taught { years, male })
}

/// Returns the shifts of the fixed crops. Two runs with the same shifts share their answers.
fn places(augment: &Augment) -> Augment {
    let Augment { turn, zoom, shift, shear, uniform, by_box, by_picture, .. } = *augment;
    Augment { turn, zoom, shift, shear, uniform, by_box, by_picture, ..Augment::NONE }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_back_by_crop() {
        let of = |year: usize, male: f32| {
            let mut numbers = vec![0.0; YEARS + 1];
            (numbers[year], numbers[YEARS]) = (1.0, male);
            numbers
        };
        let bytes = pack(&[of(20, 0.25), of(30, 0.75)].concat());
        assert_eq!(bytes.len(), 2 * BYTES);
        let second = unpack(&bytes, 1).expect("there");
        assert_eq!((second.years[30], second.male), (1.0, 0.75));
        assert!(unpack(&bytes, 2).is_none());
    }

    #[test]
    fn a_face_moves_with_its_picture() {
        let mut region = Region::from_box(Rect::new(10.0, 20.0, 40.0, 60.0));
        region.landmarks = Some([Point::new(30.0, 40.0); 5]);
        let by = Affine { x0: 5.0, ..Affine::scale(2.0, 2.0) };
        let there = moved(&region, &by);
        assert_eq!(there.rect, Rect::new(25.0, 40.0, 80.0, 120.0));
        assert_eq!(there.landmarks.expect("five")[4], Point::new(65.0, 80.0));
    }
}
