//! Estimates the age and the labelled gender of faces, and how sure each estimate is.
//!
//! ```
//! use face_predict::{DecodeLimits, Model, Options, Picture, Rect, Region};
//!
//! let model = Model::load_default()?;
//! let picture = Picture::open("examples/images/eileen_collins.png", &DecodeLimits::default())?;
//! let faces = [Region::from_box(Rect::new(182.0, 59.0, 88.0, 114.0))];
//! for face in model.predict(&picture.image(), &Options::new().regions(&faces))?.faces() {
//!     if let (Some(age), Some((low, high))) = (face.age(), face.age_interval()) {
//!         println!("{:.0} years ({low:.0} to {high:.0})", age.median());
//!     }
//! }
//! # Ok::<(), face_predict::Error>(())
//! ```
//!
//! - [`Model`] holds the networks: the built-in ones, or those of model files. All threads share one model.
//! - [`Image`] is a borrowed view of pixels, which are read in place. [`Picture`] is a decoded file.
//! - [`Options`] and [`Region`] say which faces to estimate, and what to estimate.
//! - [`Predictions`] and [`Face`] are the answers. [`AgeDistribution`] is an age as a distribution over years.
//! - [`Tracker`] follows faces over the frames of a camera.
//! - [`Error`] is the type of every failure. Its kind says who must act.
//! - [`Metadata`], [`CropRule`] and [`Warp`] are the contract of model files and the preprocessing. The trainer uses
//!   the same code.
//!
//! `include/face_predict.h` has the same functions for C. Gender is the label that strangers give a face, in two
//! values. An answer must not decide alone about a person.

mod error;
mod face;
#[doc(hidden)]
pub mod ffi;
mod geometry;
mod memory;
mod model;
mod picture;
mod predict;
mod quiet;

pub use error::{Error, ErrorKind, Result};
pub use face::age::AgeDistribution;
pub use face::answer::{Face, Gender, Predictions, Track};
pub use face::crop::{CropAnchor, CropRule, similarity};
pub use face::pose::Pose;
pub use face::quality::{CropStats, Quality};
pub use face::region::Region;
pub use geometry::{Affine, Point, Rect};
pub use model::{
    AgeSpec, CONTRACT, DetectSpec, Detection, GenderSpec, InputSpec, Metadata, Model, ModelOptions,
    Positive, Task, UncertaintyFactors,
};
pub use picture::sampling::warp::Warp;
pub use picture::{DecodeLimits, Format, Image, Layout, Orientation, Picture, Yuv};
pub use predict::options::Options;
pub use predict::source::Input;
pub use predict::track::{Tracker, TrackerOptions};
pub use predict::workspace::Workspace;
