//! The picture that is predicted on, at the scale that the step at hand needs.

use crate::error::Result;
use crate::geometry::Affine;
use crate::picture::decode::reduced::Reduced;
use crate::picture::{DecodeLimits, Image, Orientation, Picture};

/// A picture as a caller has it: pixels in memory, or the bytes of a file.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Input<'a> {
    /// Pixels, which are read in place.
    Image(Image<'a>),
    /// The bytes of a JPEG, PNG, WebP or BMP file, such as the frames of a camera that gives MJPEG; its Exif orientation is
    /// applied.
    Encoded {
        /// Of the whole file.
        bytes: &'a [u8],
        /// What comes after the file's own orientation: how the camera lies.
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

/// Pixels, and how they relate to the original picture. A large JPEG is decoded at a reduced scale, 1/8, 1/4 or 1/2, while
/// that is enough for the step at hand. Faces are nevertheless always in pixels of the original, upright; only who reads
/// pixels uses the scale.
///
/// With numbers: a JPEG of 4000 x 3000 is searched at 1/4, as 1000 x 750 pixels. `size` is (4000, 3000) and `scale` is 4. A
/// face found at x = 2000 of the original is cut from column 2000 / 4 = 500 of the pixels. If its crop needs one pixel for
/// each 1.5 of the original, `refine(1.5)` decodes again, at 1/1 since even 1/2 has only one for each 2.
#[derive(Debug)]
pub(super) struct Source<'a> {
    pixels: Pixels<'a>,
    /// Width and height of the original, upright.
    size: (usize, usize),
    /// Pixels of the original for one that is here, along a line.
    scale: f32,
    /// What a file's pixels need after what the file says.
    orientation: Orientation,
}

#[derive(Debug)]
enum Pixels<'a> {
    Borrowed(Image<'a>),
    Decoded(Picture),
    /// Fewer pixels than the file has, and the file, from which more can be had.
    Reduced(Picture, &'a [u8]),
}

impl<'a> Source<'a> {
    /// Pixels in the caller's memory.
    pub(super) fn borrowed(image: Image<'a>) -> Self {
        let (size, orientation) = (image.upright_size(), Orientation::UPRIGHT);
        Self { size, pixels: Pixels::Borrowed(image), scale: 1.0, orientation }
    }

    /// All pixels of a file, which `orientation` turns after what the file says.
    pub(super) fn whole(
        bytes: &[u8],
        orientation: Orientation,
        limits: &DecodeLimits,
    ) -> Result<Self> {
        let picture = Picture::decode(bytes, limits)?.turned(orientation);
        let size = picture.image().upright_size();
        Ok(Self { pixels: Pixels::Decoded(picture), size, scale: 1.0, orientation })
    }

    /// Enough pixels of a file for a longer side of `enough` of the longer side of the original.
    pub(super) fn reduced(
        bytes: &'a [u8],
        orientation: Orientation,
        limits: &DecodeLimits,
        enough: impl FnOnce(f32) -> f32,
    ) -> Result<Self> {
        let Some(reduced) = Reduced::decode(bytes, limits, enough)? else {
            return Self::whole(bytes, orientation, limits);
        };
        let scale = reduced.scale();
        let Reduced { picture, full: (width, height) } = reduced;
        let size = if orientation.swaps_axes() { (height, width) } else { (width, height) };
        let pixels = Pixels::Reduced(picture.turned(orientation), bytes);
        Ok(Self { pixels, size, scale, orientation })
    }

    /// Decodes again where one pixel stands for more than `most` of the original's along a line, and there are more to be had.
    pub(super) fn refine(&mut self, most: f32, limits: &DecodeLimits) -> Result<()> {
        if let Pixels::Reduced(_, bytes) = self.pixels
            && self.scale > most
        {
            *self = Self::reduced(bytes, self.orientation, limits, |longer| longer / most)?;
        }
        Ok(())
    }

    /// The pixels that are here.
    pub(super) fn image(&self) -> Image<'_> {
        match &self.pixels {
            Pixels::Borrowed(image) => *image,
            Pixels::Decoded(picture) | Pixels::Reduced(picture, _) => picture.image(),
        }
    }

    /// Width and height of the original, upright.
    pub(super) fn size(&self) -> (usize, usize) {
        self.size
    }

    /// The map from pixels of the original to those that are here.
    pub(super) fn original_to_here(&self) -> Affine {
        Affine::scale(1.0 / self.scale, 1.0 / self.scale)
    }
}
