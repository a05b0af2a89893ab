//! Searching a picture for faces.

use crate::error::Result;
use crate::geometry::{Affine, Point};
use crate::memory::grow_to;
use crate::model::{Detection, Detector, Model};
use crate::picture::Image;
use crate::picture::sampling::warp::Warp;
use crate::predict::options::Options;

/// Longer sides of the detector's input, as multiples of its own size in quarters: few, because each is optimised once.
const QUARTERS: [usize; 7] = [2, 3, 4, 6, 8, 12, 16];

impl Model {
    /// Pixels of the detector's input for each of a picture's of `width` x `height`. Faces that are smaller than some 20 pixels
    /// there are mostly missed; [`Options::min_face_size`] asks for more.
    pub fn search_scale(&self, width: usize, height: usize, options: &Options<'_>) -> Result<f32> {
        Ok(scale(self.detector()?, options, width, height))
    }
}

/// Finds faces in upright pixels, the surest first. `planes` is working memory.
pub(crate) fn search(
    detector: &Detector,
    image: &Image<'_>,
    options: &Options<'_>,
    warp: &mut Warp,
    planes: &mut Vec<f32>,
    found: &mut Vec<Detection>,
) -> Result<()> {
    let (width, height) = image.upright_size();
    let scale = scale(detector, options, width, height);
    let (across, down) = detector.whole(width as f32 * scale, height as f32 * scale);
    let planes = grow_to(planes, 3 * across * down)?;
    // The picture lies in the top left corner; beside it its edge repeats.
    let to_picture = Affine::scale(1.0 / scale, 1.0 / scale);
    warp.cut_planes(image, &to_picture, across, down, planes)?;
    detector.metadata().input.normalise(planes);
    let threshold = options.min_score.unwrap_or(detector.spec().threshold);
    detector.run(down, across, planes, threshold, found)?;
    found.iter_mut().for_each(|face| face.region = face.region.scaled(1.0 / scale));
    found.retain(|face| {
        let rect = &face.region.rect;
        let Point { x, y } = rect.center();
        let inside = (0.0..width as f32).contains(&x) && (0.0..height as f32).contains(&y);
        inside && rect.width.min(rect.height) >= options.min_face_size
    });
    Ok(())
}

/// Pixels of the detector's input for each of the picture's. More than 1 only for tiny pictures: what is enlarged shows no more,
/// but a face of 40 pixels that fills its picture lies between the detector's finest cells and its edge.
pub(crate) fn scale(
    detector: &Detector,
    options: &Options<'_>,
    width: usize,
    height: usize,
) -> f32 {
    let longer = width.max(height) as f32;
    let input = &detector.metadata().input;
    let enlarged = input.width.max(input.height) as f32 / 2.0 / longer;
    (longest(detector, options, longer) / longer).min(enlarged.max(1.0))
}

/// Longer side of the input that shows the smallest face asked for.
pub(crate) fn longest(detector: &Detector, options: &Options<'_>, longer: f32) -> f32 {
    let input = &detector.metadata().input;
    let own = input.width.max(input.height) as f32;
    if options.min_face_size == 0.0 {
        return own;
    }
    let wanted = longer * detector.spec().smallest / options.min_face_size;
    let sizes = QUARTERS.map(|quarters| own * quarters as f32 / 4.0);
    sizes.into_iter().find(|size| *size >= wanted).unwrap_or(sizes[QUARTERS.len() - 1])
}
