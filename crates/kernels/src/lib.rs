//! Convolutions of `f32` pictures on one thread, over plain slices.
//!
//! - [`Winograd`] does 3 x 3 with a border of one and stride 1 or 2. It includes a residual sum and a ReLU.
//! - [`Patch`] does windows that lie side by side, as in a patch stem.
//! - [`Pointwise`] does 1 x 1.
//!
//! Each takes its weights once, transforms or packs them, and then serves any number of runs and threads. A
//! [`SimdKind`] says which vectors it uses, and [`SimdKind::best`] is the best kind of this machine. Between two of
//! them, the channels of a picture come last, padded to a multiple of eight ([`layout`]).
//!
//! ```
//! use face_predict_kernels::{Pointwise, SimdKind, layout::padded};
//!
//! // Two pixels of three channels; the output is their sum and their first channel.
//! let weights = [1.0, 1.0, 1.0, 1.0, 0.0, 0.0];
//! let sum_and_first = Pointwise::new(SimdKind::best(), 3, &weights, &[0.0, 0.5], false)?;
//! let mut pixels = vec![0.0; 2 * padded(3)];
//! pixels[..3].copy_from_slice(&[1.0, 2.0, 3.0]);
//! let mut answers = vec![0.0; 2 * padded(2)];
//! sum_and_first.run(2, &pixels, &mut answers);
//! assert_eq!(answers[..2], [6.0, 1.5]);
//! # Ok::<(), face_predict_kernels::OutOfMemory>(())
//! ```

pub mod gemm;
pub mod lanes;
pub mod layout;
pub mod memory;
mod patch;
mod pointwise;
mod schemes;
mod simd;
mod tiles;
mod weights;
mod winograd;

pub use memory::{Buffer, OutOfMemory, Scratch};
pub use patch::Patch;
pub use pointwise::Pointwise;
pub use simd::SimdKind;
pub use winograd::{ConvShape, Tiling, Winograd};

/// The height and width of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Size {
    /// The number of rows.
    pub height: usize,
    /// The number of columns.
    pub width: usize,
}
