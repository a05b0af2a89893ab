//! Panics that are caught print nothing. Panics of a Rust program around the library are still reported as before.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    /// Whether this library would catch a panic of this thread.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Runs `body`. A panic inside comes back as an error, and nothing is printed.
pub(crate) fn catch<T>(body: impl FnOnce() -> T) -> std::thread::Result<T> {
    hook();
    let outer = INSIDE.replace(true);
    let caught = catch_unwind(AssertUnwindSafe(body));
    INSIDE.set(outer);
    caught
}

fn hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            #[cfg(target_family = "wasm")]
            crate::ffi::remember_panic(info);
            if !INSIDE.get() {
                before(info);
            }
        }));
    });
}
