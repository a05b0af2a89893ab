//! Loads a model: networks from files, from memory, or from the built-in weights.

use std::path::Path;
use std::sync::Arc;

use super::contract::{Metadata, Task};
use super::detector::Detector;
use super::engine::guard;
use super::file::graph::Graph;
use super::network::Network;
use super::weights;
use crate::error::Result;
use crate::picture::DecodeLimits;
use crate::picture::decode::{read_limited, shown};

/// The largest model file that is read, in bytes.
const MAX_FILE: u64 = 512 << 20;

/// Options of loading.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ModelOptions {
    /// The limits for encoded pictures.
    pub limits: DecodeLimits,
    /// Leaves every convolution to tract, for comparison.
    pub plain_convolutions: bool,
}

impl ModelOptions {
    /// Makes the default options.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the largest picture that is accepted, in pixels.
    #[must_use]
    pub fn max_pixels(mut self, pixels: u64) -> Self {
        self.limits.max_pixels = pixels;
        self
    }

    /// Leaves every convolution to tract, for comparison.
    #[must_use]
    pub fn plain_convolutions(mut self, plain: bool) -> Self {
        self.plain_convolutions = plain;
        self
    }
}

/// Loaded networks. A model never changes and is cheap to clone: share one between all threads. Loading is slow, so
/// load once.
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
    /// The detector of a file. The built-in one is loaded when it is first needed.
    detector: Option<Arc<Detector>>,
    plain_convolutions: bool,
    name: Arc<str>,
    pub(crate) limits: DecodeLimits,
}

impl Model {
    /// Loads the built-in model. The first call parses it. A build without weights has no built-in model.
    pub fn load_default() -> Result<Self> {
        Self::load_default_with(&ModelOptions::default())
    }

    /// Does what [`load_default`](Self::load_default) does, with options.
    pub fn load_default_with(options: &ModelOptions) -> Result<Self> {
        let network = weights::estimator(options.plain_convolutions)?;
        Ok(Self::from_parts(Arc::clone(&network), network, None, options))
    }

    /// Loads a model file. A part that the file lacks comes from the built-in model.
    pub fn load_file(path: impl AsRef<Path>, options: &ModelOptions) -> Result<Self> {
        Self::load_files(&[path], options)
    }

    /// Loads a model from memory. A part that it lacks comes from the built-in model.
    pub fn load_bytes(bytes: &[u8], options: &ModelOptions) -> Result<Self> {
        Self::load_parts(&[bytes], options)
    }

    /// Loads several files. Each is a detector, an age network, a gender network, or a network for both. If two files
    /// are for the same part, the later one is used. Parts that no file brings come from the built-in model.
    pub fn load_files<P: AsRef<Path>>(paths: &[P], options: &ModelOptions) -> Result<Self> {
        let mut parts = Vec::new();
        for path in paths {
            let path = path.as_ref();
            let bytes = read_limited(path, MAX_FILE)?;
            parts.push(Part::load(&bytes, options).map_err(|e| e.context(shown(path)))?);
        }
        Self::combine(parts, options)
    }

    /// Does what [`load_files`](Self::load_files) does, from memory.
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
                weights::estimator(options.plain_convolutions)
                    .map_err(|e| e.context(format!("the model has no {part}")))
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
        let ModelOptions { plain_convolutions, limits } = *options;
        Self { age, gender, detector, plain_convolutions, name, limits }
    }

    /// Returns the name and version of the networks, for logs.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the licences of all weights that this model uses, each with the name of its network. This call loads the
    /// detector, since its licence counts, too. The weights that are built in by default are for non-commercial
    /// research.
    pub fn license(&self) -> String {
        let mut networks = vec![&self.age.metadata];
        if !self.is_one_network() {
            networks.push(&self.gender.metadata);
        }
        // A build without a detector names none.
        networks.extend(self.detector_metadata().ok());
        let line = |m: &&Metadata| format!("{} {}: {}", m.name, m.version, m.license);
        networks.iter().map(line).collect::<Vec<_>>().join("; ")
    }

    /// Returns whether an estimator is built in.
    pub(crate) fn has_built_in() -> bool {
        weights::has_estimator()
    }

    /// Returns the description of the age network in its file.
    pub fn age_metadata(&self) -> &Metadata {
        &self.age.metadata
    }

    /// Returns the description of the gender network in its file. It equals that of the age network if one network does
    /// both.
    pub fn gender_metadata(&self) -> &Metadata {
        &self.gender.metadata
    }

    /// Returns the description of the detector in its file.
    pub fn detector_metadata(&self) -> Result<&Metadata> {
        self.detector().map(|detector| detector.metadata())
    }

    pub(crate) fn detector(&self) -> Result<&Detector> {
        match &self.detector {
            Some(detector) => Ok(detector),
            None => weights::detector(self.plain_convolutions),
        }
    }

    /// Returns the number of operators that run as this library's own convolutions. It counts both estimators, and a
    /// detector that a file brought.
    pub fn accelerated_operators(&self) -> usize {
        let gender = if self.is_one_network() { 0 } else { self.gender.accelerated };
        let detector = self.detector.as_ref().map_or(0, |detector| detector.accelerated);
        self.age.accelerated + gender + detector
    }

    /// Returns whether one network estimates both.
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
            Task::Detect => Self::Detector(Arc::new(Detector::of_file(graph, fast)?)),
            _ => Self::Estimator(Arc::new(Network::new(graph, fast)?)),
        })
    }
}
