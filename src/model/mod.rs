//! Networks: their files, what the files say of themselves, and running them.

mod contract;
mod convolution;
mod detection;
mod detector;
mod file;
mod network;
#[cfg(test)]
#[path = "../../tests/onnx/mod.rs"]
mod onnx;
mod outputs;

pub use contract::{
    AgeSpec, CONTRACT, DetectSpec, GenderSpec, InputSpec, Metadata, Positive, Task,
    UncertaintyFactors,
};
pub use detection::Found;
pub(crate) use detector::Detector;
pub(crate) use network::{Estimate, Network};

use std::path::Path;
use std::sync::Arc;

use once_cell::sync::OnceCell;

use crate::error::{Error, ErrorKind, Result};
use crate::picture::DecodeLimits;
use crate::picture::decode::read_limited;
use crate::predict::options::Options;
use file::graph::{Graph, guard};

/// Largest model file read, in bytes.
const MAX_FILE: u64 = 512 << 20;

/// Files of `models/`, as `face-train export` wrote them, with the features that build them in: all of them must be on.
macro_rules! weights {
    ($($($feature:literal)&&+: $file:literal,)*) => {
        &[$(#[cfg(all($(feature = $feature),+))] include_bytes!(concat!("../../models/", $file)),)*]
    };
}

/// The built-in estimator. Of several the first counts, so the default feature's is last: one more feature switches. Who
/// asks for the open weights never gets others.
static BUILT_IN: Option<&[u8]> = {
    const WEIGHTS: &[&[u8]] = weights! {
        "weights-open": "base-open.onnx",
        "weights-tiny": "tiny.onnx",
        "weights-base": "base.onnx",
    };
    WEIGHTS.first().copied()
};

/// The built-in detector.
static BUILT_IN_DETECTOR: Option<&[u8]> = {
    const WEIGHTS: &[&[u8]] = weights! {
        "detector" && "weights-open": "detector-open.onnx",
        "detector": "detector.onnx",
    };
    WEIGHTS.first().copied()
};

/// How to load.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ModelOptions {
    /// What encoded pictures may cost.
    pub limits: DecodeLimits,
    /// Leaves every convolution to tract, for comparison.
    pub plain_convolutions: bool,
    /// Threads for [`Model::predict_batch`]; 0 and 1: the caller's alone.
    pub threads: usize,
}

impl ModelOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the largest picture accepted, in pixels.
    #[must_use]
    pub fn max_pixels(mut self, pixels: u64) -> Self {
        self.limits.max_pixels = pixels;
        self
    }

    /// Sets the threads for [`Model::predict_batch`].
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Leaves every convolution to tract, for comparison.
    #[must_use]
    pub fn plain_convolutions(mut self, plain: bool) -> Self {
        self.plain_convolutions = plain;
        self
    }
}

/// Loaded networks. Immutable and cheap to clone: share one between all threads. Loading is slow, so load once.
///
/// ```
/// let model = face_predict::Model::load_default()?;
/// println!("{}", model.name());
/// # Ok::<(), face_predict::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Model {
    age: Arc<Network>,
    gender: Arc<Network>,
    /// One from a file; the built-in one is loaded when it is first needed.
    detector: Option<Arc<Detector>>,
    plain_convolutions: bool,
    name: Arc<str>,
    pub(crate) threads: usize,
    pub(crate) limits: DecodeLimits,
}

impl Model {
    /// The model that is built in. It is parsed once, by whoever comes first. A build without weights has none.
    pub fn load_default() -> Result<Self> {
        Self::load_default_with(&ModelOptions::default())
    }

    /// [`load_default`](Self::load_default) with options.
    pub fn load_default_with(options: &ModelOptions) -> Result<Self> {
        let network = built_in(options.plain_convolutions)?;
        Ok(Self::from_parts(Arc::clone(&network), network, None, options))
    }

    /// Loads a model file; a part that it lacks comes from the built-in model.
    pub fn load_file(path: impl AsRef<Path>, options: &ModelOptions) -> Result<Self> {
        Self::load_files(&[path], options)
    }

    /// Loads a model from memory; a part that it lacks comes from the built-in model.
    pub fn load_bytes(bytes: &[u8], options: &ModelOptions) -> Result<Self> {
        Self::load_parts(&[bytes], options)
    }

    /// Loads several files, each a part: a detector, an age network, a gender network, or one for both. Of two
    /// files for the same part the later counts; parts not given come from the built-in model.
    pub fn load_files<P: AsRef<Path>>(paths: &[P], options: &ModelOptions) -> Result<Self> {
        let mut parts = Vec::new();
        for path in paths {
            let path = path.as_ref();
            let bytes = read_limited(path, MAX_FILE)?;
            parts.push(Part::load(&bytes, options).map_err(|e| e.context(path.display()))?);
        }
        Self::combine(parts, options)
    }

    /// [`load_files`](Self::load_files) from memory.
    pub fn load_parts(files: &[&[u8]], options: &ModelOptions) -> Result<Self> {
        let parts = files.iter().map(|bytes| Part::load(bytes, options)).collect::<Result<_>>()?;
        Self::combine(parts, options)
    }

