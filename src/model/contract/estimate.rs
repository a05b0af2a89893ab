//! How the age and the gender output are read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::face::quality::Quality;

/// How the age output is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum AgeSpec {
    /// The output is `age_logits` of the shape `[N, count]`, with one logit for each year from `first` on.
    Distribution {
        /// The year of the first logit.
        first: usize,
        /// The number of logits.
        count: usize,
        /// The ages that the network was trained for.
        range: [f32; 2],
        /// The number that divides the logits. It was fitted on data that was not trained on.
        temperature: f32,
        /// Factors of the temperature by the expected age, as pairs of a rising year and a factor. They are linear in
        /// between. One temperature cannot serve all ages: the age of a child is easier to see than that of an old
        /// person.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        by_age: Vec<[f32; 2]>,
        /// Factors by the distribution's standard deviation in years, before any factor is applied.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        by_width: Vec<[f32; 2]>,
        /// Factors of the temperature for faces that there is a reason to trust less.
        #[serde(default, skip_serializing_if = "UncertaintyFactors::is_empty")]
        doubt: UncertaintyFactors,
    },
    /// The output is `age` of the shape `[N, 1]`, in years.
    Regression {
        /// The ages that the network was trained for.
        range: [f32; 2],
        /// Quantiles of the label minus the output on data that was not trained on. They are pairs of a share from 0 to
        /// 1 and years, both rising. The quantiles turn the number into a distribution.
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
                            "{name} must be pairs of rising years and factors of 0.1 to 10"
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
                        "residuals must be 2 to 1001 pairs of share and years, both rising".into(),
                    );
                }
                Ok(())
            }
        }
    }
}

/// The label that a positive logit of the gender output means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Positive {
    /// A positive logit means male.
    Male,
    /// A positive logit means female.
    Female,
}

/// How the gender output is read. It is `gender_logit` of the shape `[N, 1]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GenderSpec {
    /// The label that a positive logit means.
    pub positive: Positive,
    /// The number that divides the logit. It was fitted on data that was not trained on.
    pub temperature: f32,
    /// The smallest probability for which a label is given, from 0.5 to 1, unless the caller says otherwise.
    pub threshold: f32,
    /// Factors of the temperature for faces that there is a reason to trust less.
    #[serde(default, skip_serializing_if = "UncertaintyFactors::is_empty")]
    pub doubt: UncertaintyFactors,
}

/// Factors by the names of [`Quality::ALL`]. Those of several reasons are multiplied, and a name that is missing counts
/// as 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UncertaintyFactors(pub BTreeMap<String, f32>);

/// The range that a factor may have.
const FACTORS: std::ops::RangeInclusive<f32> = 0.1..=10.0;

impl UncertaintyFactors {
    /// Returns whether all factors are 1.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the factor for a face.
    pub fn factor(&self, quality: Quality) -> f32 {
        quality.names().filter_map(|name| self.0.get(name)).product()
    }

    pub(super) fn check(&self) -> std::result::Result<(), String> {
        let known = |name: &String| Quality::ALL.iter().any(|(_, reason)| reason == name);
        if let Some(name) = self.0.keys().find(|name| !known(name)) {
            // Its factor would never be used.
            let shown: String = name.chars().take(20).collect();
            return Err(format!("there is no reason for doubt called {shown:?}"));
        }
        match self.0.iter().find(|(_, factor)| !FACTORS.contains(factor)) {
            Some((name, factor)) => {
                Err(format!("doubt {name:.20} is {factor}, but it must be 0.1 to 10"))
            }
            None => Ok(()),
        }
    }
}

impl GenderSpec {
    pub(super) fn check(&self) -> std::result::Result<(), String> {
        if !(0.5..=1.0).contains(&self.threshold) {
            return Err(format!("threshold is {}, but it must be 0.5 to 1", self.threshold));
        }
        self.doubt.check()?;
        check_temperature(self.temperature)
    }
}

fn check_temperature(temperature: f32) -> std::result::Result<(), String> {
    if (0.01..=100.0).contains(&temperature) {
        return Ok(());
    }
    Err(format!("temperature is {temperature}, but it must be 0.01 to 100"))
}
