//! Convolutions that need fewer multiplications than those of the inference engine.
//!
//! [`Accelerator::accelerate`] looks through a loaded network for three kinds of convolution. These are 3 x 3 with a
//! border of one, patch stems, and 1 x 1 behind one of these. It replaces each by an operator of its own. The engine
//! keeps everything else, and whatever cannot be proved equal. Between its own operators the channels come last, so
//! that eight of them are one vector.
//!
//! The scratch memory belongs to the network, and its operators use it in turn. There are as many pieces as runs at
//! once. Each has under half a megabyte, and room for the largest map that goes to an operator of the engine.
//! Transformed weights take 1.8 to 4 times the memory of the plain ones, which are dropped. They are the same for every
//! size of the input, so all plans of a network share them.
//!
//! The answers differ from those of plain tract only by rounding, by about 1e-6 of the output's scale.
//! [`Winograd`](face_predict_kernels::Winograd) says what happens to numbers that are not finite.

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

/// Makes a network faster, once for each size of its input.
#[derive(Debug)]
pub struct Accelerator {
    kernels: Kernels,
    pool: Arc<ScratchPool>,
}

impl Default for Accelerator {
    /// Makes an accelerator for this machine.
    fn default() -> Self {
        Self::new(SimdKind::best())
    }
}

impl Accelerator {
    /// Makes an accelerator for vectors of a given kind, which need not be the best one here.
    fn new(kind: SimdKind) -> Self {
        Self { kernels: Kernels::new(kind), pool: Arc::default() }
    }

    /// Returns how many kernels its networks hold.
    #[cfg(test)]
    pub fn kernels(&self) -> usize {
        self.kernels.len()
    }

    /// Replaces what it can in a decluttered network of concrete shapes, and returns the number of its operators. Call
    /// it between `into_decluttered` and `into_optimized`.
    pub fn accelerate(&self, model: TypedModel) -> TractResult<(TypedModel, usize)> {
        rewrite::rewrite(model, &self.kernels, &self.pool)
    }
}
