//! The C interface. `include/face_predict.h` is generated from this folder: its doc comments are the header's.
//!
//! Conventions: every body runs inside the panic wall (`panic.rs`), every pointer becomes a reference in
//! `handle.rs` alone, every failure leaves its message in `error.rs`. Safety of the pointers is the caller's, as
//! the header says; it is told in ordinary comments, since doc comments land in the header.
#![allow(unsafe_code, non_camel_case_types, clippy::missing_safety_doc)]

// Where C's types are known, `usize` is its size_t, which the header says where Rust says usize.
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
mod result;
mod sink;
mod status;
mod track;
mod version;
#[cfg(target_family = "wasm")]
mod wasm;

#[cfg(target_family = "wasm")]
pub(crate) use wasm::remember_panic;

// For Rust tests of the C interface, which compare it with the header.
pub use batch::*;
pub use error::*;
pub use image::*;
pub use info::*;
pub use log::*;
pub use model::*;
pub use predict::*;
pub use result::*;
pub use sink::*;
pub use status::*;
pub use track::*;
pub use version::*;
