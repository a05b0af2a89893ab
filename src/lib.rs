//! Age and labelled gender of faces, with an honest idea of how sure the answer is.
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
//! - [`Model`]: the built-in network, a file, several files, or bytes; one serves all threads.
//! - [`Image`]: a borrowed view of pixels, read in place; [`Picture`]: a decoded file.
//! - [`Options`] and [`Region`]: which faces, and what to tell of them.
//! - [`Predictions`] and [`Face`]: the answers; [`AgeDistribution`]: an age as a distribution.
//! - [`Error`]: every failure, by who must act.
//! - [`Metadata`], [`CropRule`], [`Warp`]: the contract of model files and the one preprocessing, which the trainer
//!   shares.
//!
//! The same powers are in `include/face_predict.h` for C. Gender is the label that strangers gave faces, in two values;
//! do not let an answer decide alone about a person.

mod error;
mod face;
#[doc(hidden)]
pub mod ffi;
mod geometry;
mod memory;
mod model;
mod picture;
mod predict;

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
