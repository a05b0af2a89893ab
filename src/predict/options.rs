//! What to predict.

use crate::error::{Error, Result};
use crate::face::region::Region;
use crate::predict::crops;

/// Options of a prediction: what to estimate, and for which faces.
///
/// ```
/// use face_predict::{Options, Rect, Region};
///
/// let faces = [Region::from_box(Rect::new(90.0, 60.0, 120.0, 160.0))];
/// let options = Options::new().regions(&faces).age_coverage(0.9);
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Options<'a> {
    /// Faces found already, in upright pixels; `None` searches the picture.
    pub regions: Option<&'a [Region]>,
    /// The picture is one face.
    pub cropped: bool,
    /// Does not estimate the age.
    pub skip_age: bool,
    /// Does not estimate the gender.
    pub skip_gender: bool,
    /// Keeps at most this many faces, the largest. 0 keeps all.
    pub max_faces: usize,
    /// Smallest face that is searched for, in pixels of the picture: the shorter side of its box. 0 searches at two scales
    /// and answers faces from a fiftieth of the picture's longer side on, and from 13 pixels (20 of 1024); the smallest of them are often
    /// missed, and fast searches miss most below a sixteenth. A number searches as closely as faces of that size need: time grows with
    /// the square, and what 0 finds of that size is always found.
    pub min_face_size: f32,
    /// Searches as a tracker searches its frames: at one small scale, in a sixth of the time. Faces are then missed below a sixteenth
    /// of the picture's longer side. For frames that no tracker follows.
    pub fast_search: bool,
    /// Searches in four quarter turns, for pictures that may lie on a side or stand on their head without saying so, and for people
    /// who lie. Takes four times as long, and asks for a higher score, so that some small upright faces are lost. Without it such a face is marked,
    /// if it is found at all
    /// ([`Quality::NOT_UPRIGHT`](crate::Quality::NOT_UPRIGHT)).
    pub try_turns: bool,
    /// Score that a found face needs, above 0 and below 1; `None` takes the model's.
    pub min_score: Option<f32>,
    /// Probability inside the age interval, above 0 and below 1.
    pub age_coverage: f32,
    /// Probability that a gender label needs, 0.5 to 1; `None` takes the model's.
    pub gender_threshold: Option<f32>,
    /// Crops of each face whose answers are averaged, 1 to 8: the second is mirrored, further ones are a little shifted, turned
    /// and scaled, too. Each costs as much as the first.
    pub crops: usize,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self {
            regions: None,
            cropped: false,
            skip_age: false,
            skip_gender: false,
            max_faces: 0,
            min_face_size: 0.0,
            fast_search: false,
            try_turns: false,
            min_score: None,
            age_coverage: 0.8,
            gender_threshold: None,
            crops: 1,
        }
    }
}

impl<'a> Options<'a> {
    /// Makes the default options: age, gender, and an interval of 80 %.
    pub fn new() -> Self {
        Self::default()
    }

    /// Estimates these faces, and searches none. An empty slice means that there are no faces.
    #[must_use]
    pub fn regions(mut self, regions: &'a [Region]) -> Self {
        self.regions = Some(regions);
        self
    }

    /// Takes the whole picture as one face, cropped as in face data sets.
    #[must_use]
    pub fn cropped(mut self, cropped: bool) -> Self {
        self.cropped = cropped;
        self
    }

    /// Does not estimate the age.
    #[must_use]
    pub fn skip_age(mut self, skip: bool) -> Self {
        self.skip_age = skip;
        self
    }

    /// Does not estimate the gender.
    #[must_use]
    pub fn skip_gender(mut self, skip: bool) -> Self {
        self.skip_gender = skip;
        self
    }

    /// Keeps at most this many faces, the largest. 0 keeps all.
    #[must_use]
    pub fn max_faces(mut self, count: usize) -> Self {
        self.max_faces = count;
        self
    }

    /// Sets the smallest face that is searched for, in pixels of the picture.
    #[must_use]
    pub fn min_face_size(mut self, pixels: f32) -> Self {
        self.min_face_size = pixels;
        self
    }

    /// Searches as a tracker searches its frames, in a sixth of the time.
    #[must_use]
    pub fn fast_search(mut self, fast: bool) -> Self {
        self.fast_search = fast;
        self
    }

    /// Searches in four quarter turns.
    #[must_use]
    pub fn try_turns(mut self, turns: bool) -> Self {
        self.try_turns = turns;
        self
    }

    /// Sets the smallest score of a found face that is kept, above 0 and below 1.
    #[must_use]
    pub fn min_score(mut self, score: f32) -> Self {
        self.min_score = Some(score);
        self
    }

    /// Sets the probability that the age interval holds the true age, above 0 and below 1.
    #[must_use]
    pub fn age_coverage(mut self, coverage: f32) -> Self {
        self.age_coverage = coverage;
        self
    }

    /// Sets the smallest probability for which a gender label is given, from 0.5 to 1.
    #[must_use]
    pub fn gender_threshold(mut self, threshold: f32) -> Self {
        self.gender_threshold = Some(threshold);
        self
    }

    /// Sets the number of crops of each face whose answers are averaged, from 1 to 8.
    #[must_use]
    pub fn crops(mut self, count: usize) -> Self {
        self.crops = count;
        self
    }

    /// Whether the picture is to be searched for faces.
    pub(crate) fn searches(&self) -> bool {
        self.regions.is_none() && !self.cropped
    }

    pub(crate) fn check(&self) -> Result<()> {
        if !(self.age_coverage > 0.0 && self.age_coverage < 1.0) {
            return Err(Error::invalid(format!(
                "age_coverage is {}, it must be above 0 and below 1",
                self.age_coverage
            )));
        }
        if let Some(threshold) = self.gender_threshold.filter(|t| !(0.5..=1.0).contains(t)) {
            return Err(Error::invalid(format!(
                "gender_threshold is {threshold}, it must be 0.5 to 1"
            )));
        }
        if !(self.min_face_size >= 0.0 && self.min_face_size.is_finite()) {
            return Err(Error::invalid(format!(
                "min_face_size is {}, it must be 0 or a number of pixels",
                self.min_face_size
            )));
        }
        if let Some(score) = self.min_score.filter(|s| !(*s > 0.0 && *s < 1.0)) {
            return Err(Error::invalid(format!(
                "min_score is {score}, it must be above 0 and below 1"
            )));
        }
        if !(1..=crops::MAX_CROPS).contains(&self.crops) {
            return Err(Error::invalid(format!(
                "crops is {}, it must be 1 to {}",
                self.crops,
                crops::MAX_CROPS
            )));
        }
        let regions = self.regions.unwrap_or_default();
        if self.cropped && !regions.is_empty() {
            return Err(Error::invalid(format!(
                "the picture is said to be one face, yet {} regions are given",
                regions.len()
            )));
        }
        for (index, region) in regions.iter().enumerate() {
            region.check().map_err(|e| e.context(format!("region {index}")))?;
        }
        Ok(())
    }
}
