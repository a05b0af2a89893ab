//! What a program may ask to be told, off by default.

use core::ffi::{c_char, c_void};

use super::panic::wall;
use super::sink::{self, Sink};
use super::status::face_predict_status;

/// Takes a line of the log: `data` as it was given, one of FACE_PREDICT_LOG_..., and a text of UTF-8 that is borrowed for
/// the call. It may be called by several threads at once. It must neither throw nor jump out.
pub type face_predict_log_function =
    Option<unsafe extern "C" fn(data: *mut c_void, level: i32, message: *const c_char)>;

/// Sets what is told of failed calls and of loading, for the whole process; NULL, as at the start, tells nothing. When this call
/// returns, the function that was set before runs nowhere and is not called again. What the function itself calls is not told. It must not
/// call face_predict_set_log(), which then fails with INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn face_predict_set_log(
    function: face_predict_log_function,
    data: *mut c_void,
) -> face_predict_status {
    wall(|| sink::set(function.map(|function| Sink { function, data })))
}
