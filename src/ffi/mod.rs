//! The C interface. `include/face_predict.h` is generated from this folder, and its comments are the doc comments here.
//!
//! Every body runs inside the panic wall (`panic.rs`). Only `handle.rs` makes references of pointers. Every failure
//! leaves its message in `error.rs`. The caller must keep the pointers valid, as the header says. The reasons stand in
//! ordinary comments, since doc comments land in the header.
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
