//! The C interface. `include/face_predict.h` is generated from this folder, and its comments are the doc comments here.
//!
//! The body of each exported function runs inside `panic.rs`, which catches panics. Only `handle.rs` turns pointers into
//! references. `error.rs` keeps the message of the last failure. The caller must pass valid pointers, as the header says.
//! Ordinary comments give the reasons for the code, because doc comments are copied into the header.
#![allow(unsafe_code, non_camel_case_types, clippy::missing_safety_doc)]

// On these targets `usize` is the `size_t` that the header has in its place.
#[cfg(any(unix, windows))]
const _: () = assert!(size_of::<usize>() == size_of::<libc::size_t>());

mod batch;
mod error;
mod float;
mod handle;
mod image;
mod info;
mod log;
mod model;
mod panic;
mod predict;
mod quality;
mod result;
mod sink;
mod status;
mod track;
mod version;
#[cfg(target_family = "wasm")]
mod wasm;

#[cfg(target_family = "wasm")]
pub(crate) use wasm::remember_panic;

// The Rust tests of the C interface compare these with the header.
pub use batch::*;
pub use error::*;
pub use image::*;
pub use info::*;
pub use log::*;
pub use model::*;
pub use predict::*;
pub use quality::*;
pub use result::*;
pub use sink::*;
pub use status::*;
pub use track::*;
pub use version::*;
