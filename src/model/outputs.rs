//! Turns the numbers of a network's outputs into answers: years, a gender, faces. The name and the shape of an output
//! stand beside the code that reads it.

use tract_core::prelude::*;

use super::contract::{AgeSpec, DetectSpec, GenderSpec, Positive};
use super::file::graph::Output;
use crate::error::{Error, ErrorKind, Result};
use crate::face::age::AgeDistribution;
use crate::face::quality::Quality;
use crate::face::region::Region;
use crate::geometry::{Point, Rect};
use crate::memory::reserve;

/// The answer of a network about one face.
#[derive(Debug, Default)]
pub(crate) struct Estimate {
    /// The probability of each year from 0. It is empty without an age.
    pub(crate) years: Vec<f32>,
    /// The probability of female. It is `None` without a gender.
    pub(crate) female: Option<f32>,
}

impl Estimate {
    /// Empties the answer.
    pub(crate) fn clear(&mut self) {
        self.years.clear();
        self.female = None;
    }
}

/// The number of years of every distribution. They run from 0 to 150 at most, and from 0 to 100 unless a file says
/// more.
const MIN_YEARS: usize = 101;

impl AgeSpec {
    /// Returns the name and the shape of the output.
    pub(super) fn output(&self) -> Output {
        match self {
            Self::Distribution { count, .. } => Output::new("age_logits", tvec!(1, *count)),
            Self::Regression { .. } => Output::new("age", tvec!(1, 1)),
        }
    }

    /// Makes room for the result of [`read`](Self::read) with so many numbers.
    pub(super) fn reserve(&self, values: usize, years: &mut Vec<f32>) -> Result<()> {
        years.clear();
        reserve(years, self.count_years(values))
    }

    /// Returns the number of years of the distribution that is made of so many numbers.
    fn count_years(&self, values: usize) -> usize {
        let count = match self {
            Self::Distribution { first, .. } => first + values,
            Self::Regression { range, .. } => range[1].ceil() as usize + 1,
        };
        count.max(MIN_YEARS)
    }

