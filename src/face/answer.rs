//! Faces, and the estimates for them.

use crate::error::Result;
use crate::face::age::AgeDistribution;
use crate::face::pose::Pose;
use crate::face::quality::Quality;
use crate::geometry::{Point, Rect};

/// The label that strangers would give a face, if the model is sure enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gender {
    /// Strangers would label the face female.
    Female,
    /// Strangers would label the face male.
    Male,
}

impl Gender {
    /// Returns the label, if its probability reaches `threshold`.
    pub(crate) fn from_probability(female: f32, threshold: f32) -> Option<Self> {
        if female > 0.5 && female >= threshold {
            Some(Self::Female)
        } else if female < 0.5 && 1.0 - female >= threshold {
            Some(Self::Male)
        } else {
            None
        }
    }
}

/// The faces of one picture, with the largest first. If it is used again, it keeps its memory.
#[derive(Debug, Default)]
pub struct Predictions {
    pub(crate) faces: Vec<FaceRecord>,
    pub(crate) years: Vec<f32>,
    pub(crate) coverage: f32,
    pub(crate) size: (usize, usize),
}

/// One face, whose years lie in [`Predictions::years`].
#[derive(Clone, Debug)]
pub(crate) struct FaceRecord {
    pub(crate) rect: Rect,
    pub(crate) landmarks: Option<[Point; 5]>,
    pub(crate) score: Option<f32>,
    pub(crate) region_index: Option<usize>,
    pub(crate) years: std::ops::Range<usize>,
    pub(crate) female: Option<f32>,
    pub(crate) gender: Option<Gender>,
    pub(crate) pose: Option<Pose>,
    pub(crate) quality: Quality,
    pub(crate) track: Option<Track>,
}

/// What a tracker knows about a face.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Track {
    /// A number from 1 on, which stays the same while the face is followed. No number is used twice.
    pub id: u64,
    /// The number of estimates that the answer averages: one for each frame in which the face was estimated. The number
    /// of crops of each estimate ([`Options::crops`](crate::Options::crops)) does not matter.
    pub estimates: u32,
}

impl Predictions {
    /// Makes an empty answer, without memory.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the answer by what `fill` adds. If it fails, no faces are left.
    pub(crate) fn refill(&mut self, fill: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        self.clear();
        let done = fill(self);
        if done.is_err() {
            self.clear();
        }
        done
    }

    /// Starts the answer for a picture of this size.
    pub(crate) fn start(&mut self, size: (usize, usize), coverage: f32) {
        (self.size, self.coverage) = (size, coverage);
    }

    pub(crate) fn clear(&mut self) {
        self.faces.clear();
        self.years.clear();
        self.size = (0, 0);
    }

    /// Returns the number of faces.
    pub fn len(&self) -> usize {
        self.faces.len()
    }

    /// Returns whether there is no face.
    pub fn is_empty(&self) -> bool {
        self.faces.is_empty()
    }

    /// Returns the width and height of the upright picture in pixels. Both are 0 before the first picture and after a
    /// failure.
    pub fn size(&self) -> (usize, usize) {
        self.size
    }

    /// Returns the face at `index`. The largest face comes first.
    pub fn face(&self, index: usize) -> Option<Face<'_>> {
        let record = self.faces.get(index)?;
        Some(Face { record, years: &self.years[record.years.clone()], coverage: self.coverage })
    }

    /// Returns all faces, with the largest first.
    pub fn faces(&self) -> impl ExactSizeIterator<Item = Face<'_>> {
        (0..self.len()).map(|i| self.face(i).expect("an index below the count"))
    }
}

/// One face.
#[derive(Clone, Copy, Debug)]
pub struct Face<'a> {
    record: &'a FaceRecord,
    years: &'a [f32],
    coverage: f32,
}

impl<'a> Face<'a> {
    /// Returns the box in pixels of the upright picture. It may reach beyond the picture.
    pub fn rect(&self) -> Rect {
        self.record.rect
    }

    /// Returns the left eye, the right eye, the nose, and the left and right corner of the mouth, if they are known.
    pub fn landmarks(&self) -> Option<[Point; 5]> {
        self.record.landmarks
    }

    /// Returns how sure the detector is that this is a face, from 0 to 1. `None` for a face that the caller gave.
    pub fn score(&self) -> Option<f32> {
        self.record.score
    }

    /// Returns the index of this face in [`Options::regions`](crate::Options::regions). `None` for a face that was
    /// found.
    pub fn region_index(&self) -> Option<usize> {
        self.record.region_index
    }

    /// Returns the age as a distribution, unless it was skipped.
    pub fn age(&self) -> Option<AgeDistribution<'a>> {
        (!self.years.is_empty()).then(|| AgeDistribution::new(self.years))
    }

    /// Returns the interval, in years, that holds the true age with the probability
    /// [`Options::age_coverage`](crate::Options::age_coverage).
    pub fn age_interval(&self) -> Option<(f32, f32)> {
        self.age().map(|age| age.interval(self.coverage))
    }

    /// Returns the calibrated probability that strangers would label the face female, from 0 to 1, unless it was
    /// skipped.
    pub fn female_probability(&self) -> Option<f32> {
        self.record.female
    }

    /// Returns the label, if its probability reaches the threshold.
    pub fn gender(&self) -> Option<Gender> {
        self.record.gender
    }

    /// Returns the direction of the head, if the landmarks are known.
    pub fn pose(&self) -> Option<Pose> {
        self.record.pose
    }

    /// Returns the number and history of the face, if it comes from a [`Tracker`](crate::Tracker).
    pub fn track(&self) -> Option<Track> {
        self.record.track
    }

    /// Returns the reasons to trust this face less.
    pub fn quality(&self) -> Quality {
        self.record.quality
    }
}
