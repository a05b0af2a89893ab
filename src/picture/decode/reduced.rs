//! JPEG at an eighth, a quarter or half of its size: most of the work of decoding a large one is never done.

use super::{DecodeLimits, Picture};

/// A picture smaller than its file says.
#[derive(Clone, Debug)]
pub(crate) struct Reduced {
    pub(crate) picture: Picture,
    /// Width and height of the whole, turned upright.
    pub(crate) full: (usize, usize),
}

impl Reduced {
    /// Nothing decodes in such a build.
    #[cfg(not(feature = "decode"))]
    pub(crate) fn decode(_: &[u8], _: &DecodeLimits, _: impl FnOnce(f32) -> f32) -> Option<Self> {
        None
    }

    /// Decodes with a longer side of at least what `longer` makes of the whole one, in pixels. `None` where nothing is gained, and for all that this cannot
    /// read: the ordinary decoder has the last word on what is wrong with a file.
    #[cfg(feature = "decode")]
    pub(crate) fn decode(
        bytes: &[u8],
        limits: &DecodeLimits,
        longer: impl FnOnce(f32) -> f32,
    ) -> Option<Self> {
        use std::io::Cursor;

        use image::metadata::Orientation as Exif;
        use jpeg_decoder::{Decoder, PixelFormat};

        use crate::picture::{Format, Orientation};

        if !bytes.starts_with(&[0xFF, 0xD8, 0xFF]) || super::is_cut_jpeg(bytes) {
            return None;
        }
        let mut decoder = Decoder::new(Cursor::new(bytes));
        decoder.read_info().ok()?;
        let info = decoder.info()?;
        let format = match info.pixel_format {
            PixelFormat::L8 => Format::Gray,
            PixelFormat::RGB24 => Format::Rgb,
            PixelFormat::L16 | PixelFormat::CMYK32 => return None,
        };
        let (width, height) = (usize::from(info.width), usize::from(info.height));
        if width as u64 * height as u64 > limits.max_pixels {
            return None;
        }
        let whole = width.max(height) as f32;
        let longer = longer(whole);
        let eighths = [1, 2, 4].into_iter().find(|n| whole * *n as f32 / 8.0 >= longer)?;
        let part = |side: u16| (u32::from(side) * eighths).div_ceil(8) as u16;
        decoder.set_max_decoding_buffer_size(
            limits.max_pixels.saturating_mul(4).max(1 << 20).try_into().unwrap_or(usize::MAX),
        );
        let (across, down) = decoder.scale(part(info.width), part(info.height)).ok()?;
        let data = decoder.decode().ok()?;
        let exif = decoder.exif_data().and_then(Exif::from_exif_chunk);
        let exif = exif.map_or(1, |exif| u32::from(exif.to_exif()));
        let orientation = Orientation::from_exif(exif).ok()?;
        let size = (usize::from(across), usize::from(down));
        let picture = Picture::from_parts(format, size, data, orientation).ok()?;
        let full = if orientation.swaps_axes() { (height, width) } else { (width, height) };
        Some(Self { picture, full })
    }

    /// Pixels of the whole for one that was decoded.
    pub(crate) fn scale(&self) -> f32 {
        let (width, height) = self.picture.image().upright_size();
        self.full.0.max(self.full.1) as f32 / width.max(height) as f32
    }
}
