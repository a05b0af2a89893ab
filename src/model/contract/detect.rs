//! How a detector's outputs are read.

use serde::{Deserialize, Serialize};

/// How a detector's outputs are read. There is one for each stride `s`, called `stride8` and so on, of the shape `[1,
/// 15, H / s, W / s]`. The first number of a cell is the logit that there is a face. Then come the centre of its box,
/// counted from the cell's corner, and the logarithms of its width and height. The last ten are five landmarks, counted
/// from the same corner, in the order of [`Region`](crate::Region). Lengths are in units of the stride.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DetectSpec {
    /// The strides are rising powers of two. The last one divides both sides of every input.
    pub strides: Vec<usize>,
    /// The score from 0 to 1 that a face needs, unless the caller says otherwise. It was chosen on data that was not
    /// trained on.
    pub threshold: f32,
    /// The share of their union that two boxes may have in common before the weaker one is dropped.
    pub overlap: f32,
    /// The smallest face that the detector was trained for, as the root of its box's area in pixels of the input.
    pub smallest: f32,
}

impl DetectSpec {
    /// The numbers in a cell.
    pub const VALUES: usize = 15;

    /// Returns the score that a face needs in a picture that is searched at two scales. There are more chances to be
    /// wrong. With 0.1 more in logits there are 0.08 wrong answers in each of 523 scenes: the 223 of the validation part, and
    /// 300 of the training part. The rest keeps answers rare in pictures without people.
    pub fn still_threshold(&self) -> f32 {
        self.stricter(0.15)
    }

    /// Returns the score that a face needs in a picture that is searched in four quarter turns, where there are four
    /// times the chances. Of the upright validation portraits, 98 % score 0.84 or more.
    pub(crate) fn turns_threshold(&self) -> f32 {
        self.stricter(0.8)
    }

    /// Adds to the logit of the threshold.
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
                "strides are {strides:?}, but they must be rising powers of two from 2 to 128"
            ));
        }
        for (name, value) in [("threshold", threshold), ("overlap", overlap)] {
            if !(0.0..=1.0).contains(value) {
                return Err(format!("{name} is {value}, but it must be 0 to 1"));
            }
        }
        if !(1.0..=1000.0).contains(smallest) {
            return Err(format!("smallest is {smallest}, but it must be 1 to 1000 pixels"));
        }
        Ok(())
    }
}