    fn combine(parts: Vec<Part>, options: &ModelOptions) -> Result<Self> {
        let last = |part: &str, has: fn(Task) -> bool| {
            let given = parts.iter().rev().find_map(|part| match part {
                Part::Estimator(network) if has(network.metadata.task) => Some(Arc::clone(network)),
                _ => None,
            });
            let built_in = || {
                built_in(options.plain_convolutions)
                    .map_err(|e| e.context(format!("no {part} in what is loaded")))
            };
            given.map_or_else(built_in, Ok)
        };
        let detector = parts.iter().rev().find_map(|part| match part {
            Part::Detector(detector) => Some(Arc::clone(detector)),
            Part::Estimator(_) => None,
        });
        let (age, gender) = (last("age", Task::has_age)?, last("gender", Task::has_gender)?);
        Ok(Self::from_parts(age, gender, detector, options))
    }

    fn from_parts(
        age: Arc<Network>,
        gender: Arc<Network>,
        detector: Option<Arc<Detector>>,
        options: &ModelOptions,
    ) -> Self {
        let named = |metadata: &Metadata| format!("{} {}", metadata.name, metadata.version);
        let mut names = vec![named(&age.metadata)];
        if !Arc::ptr_eq(&age, &gender) {
            names.push(named(&gender.metadata));
        }
        names.extend(detector.iter().map(|detector| named(detector.metadata())));
        let name = names.join(" + ").into();
        let ModelOptions { plain_convolutions, limits, threads } = *options;
        Self { age, gender, detector, plain_convolutions, name, threads, limits }
    }

    /// Name and version of the networks, for logs.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the age network's file says of itself.
    pub fn age_metadata(&self) -> &Metadata {
        &self.age.metadata
    }

    /// What the gender network's file says of itself; the same as the age network's where one does both.
    pub fn gender_metadata(&self) -> &Metadata {
        &self.gender.metadata
    }

    /// What the detector's file says of itself.
    pub fn detector_metadata(&self) -> Result<&Metadata> {
        self.detector().map(|detector| detector.metadata())
    }

    /// Pixels of the detector's input for each of a picture's of `width` x `height`. Faces that are smaller than some 20 pixels
    /// there are mostly missed; [`Options::min_face_size`] asks for more.
    pub fn search_scale(&self, width: usize, height: usize, options: &Options<'_>) -> Result<f32> {
        Ok(crate::predict::search::scale(self.detector()?, options, width, height))
    }

    pub(crate) fn detector(&self) -> Result<&Detector> {
        match &self.detector {
            Some(detector) => Ok(detector),
            None => built_in_detector(self.plain_convolutions),
        }
    }

    /// Number of operators that run as this library's own convolutions.
    pub fn accelerated_operators(&self) -> usize {
        let gender = if self.is_one_network() { 0 } else { self.gender.accelerated };
        self.age.accelerated + gender
    }

    /// Whether one network estimates both.
    pub(crate) fn is_one_network(&self) -> bool {
        Arc::ptr_eq(&self.age, &self.gender)
    }

    pub(crate) fn age_network(&self) -> &Network {
        &self.age
    }

    pub(crate) fn gender_network(&self) -> &Network {
        &self.gender
    }
}

/// One file.
enum Part {
    Estimator(Arc<Network>),
    Detector(Arc<Detector>),
}

impl Part {
    fn load(bytes: &[u8], options: &ModelOptions) -> Result<Self> {
        let graph = guard(|| Graph::parse(bytes))?;
        let fast = !options.plain_convolutions;
        Ok(match graph.metadata.task {
            Task::Detect => Self::Detector(Arc::new(Detector::new(graph, fast)?)),
            _ => Self::Estimator(Arc::new(Network::new(graph, fast)?)),
        })
    }
}

fn built_in(plain: bool) -> Result<Arc<Network>> {
    static FAST: OnceCell<Arc<Network>> = OnceCell::new();
    static PLAIN: OnceCell<Arc<Network>> = OnceCell::new();
    let Some(bytes) = BUILT_IN else {
        let none = "this build has no built-in model: load a model file";
        return Err(Error::new(ErrorKind::Unsupported, none));
    };
    let cell = if plain { &PLAIN } else { &FAST };
    let load = || Network::new(Graph::parse(bytes)?, !plain).map(Arc::new);
    cell.get_or_try_init(load).cloned().map_err(broken)
}

fn built_in_detector(plain: bool) -> Result<&'static Detector> {
    static FAST: OnceCell<Detector> = OnceCell::new();
    static PLAIN: OnceCell<Detector> = OnceCell::new();
    let Some(bytes) = BUILT_IN_DETECTOR else {
        let none =
            "this build has no detector: pass the faces as regions, or load a detector's file";
        return Err(Error::new(ErrorKind::Unsupported, none));
    };
    let cell = if plain { &PLAIN } else { &FAST };
    cell.get_or_try_init(|| Detector::new(Graph::parse(bytes)?, !plain)).map_err(broken)
}

fn broken(e: Error) -> Error {
    Error::with_source(ErrorKind::Internal, "the built-in model cannot be loaded", e)
}
