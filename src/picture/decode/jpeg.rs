//! JPEG, whole or smaller than the file says.

use face_predict_jpeg::{Jpeg, Pixels, Scale};

use super::{DecodeLimits, Picture, exif};
use crate::error::{Error, ErrorKind, Result};
use crate::memory::room;
use crate::picture::{Format, Orientation};

/// A file whose header has been read, within limits.
pub(super) struct File<'a> {
    jpeg: Jpeg<'a>,
    orientation: Orientation,
}

impl<'a> File<'a> {
    /// `None` for what is no JPEG at all.
    pub(super) fn new(bytes: &'a [u8], limits: &DecodeLimits) -> Result<Option<Self>> {
        if !bytes.starts_with(&[0xFF, 0xD8, 0xFF]) {
            return Ok(None);
        }
        // Tables; planes and pixels ask for themselves.
        room(0)?;
        let jpeg = Jpeg::new(bytes).map_err(|e| reason(&e))?;
        limits.check_size(jpeg.width(), jpeg.height())?;
        let orientation = exif::orientation(jpeg.exif());
        Ok(Some(Self { jpeg, orientation }))
    }

    /// Width and height of the whole as they are stored.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.jpeg.width(), self.jpeg.height())
    }

    pub(super) fn orientation(&self) -> Orientation {
        self.orientation
    }

    pub(super) fn decode(&self, scale: Scale) -> Result<Picture> {
        let Pixels { width, height, gray, data, .. } =
            self.jpeg.decode(scale).map_err(|e| reason(&e))?;
        let format = if gray { Format::Gray } else { Format::Rgb };
        Picture::from_parts(format, (width, height), data, self.orientation)
    }
}

/// The decoder's error as this library's.
fn reason(error: &face_predict_jpeg::Error) -> Error {
    use face_predict_jpeg::ErrorKind as Kind;

    let kind = match error.kind() {
        Kind::Limit => ErrorKind::Limit,
        Kind::OutOfMemory => ErrorKind::OutOfMemory,
        _ => ErrorKind::Image,
    };
    let message = match error.kind() {
        Kind::Damaged | Kind::Truncated => format!("the picture is damaged: {error}"),
        _ => error.to_string(),
    };
    Error::new(kind, message)
}
