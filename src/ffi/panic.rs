//! The wall that no panic passes, and that keeps panics quiet. Behind it floating point works as Rust expects.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use super::error::remember;
use super::float::DefaultFloat;
use super::status::{FACE_PREDICT_OK, face_predict_status};
use crate::error::{Error, ErrorKind, Result};

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

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
    quiet_hook();
    let _float = DefaultFloat::enter();
    let outer = INSIDE.replace(true);
    let caught = catch_unwind(AssertUnwindSafe(body));
    INSIDE.set(outer);
    caught.unwrap_or_else(|panic| {
        Err(Error::caught(ErrorKind::Internal, "a bug of ours was caught", &*panic))
    })
}

/// The library prints nothing, not even its own panics. Those of a Rust program around it still go where
/// they went.
fn quiet_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            #[cfg(target_family = "wasm")]
            super::wasm::remember_panic(info);
            if !INSIDE.get() {
                before(info);
            }
        }));
    });
}
