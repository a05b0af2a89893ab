//! The function that receives the lines of the log, if a program has set one.

use core::ffi::{CStr, c_char, c_void};
use std::cell::Cell;
use std::ffi::CString;
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::error::{Error, Result};

/// Level of a log line: a call failed.
pub const FACE_PREDICT_LOG_ERROR: i32 = 1;
/// Level of a log line: something slow and rare happened, such as loading a model.
pub const FACE_PREDICT_LOG_INFO: i32 = 2;

#[derive(Clone, Copy)]
pub(super) struct Sink {
    pub(super) function: unsafe extern "C" fn(*mut c_void, i32, *const c_char),
    pub(super) data: *mut c_void,
}

// SAFETY: the header asks for a function that several threads may call, with its data.
unsafe impl Send for Sink {}
// SAFETY: as above.
unsafe impl Sync for Sink {}

static SINK: RwLock<Option<Sink>> = RwLock::new(None);
/// Whether a function is set. Nothing is locked while there is none.
static IS_ON: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Whether this thread is inside the program's function.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

fn tell(level: i32, line: &CStr) {
    // Calls that the program's own function makes are not logged: that would never end.
    if INSIDE.try_with(|inside| inside.replace(true)).unwrap_or(true) {
        return;
    }
    // This lock is held while the function runs, so that none runs any more once it was removed.
    let sink = SINK.read().unwrap_or_else(|e| e.into_inner());
    if let Some(Sink { function, data }) = *sink {
        // SAFETY: it is the program's function with its data, as the header asks.
        unsafe { function(data, level, line.as_ptr()) };
    }
    drop(sink);
    let _ = INSIDE.try_with(|inside| inside.set(false));
}

/// Logs that a call failed.
pub(super) fn failure(status: &CStr, message: &CStr) {
    if IS_ON.load(Ordering::Acquire) {
        let line = [status.to_bytes(), b": ", message.to_bytes()].concat();
        tell(FACE_PREDICT_LOG_ERROR, &CString::new(line).unwrap_or_default());
    }
}

/// The time when something begins, where there is a clock: a module of WebAssembly has none.
pub(super) fn start() -> Option<Instant> {
    (!cfg!(target_family = "wasm")).then(Instant::now)
}

/// Says how long it took, as the end of a sentence.
pub(super) fn took(start: Option<Instant>) -> String {
    start.map_or_else(String::new, |start| format!(" in {} ms", start.elapsed().as_millis()))
}

/// Logs something that takes long and happens seldom.
pub(super) fn info(line: impl FnOnce() -> String) {
    if IS_ON.load(Ordering::Acquire) {
        tell(FACE_PREDICT_LOG_INFO, &CString::new(line().replace('\0', " ")).unwrap_or_default());
    }
}

/// Sets the function that receives the lines from now on.
pub(super) fn set(sink: Option<Sink>) -> Result<()> {
    if INSIDE.get() {
        return Err(Error::invalid("the log is set from within its own function"));
    }
    let mut place = SINK.write().unwrap_or_else(|e| e.into_inner());
    IS_ON.store(sink.is_some(), Ordering::Release);
    *place = sink;
    Ok(())
}
