//! The last message of each thread.

use std::borrow::Cow;
use std::cell::RefCell;
use std::ffi::CString;

use core::ffi::c_char;

use super::sink;
use super::status::{self, face_predict_status};
use crate::error::Error;

thread_local! {
    static LAST: RefCell<CString> = RefCell::default();
}

/// The characters that the start and the end of a long message keep. A model file may name things with megabytes.
const START: usize = 700;
const END: usize = 300;

/// Makes the message of a failure, on one line: those of decoders may have several.
pub(super) fn message(error: &Error) -> CString {
    let text = error.to_string().replace(['\0', '\r', '\n'], " ");
    CString::new(shortened(text.trim_end()).into_owned()).unwrap_or_default()
}

/// Leaves out the middle of a long text.
fn shortened(text: &str) -> Cow<'_, str> {
    let start = text.char_indices().nth(START);
    let end = text.char_indices().nth_back(END - 1);
    match (start, end) {
        (Some((start, _)), Some((end, _))) if start < end => {
            Cow::Owned(format!("{} ... {}", &text[..start], &text[end..]))
        }
        _ => Cow::Borrowed(text),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_keeps_its_start_and_its_end() {
        let text = format!("start {} end", "\u{e9}".repeat(1_000_000));
        let short = shortened(&text);
        assert!(short.starts_with("start ") && short.ends_with(" end"), "{short}");
        assert_eq!(short.chars().count(), START + END + 5);
        let all = "\u{e9}".repeat(START + END);
        assert_eq!(shortened(&all), all);
    }
}
