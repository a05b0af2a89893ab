//! Statuses and the last message of each thread.

use std::cell::RefCell;
use std::ffi::{CStr, CString};

use core::ffi::c_char;

use super::log;
use super::panic::wall_or;
use crate::error::{Error, ErrorKind};

/// Result of a call: 0 is success. Numbers are never reused; later versions may add some.
pub type face_predict_status = i32;

/// Success.
pub const FACE_PREDICT_OK: i32 = 0;
/// The call was wrong: a required pointer is NULL.
pub const FACE_PREDICT_ERROR_NULL_ARGUMENT: i32 = 1;
/// The call was wrong: a value makes no sense; the message says which.
pub const FACE_PREDICT_ERROR_INVALID_ARGUMENT: i32 = 2;
/// The call was wrong: an index is not below the count.
pub const FACE_PREDICT_ERROR_OUT_OF_RANGE: i32 = 3;
/// The call was wrong: a plane is smaller than its picture needs.
pub const FACE_PREDICT_ERROR_BUFFER_TOO_SMALL: i32 = 4;
/// The call was wrong: set by a newer header, or not in this build.
pub const FACE_PREDICT_ERROR_UNSUPPORTED: i32 = 5;
/// The input was wrong: a file could not be read.
pub const FACE_PREDICT_ERROR_IO: i32 = 20;
/// The input was wrong: the bytes are not a picture that can be decoded.
pub const FACE_PREDICT_ERROR_IMAGE: i32 = 21;
/// The input was wrong: the picture is larger than `max_pixels`, or the file too large.
pub const FACE_PREDICT_ERROR_LIMIT: i32 = 22;
/// The input was wrong: the model is damaged, of an unknown version, or of another task.
pub const FACE_PREDICT_ERROR_MODEL: i32 = 40;
/// The machine failed: memory is short.
pub const FACE_PREDICT_ERROR_OUT_OF_MEMORY: i32 = 60;
/// The library failed: a bug of ours was caught; please report the message.
pub const FACE_PREDICT_ERROR_INTERNAL: i32 = 90;

thread_local! {
    static LAST: RefCell<CString> = RefCell::default();
}

/// The message of a failure, on one line: those of decoders may have several.
pub(super) fn message(error: &Error) -> CString {
    let text = error.to_string().replace(['\0', '\r', '\n'], " ");
    CString::new(text.trim_end()).unwrap_or_default()
}

/// Keeps the message for `face_predict_last_error` and gives the status.
pub(super) fn remember(error: &Error) -> face_predict_status {
    let (status, text) = (status(error.kind()), message(error));
    log::failure(name(status), &text);
    // A thread that is ending has no message any more.
    let _ = LAST.try_with(|last| *last.borrow_mut() = text);
    status
}

pub(super) fn status(kind: ErrorKind) -> face_predict_status {
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

/// Gives the message of the last failed call on this thread, or "" if none has failed; never NULL. It is borrowed until
/// the next failing call on this thread, so show or copy it before anything else. What went wrong with a picture is also
/// kept with its result: face_predict_result_message().
#[unsafe(no_mangle)]
pub extern "C" fn face_predict_last_error() -> *const c_char {
    LAST.try_with(|last| last.borrow().as_ptr()).unwrap_or(c"".as_ptr())
}

/// Gives the name of a status, such as "FACE_PREDICT_ERROR_IO", or "unknown" for other numbers. The text is static.
#[unsafe(no_mangle)]
pub extern "C" fn face_predict_status_name(status: face_predict_status) -> *const c_char {
    wall_or(c"unknown", || Ok(name(status))).as_ptr()
}

fn name(status: face_predict_status) -> &'static CStr {
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
