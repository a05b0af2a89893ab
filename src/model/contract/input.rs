//! The input of a network, and how a crop becomes that.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::face::crop::CropRule;
use crate::geometry::Affine;
use crate::picture::Image;
use crate::picture::sampling::warp::Warp;

/// The largest side of a crop that a file may ask for, in pixels.
pub(in crate::model) const MAX_SIDE: usize = 1024;

/// The input of a network: the size of its crop, how it is cut, and how its colours are scaled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputSpec {
    /// Pixels.
    pub width: usize,
    /// Pixels.
    pub height: usize,
    /// The channels, which are always `RGB`.
    pub channels: String,
    /// The mean that is subtracted from each channel, which runs from 0 to 1.
    pub mean: [f32; 3],
    /// The number that divides each channel after that.
    pub std: [f32; 3],
    /// How the crop is cut.
    #[serde(flatten)]
    pub crop: CropRule,
}

impl InputSpec {
    /// Returns how many numbers a crop has in its three planes.
    pub fn len(&self) -> usize {
        3 * self.width * self.height
    }

    /// Returns whether there is no pixel. A model that loads always has pixels.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Cuts a crop into planes of red, green and blue from 0 to 255, with [`len`](Self::len) numbers in all. `place`
    /// maps the crop, in units of its sides, to the upright picture (see [`CropRule::place`]). It fails as
    /// [`Warp::cut`] does.
    pub fn cut(
        &self,
        warp: &mut Warp,
        image: &Image<'_>,
        place: &Affine,
        planes: &mut [f32],
    ) -> Result<()> {
        let (width, height) = (self.width, self.height);
        let to_unit = Affine::scale(1.0 / width as f32, 1.0 / height as f32);
        warp.cut_planes(image, &place.after(&to_unit), width, height, planes)
    }

    /// Scales planes of red, green and blue from 0..255 to the range of the network. The planes have one size.
    pub fn normalise(&self, planes: &mut [f32]) {
        let size = (planes.len() / 3).max(1);
        for ((plane, mean), std) in planes.chunks_exact_mut(size).zip(self.mean).zip(self.std) {
            let (scale, offset) = (1.0 / (255.0 * std), mean / std);
            plane.iter_mut().for_each(|v| *v = *v * scale - offset);
        }
    }

    pub(super) fn check(&self) -> std::result::Result<(), String> {
        let Self { width, height, .. } = self;
        if !(8..=MAX_SIDE).contains(width) || !(8..=MAX_SIDE).contains(height) {
            return Err(format!("size {width}x{height} is not within 8 to {MAX_SIDE}"));
        }
        if width != height && self.crop != CropRule::Whole {
            return Err(format!(
                "size {width}x{height} is not square, but faces are cut as squares"
            ));
        }
        if self.channels != "RGB" {
            return Err(format!(
                "channels are {:?}, but this library knows only RGB",
                self.channels
            ));
        }
        if !self.mean.iter().all(|v| v.is_finite()) {
            return Err("mean is not finite".into());
        }
        if !self.std.iter().all(|v| v.is_finite() && *v > 1e-6) {
            return Err("std is not a positive number".into());
        }
        self.crop.check()
    }
}
