//! Handles Ctrl-C, and readers of the output that go away.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;

static ASKED: AtomicBool = AtomicBool::new(false);
static WATCHED: AtomicBool = AtomicBool::new(false);

/// The first Ctrl-C asks for a checkpoint, and a second one ends the program at once. `finetune` trains twice in one
/// process.
pub fn watch() -> Result<()> {
    if WATCHED.swap(true, Ordering::SeqCst) {
        return Ok(());
    }
    Ok(ctrlc::set_handler(|| {
        if ASKED.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    })?)
}

/// Returns whether Ctrl-C was pressed.
pub fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}

/// Ends the program without a message if the reader of its output has gone, as after `face-train ... | head`. In Rust,
/// `println!` panics then. Asking for the signal that ends other programs would take unsafe code, so the program ends
/// with the status that a shell reports for that signal. Its work may be unfinished.
pub fn end_quietly_on_broken_pipes() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let text = panic.payload().downcast_ref::<String>().map_or("", String::as_str);
        if text.starts_with("failed printing to std") && text.contains("Broken pipe") {
            std::process::exit(141);
        }
        usual(panic);
    }));
}
