//! Memory that one call leaves to the next.

use crate::face::candidate::Candidate;
use crate::model::{Detection, Estimate};
use crate::picture::sampling::warp::Warp;

/// The working memory of a prediction. It holds no answer, so any call may use any workspace. It saves the time to
/// allocate memory again. Its buffers grow to what the largest picture needs, and are then kept. Use one for each
/// thread.
#[derive(Debug, Default)]
pub struct Workspace {
    /// Cuts crops, and shrinks pictures to the detector's input.
    pub(crate) warp: Warp,
    /// The input of the network that runs: planes of red, green and blue.
    pub(crate) planes: Vec<f32>,
    /// The faces that the detector found in the picture, with the highest score first.
    pub(crate) detections: Vec<Detection>,
    /// The faces that one run of the detector found.
    pub(crate) seen: Vec<Detection>,
    /// The faces to estimate, the largest first.
    pub(crate) candidates: Vec<Candidate>,
    /// The answer of the networks to one crop.
    pub(crate) crop_estimate: Estimate,
    /// The mean over all crops of the current face.
    pub(crate) estimate: Estimate,
}

impl Workspace {
    /// Makes a workspace without memory.
    pub fn new() -> Self {
        Self::default()
    }
}
