//! The log that a program may ask for. It is off by default.

use core::ffi::{c_char, c_void};

use super::panic::wall;
use super::sink::{self, Sink};
use super::status::face_predict_status;

/// Receives one line of the log: the `data` given to face_predict_set_log(), one of FACE_PREDICT_LOG_..., and a text in
/// UTF-8. The text is borrowed for the call. Several threads may call the function at once. It must not throw an
/// exception or leave by longjmp.
pub type face_predict_log_function =
    Option<unsafe extern "C" fn(data: *mut c_void, level: i32, message: *const c_char)>;

/// Sets the function that is called for each failed call and after slow steps, for the whole process. NULL turns the
/// log off, as it is at the start. When this call returns, the earlier function is not running on any thread, and is
/// never called again. Calls that the function itself makes are not logged. The function must not call
/// face_predict_set_log(), which then fails with INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub extern "C" fn face_predict_set_log(
    function: face_predict_log_function,
    data: *mut c_void,
) -> face_predict_status {
    wall(|| sink::set(function.map(|function| Sink { function, data })))
}
