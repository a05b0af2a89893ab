//! Age and gender from faces.

mod age;
mod align;
#[doc(hidden)]
pub mod conv;
mod error;
#[doc(hidden)]
pub mod ffi;
mod geometry;
mod image;
mod model;
mod options;
mod predict;
mod quality;

pub use age::AgeDistribution;
pub use align::{CropRule, Frame, Region, similarity};
pub use error::{Error, ErrorKind, Result};
pub use geometry::{Affine, Point, Rect};
pub use image::warp::Warp;
pub use image::{DecodeLimits, Format, Image, Orientation, Picture};
pub use model::{
    AgeSpec, CONTRACT, GenderSpec, InputSpec, Metadata, Model, ModelOptions, Positive, Task,
};
pub use options::Options;
pub use predict::{Face, Gender, Predictions};
pub use quality::Quality;
