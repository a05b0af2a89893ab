//! Handles Ctrl-C, and readers of the output that go away.

use std::io::Write;
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

/// Ends the program when its output cannot be written, since `println!` would panic then. If the reader has gone, as after
/// `face-train ... | head`, there is no message. Asking for the signal that ends other programs would take unsafe code,
/// so the status is what a shell reports for that signal. Otherwise, as on a full disk, the error is reported. A training
/// can be resumed afterwards.
pub fn end_when_output_fails() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let text = panic.payload().downcast_ref::<String>().map_or("", String::as_str);
        match text.strip_prefix("failed printing to ") {
            Some(error) if error.contains("Broken pipe") => std::process::exit(141),
            Some(error) => {
                let _ = writeln!(std::io::stderr(), "face-train: writing to {error}");
                std::process::exit(1);
            }
            None => usual(panic),
        }
    }));
}
