//! Pictures: borrowed views of pixels, decoded files, and crops cut from them.

mod color;
pub(crate) mod decode;
mod format;
mod layout;
pub(crate) mod orientation;
pub(crate) mod sampling;
mod view;

pub use decode::{DecodeLimits, Picture};
pub use format::{Format, Yuv};
pub use layout::Layout;
pub use orientation::Orientation;
pub use view::Image;
