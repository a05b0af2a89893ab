//! All versions come from Cargo.toml alone.

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

/// Returns the version of the loaded library as FACE_PREDICT_VERSION has it: major << 16 | minor << 8 | patch. Another
/// major version means another ABI, and another soname.
#[unsafe(no_mangle)]
pub extern "C" fn face_predict_version() -> u32 {
    const {
        (number(env!("CARGO_PKG_VERSION_MAJOR")) << 16)
            | (number(env!("CARGO_PKG_VERSION_MINOR")) << 8)
            | number(env!("CARGO_PKG_VERSION_PATCH"))
    }
}

/// Returns the version of the loaded library as text, such as "0.1.0". The text is static.
#[unsafe(no_mangle)]
pub extern "C" fn face_predict_version_string() -> *const c_char {
    const TEXT: &CStr =
        match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
            Ok(text) => text,
            Err(_) => panic!("a version has no NUL"),
        };
    TEXT.as_ptr()
}
