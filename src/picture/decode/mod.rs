//! JPEG, PNG, WebP and BMP bytes to pixels, within limits.

pub(crate) mod reduced;

use std::path::Path;

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
    /// pixels. A build without the feature `decode` cannot.
    pub fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<Self> {
        decode(bytes, limits)
    }

    #[cfg(feature = "decode")]
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
        // Without decoders, that is what must be told, whatever the path.
        let bytes = if cfg!(feature = "decode") {
            read_limited(path.as_ref(), limits.max_bytes)?
        } else {
            Vec::new()
        };
        Self::decode(&bytes, limits)
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

#[cfg(not(feature = "decode"))]
fn decode(_: &[u8], _: &DecodeLimits) -> Result<Picture> {
    let none = "this build has no picture decoders: decode the picture and pass its pixels";
    Err(Error::new(ErrorKind::Unsupported, none))
}

#[cfg(feature = "decode")]
fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<Picture> {
    use image::metadata::Orientation as Exif;
    use image::{ColorType, DynamicImage, ImageDecoder, ImageReader, Limits};

    let mut reader = ImageReader::new(std::io::Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|e| Error::with_source(ErrorKind::Image, "picture cannot be read", e))?;
    if is_cut_jpeg(bytes) {
        return Err(Error::new(
            ErrorKind::Image,
            "picture is damaged: the JPEG ends before its end-of-image marker",
        ));
    }
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
    // Proves that the view below cannot fail.
    Image::new(format, width, height, &data)?;
    Ok(Picture { format, width, height, data, orientation })
}

/// Whether a JPEG ends before it is over. Decoders fill up what is missing and say nothing, and a network then judges the
/// filling.
#[cfg(feature = "decode")]
pub(crate) fn is_cut_jpeg(bytes: &[u8]) -> bool {
    const END: [u8; 2] = [0xFF, 0xD9];
    if !bytes.starts_with(&[0xFF, 0xD8]) || bytes.ends_with(&END) {
        return false;
    }
    // Something may follow the end, and a preview of its own precede it: markers tell, segment by segment.
    let (mut at, mut in_scan) = (2, false);
    loop {
        let Some(skip) = bytes.get(at..).and_then(|rest| rest.iter().position(|b| *b == 0xFF))
        else {
            return true;
        };
        if skip > 0 && !in_scan {
            // No marker where one should be: the decoder says what is wrong.
            return false;
        }
        at += skip + 1;
        match bytes.get(at) {
            None => return true,
            Some(0xD9) => return false,
            // Fill bytes, stuffed zeros and restarts.
            Some(0xFF) => {}
            Some(0x00 | 0x01 | 0xD0..=0xD7) => at += 1,
            Some(marker) => {
                in_scan = *marker == 0xDA;
                let length =
                    bytes.get(at + 1..at + 3).map(|l| usize::from(l[0]) << 8 | usize::from(l[1]));
                let Some(length) = length else { return true };
                at += 1 + length;
            }
        }
    }
}

#[cfg(feature = "decode")]
fn image_error(error: image::ImageError) -> Error {
    use image::ImageError;

    let (kind, message) = match error {
        ImageError::Limits(_) => (ErrorKind::Limit, "picture is too large"),
        ImageError::Unsupported(_) => (ErrorKind::Image, "kind of picture not supported"),
        _ => (ErrorKind::Image, "picture is damaged"),
    };
    Error::with_source(kind, message, error)
}
