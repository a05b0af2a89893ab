//! Networks: what a model file says of itself, reading it, running it, and what its outputs mean.
//!
//! A file is parsed and checked ([`file`]) against its metadata ([`contract`]), its convolutions are replaced by faster ones
//! ([`convolution`]), and it becomes a [`network`] or a [`detector`], whose numbers [`outputs`] reads. [`loading`] makes a [`Model`] of
//! several files, or of the [`weights`] that are built in.

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
