//! The library's sources with an invented network in place of the engine.
#![allow(dead_code, unused_imports, unexpected_cfgs)]

#[path = "../../../src/error.rs"]
mod error;
#[path = "../../../src/face/mod.rs"]
mod face;
#[path = "../../../src/ffi/mod.rs"]
pub mod ffi;
#[path = "../../../src/geometry.rs"]
mod geometry;
#[path = "../../../src/memory.rs"]
mod memory;
mod model;
#[path = "../../../src/picture/mod.rs"]
mod picture;
#[path = "../../../src/predict/mod.rs"]
mod predict;
#[path = "../../../src/quiet.rs"]
mod quiet;

pub use error::{Error, ErrorKind, Result};
pub use face::age::AgeDistribution;
pub use face::answer::{Face, Gender, Predictions, Track};
pub use face::crop::{CropAnchor, CropRule, similarity};
pub use face::pose::Pose;
pub use face::quality::{CropStats, Quality};
pub use face::region::Region;
pub use geometry::{Affine, Point, Rect};
pub use model::*;
pub use picture::sampling::warp::Warp;
pub use picture::{DecodeLimits, Format, Image, Layout, Orientation, Picture, Yuv};
pub use predict::options::Options;
pub use predict::source::Input;
pub use predict::track::{Tracker, TrackerOptions};
pub use predict::workspace::Workspace;

#[cfg(test)]
mod tests;
