//! The options of a prediction.

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
    /// The faces, if they were found already, in pixels of the upright picture. `None` searches the picture. A region
    /// is estimated whether it shows a face or not. A region of which no part lies in the picture is an error.
    pub regions: Option<&'a [Region]>,
    /// Takes the whole picture as one face, cropped as in face data sets. Regions beside it are an error.
    pub cropped: bool,
    /// Leaves out the age.
    pub skip_age: bool,
    /// Leaves out the gender.
    pub skip_gender: bool,
    /// Keeps at most this many faces, the largest. 0 keeps all. A search finds at most 4,000.
    pub max_faces: usize,
    /// The smallest face that is searched for, as the shorter side of its box in pixels of the picture. 0 means a
    /// fiftieth of the picture's longer side (20 pixels of 1024), and at least 13 pixels. The smallest of these faces
    /// are often missed. With any other number the picture is searched closely enough for faces of that size. A face of
    /// that size that is found with 0 is then found, too. Half the number can take four times as long. A tracker searches
    /// its frames less closely.
    pub min_face_size: f32,
    /// Searches the picture as a tracker searches its frames: at one small scale, in a fifth to a sixth of the time. Most
    /// faces below a sixteenth of the picture's longer side are then missed. It is meant for frames that no tracker
    /// follows.
    pub fast_search: bool,
    /// Searches the picture upright and in the three other quarter turns. It is meant for pictures without an Exif
    /// orientation that may lie on a side or stand upside down, and for people who lie. It takes four to five times
    /// as long, and needs a higher score, so that some small upright faces are lost. Without it such a face is
    /// often missed. If it is found and estimated in a still picture, and has 40 pixels or more, it is usually marked
    /// [`Quality::NOT_UPRIGHT`](crate::Quality::NOT_UPRIGHT).
    pub try_turns: bool,
    /// The smallest score of a found face that is kept, above 0 and below 1. `None` takes the threshold of the model.
    pub min_score: Option<f32>,
    /// The probability that the age interval holds the true age, above 0 and below 1.
    pub age_coverage: f32,
    /// The smallest probability for which a gender label is given, from 0.5 to 1. `None` takes the threshold of the model.
    pub gender_threshold: Option<f32>,
    /// The number of crops of each face whose answers are averaged, from 1 to 8. The second crop is mirrored; further ones
    /// are also shifted, rotated and scaled a little. Each crop takes as much time as the first.
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

    /// Gives the faces to estimate, so that nothing is searched. An empty slice means that there are no faces.
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

    /// Leaves out the age.
    #[must_use]
    pub fn skip_age(mut self, skip: bool) -> Self {
        self.skip_age = skip;
        self
    }

    /// Leaves out the gender.
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

    /// Searches as a tracker searches its frames, in a fifth to a sixth of the time.
    #[must_use]
    pub fn fast_search(mut self, fast: bool) -> Self {
        self.fast_search = fast;
        self
    }

    /// Searches the picture upright and in the three other quarter turns.
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

    /// Returns whether the picture is to be searched for faces.
    pub(crate) fn searches(&self) -> bool {
        self.regions.is_none() && !self.cropped
    }

    /// Checks that each region has a part in an upright picture of `width` x `height` pixels.
    pub(crate) fn check_places(&self, width: usize, height: usize) -> Result<()> {
        for (index, region) in self.regions.unwrap_or_default().iter().enumerate() {
            region.check_place(width, height).map_err(|e| e.context(format!("region {index}")))?;
        }
        Ok(())
    }

    pub(crate) fn check(&self) -> Result<()> {
        if !(self.age_coverage > 0.0 && self.age_coverage < 1.0) {
            return Err(Error::invalid(format!(
                "age_coverage is {}, but it must be above 0 and below 1",
                self.age_coverage
            )));
        }
        if let Some(threshold) = self.gender_threshold.filter(|t| !(0.5..=1.0).contains(t)) {
            return Err(Error::invalid(format!(
                "gender_threshold is {threshold}, but it must be 0.5 to 1"
            )));
        }
        if !(self.min_face_size >= 0.0 && self.min_face_size.is_finite()) {
            return Err(Error::invalid(format!(
                "min_face_size is {}, but it must be 0 or a finite number of pixels",
                self.min_face_size
            )));
        }
        if let Some(score) = self.min_score.filter(|s| !(*s > 0.0 && *s < 1.0)) {
            return Err(Error::invalid(format!(
                "min_score is {score}, but it must be above 0 and below 1"
            )));
        }
        if !(1..=crops::MAX_CROPS).contains(&self.crops) {
            return Err(Error::invalid(format!(
                "crops is {}, but it must be 1 to {}",
                self.crops,
                crops::MAX_CROPS
            )));
        }
        let regions = self.regions.unwrap_or_default();
        if self.cropped && !regions.is_empty() {
            return Err(Error::invalid(format!(
                "the picture is given as one face, but {} regions are given, too",
                regions.len()
            )));
        }
        for (index, region) in regions.iter().enumerate() {
            region.check().map_err(|e| e.context(format!("region {index}")))?;
        }
        Ok(())
    }
}
