//! What training minimises.

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use crate::data::loader::{Batch, YEARS};
use crate::model::Outputs;

/// Weights of the parts of the loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossWeights {
    /// Distance of the expected age from the year, against the divergence of the distributions.
    pub expectation: f64,
    /// Gender against age.
    pub gender: f64,
    /// How far gender labels are moved from 0 and 1.
    pub smoothing: f64,
    /// How much a teacher's word counts against a label; where there is no label it is all there is.
    #[serde(default)]
    pub teacher: f64,
}

impl Default for LossWeights {
    fn default() -> Self {
        Self { expectation: 0.1, gender: 1.0, smoothing: 0.05, teacher: 0.0 }
    }
}

impl LossWeights {
    /// The study's: mean absolute error and plain cross-entropy.
    pub const PAPER: Self = Self { expectation: 0.0, gender: 1.0, smoothing: 0.0, teacher: 0.0 };
}

/// Losses of a batch, each a scalar.
pub struct Losses {
    /// What is minimised.
    pub total: Tensor,
    /// Its age part.
    pub age: Tensor,
    /// Its gender part, before its weight.
    pub gender: Tensor,
}

/// Age: the divergence from a Gaussian around an exact year plus the distance of the expected age
/// (DLDL-v2, Gao et al. 2018); for a bracket, minus the logarithm of the mass inside. Gender: cross-entropy.
/// A teacher adds the divergence from its distribution, and its word to the label.
pub fn losses(outputs: &Outputs, batch: &Batch, weights: &LossWeights) -> Losses {
    let mean = |values: Tensor, of: &Tensor| {
        (values * of).sum(Kind::Float) / of.sum(Kind::Float).clamp_min(1.0)
    };
    // The teacher's part for each face, and which faces have a target at all.
    let shares = |labelled: &Tensor| match &batch.taught {
        Some(_) => (1.0 - labelled * (1.0 - weights.teacher), labelled.ones_like()),
        None => (labelled.zeros_like(), labelled.shallow_clone()),
    };
    let divergence = |target: &Tensor, log: &Tensor| {
        (target * (target.clamp_min(1e-12).log() - log)).sum_dim_intlist(
            [-1i64].as_slice(),
            false,
            Kind::Float,
        )
    };
    let zero = || Tensor::zeros([], (Kind::Float, batch.images.device()));
    let mut age = zero();
    if let Some(logits) = &outputs.age_logits {
        let log = logits.log_softmax(-1, Kind::Float);
        let years = Tensor::arange(YEARS as i64, (Kind::Float, logits.device()));
        let expected = (log.exp() * years).sum_dim_intlist([-1i64].as_slice(), false, Kind::Float);
        let exact =
            divergence(&batch.ages, &log) + (expected - &batch.years).abs() * weights.expectation;
        let outside = (1.0 - &batch.ages) * -1e4;
        let masked: Tensor = &log + outside;
        let bracket: Tensor = -masked.logsumexp([-1i64].as_slice(), false);
        let mut each: Tensor = &exact * &batch.exact + bracket * (1.0 - &batch.exact);
        let (share, known) = shares(&batch.has_age);
        if let Some(taught) = &batch.taught {
            each = each * (1.0 - &share) + divergence(&taught.ages, &log) * share;
        }
        age = mean(each, &known);
    }
    if let Some(years) = &outputs.age {
        age += mean((years.squeeze_dim(-1) - &batch.years).abs(), &batch.has_age);
    }
    let mut gender = zero();
    if let Some(logit) = &outputs.gender_logit {
        let mut wanted = &batch.male * (1.0 - 2.0 * weights.smoothing) + weights.smoothing;
        let (share, known) = shares(&batch.has_gender);
        if let Some(taught) = &batch.taught {
            wanted = wanted * (1.0 - &share) + &taught.male * share;
        }
        let entropy = logit.squeeze_dim(-1).binary_cross_entropy_with_logits::<Tensor>(
            &wanted,
            None,
            None,
            tch::Reduction::None,
        );
        gender = mean(entropy, &known);
    }
    Losses { total: &age + &gender * weights.gender, age, gender }
}
