//! Networks: their files, what the files say of themselves, and running them.

mod constants;
mod metadata;
mod network;
mod onnx;
mod operators;

pub use metadata::{
    AgeSpec, CONTRACT, DetectSpec, GenderSpec, InputSpec, Metadata, Positive, Task,
};
pub(crate) use network::{Estimate, Network};

use std::path::Path;
use std::sync::Arc;

use once_cell::sync::OnceCell;

use crate::error::{Error, ErrorKind, Result};
use crate::image::DecodeLimits;
use crate::image::decode::read_limited;

/// Largest model file read, in bytes.
const MAX_FILE: u64 = 512 << 20;

/// Files of `models/`, as `face-train export` wrote them, with the features that build them in.
macro_rules! weights {
    ($($feature:literal: $file:literal,)*) => {
        &[$(#[cfg(feature = $feature)] include_bytes!(concat!("../../models/", $file)),)*]
    };
}

/// The built-in network. Of several the first counts, so the default feature's is last.
static BUILT_IN: Option<&[u8]> = {
    const WEIGHTS: &[&[u8]] = weights! {
        "weights-base": "base.onnx",
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
    name: Arc<str>,
    pub(crate) limits: DecodeLimits,
}

impl Model {
    /// The model that is built in. It is parsed once, by whoever comes first. A build without weights has none.
    pub fn load_default() -> Result<Self> {
        Self::load_default_with(&ModelOptions::default())
    }

    /// [`load_default`](Self::load_default) with options.
    pub fn load_default_with(options: &ModelOptions) -> Result<Self> {
        let network = built_in(options)?;
        Ok(Self::from_parts(Arc::clone(&network), network, options))
    }

    /// Loads a model file; a part that it lacks comes from the built-in model.
    pub fn load_file(path: impl AsRef<Path>, options: &ModelOptions) -> Result<Self> {
        Self::load_files(&[path], options)
    }

    /// Loads a model from memory; a part that it lacks comes from the built-in model.
    pub fn load_bytes(bytes: &[u8], options: &ModelOptions) -> Result<Self> {
        let network = Network::load(bytes, !options.plain_convolutions)?;
        Self::from_networks(vec![Arc::new(network)], options)
    }

    /// Loads several files, each a part: an age network, a gender network, or one for both. Of two files for the
    /// same part the later counts; parts not given come from the built-in model.
    pub fn load_files<P: AsRef<Path>>(paths: &[P], options: &ModelOptions) -> Result<Self> {
        let mut networks = Vec::new();
        for path in paths {
            let path = path.as_ref();
            let bytes = read_limited(path, MAX_FILE)?;
            let network = Network::load(&bytes, !options.plain_convolutions)
                .map_err(|e| e.context(path.display()))?;
            networks.push(Arc::new(network));
        }
        Self::from_networks(networks, options)
    }

    fn from_networks(networks: Vec<Arc<Network>>, options: &ModelOptions) -> Result<Self> {
        let last = |part: &str, has: fn(Task) -> bool| {
            let given = networks.iter().rev().find(|n| has(n.metadata.task)).cloned();
            given.map_or_else(
                || built_in(options).map_err(|e| e.context(format!("no {part} in what is loaded"))),
                Ok,
            )
        };
        let (age, gender) = (last("age", Task::has_age)?, last("gender", Task::has_gender)?);
        Ok(Self::from_parts(age, gender, options))
    }

    fn from_parts(age: Arc<Network>, gender: Arc<Network>, options: &ModelOptions) -> Self {
        let named = |n: &Network| format!("{} {}", n.metadata.name, n.metadata.version);
        let mut name = named(&age);
        if !Arc::ptr_eq(&age, &gender) {
            name = format!("{name} + {}", named(&gender));
        }
        Self { age, gender, name: name.into(), limits: options.limits }
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

fn built_in(options: &ModelOptions) -> Result<Arc<Network>> {
    static FAST: OnceCell<Arc<Network>> = OnceCell::new();
    static PLAIN: OnceCell<Arc<Network>> = OnceCell::new();
    let Some(bytes) = BUILT_IN else {
        let none = "this build has no built-in model: load a model file";
        return Err(Error::new(ErrorKind::Unsupported, none));
    };
    let plain = options.plain_convolutions;
    let cell = if plain { &PLAIN } else { &FAST };
    let load = || Network::load(bytes, !plain).map(Arc::new);
    cell.get_or_try_init(load).cloned().map_err(|e| {
        Error::with_source(ErrorKind::Internal, "the built-in model cannot be loaded", e)
    })
}
