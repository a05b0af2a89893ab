//! How the age and the gender output are read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::face::quality::Quality;

/// How the age output is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum AgeSpec {
    /// Output `age_logits`, `[N, count]`: one logit a year from `first`.
    Distribution {
        /// Year of the first logit.
        first: usize,
        /// Number of logits.
        count: usize,
        /// Ages that the network was trained for.
        range: [f32; 2],
        /// Divides the logits; fitted on data that was not trained on.
        temperature: f32,
        /// Factors of the temperature by the expected age: pairs of years, rising, and factor, linear in between. One
        /// temperature cannot serve the child, whose age shows, and the old alike.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        by_age: Vec<[f32; 2]>,
        /// The same by the distribution's standard deviation before any factor, in years.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        by_width: Vec<[f32; 2]>,
        /// Factors of the temperature for faces that there is a reason to trust less.
        #[serde(default, skip_serializing_if = "UncertaintyFactors::is_empty")]
        doubt: UncertaintyFactors,
    },
    /// Output `age`, `[N, 1]`, in years.
    Regression {
        /// Ages that the network was trained for.
        range: [f32; 2],
        /// Quantiles of label minus output on data that was not trained on: pairs of share (0 to 1) and years,
        /// both rising. They turn the number into a distribution.
        residuals: Vec<[f32; 2]>,
    },
}

impl AgeSpec {
    pub(super) fn check(&self) -> std::result::Result<(), String> {
        let (Self::Distribution { range, .. } | Self::Regression { range, .. }) = self;
        if !(range[0] >= 0.0 && range[0] < range[1] && range[1] <= 150.0) {
            return Err(format!("range {range:?} is not within 0 to 150"));
        }
        match self {
            Self::Distribution { first, count, temperature, by_age, by_width, doubt, .. } => {
                if *count < 2 || first.saturating_add(*count) > 151 {
                    return Err(format!("{count} years from {first} are not within 0 to 150"));
                }
                for (name, pairs) in [("by_age", by_age), ("by_width", by_width)] {
                    let rising = pairs.windows(2).all(|w| w[0][0] < w[1][0]);
                    let usable =
                        |pair: &[f32; 2]| pair[0].is_finite() && FACTORS.contains(&pair[1]);
                    if pairs.len() > 100 || !rising || !pairs.iter().all(usable) {
                        return Err(format!(
                            "{name} is not rising pairs of years and factors of 0.1 to 10"
                        ));
                    }
                }
                doubt.check()?;
                check_temperature(*temperature)
            }
            Self::Regression { residuals, .. } => {
                let finite = residuals.iter().flatten().all(|v| v.is_finite());
                let rising = residuals.windows(2).all(|w| w[0][0] < w[1][0] && w[0][1] <= w[1][1]);
                let shares = residuals.iter().all(|r| (0.0..=1.0).contains(&r[0]));
                if residuals.len() < 2 || residuals.len() > 1001 || !finite || !rising || !shares {
                    return Err(
                        "residuals are not 2 to 1001 rising pairs of share and years".into()
                    );
                }
                Ok(())
            }
        }
    }
}

/// The side of the gender output that a positive logit means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Positive {
    /// A positive logit means male.
    Male,
    /// A positive logit means female.
    Female,
}

/// How the gender output, `gender_logit` of `[N, 1]`, is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GenderSpec {
    /// Which side is positive.
    pub positive: Positive,
    /// Divides the logit; fitted on data that was not trained on.
    pub temperature: f32,
    /// Probability that a label needs unless the caller says otherwise, 0.5 to 1.
    pub threshold: f32,
    /// Factors of the temperature for faces that there is a reason to trust less.
    #[serde(default, skip_serializing_if = "UncertaintyFactors::is_empty")]
    pub doubt: UncertaintyFactors,
}

/// Factors by the names of [`Quality::ALL`]; those of several reasons multiply, one that is not named counts as 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UncertaintyFactors(pub BTreeMap<String, f32>);

/// What a factor may be.
const FACTORS: std::ops::RangeInclusive<f32> = 0.1..=10.0;

impl UncertaintyFactors {
    /// Whether every face is trusted alike.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The factor for a face.
    pub fn factor(&self, quality: Quality) -> f32 {
        quality.names().filter_map(|name| self.0.get(name)).product()
    }

    pub(super) fn check(&self) -> std::result::Result<(), String> {
        match self.0.iter().find(|(_, factor)| !FACTORS.contains(factor)) {
            Some((name, factor)) => {
                Err(format!("doubt {name:.20} is {factor}, it must be 0.1 to 10"))
            }
            None => Ok(()),
        }
    }
}

impl GenderSpec {
    pub(super) fn check(&self) -> std::result::Result<(), String> {
        if !(0.5..=1.0).contains(&self.threshold) {
            return Err(format!("threshold is {}, it must be 0.5 to 1", self.threshold));
        }
        self.doubt.check()?;
        check_temperature(self.temperature)
    }
}

fn check_temperature(temperature: f32) -> std::result::Result<(), String> {
    if (0.01..=100.0).contains(&temperature) {
        return Ok(());
    }
    Err(format!("temperature is {temperature}, it must be 0.01 to 100"))
}
