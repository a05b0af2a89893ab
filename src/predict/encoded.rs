//! Pictures as the bytes of a file, decoded no larger than their faces need.

use std::path::Path;

use crate::error::Result;
use crate::face::answer::Predictions;
use crate::face::region::Region;
use crate::model::Model;
use crate::picture::Picture;
use crate::picture::decode::read_limited;
use crate::picture::decode::reduced::Reduced;
use crate::predict::options::Options;
use crate::predict::pipeline::Candidate;
use crate::predict::search::longest;

/// Longer side that a picture to be searched is decoded with, against the detector's input: twice, so that faces a
/// quarter as large as the picture can be cut from it, too.
const SPARE: f32 = 2.0;

impl Model {
    /// Estimates the faces in the bytes of a JPEG, PNG, WebP or BMP file; its Exif orientation is applied.
    ///
    /// A JPEG that is searched is decoded at a reduced scale where its faces remain large enough for the networks;
    /// boxes then move by a few hundredths of their size, and answers as far as they do when a face's box trembles:
    /// a few years where the network is unsure ([`Options::crops`] steadies it).
    pub fn predict_encoded(
        &self,
        bytes: &[u8],
        options: &Options<'_>,
        out: &mut Predictions,
    ) -> Result<()> {
        out.clear();
        if options.regions.is_none() && !options.cropped {
            let done = self.search_reduced(bytes, options, out);
            if done.is_err() {
                out.clear();
            }
            if done? {
                return Ok(());
            }
        }
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
        let bytes = read_limited(path.as_ref(), self.limits.max_bytes)?;
        self.predict_encoded(&bytes, options, out)
    }

    /// Searches a reduced picture, and estimates its faces there or in a larger one. False where nothing is to be reduced.
    fn search_reduced(
        &self,
        bytes: &[u8],
        options: &Options<'_>,
        out: &mut Predictions,
    ) -> Result<bool> {
        options.check()?;
        let detector = self.detector()?;
        let spare = |whole: f32| SPARE * longest(detector, options, whole);
        let Some(mut source) = Reduced::decode(bytes, &self.limits, spare) else {
            return Ok(false);
        };
        let mut scale = source.scale();
        let inner = Options { min_face_size: options.min_face_size / scale, ..*options };
        self.begin(&source.picture.image(), &inner, out)?;
        let mut faces = std::mem::take(&mut out.work.faces);
        let found = self.find(&source.picture.image(), &inner, &mut out.work, &mut faces);
        let looked = found.and_then(|()| {
            let sparsest = faces.iter().try_fold(f32::INFINITY, |least, face| {
                Ok(least.min(self.pixels_per_crop_pixel(&face.region)?))
            })?;
            let estimates = !(options.skip_age && options.skip_gender);
            if estimates && sparsest < 1.0 {
                let enough = |whole: f32| whole / (scale * sparsest);
                source = match Reduced::decode(bytes, &self.limits, enough) {
                    Some(larger) => larger,
                    None => Reduced::whole(bytes, &self.limits)?,
                };
                let grown = scale / source.scale();
                faces.iter_mut().for_each(|face| face.region = face.region.scaled(grown));
                scale = source.scale();
            }
            let image = source.picture.image();
            for face in &faces {
                let observation = self.estimate_face(&image, face, options, &mut out.work)?;
                let estimate = std::mem::take(&mut out.work.estimate);
                let face = Candidate { region: face.region.scaled(scale), ..*face };
                self.record(&face, observation, &estimate, None, options, out);
                out.work.estimate = estimate;
            }
            out.size = source.full;
            Ok(true)
        });
        out.work.faces = faces;
        looked
    }

    /// How many pixels of the picture, along a line, lie in one of a network's crop; the fewest of the networks.
    fn pixels_per_crop_pixel(&self, region: &Region) -> Result<f32> {
        [self.age_network(), self.gender_network()].into_iter().try_fold(
            f32::INFINITY,
            |least, network| {
                let input = &network.metadata.input;
                let place = input.crop.place(region)?;
                let side = ((input.width * input.height) as f32).sqrt();
                Ok(least.min(place.magnification() / side))
            },
        )
    }
}
