//! Statuses: what each call returns.

use core::ffi::{CStr, c_char};

use crate::error::ErrorKind;

/// The result of a call; 0 means success. Later versions may add numbers, but never reuse one.
pub type face_predict_status = i32;

/// Success.
pub const FACE_PREDICT_OK: i32 = 0;
/// The call was wrong: a required pointer is NULL.
pub const FACE_PREDICT_ERROR_NULL_ARGUMENT: i32 = 1;
/// The call was wrong: a value is not valid. The message says which.
pub const FACE_PREDICT_ERROR_INVALID_ARGUMENT: i32 = 2;
/// The call was wrong: an index is not smaller than the count.
pub const FACE_PREDICT_ERROR_OUT_OF_RANGE: i32 = 3;
/// The call was wrong: a plane has fewer bytes than the picture needs.
pub const FACE_PREDICT_ERROR_BUFFER_TOO_SMALL: i32 = 4;
/// The call was wrong: it uses something of a newer header, or something that this build lacks.
pub const FACE_PREDICT_ERROR_UNSUPPORTED: i32 = 5;
/// The input was wrong: a file could not be read.
pub const FACE_PREDICT_ERROR_IO: i32 = 20;
/// The input was wrong: the bytes are not a picture that can be decoded.
pub const FACE_PREDICT_ERROR_IMAGE: i32 = 21;
/// The input was wrong: the picture is larger than `max_pixels`, or the file is too large.
pub const FACE_PREDICT_ERROR_LIMIT: i32 = 22;
/// The input was wrong: the model file is damaged, has an unknown version, or is for another task.
pub const FACE_PREDICT_ERROR_MODEL: i32 = 40;
/// The machine failed: there is not enough memory.
pub const FACE_PREDICT_ERROR_OUT_OF_MEMORY: i32 = 60;
/// The library failed: it caught a bug of its own. Please report the message.
pub const FACE_PREDICT_ERROR_INTERNAL: i32 = 90;

pub(super) fn of(kind: ErrorKind) -> face_predict_status {
    match kind {
        ErrorKind::NullArgument => FACE_PREDICT_ERROR_NULL_ARGUMENT,
        ErrorKind::InvalidArgument => FACE_PREDICT_ERROR_INVALID_ARGUMENT,
        ErrorKind::OutOfRange => FACE_PREDICT_ERROR_OUT_OF_RANGE,
        ErrorKind::BufferTooSmall => FACE_PREDICT_ERROR_BUFFER_TOO_SMALL,
        ErrorKind::Unsupported => FACE_PREDICT_ERROR_UNSUPPORTED,
        ErrorKind::Io => FACE_PREDICT_ERROR_IO,
        ErrorKind::Image => FACE_PREDICT_ERROR_IMAGE,
        ErrorKind::Limit => FACE_PREDICT_ERROR_LIMIT,
        ErrorKind::Model => FACE_PREDICT_ERROR_MODEL,
        ErrorKind::OutOfMemory => FACE_PREDICT_ERROR_OUT_OF_MEMORY,
        ErrorKind::Internal => FACE_PREDICT_ERROR_INTERNAL,
    }
}

/// Returns the name of a status, such as "FACE_PREDICT_ERROR_IO", or "unknown" for other numbers. The text is static.
#[unsafe(no_mangle)]
pub extern "C" fn face_predict_status_name(status: face_predict_status) -> *const c_char {
    name(status).as_ptr()
}

pub(super) fn name(status: face_predict_status) -> &'static CStr {
    match status {
        FACE_PREDICT_OK => c"FACE_PREDICT_OK",
        FACE_PREDICT_ERROR_NULL_ARGUMENT => c"FACE_PREDICT_ERROR_NULL_ARGUMENT",
        FACE_PREDICT_ERROR_INVALID_ARGUMENT => c"FACE_PREDICT_ERROR_INVALID_ARGUMENT",
        FACE_PREDICT_ERROR_OUT_OF_RANGE => c"FACE_PREDICT_ERROR_OUT_OF_RANGE",
        FACE_PREDICT_ERROR_BUFFER_TOO_SMALL => c"FACE_PREDICT_ERROR_BUFFER_TOO_SMALL",
        FACE_PREDICT_ERROR_UNSUPPORTED => c"FACE_PREDICT_ERROR_UNSUPPORTED",
        FACE_PREDICT_ERROR_IO => c"FACE_PREDICT_ERROR_IO",
        FACE_PREDICT_ERROR_IMAGE => c"FACE_PREDICT_ERROR_IMAGE",
        FACE_PREDICT_ERROR_LIMIT => c"FACE_PREDICT_ERROR_LIMIT",
        FACE_PREDICT_ERROR_MODEL => c"FACE_PREDICT_ERROR_MODEL",
        FACE_PREDICT_ERROR_OUT_OF_MEMORY => c"FACE_PREDICT_ERROR_OUT_OF_MEMORY",
        FACE_PREDICT_ERROR_INTERNAL => c"FACE_PREDICT_ERROR_INTERNAL",
        _ => c"unknown",
    }
}
