//! Convolutions that spend fewer multiplications than the inference engine's own.
//!
//! [`Accelerator::accelerate`] looks through a loaded network for 3 x 3 convolutions with a border of one, for
//! patch stems, and for 1 x 1 convolutions behind these, and puts its own operator in place of each;
//! everything else, and whatever it
//! cannot prove equal, stays the engine's. Between its own operators channels lie last, so that
//! eight of them are one vector.
//!
//! Scratch belongs to the network and is used by all its operators in turn: as many as run at once,
//! each under half a megabyte and the largest map that crosses to the engine's operators. Transformed
//! weights take 1.8 to 4 times the memory of the plain ones, which are dropped; they are the same for every size of
//! input, so that all plans of a network share them.
//!
//! The answers differ from plain tract's by rounding only (about 1e-6 of the output's scale). Numbers
//! that are not finite: see [`Winograd`](face_predict_kernels::Winograd).

mod kernels;
mod matching;
mod operator;
mod rewrite;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use face_predict_kernels::SimdKind;
use tract_core::internal::{TractResult, TypedModel};

use kernels::{Kernels, ScratchPool};

/// Makes a network faster, once for each size of input that it is used for.
#[derive(Debug)]
pub struct Accelerator {
    kernels: Kernels,
    pool: Arc<ScratchPool>,
}

impl Default for Accelerator {
    /// For this machine.
    fn default() -> Self {
        Self::new(SimdKind::best())
    }
}

impl Accelerator {
    /// For vectors of a given kind, which need not be the one of choice.
    fn new(kind: SimdKind) -> Self {
        Self { kernels: Kernels::new(kind), pool: Arc::default() }
    }

    /// How many kernels its networks hold.
    #[cfg(test)]
    pub fn kernels(&self) -> usize {
        self.kernels.len()
    }

    /// Replaces what can be replaced in a decluttered network of concrete shapes, and says how many operators it put in. It comes
    /// between `into_decluttered` and `into_optimized`.
    pub fn accelerate(&self, model: TypedModel) -> TractResult<(TypedModel, usize)> {
        rewrite::rewrite(model, &self.kernels, &self.pool)
    }
}
