//! Faces and what is said of them.

use crate::error::Result;
use crate::face::age::AgeDistribution;
use crate::face::pose::Pose;
use crate::face::quality::Quality;
use crate::geometry::{Point, Rect};

/// A label that strangers would give a face, where the model is sure enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gender {
    /// Would be labelled female.
    Female,
    /// Would be labelled male.
    Male,
}

impl Gender {
    /// The label, if its probability reaches `threshold`.
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

/// The faces of one picture, the largest first. One that is used again keeps its memory.
#[derive(Debug, Default)]
pub struct Predictions {
    pub(crate) faces: Vec<FaceRecord>,
    pub(crate) years: Vec<f32>,
    pub(crate) coverage: f32,
    pub(crate) size: (usize, usize),
}

/// One face; its years lie in [`Predictions::years`].
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

/// What a tracker knows of a face.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Track {
    /// The same face has the same number, from 1; none is used twice.
    pub id: u64,
    /// Estimates that the answer averages: one for each frame in which the face was estimated, however many crops each of
    /// them averages ([`Options::crops`](crate::Options::crops)).
    pub estimates: u32,
}

impl Predictions {
    /// No faces yet, and no memory.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the answer by what `fill` adds; where it fails, no faces are left.
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

    /// Number of faces.
    pub fn len(&self) -> usize {
        self.faces.len()
    }

    /// Whether no face was found or given.
    pub fn is_empty(&self) -> bool {
        self.faces.is_empty()
    }

    /// Width and height of the upright picture in pixels; zeros before a picture and after a failure.
    pub fn size(&self) -> (usize, usize) {
        self.size
    }

    /// Face `index`, the largest first.
    pub fn face(&self, index: usize) -> Option<Face<'_>> {
        let record = self.faces.get(index)?;
        Some(Face { record, years: &self.years[record.years.clone()], coverage: self.coverage })
    }

    /// All faces, the largest first.
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
    /// Its box in upright pixels; may reach outside the picture.
    pub fn rect(&self) -> Rect {
        self.record.rect
    }

    /// Left eye, right eye, nose, left and right mouth corner, where known.
    pub fn landmarks(&self) -> Option<[Point; 5]> {
        self.record.landmarks
    }

    /// How sure the detector is that this is a face, 0 to 1; none for a face that was given.
    pub fn score(&self) -> Option<f32> {
        self.record.score
    }

    /// Which of the regions of [`Options::regions`](crate::Options::regions) it is; none for a face that was found.
    pub fn region_index(&self) -> Option<usize> {
        self.record.region_index
    }

    /// Its age as a distribution, unless skipped.
    pub fn age(&self) -> Option<AgeDistribution<'a>> {
        (!self.years.is_empty()).then(|| AgeDistribution::new(self.years))
    }

    /// The interval that holds the age with the probability asked for in the options, in years.
    pub fn age_interval(&self) -> Option<(f32, f32)> {
        self.age().map(|age| age.interval(self.coverage))
    }

    /// Calibrated probability that strangers would label it female, 0 to 1, unless skipped.
    pub fn female_probability(&self) -> Option<f32> {
        self.record.female
    }

    /// The label, where the probability reaches the threshold.
    pub fn gender(&self) -> Option<Gender> {
        self.record.gender
    }

    /// Where the head looks, where landmarks are known.
    pub fn pose(&self) -> Option<Pose> {
        self.record.pose
    }

    /// Its number and history, from a [`Tracker`](crate::Tracker).
    pub fn track(&self) -> Option<Track> {
        self.record.track
    }

    /// Reasons to trust it less.
    pub fn quality(&self) -> Quality {
        self.record.quality
    }
}
