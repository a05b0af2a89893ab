//! The loss of an estimator's training.

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use crate::data::labels::Batch;
use crate::model::{Outputs, YEARS};

/// Weights of the parts of the loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossWeights {
    /// The weight of the distance of the expected age from the year, relative to the divergence of the distributions.
    pub expectation: f64,
    /// The weight of gender, relative to age.
    pub gender: f64,
    /// How far gender labels are moved from 0 and 1 (label smoothing).
    #[serde(alias = "smoothing")]
    pub label_smoothing: f64,
    /// The weight of a teacher's answer beside a label. Without a label the answer is the whole target.
    #[serde(default, alias = "teacher")]
    pub distillation: f64,
    /// The weight of the consistency between two crops of one face.
    #[serde(default)]
    pub consistency: f64,
    /// The share of the guessed age in a target, if both ages are known. Validation counts the real age alone.
    #[serde(default = "usual_apparent")]
    pub apparent: f64,
}

const APPARENT: f64 = 0.4;

fn usual_apparent() -> f64 {
    APPARENT
}

impl Default for LossWeights {
    fn default() -> Self {
        Self {
            expectation: 0.1,
            gender: 1.0,
            label_smoothing: 0.05,
            distillation: 0.0,
            consistency: 0.0,
            apparent: APPARENT,
        }
    }
}

impl LossWeights {
    /// The study's weights: mean absolute error and plain cross-entropy.
    pub const PAPER: Self = Self {
        expectation: 0.0,
        gender: 1.0,
        label_smoothing: 0.0,
        distillation: 0.0,
        consistency: 0.0,
        apparent: APPARENT,
    };
}

/// The losses of a batch, as scalars.
pub struct Losses {
    /// The total, which is minimised.
    pub total: Tensor,
    /// Its age part.
    pub age: Tensor,
    /// Its gender part, before its weight.
    pub gender: Tensor,
    /// The divergence between the answers to two crops of one face, before its weight. It is 0 if there is one crop.
    pub apart: Tensor,
}

