//! Cutting crops out of pictures and shrinking them.

pub(in crate::picture) mod pixels;
pub(crate) mod warp;
