//! Versions, from Cargo.toml alone.

use std::ffi::CStr;

use core::ffi::c_char;

const fn number(text: &str) -> u32 {
    let (mut value, mut i) = (0, 0);
    while i < text.len() {
        value = value * 10 + (text.as_bytes()[i] - b'0') as u32;
        i += 1;
    }
    value
}

/// Version of the library in use, as FACE_PREDICT_VERSION: major << 16 | minor << 8 | patch. A different
/// major means a different ABI, and a different soname.
#[unsafe(no_mangle)]
pub extern "C" fn face_predict_version() -> u32 {
    const {
        (number(env!("CARGO_PKG_VERSION_MAJOR")) << 16)
            | (number(env!("CARGO_PKG_VERSION_MINOR")) << 8)
            | number(env!("CARGO_PKG_VERSION_PATCH"))
    }
}

/// The same as text, such as "0.1.0". Static.
#[unsafe(no_mangle)]
pub extern "C" fn face_predict_version_string() -> *const c_char {
    const TEXT: &CStr =
        match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
            Ok(text) => text,
            Err(_) => panic!("a version has no NUL"),
        };
    TEXT.as_ptr()
}
