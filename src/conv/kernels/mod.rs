//! The kernels: plain Rust over slices, without a word of the inference engine, so that they can be
//! built and tested for another processor in seconds.

pub mod gemm;
pub mod lanes;
pub mod layout;
pub mod memory;
pub mod patch;
pub mod point;
pub mod schemes;
mod weights;
pub mod winograd;

pub use lanes::Kind;
pub use memory::{Buffer, OutOfMemory, Scratch};
pub use patch::Patch;
pub use point::Point;
pub use winograd::Winograd;

/// A picture's height and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Size {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}
