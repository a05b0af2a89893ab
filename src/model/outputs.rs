//! From the numbers of an age output to a distribution over years.

use super::contract::AgeSpec;
use crate::face::age::AgeDistribution;
use crate::face::quality::Quality;

/// Years of every distribution this library gives: 0 to 150 at most, 0 to 100 unless a file says more.
const MIN_YEARS: usize = 101;

impl AgeSpec {
    /// Fills `years` with the probability of each, from the finite numbers of the output, for a face of such quality.
    pub fn read(&self, values: &[f32], quality: Quality, years: &mut Vec<f32>) {
        years.clear();
        match self {
            Self::Distribution { first, temperature, by_age, doubt, .. } => {
                years.resize((first + values.len()).max(MIN_YEARS), 0.0);
                softmax(values, *temperature, &mut years[*first..]);
                let mut factor = doubt.factor(quality);
                if !by_age.is_empty() {
                    factor *= interpolate(by_age, AgeDistribution::new(years).mean());
                }
                if factor != 1.0 {
                    softmax(values, temperature * factor, &mut years[*first..]);
                }
            }
            Self::Regression { residuals, .. } => {
                years.resize(MIN_YEARS, 0.0);
                let mut below = 0.0;
                for (year, mass) in years.iter_mut().enumerate() {
                    let up_to = share_below(residuals, year as f32 + 0.5 - values[0]);
                    *mass = up_to - below;
                    below = up_to;
                }
                // What lies above the last year belongs to it.
                if let Some(last) = years.last_mut() {
                    *last += 1.0 - below;
                }
            }
        }
        debug_assert!((AgeDistribution::new(years).at_least(0.0) - 1.0).abs() < 1e-3);
    }
}

fn softmax(logits: &[f32], temperature: f32, out: &mut [f32]) {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for (out, value) in out.iter_mut().zip(logits) {
        *out = ((value - highest) / temperature).exp();
        sum += *out;
    }
    out.iter_mut().for_each(|value| *value /= sum);
}

/// Linear between pairs of place and value, level beyond them.
fn interpolate(pairs: &[[f32; 2]], place: f32) -> f32 {
    for pair in pairs.windows(2) {
        let ([from, first], [to, last]) = (pair[0], pair[1]);
        if place <= to {
            let part = ((place - from) / (to - from)).max(0.0);
            return first + (last - first) * part;
        }
    }
    pairs[pairs.len() - 1][1]
}

/// Share of residuals below `years`, linear between the quantiles and beyond them by a year.
fn share_below(residuals: &[[f32; 2]], years: f32) -> f32 {
    let (first, last) = (residuals[0], residuals[residuals.len() - 1]);
    if years <= first[1] {
        return (first[0] * (1.0 - (first[1] - years))).max(0.0);
    }
    for pair in residuals.windows(2) {
        let ([low, from], [high, to]) = (pair[0], pair[1]);
        if years <= to && to > from {
            return low + (high - low) * (years - from) / (to - from);
        }
    }
    (last[0] + (1.0 - last[0]) * (years - last[1])).min(1.0)
}
