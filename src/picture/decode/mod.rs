//! JPEG, PNG, WebP and BMP bytes to pixels, within limits.

#[cfg(feature = "decode")]
mod exif;
#[cfg(feature = "decode")]
mod jpeg;
#[cfg(feature = "decode")]
mod kinds;
pub(crate) mod reduced;
#[cfg(feature = "decode")]
mod size;

use std::path::Path;

use super::{Format, Image, Orientation};
use crate::error::{Error, ErrorKind, Result};
#[cfg(feature = "decode")]
use crate::memory::room;

/// The limits that a file must keep before it is decoded.
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

impl DecodeLimits {
    /// Fails with [`ErrorKind::Limit`] if a picture of `width` x `height` has too many pixels.
    pub(crate) fn check_size(&self, width: usize, height: usize) -> Result<()> {
        let (pixels, limit) = (width as u64 * height as u64, self.max_pixels);
        if pixels <= limit {
            return Ok(());
        }
        let message = format!(
            "the picture of {width}x{height} has {pixels} pixels, but the limit is {limit}"
        );
        Err(Error::new(ErrorKind::Limit, message))
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
    /// Decodes the bytes of a JPEG, PNG, WebP or BMP file. Its Exif orientation is kept beside the pixels. Fails in a build without the feature `decode`.
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
        let path = path.as_ref();
        // A build without decoders says so, whatever the path.
        let bytes = if cfg!(feature = "decode") {
            read_limited(path, limits.max_bytes)?
        } else {
            Vec::new()
        };
        Self::decode(&bytes, limits).map_err(|e| e.context(shown(path)))
    }

    /// The same picture, of which `next` comes after what its file says.
    pub(crate) fn turned(mut self, next: Orientation) -> Self {
        self.orientation = self.orientation.then(next);
        self
    }

    /// Returns a view of the pixels, with the orientation that the file states.
    pub fn image(&self) -> Image<'_> {
        Image::new(self.format, self.width, self.height, &self.data)
            .expect("checked when decoded")
            .with_orientation(self.orientation)
    }
}

/// Reads a whole file unless it is larger than `limit`, which also holds for pipes and devices.
pub(crate) fn read_limited(path: &Path, limit: u64) -> Result<Vec<u8>> {
    use std::io::Read;

    let io = |e| Error::with_source(ErrorKind::Io, format!("{} cannot be read", shown(path)), e);
    let file = std::fs::File::open(path).map_err(|e| match url(path) {
        Some(what) => Error::new(
            ErrorKind::Unsupported,
            format!("{} is {what}; it is not the path of a file", shown(path)),
        ),
        None => io(e),
    })?;
    let size = file.metadata().map_err(io)?.len();
    let too_large = || {
        Error::new(
            ErrorKind::Limit,
            format!("{} is larger than the limit of {limit} bytes", shown(path)),
        )
    };
    if size > limit {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    bytes.try_reserve(size as usize + 1).map_err(|_| {
        Error::new(
            ErrorKind::OutOfMemory,
            format!("there is no memory for the {size} bytes of the file"),
        )
    })?;
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > limit {
        return Err(too_large());
    }
    Ok(bytes)
}

/// A path as messages have it: a long one without its middle.
pub(crate) fn shown(path: &Path) -> String {
    const ENDS: usize = 100;

    let text = path.display().to_string();
    let count = text.chars().count();
    if count <= 2 * ENDS + 20 {
        return text;
    }
    let start: String = text.chars().take(ENDS).collect();
    let end: String = text.chars().skip(count - ENDS).collect();
    format!("{start}[...]{end} ({count} characters)")
}

/// What a path is that was never one.
fn url(path: &Path) -> Option<&'static str> {
    let text = path.to_str()?;
    let is = |scheme: &str| {
        text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    if is("data:") {
        Some("a data URL, which must be decoded and given as bytes")
    } else if is("http://") || is("https://") {
        Some("a URL, which must be fetched and given as bytes")
    } else {
        None
    }
}

#[cfg(not(feature = "decode"))]
fn decode(_: &[u8], _: &DecodeLimits) -> Result<Picture> {
    let none = "this build has no picture decoders: decode the picture and pass its pixels";
    Err(Error::new(ErrorKind::Unsupported, none))
}

#[cfg(feature = "decode")]
fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<Picture> {
    if let Some(file) = jpeg::File::new(bytes, limits)? {
        return file.decode(face_predict_jpeg::Scale::Whole);
    }
    decode_other(bytes, limits)
}

/// PNG, WebP and BMP.
#[cfg(feature = "decode")]
fn decode_other(bytes: &[u8], limits: &DecodeLimits) -> Result<Picture> {
    use image::{ColorType, DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

    let mut reader = ImageReader::new(std::io::Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|e| Error::with_source(ErrorKind::Image, "the picture cannot be read", e))?;
    if !matches!(reader.format(), Some(ImageFormat::Png | ImageFormat::WebP | ImageFormat::Bmp)) {
        let message = match kinds::other_format(bytes) {
            Some(name) => {
                format!("the {} bytes are {name}, not JPEG, PNG, WebP or BMP", bytes.len())
            }
            None => format!("the {} bytes are no JPEG, PNG, WebP or BMP", bytes.len()),
        };
        return Err(Error::new(ErrorKind::Image, message));
    }
    let declared = size::declared(bytes);
    if let Some((width, height)) = declared {
        limits.check_size(width, height)?;
    }
    // The decoders first read texts and colour profiles, which they keep. Three times the file is enough for any text. A
    // profile may unpack to a thousand times its size, and is left out if it takes more. While it is unpacked, as much is
    // taken once more.
    let row = declared.map_or(0, |(width, _)| width.saturating_mul(16));
    let parts = |copies: usize| bytes.len().saturating_mul(copies).saturating_add(row);
    room(parts(6))?;
    let mut decoder_limits = Limits::default();
    decoder_limits.max_alloc = Some((parts(3) as u64).saturating_add(1 << 20));
    reader.limits(decoder_limits.clone());
    let mut decoder = reader.into_decoder().map_err(image_error)?;
    let (width, height) = decoder.dimensions();
    let (width, height) = (width as usize, height as usize);
    limits.check_size(width, height)?;
    // Eight bytes a pixel is the widest that the decoders produce (16-bit RGBA), and they need room
    // beside it.
    decoder_limits.max_alloc = Some(limits.max_pixels.saturating_mul(16).max(1 << 20));
    decoder.set_limits(decoder_limits).map_err(image_error)?;
    // The decoder's pixels, those of a simpler format, and rows on the way.
    room(usize::try_from(decoder.total_bytes()).unwrap_or(usize::MAX).saturating_mul(2))?;
    // A damaged Exif block is no reason to refuse the picture.
    let block = decoder.exif_metadata().ok().flatten();
    let orientation = exif::orientation(block.as_deref());
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
    Picture::from_parts(format, (width, height), data, orientation)
}

#[cfg(feature = "decode")]
fn image_error(error: image::ImageError) -> Error {
    use image::ImageError;

    let (kind, message) = match error {
        ImageError::Limits(_) => (ErrorKind::Limit, "the picture is too large"),
        ImageError::Unsupported(_) => (ErrorKind::Image, "this kind of picture is not supported"),
        _ => (ErrorKind::Image, "the picture is damaged"),
    };
    Error::with_source(kind, message, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_limit_limits_nothing() {
        let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
        let bytes = read_limited(path, u64::MAX).expect("a file");
        assert_eq!(bytes, std::fs::read(path).expect("a file"));
        assert_eq!(read_limited(path, 5).map_err(|e| e.kind()), Err(ErrorKind::Limit));
    }
}
