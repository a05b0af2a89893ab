//! What the module for browsers and Node exports beside the C interface: memory for pictures, and what ended it.
//!
//! A panic ends a module, since WebAssembly has no unwinding that every browser knows. Its memory stays readable: the binding in
//! bindings/js asks for the message, and starts a new one.

use core::ffi::c_char;
use std::alloc::{Layout, alloc, dealloc};
use std::cell::RefCell;
use std::ffi::CString;
use std::panic::PanicHookInfo;

thread_local! {
    static PANIC: RefCell<CString> = RefCell::default();
}

/// Keeps what a panic says.
pub(crate) fn remember_panic(info: &PanicHookInfo<'_>) {
    let text = info.to_string().replace(['\0', '\r', '\n'], " ");
    // A panic while the message is read or written has none.
    let _ = PANIC.try_with(|panic| {
        if let Ok(mut panic) = panic.try_borrow_mut() {
            *panic = CString::new(text).unwrap_or_default();
        }
    });
}

/// Gives the message of the panic that ended this module, or "".
#[unsafe(no_mangle)]
pub extern "C" fn face_predict_wasm_panic() -> *const c_char {
    PANIC.try_with(|panic| panic.borrow().as_ptr()).unwrap_or(c"".as_ptr())
}

fn layout(size: usize) -> Option<Layout> {
    Layout::from_size_align(size.max(1), 16).ok()
}

/// Gives `size` bytes of the module's memory, aligned to 16, or NULL where memory is short.
#[unsafe(no_mangle)]
pub extern "C" fn face_predict_wasm_alloc(size: usize) -> *mut u8 {
    // SAFETY: a layout is never of zero bytes.
    layout(size).map_or(std::ptr::null_mut(), |layout| unsafe { alloc(layout) })
}

/// Frees what face_predict_wasm_alloc() gave for the same `size`; NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_wasm_free(pointer: *mut u8, size: usize) {
    if let (false, Some(layout)) = (pointer.is_null(), layout(size)) {
        // SAFETY: the caller's promise: it comes from the function above, by the same layout.
        unsafe { dealloc(pointer, layout) }
    }
}
