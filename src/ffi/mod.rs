//! The C interface. `include/face_predict.h` is generated from this folder: its doc comments are the header's.
//!
//! Conventions: every body runs inside the panic wall (`panic.rs`), every pointer becomes a reference in
//! `handle.rs` alone, every failure leaves its message in `error.rs`. Safety of the pointers is the caller's, as
//! the header says; it is told in ordinary comments, since doc comments land in the header.
#![allow(unsafe_code, non_camel_case_types, clippy::missing_safety_doc)]

mod batch;
mod error;
mod handle;
mod image;
mod model;
mod panic;
mod predict;
mod result;
mod track;
mod version;

// For Rust tests of the C interface, which compare it with the header.
pub use batch::*;
pub use error::*;
pub use image::*;
pub use model::*;
pub use predict::*;
pub use result::*;
pub use track::*;
pub use version::*;
