//! The path of a picture: faces, crops, networks, answers.

use crate::error::{Error, ErrorKind, Result};
use crate::face::answer::{FaceRecord, Gender, Predictions, Track};
use crate::face::pose::Pose;
use crate::face::quality::{CropStats, Quality};
use crate::face::region::Region;
use crate::geometry::Rect;
use crate::memory::grow_to;
use crate::model::{Detection, Estimate, Model, Network};
use crate::picture::Image;
use crate::picture::sampling::warp::Warp;
use crate::predict::crops;
use crate::predict::options::Options;
use crate::predict::search::search;

/// Memory that one call leaves to the next.
#[derive(Debug, Default)]
pub(crate) struct Work {
    pub(crate) warp: Warp,
    pub(crate) planes: Vec<f32>,
    pub(crate) estimate: Estimate,
    one: Estimate,
    found: Vec<Detection>,
    pub(crate) faces: Vec<Candidate>,
}

/// A face to estimate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    pub(crate) region: Region,
    /// Of a face that was found.
    pub(crate) score: Option<f32>,
    /// The whole picture is the face.
    pub(crate) is_picture: bool,
}

/// What is seen of a face beside the estimate.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Observation {
    pose: Option<Pose>,
    /// What its place in the picture says against it.
    by_place: Quality,
    /// What its pixels say.
    by_pixels: Quality,
}

impl Observation {
    /// Takes the place of a face in a picture of this width and height.
    pub(crate) fn place(&mut self, candidate: &Candidate, (width, height): (usize, usize)) {
        let Region { rect, landmarks } = &candidate.region;
        self.pose = landmarks.and_then(|landmarks| Pose::from_landmarks(&landmarks));
        self.by_place = Quality::of_place(rect, self.pose, width, height);
    }

    fn quality(&self) -> Quality {
        self.by_place | self.by_pixels
    }
}

impl Model {
    /// Estimates the faces of a picture.
    ///
    /// ```
    /// use face_predict::{DecodeLimits, Model, Options, Picture, Rect, Region};
    ///
    /// let model = Model::load_default()?;
    /// let picture = Picture::open("examples/images/eileen_collins.png", &DecodeLimits::default())?;
    /// let faces = [Region::from_box(Rect::new(182.0, 59.0, 88.0, 114.0))];
    /// for face in model.predict(&picture.image(), &Options::new().regions(&faces))?.faces() {
    ///     if let Some(age) = face.age() {
    ///         println!("{:.0} years, adult {:.2}", age.median(), age.at_least(18.0));
    ///     }
    /// }
    /// # Ok::<(), face_predict::Error>(())
    /// ```
    pub fn predict(&self, image: &Image<'_>, options: &Options<'_>) -> Result<Predictions> {
        let mut predictions = Predictions::default();
        self.predict_into(image, options, &mut predictions)?;
        Ok(predictions)
    }

    /// [`predict`](Self::predict) into memory that is used again. On failure `out` holds no faces.
    pub fn predict_into(
        &self,
        image: &Image<'_>,
        options: &Options<'_>,
        out: &mut Predictions,
    ) -> Result<()> {
        out.clear();
        let done = self.fill(image, options, out);
        if done.is_err() {
            out.clear();
        }
        done
    }

    fn fill(&self, image: &Image<'_>, options: &Options<'_>, out: &mut Predictions) -> Result<()> {
        self.begin(image, options, out)?;
        let mut faces = std::mem::take(&mut out.work.faces);
        let filled = self.find(image, options, &mut out.work, &mut faces).and_then(|()| {
            faces.iter().try_for_each(|face| {
                let observation = self.estimate_face(image, face, options, &mut out.work)?;
                let estimate = std::mem::take(&mut out.work.estimate);
                self.record(face, observation, &estimate, None, options, out);
                out.work.estimate = estimate;
                Ok(())
            })
        });
        out.work.faces = faces;
        filled
    }

