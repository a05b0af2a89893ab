//! Exports a checkpoint as a model file, and compares it with the network.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use face_predict::{Metadata, Task};
use serde::Serialize;
use tch::{Kind, Tensor};
use tract_onnx::prelude::{
    Framework, InferenceModelExt, IntoRunnable, Tensor as TractTensor, TypedSimplePlan, tvec,
};

use crate::infer::Averaged;
use crate::metrics::calibration::Calibration;
use crate::model::Arch;
use crate::model::raw::{self, Raw};
use crate::onnx::{Graph, Storage};
use crate::run;

/// The largest difference between the file and the checkpoint, in units of the largest output.
const TOLERANCE: f32 = 1e-4;
/// The same for weights that are rounded to `f16` (11 bits). Trained networks have 2e-3.
const TOLERANCE_F16: f32 = 2e-2;

/// The author and the data of the weights.
pub struct Card {
    /// Short name.
    pub name: String,
    /// Version of the weights.
    pub version: String,
    /// Licence of the weights.
    pub license: String,
    /// Data that they were trained on.
    pub data: String,
    /// Git revision of the code.
    pub revision: String,
}

/// The bytes of the ONNX file.
pub fn encode(
    averaged: &Averaged,
    calibration: &Calibration,
    card: &Card,
    storage: Storage,
) -> Result<Vec<u8>> {
    let config = &averaged.checkpoint.config;
    let task = config.network.task();
    let age = task.has_age().then(|| calibration.age.clone().context("no calibration of age"));
    let gender =
        task.has_gender().then(|| calibration.gender.clone().context("no calibration of gender"));
    let detect = (task == Task::Detect)
        .then(|| calibration.detect.clone().context("no threshold: run `face-train calibrate`"));
    let metadata = Metadata {
        task,
        name: card.name.clone(),
        version: card.version.clone(),
        license: card.license.clone(),
        data: card.data.clone(),
        revision: card.revision.clone(),
        input: config.input.clone(),
        age: age.transpose()?,
        gender: gender.transpose()?,
        detect: detect.transpose()?,
    };
    let input = &config.input;
    let (mut graph, image) = match task {
        Task::Detect => Graph::of_any_size(&card.name, storage),
        _ => Graph::new(&card.name, input.height, input.width, storage),
    };
    averaged.net.export(&mut graph, &image)?;
    Ok(graph.finish(metadata.to_props()?))
}

/// Returns a calibration that fits the network: the run's own, or none if logits can stand alone.
pub fn calibration(averaged: &Averaged, folder: &Path) -> Result<Calibration> {
    if let Some(found) = run::calibration(folder)? {
        return Ok(found);
    }
    if averaged.checkpoint.config.network.task() == Task::Detect {
        bail!("a detector needs a threshold: run `face-train calibrate` first");
    }
    if averaged.checkpoint.config.network.regression() {
        bail!("an age in years needs residuals: run `face-train calibrate` first");
    }
    eprintln!("not calibrated: run `face-train calibrate` first, or probabilities are off");
    Ok(Calibration::none())
}

/// A model file in plain tract, for one face at a time.
pub struct Tract(std::sync::Arc<TypedSimplePlan>, Vec<String>);

impl Tract {
    /// Loads `bytes` for crops of `height` x `width`.
    pub fn load(bytes: &[u8], height: usize, width: usize) -> Result<Self> {
        use tract_onnx::prelude::{Datum, InferenceFact};
        let names = crate::onnx::decode(bytes)?
            .graph
            .map(|graph| graph.output.into_iter().map(|o| o.name).collect())
            .unwrap_or_default();
        let fact = InferenceFact::dt_shape(f32::datum_type(), tvec!(1, 3, height, width));
        let plan = tract_onnx::onnx()
            .model_for_read(&mut &bytes[..])?
            .with_input_fact(0, fact)?
            .into_optimized()?
            .into_runnable()?;
        Ok(Self(plan, names))
    }

    /// Outputs for one image, `[1, 3, H, W]`.
    pub fn run(&self, image: &Tensor) -> Result<Raw> {
        let shape: Vec<usize> = image.size().iter().map(|d| *d as usize).collect();
        let values: Vec<f32> = image.contiguous().view([-1]).try_into()?;
        let input = TractTensor::from_shape(&shape, &values)?;
        let outputs = self.0.run(tvec!(input.into()))?;
        let mut raw = Raw::default();
        for (name, value) in self.1.iter().zip(outputs.iter()) {
            let plain = value.try_as_plain_ram()?;
            let values = plain.as_slice::<f32>()?;
            match name.as_str() {
                "age_logits" => raw.age_logits = values.to_vec(),
                "age" => raw.age = values.first().copied(),
                "gender_logit" => raw.gender_logit = values.first().copied(),
                // The outputs are in the order of the file, which is that of the strides.
                name if name.starts_with("stride") => raw.grids.push(values.to_vec()),
                other => bail!("an output is called {other:?}"),
            }
        }
        Ok(raw)
    }
}

