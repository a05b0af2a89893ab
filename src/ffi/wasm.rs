//! What the module for browsers and Node exports beside the C interface: memory for pictures, and the message of the
//! panic that ended it.
//!
//! A panic ends a module, because not every browser knows the unwinding of WebAssembly. The memory of the module can
//! still be read. The binding in bindings/js asks for the message, and starts a new module.

use core::ffi::c_char;
use std::alloc::{Layout, alloc, dealloc};
use std::cell::RefCell;
use std::ffi::CString;
use std::panic::PanicHookInfo;

thread_local! {
    static PANIC: RefCell<CString> = RefCell::default();
}

/// Keeps the message of a panic.
pub(crate) fn remember_panic(info: &PanicHookInfo<'_>) {
    let text = info.to_string().replace(['\0', '\r', '\n'], " ");
    // If reading or writing the message panics, there is no message.
    let _ = PANIC.try_with(|panic| {
        if let Ok(mut panic) = panic.try_borrow_mut() {
            *panic = CString::new(text).unwrap_or_default();
        }
    });
}

/// Returns the message of the panic that ended this module, or "".
#[unsafe(no_mangle)]
pub extern "C" fn face_predict_wasm_panic() -> *const c_char {
    PANIC.try_with(|panic| panic.borrow().as_ptr()).unwrap_or(c"".as_ptr())
}

fn layout(size: usize) -> Option<Layout> {
    Layout::from_size_align(size.max(1), 16).ok()
}

/// Returns `size` bytes of the module's memory, aligned to 16, or NULL if memory is short.
#[unsafe(no_mangle)]
pub extern "C" fn face_predict_wasm_alloc(size: usize) -> *mut u8 {
    // SAFETY: the layout never has zero bytes.
    layout(size).map_or(std::ptr::null_mut(), |layout| unsafe { alloc(layout) })
}

/// Frees what face_predict_wasm_alloc() returned for the same `size`. NULL does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_predict_wasm_free(pointer: *mut u8, size: usize) {
    if let (false, Some(layout)) = (pointer.is_null(), layout(size)) {
        // SAFETY: the caller promises that the pointer comes from the function above, with the same layout.
        unsafe { dealloc(pointer, layout) }
    }
}