    /// Fills `years` with the probability of each year. It reads the finite numbers of the output, for a face of this
    /// quality.
    pub fn read(&self, values: &[f32], quality: Quality, years: &mut Vec<f32>) {
        years.clear();
        years.resize(self.count_years(values.len()), 0.0);
        match self {
            Self::Distribution { first, temperature, by_age, by_width, doubt, .. } => {
                softmax(values, *temperature, &mut years[*first..]);
                let mut factor = doubt.factor(quality);
                let plain = AgeDistribution::new(years);
                if !by_age.is_empty() {
                    factor *= interpolate(by_age, plain.mean());
                }
                if !by_width.is_empty() {
                    factor *= interpolate(by_width, plain.variance().max(0.0).sqrt());
                }
                if factor != 1.0 {
                    softmax(values, temperature * factor, &mut years[*first..]);
                }
            }
            Self::Regression { residuals, .. } => {
                let mut below = 0.0;
                for (year, mass) in years.iter_mut().enumerate() {
                    let up_to = share_below(residuals, year as f32 + 0.5 - values[0]);
                    *mass = up_to - below;
                    below = up_to;
                }
                // The probability above the last year belongs to that year.
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

/// Interpolates linearly between pairs of place and value, and is level beyond them.
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

/// Returns the share of residuals below `years`. It is linear between the quantiles, and beyond them it ends within a
/// year.
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

impl GenderSpec {
    /// Returns the name and the shape of the output.
    pub(super) fn output(&self) -> Output {
        Output::new("gender_logit", tvec!(1, 1))
    }

    /// Returns the probability of female from the output, for a face of this quality.
    pub fn read(&self, logit: f32, quality: Quality) -> f32 {
        let logit = logit / (self.temperature * self.doubt.factor(quality));
        let positive = 1.0 / (1.0 + (-logit).exp());
        match self.positive {
            Positive::Female => positive,
            Positive::Male => 1.0 - positive,
        }
    }
}

/// The largest number of faces that a search finds, so that comparing their boxes takes bounded time.
const MAX_DETECTIONS: usize = 4000;

/// A face that the detector found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detection {
    /// Its box and landmarks, in pixels of the input.
    pub region: Region,
    /// How sure the detector is, from 0 to 1.
    pub score: f32,
}

impl DetectSpec {
    /// Returns the names and shapes of the outputs for an input of this size.
    pub(super) fn outputs(&self, height: usize, width: usize) -> Vec<Output> {
        let shape = |stride: &usize| tvec!(1, Self::VALUES, height / stride, width / stride);
        self.strides.iter().map(|s| Output::new(&format!("stride{s}"), shape(s))).collect()
    }

    /// Reads a detector's outputs, one for each stride, for an input that is `width` pixels wide. `found` becomes the
    /// faces with a score of at least `threshold`, the highest first. Of those that overlap, the one with the highest
    /// score stays (greedy non-maximum suppression).
    ///
    /// Fails if a score or a box is not a finite number.
    pub fn read(
        &self,
        outputs: &[&[f32]],
        width: usize,
        threshold: f32,
        found: &mut Vec<Detection>,
    ) -> Result<()> {
        found.clear();
        for (values, stride) in outputs.iter().zip(&self.strides) {
            decode(values, *stride, width / stride, threshold, found)?;
        }
        suppress(found, self.overlap);
        Ok(())
    }
}

/// Reads one output, in rows of `columns` cells.
fn decode(
    values: &[f32],
    stride: usize,
    columns: usize,
    threshold: f32,
    found: &mut Vec<Detection>,
) -> Result<()> {
    let cells = values.len() / DetectSpec::VALUES;
    let logits = &values[..cells];
    // The comparison is written so that NaN fails, too.
    if !logits.iter().all(|v| v.is_finite()) {
        return Err(Error::new(ErrorKind::Model, "a score of the detector is not a finite number"));
    }
    let least = (threshold / (1.0 - threshold)).ln();
    let size = stride as f32;
    for (cell, logit) in logits.iter().enumerate().filter(|(_, logit)| **logit >= least) {
        let value = |index: usize| values[index * cells + cell];
        let corner = Point::new((cell % columns) as f32, (cell / columns) as f32);
        let place = |index: usize| {
            Point::new((corner.x + value(index)) * size, (corner.y + value(index + 1)) * size)
        };
        let (center, width, height) = (place(1), value(3).exp() * size, value(4).exp() * size);
        let rect = Rect::new(center.x - width / 2.0, center.y - height / 2.0, width, height);
        let landmarks = Some(std::array::from_fn(|i| place(5 + 2 * i)));
        if !(rect.is_finite() && width > 0.0 && height > 0.0) {
            return Err(Error::new(ErrorKind::Model, "a box of the detector is not finite"));
        }
        let score = 1.0 / (1.0 + (-logit).exp());
        reserve(found, 1)?;
        found.push(Detection { region: Region { rect, landmarks }, score });
    }
    Ok(())
}

/// Drops the face with the lower score of two whose boxes share more than `overlap` of their union.
pub(crate) fn suppress(found: &mut Vec<Detection>, overlap: f32) {
    // A stable sort takes memory, and the process ends if there is none. Of equal scores the upper left face comes first.
    let place = |face: &Detection| face.region.rect;
    found.sort_unstable_by(|a, b| {
        let (one, other) = (place(a), place(b));
        let lower = || one.y.total_cmp(&other.y).then(one.x.total_cmp(&other.x));
        b.score.total_cmp(&a.score).then_with(lower)
    });
    let mut kept = 0;
    for i in 0..found.len() {
        if kept == MAX_DETECTIONS {
            break;
        }
        let face = found[i];
        let apart = |other: &Detection| face.region.rect.overlap(&other.region.rect) <= overlap;
        if found[..kept].iter().all(apart) {
            found[kept] = face;
            kept += 1;
        }
    }
    found.truncate(kept);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_becomes_a_box_with_landmarks() {
        let (columns, cells) = (3, 6);
        let mut values = vec![0.0; DetectSpec::VALUES * cells];
        values[..cells].fill(-9.0);
        // The cell is in column 1 of row 1.
        let cell = 4;
        for (index, value) in [2.0, 0.5, 0.25, 0.0, 2f32.ln()].into_iter().enumerate() {
            values[index * cells + cell] = value;
        }
        values[13 * cells + cell] = -1.0;
        let mut found = Vec::new();
        decode(&values, 8, columns, 0.5, &mut found).expect("finite");
        assert_eq!(found.len(), 1);
        let face = found[0];
        assert!((face.score - 0.880_797).abs() < 1e-5);
        let Region { rect, landmarks } = face.region;
        assert_eq!((rect.center(), rect.width), (Point::new(12.0, 10.0), 8.0));
        assert!((rect.height - 16.0).abs() < 1e-4);
        let landmarks = landmarks.expect("a detector gives landmarks");
        assert_eq!(landmarks[0], Point::new(8.0, 8.0));
        assert_eq!(landmarks[4], Point::new(0.0, 8.0));
        values[3 * cells + cell] = 1e9;
        assert!(decode(&values, 8, columns, 0.5, &mut found).is_err());
        values[0] = f32::NAN;
        assert!(decode(&values, 8, columns, 0.5, &mut found).is_err());
    }

    #[test]
    fn the_surer_of_two_that_overlap_stays() {
        let face = |x: f32, score: f32| {
            let region = Region::from_box(Rect::new(x, 0.0, 10.0, 10.0));
            Detection { region, score }
        };
        let mut found = vec![face(0.0, 0.6), face(2.0, 0.9), face(30.0, 0.7), face(7.0, 0.65)];
        suppress(&mut found, 0.4);
        assert_eq!(found, [face(2.0, 0.9), face(30.0, 0.7), face(7.0, 0.65)]);
    }

    fn spec(more: &str) -> AgeSpec {
        let text = format!(
            r#"{{"kind":"distribution","first":0,"count":101,"range":[0,100],"temperature":1.0{more}}}"#
        );
        serde_json::from_str(&text).expect("a spec")
    }

    fn width(spec: &AgeSpec, sigma: f32) -> f32 {
        let logits: Vec<f32> =
            (0..101).map(|year| -0.5 * ((year as f32 - 50.0) / sigma).powi(2)).collect();
        let mut years = Vec::new();
        spec.read(&logits, Quality::default(), &mut years);
        AgeDistribution::new(&years).variance().sqrt()
    }

    #[test]
    fn a_regression_may_answer_more_than_a_hundred_years() {
        let text = r#"{"kind":"regression","range":[0,120],"residuals":[[0.1,-4.0],[0.9,4.0]]}"#;
        let spec: AgeSpec = serde_json::from_str(text).expect("a spec");
        let mut years = Vec::new();
        spec.read(&[110.0], Quality::default(), &mut years);
        let age = AgeDistribution::new(&years);
        assert!((age.mean() - 110.0).abs() < 0.1, "{}", age.mean());
        assert!((age.at_least(110.0) - 0.5).abs() < 0.1);
        // What lies above the range counts as its last year.
        spec.read(&[200.0], Quality::default(), &mut years);
        assert_eq!((years.len(), years[120]), (121, 1.0));
    }

    #[test]
    fn factors_by_width_widen_the_sharp_alone() {
        let plain = spec("");
        let sharp = spec(r#","by_width":[[2.0,4.0],[8.0,1.0]]"#);
        // A temperature that is four times as high makes the distribution twice as wide.
        assert!((width(&sharp, 2.0) / width(&plain, 2.0) - 2.0).abs() < 0.02);
        assert!((width(&sharp, 8.0) - width(&plain, 8.0)).abs() < 0.02);
        // Both factors are multiplied.
        let both = spec(r#","by_age":[[0.0,0.25],[100.0,0.25]],"by_width":[[2.0,4.0],[8.0,1.0]]"#);
        assert!((width(&both, 2.0) - width(&plain, 2.0)).abs() < 0.02);
    }
}
