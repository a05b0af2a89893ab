//! The path of a picture: faces, crops, networks, answers.

use std::path::Path;

use crate::age::AgeDistribution;
use crate::align::Region;
use crate::error::{Error, ErrorKind, Result};
use crate::geometry::{Affine, Point, Rect};
use crate::image::warp::Warp;
use crate::image::{Image, Picture};
use crate::model::{Estimate, Model, Network};
use crate::options::Options;
use crate::quality::Quality;

/// A label that strangers would give a face, where the model is sure enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gender {
    /// Would be labelled female.
    Female,
    /// Would be labelled male.
    Male,
}

/// Faces of one picture, largest first, with the working memory to find them. Reuse one per thread: buffers grow
/// to the largest picture seen and are then kept.
#[derive(Debug, Default)]
pub struct Predictions {
    faces: Vec<Record>,
    years: Vec<f32>,
    coverage: f32,
    size: (usize, usize),
    work: Work,
}

#[derive(Debug, Default)]
struct Work {
    warp: Warp,
    planes: Vec<f32>,
    estimate: Estimate,
    order: Vec<usize>,
}

#[derive(Clone, Debug)]
struct Record {
    rect: Rect,
    landmarks: Option<[Point; 5]>,
    /// Its distribution within `Predictions::years`.
    years: std::ops::Range<usize>,
    female: Option<f32>,
    gender: Option<Gender>,
    quality: Quality,
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

    /// The same for the bytes of a JPEG, PNG, WebP or BMP file; its Exif orientation is applied.
    pub fn predict_encoded(
        &self,
        bytes: &[u8],
        options: &Options<'_>,
        out: &mut Predictions,
    ) -> Result<()> {
        out.clear();
        let picture = Picture::decode(bytes, &self.limits)?;
        self.predict_into(&picture.image(), options, out)
    }

    /// The same for a file.
    pub fn predict_file(
        &self,
        path: impl AsRef<Path>,
        options: &Options<'_>,
        out: &mut Predictions,
    ) -> Result<()> {
        out.clear();
        let picture = Picture::open(path, &self.limits)?;
        self.predict_into(&picture.image(), options, out)
    }

    fn fill(&self, image: &Image<'_>, options: &Options<'_>, out: &mut Predictions) -> Result<()> {
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
        if options.cropped {
            let whole = Rect::new(0.0, 0.0, width as f32, height as f32);
            return self.add_face(image, &Region::from_box(whole), true, options, out);
        }
        let mut order = std::mem::take(&mut out.work.order);
        order.clear();
        order.extend(0..options.regions.len());
        // A stable sort, so that faces of one size stay as they were given.
        order.sort_by(|a, b| {
            options.regions[*b].rect.area().total_cmp(&options.regions[*a].rect.area())
        });
        if options.max_faces > 0 {
            order.truncate(options.max_faces);
        }
        let added = order
            .iter()
            .try_for_each(|&i| self.add_face(image, &options.regions[i], false, options, out));
        out.work.order = order;
        added
    }

    fn add_face(
        &self,
        image: &Image<'_>,
        region: &Region,
        is_picture: bool,
        options: &Options<'_>,
        out: &mut Predictions,
    ) -> Result<()> {
        let Work { warp, planes, estimate, .. } = &mut out.work;
        estimate.years.clear();
        estimate.female = None;
        let (age, gender) = (!options.skip_age, !options.skip_gender);
        let mut run = |network: &Network, age: bool, gender: bool| -> Result<()> {
            let crop = &network.metadata.input.crop;
            let place = if is_picture {
                let (width, height) = image.upright_size();
                crop.place_picture(width, height)
            } else {
                crop.place(region)?
            };
            cut(network, image, &place, warp, planes)?;
            network.run(&planes[..network.metadata.input.len()], age, gender, estimate)
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
        let threshold = options
            .gender_threshold
            .or(self.gender_metadata().gender.as_ref().map(|g| g.threshold))
            .unwrap_or(0.5);
        let (width, height) = image.upright_size();
        let start = out.years.len();
        out.years.extend_from_slice(&out.work.estimate.years);
        let female = out.work.estimate.female;
        out.faces.push(Record {
            rect: region.rect,
            landmarks: region.landmarks,
            years: start..out.years.len(),
            female,
            gender: female.and_then(|female| label(female, threshold)),
            quality: Quality::of_box(&region.rect, width, height),
        });
        Ok(())
    }
}

/// Reads the crop that a network wants, scaled as it wants.
fn cut(
    network: &Network,
    image: &Image<'_>,
    place: &Affine,
    warp: &mut Warp,
    planes: &mut Vec<f32>,
) -> Result<()> {
    let input = &network.metadata.input;
    let len = input.len();
    if planes.len() < len {
        planes.try_reserve(len - planes.len()).map_err(|_| {
            Error::new(ErrorKind::OutOfMemory, format!("no memory for {len} numbers"))
        })?;
        planes.resize(len, 0.0);
    }
    input.cut(warp, image, place, &mut planes[..len])?;
    input.normalise(&mut planes[..len]);
    Ok(())
}

fn label(female: f32, threshold: f32) -> Option<Gender> {
    if female > 0.5 && female >= threshold {
        Some(Gender::Female)
    } else if female < 0.5 && 1.0 - female >= threshold {
        Some(Gender::Male)
    } else {
        None
    }
}

impl Predictions {
    /// No faces yet, and no memory.
    pub fn new() -> Self {
        Self::default()
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
    record: &'a Record,
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

    /// Reasons to trust it less.
    pub fn quality(&self) -> Quality {
        self.record.quality
    }
}
