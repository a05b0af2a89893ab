//! A picture in somebody's memory, read in place.

pub(crate) mod decode;
pub(crate) mod orient;
pub(crate) mod warp;

pub use decode::{DecodeLimits, Picture};
pub use orient::Orientation;

use crate::error::{Error, ErrorKind, Result};

/// Order of the bytes of a pixel in memory, 8 bits a component. Alpha is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// One byte of brightness.
    Gray,
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red: OpenCV's order.
    Bgr,
    /// Red, green, blue, alpha.
    Rgba,
    /// Blue, green, red, alpha.
    Bgra,
}

impl Format {
    /// Bytes from one pixel to the next.
    pub const fn bytes_per_pixel(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::Rgb | Self::Bgr => 3,
            Self::Rgba | Self::Bgra => 4,
        }
    }
}

/// A borrowed view of a picture: format, size, stride and how to turn it upright. Nothing is copied.
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
    format: Format,
    width: usize,
    height: usize,
    stride: usize,
    data: &'a [u8],
    orientation: Orientation,
}

impl<'a> Image<'a> {
    /// A picture whose rows follow each other without padding.
    ///
    /// Fails when a size is zero or above 2^24 (positions are `f32`), or when `data` is too short.
    pub fn new(format: Format, width: usize, height: usize, data: &'a [u8]) -> Result<Self> {
        Self::with_stride(format, width, height, data, 0)
    }

    /// A picture whose rows are `stride` bytes apart; 0 means without padding.
    pub fn with_stride(
        format: Format,
        width: usize,
        height: usize,
        data: &'a [u8],
        stride: usize,
    ) -> Result<Self> {
        let needed = bytes_needed(format, width, height, stride)?;
        if data.len() < needed {
            return Err(Error::new(
                ErrorKind::BufferTooSmall,
                format!(
                    "plane 0 has {} bytes, {width}x{height} {format:?} needs {needed}",
                    data.len()
                ),
            ));
        }
        let stride = if stride == 0 { width * format.bytes_per_pixel() } else { stride };
        Ok(Self { format, width, height, stride, data, orientation: Orientation::UPRIGHT })
    }

    /// The same picture, to be turned upright by `orientation`.
    #[must_use]
    pub fn with_orientation(mut self, orientation: Orientation) -> Self {
        self.orientation = orientation;
        self
    }

    /// Byte order of a pixel.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Width and height as stored, in pixels.
    pub fn stored_size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// Width and height after turning upright, in pixels.
    pub fn upright_size(&self) -> (usize, usize) {
        if self.orientation.swaps_axes() {
            (self.height, self.width)
        } else {
            (self.width, self.height)
        }
    }

    /// How the picture is turned upright.
    pub fn orientation(&self) -> Orientation {
        self.orientation
    }

    /// The bytes of row `y` of the stored picture; panics where there is none.
    pub fn row(&self, y: usize) -> &'a [u8] {
        let start = y * self.stride;
        &self.data[start..start + self.width * self.format.bytes_per_pixel()]
    }
}

/// Bytes that a picture spans, or why there can be no such picture.
pub(crate) fn bytes_needed(
    format: Format,
    width: usize,
    height: usize,
    stride: usize,
) -> Result<usize> {
    const MAX_SIDE: usize = 1 << 24;
    if width == 0 || height == 0 || width > MAX_SIDE || height > MAX_SIDE {
        return Err(Error::invalid(format!(
            "picture size {width}x{height} is not within 1 to {MAX_SIDE} pixels a side"
        )));
    }
    let row = width * format.bytes_per_pixel();
    let stride = if stride == 0 { row } else { stride };
    if stride < row {
        return Err(Error::invalid(format!(
            "stride 0 is {stride} bytes, a row of {width} {format:?} pixels has {row}"
        )));
    }
    // The last row need not be padded.
    (height - 1).checked_mul(stride).and_then(|n| n.checked_add(row)).ok_or_else(|| {
        Error::invalid(format!("{height} rows of {stride} bytes overflow the address space"))
    })
}
