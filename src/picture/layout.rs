//! Where the bytes of a picture lie.

use super::format::Format;
use crate::error::{Error, Result};

/// Strides and steps; all zero means without padding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Bytes from one row of a plane to the next. 0 means no padding for the first plane. For planes of colours it means as
    /// much padding as the first one has: the same stride, or half of it for [`Format::I420`].
    pub strides: [usize; 3],
    /// [`Format::I420`]: bytes from one chroma sample to the next, Android's `pixelStride`. 0 means 1.
    pub chroma_step: usize,
}

/// A plane's rows.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Plane<'a> {
    pub(super) data: &'a [u8],
    pub(super) stride: usize,
    /// Bytes of a row that are read.
    pub(super) row: usize,
}

/// What a plane's bytes must be.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shape {
    /// Bytes of a row that are read.
    pub(super) row: usize,
    rows: usize,
    pub(super) stride: usize,
}

impl Shape {
    /// Bytes that are read; the last row need not be padded.
    pub(crate) fn needed(&self) -> usize {
        (self.rows - 1) * self.stride + self.row
    }

    /// Bytes of all rows with their padding, where a following plane starts.
    pub(crate) fn whole(&self) -> usize {
        self.rows * self.stride
    }
}

impl Layout {
    /// Returns the stride of a chroma plane that has none of its own. It follows from the stride of the first plane, and is
    /// 0 if that is 0.
    ///
    /// An example is a frame of 500 x 4 pixels, whose rows of Y lie 512 bytes apart. In NV12, 2 rows of U and V follow the
    /// 4 rows of Y, also 512 bytes apart. In I420, 2 rows of U and then 2 rows of V follow, 256 bytes apart.
    fn inherited(&self, format: Format, index: usize) -> usize {
        match format {
            _ if index == 0 => 0,
            // A row has half as many samples of U as of Y. With a chroma step of 2 they take as many bytes.
            Format::I420 => self.strides[0].div_ceil(2).saturating_mul(self.chroma_step.max(1)),
            _ => self.strides[0],
        }
    }

    /// The planes of a picture, as many of the three as it has, or why there can be no such picture.
    pub(crate) fn shapes(
        &self,
        format: Format,
        width: usize,
        height: usize,
    ) -> Result<([Shape; 3], usize)> {
        const MAX_SIDE: usize = 1 << 24;
        if width == 0 || height == 0 || width > MAX_SIDE || height > MAX_SIDE {
            return Err(Error::invalid(format!(
                "picture size {width}x{height} is not possible: each side must have 1 to {MAX_SIDE} pixels"
            )));
        }
        let step = self.chroma_step.max(1);
        if self.chroma_step > 1 && format != Format::I420 {
            return Err(Error::invalid(format!(
                "chroma step is {step}, but only I420 has one, and the format is {format}"
            )));
        }
        if step > 256 {
            return Err(Error::invalid(format!("chroma step is {step}, but it must be 1 to 256")));
        }
        let (across, down) = (width.div_ceil(2), height.div_ceil(2));
        // Bytes read of a row, bytes without padding, and rows.
        let (planes, count) = match format {
            Format::Gray => ([(width, width, height); 3], 1),
            Format::Rgb | Format::Bgr => ([(width * 3, width * 3, height); 3], 1),
            Format::Rgba | Format::Bgra | Format::Argb | Format::Abgr => {
                ([(width * 4, width * 4, height); 3], 1)
            }
            Format::Yuyv | Format::Uyvy => ([(across * 4, across * 4, height); 3], 1),
            Format::P010 => {
                let chroma = (across * 4, across * 4, down);
                ([(width * 2, width * 2, height), chroma, chroma], 2)
            }
            Format::Nv12 | Format::Nv21 => {
                let chroma = (across * 2, across * 2, down);
                ([(width, width, height), chroma, chroma], 2)
            }
            Format::I420 => {
                let chroma = ((across - 1) * step + 1, across * step, down);
                ([(width, width, height), chroma, chroma], 3)
            }
        };
        let mut shapes = [Shape::default(); 3];
        for (index, (row, packed, rows)) in planes.into_iter().enumerate().take(count) {
            let stride = match self.strides[index] {
                0 => packed.max(self.inherited(format, index)),
                given => given,
            };
            if stride < row {
                return Err(Error::invalid(format!(
                    "stride {index} is {stride} bytes, but a row of {width} {format} pixels has {row}"
                )));
            }
            if rows.checked_mul(stride).is_none_or(|bytes| bytes > isize::MAX as usize) {
                return Err(Error::invalid(format!(
                    "{rows} rows of {stride} bytes overflow the address space"
                )));
            }
            shapes[index] = Shape { row, rows, stride };
        }
        Ok((shapes, count))
    }
}
