//! A picture in somebody's memory, read in place.

use super::format::{Format, Yuv};
use super::layout::{self, Layout};
use super::orientation::Orientation;
use crate::error::{Error, ErrorKind, Result};

/// A borrowed view of a picture: its pixels, format, size, strides and orientation. Nothing is copied.
///
/// ```
/// use face_predict::{Format, Image, Orientation};
///
/// let pixels = vec![0u8; 640 * 480 * 4];
/// let image = Image::new(Format::Bgra, 640, 480, &pixels)?.with_orientation(Orientation::ROTATE_90);
/// assert_eq!(image.upright_size(), (480, 640));
/// # Ok::<(), face_predict::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Image<'a> {
    pub(super) format: Format,
    width: usize,
    height: usize,
    pub(super) planes: [layout::Plane<'a>; 3],
    pub(super) chroma_step: usize,
    pub(super) yuv: Yuv,
    orientation: Orientation,
}

impl<'a> Image<'a> {
    /// Makes a view of a picture without padding. If it has several planes, they follow each other.
    ///
    /// Fails when a size is zero or above 2^24 (positions are `f32`), or when `data` is too short.
    pub fn new(format: Format, width: usize, height: usize, data: &'a [u8]) -> Result<Self> {
        Self::from_planes(format, width, height, &[data], &Layout::default())
    }

    /// Makes a view of a picture whose rows are `stride` bytes apart. 0 means no padding. Colour planes follow, with as
    /// much padding ([`Layout::strides`]).
    pub fn with_stride(
        format: Format,
        width: usize,
        height: usize,
        data: &'a [u8],
        stride: usize,
    ) -> Result<Self> {
        let layout = Layout { strides: [stride, 0, 0], ..Layout::default() };
        Self::from_planes(format, width, height, &[data], &layout)
    }

    /// Makes a view of a picture of several planes. Planes that are not given follow the last given one without a gap.
    ///
    /// ```
    /// use face_predict::{Format, Image, Layout, Yuv};
    ///
    /// let (y, uv) = (vec![16u8; 640 * 480], vec![128u8; 640 * 240]);
    /// let image = Image::from_planes(Format::Nv12, 640, 480, &[&y, &uv], &Layout::default())?
    ///     .with_yuv(Yuv::Bt709Limited);
    /// # Ok::<(), face_predict::Error>(())
    /// ```
    pub fn from_planes(
        format: Format,
        width: usize,
        height: usize,
        planes: &[&'a [u8]],
        layout: &Layout,
    ) -> Result<Self> {
        let (shapes, count) = layout.shapes(format, width, height)?;
        if planes.is_empty() || planes.len() > count {
            return Err(Error::invalid(format!(
                "the format {format} has {count} planes, but {} are given",
                planes.len()
            )));
        }
        let mut found = [layout::Plane::default(); 3];
        let mut rest: &[u8] = &[];
        for (index, shape) in shapes[..count].iter().enumerate() {
            let data = planes.get(index).copied().unwrap_or(rest);
            if data.len() < shape.needed() {
                return Err(Error::new(
                    ErrorKind::BufferTooSmall,
                    format!(
                        "plane {index} has {} bytes, but a {format} picture of {width}x{height} needs {}",
                        data.len(),
                        shape.needed()
                    ),
                ));
            }
            // The last row of the last plane need not be padded, so there may be less than whole rows.
            rest = data.get(shape.whole()..).unwrap_or_default();
            found[index] = layout::Plane { data, stride: shape.stride, row: shape.row };
        }
        let chroma_step = layout.chroma_step.max(1);
        let (yuv, orientation) = (Yuv::default(), Orientation::UPRIGHT);
        Ok(Self { format, width, height, planes: found, chroma_step, yuv, orientation })
    }

    /// Returns the same picture with another orientation.
    #[must_use]
    pub fn with_orientation(mut self, orientation: Orientation) -> Self {
        self.orientation = orientation;
        self
    }

    /// Returns the same picture, for pictures whose first row in memory is the lowest one, such as bitmaps of Windows.
    /// Call it after [`with_orientation`](Self::with_orientation).
    #[must_use]
    pub fn bottom_up(mut self) -> Self {
        self.orientation = self.orientation.of_bottom_up();
        self
    }

    /// Returns the same picture with another conversion from Y, U and V to colours.
    #[must_use]
    pub fn with_yuv(mut self, yuv: Yuv) -> Self {
        self.yuv = yuv;
        self
    }

    /// Returns the order of the components.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Returns the width and height as stored, in pixels.
    pub fn stored_size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// Returns the width and height of the upright picture, in pixels.
    pub fn upright_size(&self) -> (usize, usize) {
        if self.orientation.swaps_axes() {
            (self.height, self.width)
        } else {
            (self.width, self.height)
        }
    }

    /// Returns how the picture is made upright.
    pub fn orientation(&self) -> Orientation {
        self.orientation
    }

    /// Returns the bytes of row `y` of the first plane. Panics if there is no such row.
    pub fn row(&self, y: usize) -> &'a [u8] {
        let plane = &self.planes[0];
        &plane.data[y * plane.stride..][..plane.row]
    }
}
