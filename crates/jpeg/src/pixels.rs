//! The decoded picture, and how its rows are made.

use crate::color::{Colors, convert};
use crate::error::{Error, Result};
use crate::frame::Scale;
use crate::header::Header;
use crate::planes::Plane;
use crate::upsample::Upsampler;
use crate::wide::widest;

/// A decoded picture. Its rows have no padding, and the first is at the top.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pixels {
    /// The pixels in a row.
    pub width: usize,
    /// The number of rows.
    pub height: usize,
    /// Whether a pixel is one byte of gray. Otherwise it has three of red, green and blue.
    pub gray: bool,
    /// The bytes of all rows.
    pub data: Vec<u8>,
}

impl Pixels {
    /// Returns the bytes of a pixel.
    pub fn channels(&self) -> usize {
        if self.gray { 1 } else { 3 }
    }
}

/// A picture whose rows are converted as soon as their samples have come.
pub(crate) struct Picture {
    pixels: Pixels,
    colors: Colors,
    upsamplers: [Upsampler; 4],
    /// The number of rows that are done.
    done: usize,
}

impl Picture {
    pub(crate) fn new(header: &Header<'_>, scale: Scale) -> Result<Self> {
        let (width, height) = header.frame.size(scale);
        let gray = header.colors == Colors::Gray;
        let mut data = Vec::new();
        // Nothing is written to this memory until data have come for it.
        let channels = if gray { 1 } else { 3 };
        let size = width.checked_mul(height).and_then(|pixels| pixels.checked_mul(channels));
        data.try_reserve_exact(size.ok_or(Error::memory())?).map_err(|_| Error::memory())?;
        let pixels = Pixels { width, height, gray, data };
        Ok(Self { pixels, colors: header.colors, upsamplers: Default::default(), done: 0 })
    }

    /// Converts the rows for which planes have samples. `rows` have been decoded at the picture's scale.
    pub(crate) fn advance(&mut self, planes: &[Plane], rows: usize) {
        widest(
            #[inline(always)]
            || self.convert_until(planes, rows),
        );
    }

    #[inline(always)]
    fn convert_until(&mut self, planes: &[Plane], rows: usize) {
        let row_size = self.pixels.width * self.pixels.channels();
        let Pixels { height, data, .. } = &mut self.pixels;
        let ahead = planes.iter().any(|plane| plane.upsampling.looks_ahead());
        let until = if rows >= *height { *height } else { rows - usize::from(ahead) };
        for row in self.done..until {
            let start = data.len();
            data.resize(start + row_size, 0);
            let mut components = [&[][..]; 4];
            for ((to, plane), upsampler) in
                components.iter_mut().zip(planes).zip(&mut self.upsamplers)
            {
                *to = upsampler.row(plane, row);
            }
            if let (Some(to), Some(from)) = (data.get_mut(start..), components.get(..planes.len()))
            {
                convert(self.colors, from, to);
            }
        }
        self.done = self.done.max(until);
    }

    pub(crate) fn finish(self) -> Pixels {
        self.pixels
    }
}