/// For an exact age, it is the divergence from a Gaussian plus the distance of the expected age (DLDL-v2, Gao et al.
/// 2018). For a bracket, it is minus the logarithm of the probability inside. For gender, it is cross-entropy. A
/// teacher adds the divergence from its distribution, and its probability is mixed into the gender label.
pub fn losses(outputs: &Outputs, batch: &Batch, weights: &LossWeights) -> Losses {
    let mean = |values: Tensor, of: &Tensor| {
        (values * of).sum(Kind::Float) / of.sum(Kind::Float).clamp_min(1.0)
    };
    // Returns the teacher's part for each face, and which faces have a target at all.
    let shares = |labelled: &Tensor| match &batch.taught {
        Some(taught) => (
            (1.0 - labelled * (1.0 - weights.distillation)) * &taught.known,
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
        let mut wanted =
            &batch.male * (1.0 - 2.0 * weights.label_smoothing) + weights.label_smoothing;
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

/// Returns the mean of both divergences between the answers to the two crops of each face (R-Drop, Liang et al. 2021,
/// for crops).
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
    use crate::data::labels::{Label, Taught};
    use crate::data::manifest::Row;

    fn batch(rows: &[Row], taught: &[Option<Taught>]) -> Batch {
        let labels: Vec<Label> = rows.iter().map(|row| Label::of(row, 0.4)).collect();
        let images = Tensor::zeros([rows.len() as i64, 3, 1, 1], tch::kind::FLOAT_CPU);
        Batch::new(images, &labels, taught, (0..rows.len()).collect())
    }

    /// These outputs are uniform.
    fn even(faces: i64) -> Outputs {
        Outputs {
            age_logits: Some(Tensor::zeros([faces, YEARS as i64], tch::kind::FLOAT_CPU)),
            gender_logit: Some(Tensor::zeros([faces, 1], tch::kind::FLOAT_CPU)),
            ..Outputs::default()
        }
    }

    fn value(loss: &Tensor) -> f64 {
        loss.double_value(&[])
    }

    fn close(found: f64, wanted: f64) {
        assert!((found - wanted).abs() < 1e-4, "{found} {wanted}");
    }

    #[test]
    fn each_kind_of_label_costs_what_a_hand_computes() {
        let all = (YEARS as f64).ln();
        let exact = Row { age: Some(20.0), gender: "male".into(), ..Row::default() };
        let bracket = Row { age_min: Some(20.0), age_max: Some(29.0), ..Row::default() };
        let weights = LossWeights::default();
        // For an exact year, the loss is the divergence from its Gaussian, whose entropy is known, and a tenth of 30
        // years.
        let loss = losses(&even(1), &batch(std::slice::from_ref(&exact), &[None]), &weights);
        let entropy: f64 = Label::of(&exact, 0.4)
            .ages
            .iter()
            .map(|p| f64::from(*p))
            .filter(|p| *p > 0.0)
            .map(|p| -p * p.ln())
            .sum();
        close(value(&loss.age), all - entropy + 0.1 * 30.0);
        close(value(&loss.gender), 2f64.ln());
        close(value(&loss.total), value(&loss.age) + value(&loss.gender));
        close(value(&loss.apart), 0.0);
        // The face has a bracket of ten years. Its gender is unknown and adds nothing.
        let loss = losses(&even(1), &batch(std::slice::from_ref(&bracket), &[None]), &weights);
        close(value(&loss.age), all - 10f64.ln());
        close(value(&loss.gender), 0.0);
        // Means are taken over the faces that have the label.
        let both = losses(&even(2), &batch(&[exact, bracket.clone()], &[None, None]), &weights);
        close(value(&both.age), (all - entropy + 3.0 + all - 10f64.ln()) / 2.0);
        close(value(&both.gender), 2f64.ln());
        // This is the study's loss: years and plain cross-entropy.
        let outputs = Outputs {
            age: Some(Tensor::from_slice(&[27.0f32]).view([1, 1])),
            gender_logit: Some(Tensor::from_slice(&[2.0f32]).view([1, 1])),
            ..Outputs::default()
        };
        let old = Row { age: Some(60.0), gender: "female".into(), ..Row::default() };
        let loss = losses(&outputs, &batch(&[old], &[None]), &LossWeights::PAPER);
        close(value(&loss.age), 33.0);
        close(value(&loss.gender), (1.0 + 2f64.exp()).ln());
    }

    #[test]
    fn labels_are_smoothed_and_teachers_are_heard() {
        let logit = |logit: f32| Outputs {
            gender_logit: Some(Tensor::from_slice(&[logit]).view([1, 1])),
            ..even(1)
        };
        let cost = |p: f64, logit: f64| {
            let q = 1.0 / (1.0 + (-logit).exp());
            -p * q.ln() - (1.0 - p) * (1.0 - q).ln()
        };
        let male = Row { gender: "male".into(), ..Row::default() };
        let smooth = LossWeights { label_smoothing: 0.1, ..LossWeights::default() };
        let plain = losses(&logit(1.5), &batch(std::slice::from_ref(&male), &[None]), &smooth);
        close(value(&plain.gender), cost(0.9, 1.5));
        close(value(&plain.age), 0.0);
        // Half of the target is the teacher's, and all of it if there is no label.
        let mut years = vec![0.0; YEARS];
        years[30] = 1.0;
        let taught = [Some(Taught { years, male: 0.2 })];
        let heard = LossWeights { distillation: 0.5, ..smooth };
        let loss = losses(&logit(1.5), &batch(&[male], &taught), &heard);
        close(value(&loss.gender), cost((0.9 + 0.2) / 2.0, 1.5));
        close(value(&loss.age), (YEARS as f64).ln());
        let loss = losses(&logit(1.5), &batch(&[Row::default()], &taught), &heard);
        close(value(&loss.gender), cost(0.2, 1.5));
    }

    #[test]
    fn two_crops_of_a_face_are_apart_by_their_divergences() {
        assert!(in_pairs(&[3, 3, 7, 7]) && !in_pairs(&[3, 7, 7, 3]) && !in_pairs(&[3, 3, 7]));
        let outputs = |first: f32| Outputs {
            gender_logit: Some(Tensor::from_slice(&[first, 0.0]).view([2, 1])),
            age_logits: Some(Tensor::from_slice(&[first, 0.0, 0.0, 0.0]).view([2, 2])),
            ..Outputs::default()
        };
        assert!(distance_of_pairs(&outputs(0.0)).double_value(&[]).abs() < 1e-7);
        // Both are distributions over two values, with a logarithm of the odds of 2 and 0.
        let p = 1.0 / (1.0 + (-2f64).exp());
        let each = (p - 0.5) * 2.0 * 0.5;
        let found = distance_of_pairs(&outputs(2.0)).double_value(&[]);
        assert!((found - 2.0 * each).abs() < 1e-6, "{found}, {each} each");
    }
}