    /// Checks what was asked, and starts an answer.
    pub(crate) fn begin(
        &self,
        image: &Image<'_>,
        options: &Options<'_>,
        out: &mut Predictions,
    ) -> Result<()> {
        options.check()?;
        let (width, height) = image.upright_size();
        let pixels = width as u64 * height as u64;
        if pixels > self.limits.max_pixels {
            return Err(Error::new(
                ErrorKind::Limit,
                format!(
                    "picture of {width}x{height} has {pixels} pixels, the limit is {}",
                    self.limits.max_pixels
                ),
            ));
        }
        out.size = (width, height);
        out.coverage = options.age_coverage;
        Ok(())
    }

    /// The faces to estimate, largest first.
    pub(crate) fn find(
        &self,
        image: &Image<'_>,
        options: &Options<'_>,
        work: &mut Work,
        faces: &mut Vec<Candidate>,
    ) -> Result<()> {
        faces.clear();
        let (width, height) = image.upright_size();
        if options.cropped {
            let region = Region::from_box(Rect::new(0.0, 0.0, width as f32, height as f32));
            faces.push(Candidate { region, score: None, is_picture: true });
            return Ok(());
        }
        let candidate = |region: Region, score| {
            let region = region.without_implausible_landmarks();
            Candidate { region, score, is_picture: false }
        };
        if let Some(regions) = options.regions {
            faces.extend(regions.iter().map(|region| candidate(*region, None)));
        } else {
            let Work { warp, planes, found, .. } = work;
            search(self.detector()?, image, options, warp, planes, found)?;
            faces.extend(found.iter().map(|face| candidate(face.region, Some(face.score))));
        }
        // A stable sort, so that faces of one size stay as they were given, or the surer first.
        faces.sort_by(|a, b| b.region.rect.area().total_cmp(&a.region.rect.area()));
        if options.max_faces > 0 {
            faces.truncate(options.max_faces);
        }
        Ok(())
    }

    /// Cuts a face out and estimates it into `work.estimate`.
    pub(crate) fn estimate_face(
        &self,
        image: &Image<'_>,
        candidate: &Candidate,
        options: &Options<'_>,
        work: &mut Work,
    ) -> Result<Observation> {
        let Candidate { region, is_picture, .. } = candidate;
        let (width, height) = image.upright_size();
        let mut observation = Observation::default();
        observation.place(candidate, (width, height));
        let Work { warp, planes, estimate, one, .. } = work;
        estimate.clear();
        let (age, gender) = (!options.skip_age, !options.skip_gender);
        let mut run = |network: &Network, age: bool, gender: bool| -> Result<()> {
            let input = &network.metadata.input;
            let place = if *is_picture {
                input.crop.place_picture(width, height)
            } else {
                input.crop.place(region)?
            };
            let planes = grow_to(planes, input.len())?;
            for index in 0..options.crops {
                input.cut(warp, image, &place.after(&crops::view(index)), planes)?;
                if index == 0 {
                    let stats = CropStats::of(planes, input.width, input.height);
                    observation.by_pixels = observation.by_pixels | Quality::of_crop(&stats);
                }
                input.normalise(planes);
                one.clear();
                network.run(planes, age, gender, observation.quality(), one)?;
                crops::blend(estimate, one, index);
            }
            Ok(())
        };
        if self.is_one_network() {
            if age || gender {
                run(self.age_network(), age, gender)?;
            }
        } else {
            if age {
                run(self.age_network(), true, false)?;
            }
            if gender {
                run(self.gender_network(), false, true)?;
            }
        }
        Ok(observation)
    }

    /// Adds a face to the answer.
    pub(crate) fn record(
        &self,
        candidate: &Candidate,
        observation: Observation,
        estimate: &Estimate,
        track: Option<Track>,
        options: &Options<'_>,
        out: &mut Predictions,
    ) {
        let threshold = options
            .gender_threshold
            .or(self.gender_metadata().gender.as_ref().map(|g| g.threshold))
            .unwrap_or(0.5);
        let start = out.years.len();
        out.years.extend_from_slice(&estimate.years);
        let gender = estimate.female.and_then(|f| Gender::from_probability(f, threshold));
        out.faces.push(FaceRecord {
            rect: candidate.region.rect,
            landmarks: candidate.region.landmarks,
            score: candidate.score,
            years: start..out.years.len(),
            female: estimate.female,
            gender,
            pose: observation.pose,
            quality: observation.quality(),
            track,
        });
    }
}
