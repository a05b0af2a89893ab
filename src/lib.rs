//! Age and gender from faces.

mod age;
mod align;
#[doc(hidden)]
pub mod conv;
mod error;
mod geometry;
mod image;
mod model;

pub use age::AgeDistribution;
pub use align::{CropRule, Frame, Region, similarity};
pub use error::{Error, ErrorKind, Result};
pub use geometry::{Affine, Point, Rect};
pub use image::warp::Warp;
pub use image::{DecodeLimits, Format, Image, Orientation, Picture};
pub use model::{AgeSpec, CONTRACT, GenderSpec, InputSpec, Metadata, Positive, Task};
