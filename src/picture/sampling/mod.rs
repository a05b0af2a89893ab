//! Cutting crops out of pictures and shrinking them.

mod grid;
mod pixels;
mod shrink;
pub(crate) mod warp;
