//! The wall that no panic passes. Behind it floating point works as Rust expects.

use super::error::remember;
use super::float::DefaultFloat;
use super::status::{FACE_PREDICT_OK, face_predict_status};
use crate::error::{Error, ErrorKind, Result};
use crate::quiet::catch;

/// Runs `body`; a panic inside becomes a status like any failure.
pub(super) fn wall(body: impl FnOnce() -> Result<()>) -> face_predict_status {
    match value(body) {
        Ok(()) => FACE_PREDICT_OK,
        Err(error) => remember(&error),
    }
}

/// Runs `body` for its value; a failure is remembered and becomes `otherwise`.
pub(super) fn wall_or<T>(otherwise: T, body: impl FnOnce() -> Result<T>) -> T {
    value(body).unwrap_or_else(|error| {
        remember(&error);
        otherwise
    })
}

/// Runs `body` for its value, panics as failures.
pub(super) fn value<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    let _float = DefaultFloat::enter();
    catch(body).unwrap_or_else(|panic| {
        Err(Error::caught(ErrorKind::Internal, "a bug of ours was caught", &*panic))
    })
}
