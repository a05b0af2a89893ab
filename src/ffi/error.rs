//! The last message of each thread.

use std::cell::RefCell;
use std::ffi::CString;

use core::ffi::c_char;

use super::sink;
use super::status::{self, face_predict_status};
use crate::error::Error;

thread_local! {
    static LAST: RefCell<CString> = RefCell::default();
}

/// Makes the message of a failure, on one line: those of decoders may have several.
pub(super) fn message(error: &Error) -> CString {
    let text = error.to_string().replace(['\0', '\r', '\n'], " ");
    CString::new(text.trim_end()).unwrap_or_default()
}

/// Keeps the message for `face_predict_last_error`, and returns the status.
pub(super) fn remember(error: &Error) -> face_predict_status {
    let (status, text) = (status::of(error.kind()), message(error));
    sink::failure(status::name(status), &text);
    // A thread that is ending keeps no message any more.
    let _ = LAST.try_with(|last| *last.borrow_mut() = text);
    status
}

/// Returns the message of the last failed call on this thread, or "" if no call has failed; never NULL. It is borrowed
/// until the next call fails on this thread, so show or copy it at once. The message about a picture is also kept with
/// its result: face_predict_result_message().
#[unsafe(no_mangle)]
pub extern "C" fn face_predict_last_error() -> *const c_char {
    LAST.try_with(|last| last.borrow().as_ptr()).unwrap_or(c"".as_ptr())
}
