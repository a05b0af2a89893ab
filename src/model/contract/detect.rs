//! How a detector's outputs are read.

use serde::{Deserialize, Serialize};

/// How a detector's outputs are read: one for each stride `s`, called `stride8` and so on, of
/// `[1, 15, H / s, W / s]`. A cell's numbers are the logit of a face there; the centre of its box, to the right and
/// down from the cell's corner, and the logarithms of its width and height; five landmarks from the same corner, in
/// the order of [`Region`](crate::Region). Lengths are in strides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DetectSpec {
    /// Rising powers of two; the last divides both sides of every input.
    pub strides: Vec<usize>,
    /// Score (0 to 1) that a face needs unless the caller says otherwise; chosen on data that was not trained on.
    pub threshold: f32,
    /// Share of their union that two boxes may have in common before the weaker one is dropped.
    pub overlap: f32,
    /// Smallest face it was trained for: the root of its box's area, in pixels of the input.
    pub smallest: f32,
}

impl DetectSpec {
    /// Numbers in a cell.
    pub const VALUES: usize = 15;

    /// Score that a face needs in a picture that is searched at two scales: there are more chances to be wrong, and what is found at one
    /// alone weighs less. 0.37 more in logits keeps one wrong answer in ten pictures on the scenes that `threshold` was chosen on.
    pub fn still_threshold(&self) -> f32 {
        self.stricter(0.37)
    }

    /// The same in a picture that is searched in four quarter turns: four times the chances. 98 % of the validation portraits that
    /// are upright in one of them score 0.84 or more.
    pub(crate) fn turns_threshold(&self) -> f32 {
        self.stricter(0.8)
    }

    /// The threshold with more in logits.
    fn stricter(&self, logits: f32) -> f32 {
        let odds = self.threshold / (1.0 - self.threshold) * logits.exp();
        if odds.is_finite() { odds / (1.0 + odds) } else { self.threshold }
    }

    pub(super) fn check(&self) -> std::result::Result<(), String> {
        let Self { strides, threshold, overlap, smallest } = self;
        let rising = strides.windows(2).all(|w| w[0] < w[1]);
        let powers = strides.iter().all(|s| s.is_power_of_two() && (2..=128).contains(s));
        if strides.is_empty() || !rising || !powers {
            return Err(format!(
                "strides are {strides:?}: rising powers of two from 2 to 128 are wanted"
            ));
        }
        for (name, value) in [("threshold", threshold), ("overlap", overlap)] {
            if !(0.0..=1.0).contains(value) {
                return Err(format!("{name} is {value}, it must be 0 to 1"));
            }
        }
        if !(1.0..=1000.0).contains(smallest) {
            return Err(format!("smallest is {smallest}, it must be 1 to 1000 pixels"));
        }
        Ok(())
    }
}
