//! The picture that is predicted on, at the scale that the current step needs.

use crate::error::Result;
use crate::geometry::Affine;
use crate::picture::decode::reduced::Reduced;
use crate::picture::{DecodeLimits, Image, Orientation, Picture};

/// A picture of the caller: pixels in memory, or the bytes of a file.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Input<'a> {
    /// Pixels, which are read in place.
    Image(Image<'a>),
    /// The bytes of a JPEG, PNG, WebP or BMP file, such as an MJPEG frame of a camera. Its Exif orientation is applied.
    Encoded {
        /// The bytes of the whole file.
        bytes: &'a [u8],
        /// The orientation of the camera, which is applied after that of the file.
        orientation: Orientation,
    },
}

impl<'a> From<Image<'a>> for Input<'a> {
    fn from(image: Image<'a>) -> Self {
        Self::Image(image)
    }
}

impl<'a> From<&Image<'a>> for Input<'a> {
    fn from(image: &Image<'a>) -> Self {
        Self::Image(*image)
    }
}

impl<'a> From<&'a [u8]> for Input<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Encoded { bytes, orientation: Orientation::UPRIGHT }
    }
}

/// The pixels, and their relation to the original picture. A large JPEG is decoded at a reduced scale of 1/8, 1/4 or
/// 1/2, while that is enough for the current step. Faces are nevertheless always in pixels of the upright original.
/// Only code that reads pixels uses the scale.
///
/// An example: a JPEG of 4000 x 3000 is searched at 1/4, as 1000 x 750 pixels. `size` is (4000, 3000) and `scale` is 4.
/// A face found at x = 2000 of the original is cut from column 2000 / 4 = 500 of the pixels. If its crop needs one
/// pixel for each 1.5 of the original, `refine(1.5)` decodes again. It decodes at 1/1, since even 1/2 has only one
/// pixel for each 2.
#[derive(Debug)]
pub(super) struct Source<'a> {
    pixels: Pixels<'a>,
    /// The width and height of the upright original.
    size: (usize, usize),
    /// The pixels of the original for one pixel here, along a line.
    scale: f32,
    /// The orientation that is applied after that of the file.
    orientation: Orientation,
}

#[derive(Debug)]
enum Pixels<'a> {
    Borrowed(Image<'a>),
    Decoded(Picture),
    /// Fewer pixels than the file has, and the file, from which more can be decoded.
    Reduced(Picture, &'a [u8]),
}

impl<'a> Source<'a> {
    /// Borrows pixels in the caller's memory.
    pub(super) fn borrowed(image: Image<'a>) -> Self {
        let (size, orientation) = (image.upright_size(), Orientation::UPRIGHT);
        Self { size, pixels: Pixels::Borrowed(image), scale: 1.0, orientation }
    }

    /// Decodes all pixels of a file. `orientation` is applied after that of the file.
    pub(super) fn whole(
        bytes: &[u8],
        orientation: Orientation,
        limits: &DecodeLimits,
    ) -> Result<Self> {
        let picture = Picture::decode(bytes, limits)?.turned(orientation);
        let size = picture.image().upright_size();
        Ok(Self { pixels: Pixels::Decoded(picture), size, scale: 1.0, orientation })
    }

    /// Decodes a file so that its longer side has enough pixels. `enough` computes them from the longer side of the
    /// original.
    pub(super) fn reduced(
        bytes: &'a [u8],
        orientation: Orientation,
        limits: &DecodeLimits,
        enough: impl FnOnce(f32) -> f32,
    ) -> Result<Self> {
        let Some(reduced) = Reduced::decode(bytes, limits, enough)? else {
            return Self::whole(bytes, orientation, limits);
        };
        let Reduced { picture, full: (width, height), divisor } = reduced;
        let size = if orientation.swaps_axes() { (height, width) } else { (width, height) };
        let pixels = Pixels::Reduced(picture.turned(orientation), bytes);
        Ok(Self { pixels, size, scale: divisor as f32, orientation })
    }

    /// Decodes again if one pixel stands for more than `most` of the original along a line, and the file has more
    /// pixels.
    pub(super) fn refine(&mut self, most: f32, limits: &DecodeLimits) -> Result<()> {
        if let Pixels::Reduced(_, bytes) = self.pixels
            && self.scale > most
        {
            *self = Self::reduced(bytes, self.orientation, limits, |longer| longer / most)?;
        }
        Ok(())
    }

    /// Returns the pixels at the current scale.
    pub(super) fn image(&self) -> Image<'_> {
        match &self.pixels {
            Pixels::Borrowed(image) => *image,
            Pixels::Decoded(picture) | Pixels::Reduced(picture, _) => picture.image(),
        }
    }

    /// The width and height of the upright original.
    pub(super) fn size(&self) -> (usize, usize) {
        self.size
    }

    /// Returns the map from pixels of the original to those at the current scale.
    pub(super) fn original_to_here(&self) -> Affine {
        if self.scale == 1.0 {
            return Affine::IDENTITY;
        }
        let image = self.image();
        reduced_map(image.orientation(), self.size, image.stored_size(), self.scale)
    }
}

/// Returns the map from an upright original of `size` to its upright reduced picture, which is stored with
/// `stored_size`.
///
/// A reduced pixel stands for `scale` pixels from the first stored one on, and the last one may stand for fewer. An
/// example: of 2,101 rows, 526 remain at 1/4. If they are stored upside down, the last one is the top row. It stands for
/// the original's top row alone, as if there were three more rows above that.
fn reduced_map(
    orientation: Orientation,
    size: (usize, usize),
    stored_size: (usize, usize),
    scale: f32,
) -> Affine {
    let (width, height) = if orientation.swaps_axes() { (size.1, size.0) } else { size };
    let shrunk = Affine::scale(1.0 / scale, 1.0 / scale);
    let stored = shrunk.after(&orientation.to_stored(width, height));
    let Affine { xx, xy, x0, yx, yy, y0 } = orientation.to_stored(stored_size.0, stored_size.1);
    // A map of quarter turns and mirrors is turned back by its transpose.
    let (back_x, back_y) = (-(xx * x0 + yx * y0), -(xy * x0 + yy * y0));
    Affine { xx, xy: yx, x0: back_x, yx: xy, yy, y0: back_y }.after(&stored)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Point;

    #[test]
    fn a_stored_place_is_the_same_one_in_the_reduced_picture() {
        // 2,101 rows become 526.
        let (whole, small) = ((2600, 2101), (650, 526));
        for exif in 1..=8 {
            let orientation = Orientation::from_exif(exif).expect("valid");
            let size = if orientation.swaps_axes() { (whole.1, whole.0) } else { whole };
            let map = reduced_map(orientation, size, small, 4.0);
            let (to_whole, to_small) =
                (orientation.to_stored(whole.0, whole.1), orientation.to_stored(small.0, small.1));
            for upright in [Point::new(0.0, 0.0), Point::new(100.0, 300.0)] {
                let (a, b) = (to_whole.apply(upright), to_small.apply(map.apply(upright)));
                assert_eq!(b, Point::new(a.x / 4.0, a.y / 4.0), "{exif}");
            }
        }
    }
}
