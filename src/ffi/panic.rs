//! Catches all panics, so that none reaches C. While a body runs, floating point works as Rust expects.

use super::error::remember;
use super::float::DefaultFloat;
use super::status::{FACE_PREDICT_OK, face_predict_status};
use crate::error::{Error, ErrorKind, Result};
use crate::quiet::catch;

/// Runs `body`. A panic inside becomes a status, as any failure does.
pub(super) fn wall(body: impl FnOnce() -> Result<()>) -> face_predict_status {
    match value(body) {
        Ok(()) => FACE_PREDICT_OK,
        Err(error) => remember(&error),
    }
}

/// Runs `body` for its value. A failure is kept as the message of this thread, and gives `otherwise`.
pub(super) fn wall_or<T>(otherwise: T, body: impl FnOnce() -> Result<T>) -> T {
    value(body).unwrap_or_else(|error| {
        remember(&error);
        otherwise
    })
}

/// Runs `body` for its value. A panic becomes an error.
pub(super) fn value<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    let _float = DefaultFloat::enter();
    catch(body).unwrap_or_else(|panic| {
        Err(Error::caught(ErrorKind::Internal, "the library caught a bug of its own", &*panic))
    })
}