/// The largest differences that were found, in units of the largest output.
pub struct Differences {
    /// The difference between the graph with full weights and the checkpoint.
    pub graph: f32,
    /// The difference between the file and the checkpoint.
    pub file: f32,
    /// The images that were compared.
    pub images: usize,
    /// A few of them with the checkpoint's answers, for tests elsewhere.
    pub probes: Vec<Probe>,
}

/// An image and the checkpoint's answer.
#[derive(Serialize)]
pub struct Probe {
    shape: Vec<i64>,
    image: Vec<f32>,
    outputs: std::collections::BTreeMap<String, Vec<f32>>,
}

impl Probe {
    fn new(image: &Tensor, raw: &Raw, strides: &[usize]) -> Result<Self> {
        let mut outputs = vec![
            ("age_logits".to_owned(), raw.age_logits.clone()),
            ("age".to_owned(), raw.age.into_iter().collect()),
            ("gender_logit".to_owned(), raw.gender_logit.into_iter().collect()),
        ];
        for (grid, stride) in raw.grids.iter().zip(strides) {
            outputs.push((format!("stride{stride}"), grid.clone()));
        }
        Ok(Self {
            shape: image.size(),
            image: image.contiguous().view([-1]).try_into()?,
            outputs: outputs.into_iter().filter(|(_, values)| !values.is_empty()).collect(),
        })
    }
}

/// Runs the graph in tract over random images and `faces`, and refuses it if it differs. The folding is judged with
/// full weights, so that the rounding of the stored ones cannot hide an error.
pub fn check(
    averaged: &Averaged,
    full: &[u8],
    file: &[u8],
    faces: &[Tensor],
) -> Result<Differences> {
    let input = &averaged.checkpoint.config.input;
    let (height, width) = (input.height, input.width);
    let strides = match &averaged.checkpoint.config.network {
        Arch::Detector(detector) => detector.strides(),
        _ => Vec::new(),
    };
    let size = [1, 3, height as i64, width as i64];
    let full = Tract::load(full, height, width)?;
    let file = Tract::load(file, height, width)?;
    let random = (0..4).map(|_| Tensor::randn(size, (Kind::Float, tch::Device::Cpu)));
    let images: Vec<Tensor> = random.chain(faces.iter().map(Tensor::shallow_clone)).collect();
    let mut found = Differences { graph: 0.0, file: 0.0, images: images.len(), probes: Vec::new() };
    for image in &images {
        let outputs = tch::no_grad(|| averaged.net.forward(image, false));
        let want = raw::split(&outputs, 1)?.remove(0);
        if found.probes.len() < 12 {
            found.probes.push(Probe::new(image, &want, &strides)?);
        }
        found.graph = found.graph.max(distance(&want, &full.run(image)?)?);
        found.file = found.file.max(distance(&want, &file.run(image)?)?);
    }
    ensure!(
        found.graph <= TOLERANCE,
        "the graph differs from the checkpoint by {:.1e} of its scale, {TOLERANCE:.0e} is allowed",
        found.graph
    );
    ensure!(
        found.file <= TOLERANCE_F16,
        "the file differs from the checkpoint by {:.1e} of its scale, {TOLERANCE_F16:.0e} is allowed",
        found.file
    );
    Ok(found)
}

/// Returns the largest difference over the heads, each in units of its largest wanted number (at least 1).
fn distance(want: &Raw, got: &Raw) -> Result<f32> {
    let head = |want: &[f32], got: &[f32]| -> Result<f32> {
        ensure!(want.len() == got.len(), "{} numbers instead of {}", got.len(), want.len());
        let scale = want.iter().fold(1.0f32, |m, v| m.max(v.abs()));
        let far = want.iter().zip(got).map(|(w, g)| (w - g).abs() / scale);
        let far = far.fold(0.0f32, |m, v| if v.is_nan() { f32::INFINITY } else { m.max(v) });
        Ok(far)
    };
    let age = head(&want.age_logits, &got.age_logits)?;
    let years = head(want.age.as_slice(), got.age.as_slice())?;
    let gender = head(want.gender_logit.as_slice(), got.gender_logit.as_slice())?;
    ensure!(want.grids.len() == got.grids.len(), "{} grids", got.grids.len());
    let mut most = age.max(years).max(gender);
    for (want, got) in want.grids.iter().zip(&got.grids) {
        most = most.max(head(want, got)?);
    }
    Ok(most)
}
