//! Networks: how a model file is described, read and run, and what its outputs mean.
//!
//! A file is parsed ([`file`]) and compared with its metadata ([`contract`]). Faster convolutions replace the engine's
//! ([`convolution`]). The result is a [`network`] or a [`detector`], whose numbers [`outputs`] reads. [`loading`] makes
//! a [`Model`] of several files, or of the built-in [`weights`].

mod contract;
mod convolution;
mod detector;
mod engine;
mod file;
mod loading;
mod network;
#[cfg(test)]
#[path = "../../tests/onnx/mod.rs"]
mod onnx;
mod outputs;
mod weights;

pub use contract::{
    AgeSpec, CONTRACT, DetectSpec, GenderSpec, InputSpec, Metadata, Positive, Task,
    UncertaintyFactors,
};
pub(crate) use detector::Detector;
pub use loading::{Model, ModelOptions};
pub(crate) use network::Network;
pub use outputs::Detection;
pub(crate) use outputs::{Estimate, suppress};
