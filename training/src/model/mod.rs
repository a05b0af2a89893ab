//! Networks to train.

pub mod estimator;

use tch::{Tensor, nn};

/// What a network says of a batch; a head that it does not have is `None`.
#[derive(Default)]
pub struct Outputs {
    /// `[N, 101]`, before softmax.
    pub age_logits: Option<Tensor>,
    /// `[N, 1]`, years.
    pub age: Option<Tensor>,
    /// `[N, 1]`, positive for male.
    pub gender_logit: Option<Tensor>,
}

/// A network under training.
pub trait Network {
    /// Computes convolutions in bfloat16 while training: 1.6 times as fast on processors that can.
    fn set_half(&mut self, half: bool);

    /// `images` is `[N, 3, H, W]`; `train` switches dropout and batch statistics on.
    fn forward(&self, images: &Tensor, train: bool) -> Outputs;
}

/// Builds the network `arch` with its variables below `path`.
pub fn build(path: &nn::Path<'_>, arch: &estimator::Estimator) -> Box<dyn Network> {
    Box::new(arch.build(path))
}
