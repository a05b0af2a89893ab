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
    /// How much two crops of one face shall have one answer.
    #[serde(default)]
    pub consistency: f64,
}

impl Default for LossWeights {
    fn default() -> Self {
        Self { expectation: 0.1, gender: 1.0, smoothing: 0.05, teacher: 0.0, consistency: 0.0 }
    }
}

impl LossWeights {
    /// The study's: mean absolute error and plain cross-entropy.
    pub const PAPER: Self =
        Self { expectation: 0.0, gender: 1.0, smoothing: 0.0, teacher: 0.0, consistency: 0.0 };
}

/// Losses of a batch, each a scalar.
pub struct Losses {
    /// What is minimised.
    pub total: Tensor,
    /// Its age part.
    pub age: Tensor,
    /// Its gender part, before its weight.
    pub gender: Tensor,
    /// How far the answers to two crops of one face are apart, before its weight; 0 where there is one crop.
    pub apart: Tensor,
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
        Some(taught) => (
            (1.0 - labelled * (1.0 - weights.teacher)) * &taught.known,
            labelled.maximum(&taught.known),
        ),
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
    let mut total = &age + &gender * weights.gender;
    let mut apart = zero();
    if weights.consistency > 0.0 && in_pairs(&batch.rows) {
        apart = distance_of_pairs(outputs);
        total += &apart * weights.consistency;
    }
    Losses { total, age, gender, apart }
}

/// Whether each face comes twice, side by side.
fn in_pairs(rows: &[usize]) -> bool {
    !rows.is_empty() && rows.chunks(2).all(|pair| pair.len() == 2 && pair[0] == pair[1])
}

/// The mean of both divergences between the answers to the two crops of each face (R-Drop, Liang et al. 2021, for crops).
fn distance_of_pairs(outputs: &Outputs) -> Tensor {
    let pair = |logits: &Tensor| {
        let pairs = logits.view([-1, 2, logits.size()[1]]);
        (pairs.select(1, 0), pairs.select(1, 1))
    };
    let symmetric = |p: Tensor, q: Tensor, log: Tensor| {
        ((p - q) * log * 0.5).sum_dim_intlist([-1i64].as_slice(), false, Kind::Float)
    };
    let mut sum = Tensor::zeros([], (Kind::Float, tch::Device::Cpu));
    if let Some(logits) = &outputs.age_logits {
        let (one, other) = pair(&logits.log_softmax(-1, Kind::Float));
        sum = symmetric(one.exp(), other.exp(), one - other).mean(Kind::Float);
    }
    if let Some(logit) = &outputs.gender_logit {
        let (one, other) = pair(logit);
        let gender = symmetric(one.sigmoid(), other.sigmoid(), one - other).mean(Kind::Float);
        sum = sum.to_device(gender.device()) + gender;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_crops_of_a_face_are_apart_by_their_divergences() {
        assert!(in_pairs(&[3, 3, 7, 7]) && !in_pairs(&[3, 7, 7, 3]) && !in_pairs(&[3, 3, 7]));
        let outputs = |first: f32| Outputs {
            gender_logit: Some(Tensor::from_slice(&[first, 0.0]).view([2, 1])),
            age_logits: Some(Tensor::from_slice(&[first, 0.0, 0.0, 0.0]).view([2, 2])),
            ..Outputs::default()
        };
        assert!(distance_of_pairs(&outputs(0.0)).double_value(&[]).abs() < 1e-7);
        // Both are a choice of two with logarithm of the odds 2 and 0.
        let p = 1.0 / (1.0 + (-2f64).exp());
        let each = (p - 0.5) * 2.0 * 0.5;
        let found = distance_of_pairs(&outputs(2.0)).double_value(&[]);
        assert!((found - 2.0 * each).abs() < 1e-6, "{found}, {each} each");
    }
}
