//! Figures, with one file for each kind.

pub mod brackets;
pub mod by_source;
pub mod calibration;
pub mod cases;
pub mod interval;
pub mod judged;
pub mod limits;
pub mod probabilities;
pub mod scores;
pub mod widths;

use crate::data::manifest::Row;

/// The answer of a network about one face.
pub struct Prediction {
    /// The years. They are NaN if the network has no such head.
    pub age: f32,
    /// The probability of male, or NaN.
    pub male: f32,
}

/// The figures to watch while training.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Mean absolute error over faces with an exact year.
    pub mae: Option<f64>,
    /// The share of faces with a bracket whose estimated age falls into it.
    pub bracket: Option<f64>,
    /// The share of right genders.
    pub gender: Option<f64>,
}

/// Summarises the rows that `keep` chooses.
pub fn summary<'a>(faces: impl Iterator<Item = (&'a Row, &'a Prediction)>) -> Summary {
    let (mut errors, mut inside, mut right) = (Vec::new(), Vec::new(), Vec::new());
    for (row, prediction) in faces {
        match (row.age, row.age_min, row.age_max) {
            _ if prediction.age.is_nan() => {}
            (Some(age), ..) => errors.push(f64::from((prediction.age - age).abs())),
            (None, Some(first), Some(last)) => {
                let year = prediction.age.round();
                inside.push(f64::from(u8::from(year >= first && year <= last)));
            }
            _ => {}
        }
        if let Some(male) = row.is_male().filter(|_| prediction.male.is_finite()) {
            right.push(f64::from(u8::from(male == (prediction.male > 0.5))));
        }
    }
    let mean = |values: Vec<f64>| {
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    Summary { mae: mean(errors), bracket: mean(inside), gender: mean(right) }
}
