//! JPEG, PNG, WebP and BMP bytes to pixels, within limits.

use std::io::Cursor;
use std::path::Path;

use image::{
    ColorType, DynamicImage, ImageDecoder, ImageError, ImageReader, Limits,
    metadata::Orientation as Exif,
};

use super::{Format, Image, Orientation};
use crate::error::{Error, ErrorKind, Result};

/// What a picture may cost before its bytes are trusted.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct DecodeLimits {
    /// Largest width times height.
    pub max_pixels: u64,
    /// Largest file read, in bytes.
    pub max_bytes: u64,
}

impl Default for DecodeLimits {
    /// 64 Mi pixels from 256 MiB.
    fn default() -> Self {
        Self { max_pixels: 64 << 20, max_bytes: 256 << 20 }
    }
}

/// A decoded picture that owns its pixels.
#[derive(Clone, Debug)]
pub struct Picture {
    format: Format,
    width: usize,
    height: usize,
    data: Vec<u8>,
    orientation: Orientation,
}

impl Picture {
    /// Decodes the bytes of a JPEG, PNG, WebP or BMP file; its Exif orientation is kept beside the
    /// pixels.
    pub fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<Self> {
        let mut reader = ImageReader::new(Cursor::new(bytes))
            .with_guessed_format()
            .map_err(|e| Error::with_source(ErrorKind::Image, "picture cannot be read", e))?;
        if reader.format().is_none() {
            return Err(Error::new(
                ErrorKind::Image,
                format!("{} bytes that are no JPEG, PNG, WebP or BMP", bytes.len()),
            ));
        }
        // Eight bytes a pixel is the widest that the decoders produce (16-bit RGBA), and they need room
        // beside it.
        let mut decoder_limits = Limits::default();
        decoder_limits.max_alloc = Some(limits.max_pixels.saturating_mul(16).max(1 << 20));
        reader.limits(decoder_limits.clone());
        let mut decoder = reader.into_decoder().map_err(image_error)?;
        let (width, height) = decoder.dimensions();
        let pixels = u64::from(width) * u64::from(height);
        if pixels > limits.max_pixels {
            return Err(Error::new(
                ErrorKind::Limit,
                format!(
                    "picture of {width}x{height} has {pixels} pixels, the limit is {}",
                    limits.max_pixels
                ),
            ));
        }
        decoder.set_limits(decoder_limits).map_err(image_error)?;
        // A damaged Exif block is no reason to refuse the picture.
        let exif = decoder.orientation().unwrap_or(Exif::NoTransforms);
        let color = decoder.color_type();
        let decoded = DynamicImage::from_decoder(decoder).map_err(image_error)?;
        let (format, data) = match color {
            ColorType::L8 => (Format::Gray, decoded.into_luma8().into_raw()),
            ColorType::Rgba8 => (Format::Rgba, decoded.into_rgba8().into_raw()),
            ColorType::L16 | ColorType::La8 | ColorType::La16 => {
                (Format::Gray, decoded.into_luma8().into_raw())
            }
            _ => (Format::Rgb, decoded.into_rgb8().into_raw()),
        };
        let orientation = Orientation::from_exif(u32::from(exif.to_exif()))?;
        let (width, height) = (width as usize, height as usize);
        Self::from_parts(format, (width, height), data, orientation)
    }

    pub(super) fn from_parts(
        format: Format,
        (width, height): (usize, usize),
        data: Vec<u8>,
        orientation: Orientation,
    ) -> Result<Self> {
        // Proves that the view below cannot fail.
        Image::new(format, width, height, &data)?;
        Ok(Self { format, width, height, data, orientation })
    }

    /// Reads and decodes a file.
    pub fn open(path: impl AsRef<Path>, limits: &DecodeLimits) -> Result<Self> {
        Self::decode(&read_limited(path.as_ref(), limits.max_bytes)?, limits)
    }

    /// A view of the pixels, oriented as the file says.
    pub fn image(&self) -> Image<'_> {
        Image::new(self.format, self.width, self.height, &self.data)
            .expect("checked when decoded")
            .with_orientation(self.orientation)
    }
}

/// Reads a whole file unless it is larger than `limit`, which also holds for pipes and devices.
pub(crate) fn read_limited(path: &Path, limit: u64) -> Result<Vec<u8>> {
    use std::io::Read;

    let io = |e| Error::with_source(ErrorKind::Io, format!("{} cannot be read", path.display()), e);
    let file = std::fs::File::open(path).map_err(io)?;
    let size = file.metadata().map_err(io)?.len();
    let too_large = || {
        Error::new(
            ErrorKind::Limit,
            format!("{} is larger than the limit of {limit} bytes", path.display()),
        )
    };
    if size > limit {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    bytes.try_reserve(size as usize + 1).map_err(|_| {
        Error::new(ErrorKind::OutOfMemory, format!("no memory for the {size} bytes of the file"))
    })?;
    file.take(limit + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > limit {
        return Err(too_large());
    }
    Ok(bytes)
}

fn image_error(error: ImageError) -> Error {
    let (kind, message) = match error {
        ImageError::Limits(_) => (ErrorKind::Limit, "picture is too large"),
        ImageError::Unsupported(_) => (ErrorKind::Image, "kind of picture not supported"),
        _ => (ErrorKind::Image, "picture is damaged"),
    };
    Error::with_source(kind, message, error)
}
