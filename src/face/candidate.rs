//! A face on its way through the pipeline: where it is, and what is seen of it.

use super::pose::Pose;
use super::quality::Quality;
use super::region::Region;

/// A face to estimate, in pixels of the upright original picture.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    pub(crate) region: Region,
    /// How sure the detector is, from 0 to 1. `None` for a face that the caller gave.
    pub(crate) score: Option<f32>,
    /// Whether the caller said that the whole picture is the face.
    pub(crate) is_picture: bool,
    /// The index of the face in the options' regions.
    pub(crate) region_index: Option<usize>,
}

/// What is seen of a face beside its age and gender.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Observation {
    pub(crate) pose: Option<Pose>,
    /// The reasons that the place in the picture gives.
    by_place: Quality,
    /// The reasons that the pixels give.
    by_pixels: Quality,
}

impl Observation {
    /// Notes what the place of a face in a picture of `width` x `height` pixels tells.
    pub(crate) fn observe_place(&mut self, candidate: &Candidate, (width, height): (usize, usize)) {
        let Region { rect, landmarks } = &candidate.region;
        self.pose = landmarks.and_then(|landmarks| Pose::from_landmarks(&landmarks));
        self.by_place = Quality::of_place(rect, self.pose, width, height);
    }

    /// Notes what the pixels of a crop of the face tell.
    pub(crate) fn observe_pixels(&mut self, quality: Quality) {
        self.by_pixels = self.by_pixels | quality;
    }

    /// Returns all reasons to trust the face less.
    pub(crate) fn quality(&self) -> Quality {
        self.by_place | self.by_pixels
    }
}
