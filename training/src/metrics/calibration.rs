//! Calibration on the validation part: temperatures of the heads, or the residuals of a regression.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use face_predict::{
    AgeDistribution, AgeSpec, DetectSpec, GenderSpec, Positive, Quality, UncertaintyFactors,
};
use serde::{Deserialize, Serialize};

use super::{by_source, interval, widths};
use crate::data::bands::band;
use crate::data::manifest::Row;
use crate::model::YEARS;
use crate::model::raw::Raw;

/// The result of the calibration, which the model file contains.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// How to read the age output.
    pub age: Option<AgeSpec>,
    /// How to read the gender output.
    pub gender: Option<GenderSpec>,
    /// The number of faces that it is based on.
    pub faces: usize,
    /// The share of exact years inside the 80 % interval, by age band, on the same faces.
    pub coverage: BTreeMap<String, (f64, usize)>,
    /// How to read a detector's outputs.
    #[serde(default)]
    pub detect: Option<DetectSpec>,
    /// SHA-256 of the checkpoint that it was fitted to. It is empty in older files.
    #[serde(default)]
    pub checkpoint: String,
}

/// The ages that the networks are trained for.
pub const RANGE: [f32; 2] = [0.0, 100.0];

/// The smallest probability for which a gender label is given.
const THRESHOLD: f32 = 0.6;

/// The temperatures that are tried.
pub const TEMPERATURES: [f32; 2] = [0.1, 10.0];

/// The faces that a factor of doubt needs.
const DOUBTED: usize = 100;

impl Calibration {
    /// Makes the calibration of a detector.
    pub fn of_detector(spec: DetectSpec, faces: usize) -> Self {
        Self { detect: Some(spec), ..Self::of(None, None, faces) }
    }

    /// Makes the calibration of an uncalibrated network: its logits as they are. A regression cannot be used without a
    /// calibration.
    pub fn none() -> Self {
        Self::of(Some(distribution(1.0)), Some(gender(1.0)), 0)
    }

    /// Makes a calibration of these numbers, which says nothing else.
    pub fn of(age: Option<AgeSpec>, gender: Option<GenderSpec>, faces: usize) -> Self {
        let (coverage, checkpoint) = (BTreeMap::new(), String::new());
        Self { age, gender, faces, coverage, detect: None, checkpoint }
    }

    /// Fits all outputs, with equal weight for each source: first the temperatures, then their factors by age. Without
    /// any label for a head, no temperature is better than another. The head then keeps the calibration `before`. If
    /// there is none, its probabilities stay as they are.
    pub fn fit(faces: &[(&Row, &Raw)], before: Option<&Self>) -> Result<Self> {
        let has = |with: &dyn Fn(&Raw) -> bool| faces.iter().any(|(_, raw)| with(raw));
        let (ages, genders) = labelled(faces);
        let known = before.and_then(|before| before.age.clone());
        let age = if has(&|raw| !raw.age_logits.is_empty()) {
            let known = known.filter(|spec| {
                matches!(spec, AgeSpec::Distribution { first: 0, count: YEARS, .. })
            });
            let unfitted = || known.unwrap_or_else(|| distribution(1.0));
            Some(if ages > 0 { fit_age(faces) } else { unfitted() })
        } else if has(&|raw| raw.age.is_some()) {
            let known = known.filter(|spec| matches!(spec, AgeSpec::Regression { .. }));
            let fitted = residuals(faces)
                .map(|residuals| AgeSpec::Regression { range: RANGE, residuals })
                .or(known);
            // A number of years says nothing about how far it may be off.
            Some(fitted.context(
                "an age in years needs residuals, but no face of the validation part has an age",
            )?)
        } else {
            None
        };
        let gender = has(&|raw| raw.gender_logit.is_some()).then(|| {
            if genders > 0 {
                return gender(minimum(|t| mean_loss(faces, |row, raw| gender_loss(row, raw, t))));
            }
            let known = before.and_then(|before| before.gender.clone());
            let known = known.filter(|spec| spec.positive == Positive::Male);
            known.unwrap_or_else(|| gender(1.0))
        });
        let coverage = match &age {
            Some(spec @ AgeSpec::Distribution { .. }) => coverage(faces, spec),
            _ => BTreeMap::new(),
        };
        Ok(Self { coverage, ..Self::of(age, gender, faces.len()) })
    }

    /// For each source with exact ages, returns the coverage of its 80 % intervals, by band, after a fit to all other
    /// sources alone. It is left out if the others have no ages.
    pub fn left_out(faces: &[(&Row, &Raw)]) -> BTreeMap<String, BTreeMap<String, (f64, usize)>> {
        let exact = faces.iter().filter(|(row, _)| row.age.is_some());
        let sources: BTreeSet<&str> = exact.map(|(row, _)| row.source.as_str()).collect();
        let split = |source: &str| -> (Vec<_>, Vec<_>) {
            faces.iter().copied().partition(|(row, _)| row.source == source)
        };
        let found = sources.into_iter().filter_map(|source| {
            let (of, others) = split(source);
            let fits = others.iter().any(|(row, raw)| age_loss(row, raw, 1.0).is_some());
            fits.then(|| (source.to_owned(), coverage(&of, &fit_age(&others))))
        });
        found.collect()
    }

    /// Fits how much less to trust faces with one of the reasons of [`Quality::ALL`]. `spoiled` are faces of the
    /// validation part, most of them degraded on purpose. Every source has the same weight. A head gets no factor for a
    /// reason that fewer than 100 faces with a label for it have.
    pub fn fit_doubt(&mut self, spoiled: &[(&Row, &Raw)]) {
        for (reason, name) in Quality::ALL {
            let with: Vec<_> =
                spoiled.iter().filter(|(_, raw)| raw.quality.contains(reason)).copied().collect();
            let (ages, genders) = labelled(&with);
            if let Some(spec @ AgeSpec::Distribution { .. }) = &mut self.age
                && ages >= DOUBTED
            {
                let factor = interval::factor(spec, &with, reason, name);
                if let AgeSpec::Distribution { doubt, .. } = spec {
                    doubt.0.insert(name.to_owned(), factor);
                }
            }
            if let Some(gender) = &mut self.gender
                && genders >= DOUBTED
            {
                let own = gender.temperature;
                let loss = |t: f32| mean_loss(&with, |row, raw| gender_loss(row, raw, t * own));
                // The answer never becomes surer than for a good picture.
                gender.doubt.0.insert(name.to_owned(), minimum(loss).clamp(1.0, 10.0));
            }
        }
    }
}

/// Returns how many faces have a label for the age output, and for the gender output.
pub fn labelled(faces: &[(&Row, &Raw)]) -> (usize, usize) {
    let count =
        |has: &dyn Fn(&Row, &Raw) -> bool| faces.iter().filter(|(row, raw)| has(row, raw)).count();
    let ages = count(&|row, raw| {
        age_loss(row, raw, 1.0).is_some() || row.age.is_some() && raw.age.is_some()
    });
    (ages, count(&|row, raw| gender_loss(row, raw, 1.0).is_some()))
}

/// Fits a temperature, then its factors by age and width.
fn fit_age(faces: &[(&Row, &Raw)]) -> AgeSpec {
    let temperature = minimum(|t| mean_loss(faces, |row, raw| age_loss(row, raw, t)));
    widths::fit(distribution(temperature), faces)
}

fn distribution(temperature: f32) -> AgeSpec {
    AgeSpec::Distribution {
        first: 0,
        count: YEARS,
        range: RANGE,
        temperature,
        by_age: Vec::new(),
        by_width: Vec::new(),
        doubt: UncertaintyFactors::default(),
    }
}

fn gender(temperature: f32) -> GenderSpec {
    let (positive, threshold) = (Positive::Male, THRESHOLD);
    GenderSpec { positive, temperature, threshold, doubt: UncertaintyFactors::default() }
}

/// Probability of each year.
pub fn softmax(logits: &[f32], temperature: f32) -> Vec<f32> {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut years: Vec<f32> = logits.iter().map(|v| ((v - top) / temperature).exp()).collect();
    let sum: f32 = years.iter().sum();
    years.iter_mut().for_each(|v| *v /= sum);
    years
}

/// Returns minus the logarithm of the probability of the year, or of the bracket.
fn age_loss(row: &Row, raw: &Raw, temperature: f32) -> Option<f64> {
    if raw.age_logits.is_empty() {
        return None;
    }
    let (first, last) = match (row.age, row.age_min, row.age_max) {
        (Some(age), ..) => (age, age),
        (None, Some(first), Some(last)) => (first, last),
        _ => return None,
    };
    let top = (YEARS - 1) as f32;
    let (first, last) = (first.round().clamp(0.0, top), last.round().clamp(0.0, top));
    let years = softmax(&raw.age_logits, temperature);
    let mass: f32 = years[first as usize..=last.max(first) as usize].iter().sum();
    Some(-f64::from(mass.max(1e-9)).ln())
}

fn gender_loss(row: &Row, raw: &Raw, temperature: f32) -> Option<f64> {
    let (male, logit) = (row.is_male()?, raw.gender_logit?);
    let towards = f64::from(if male { logit } else { -logit }) / f64::from(temperature);
    // ln(1 + e^-x) without overflow.
    Some((-towards).max(0.0) + (-towards.abs()).exp().ln_1p())
}

/// Returns the mean loss, or 0 without any label: then no temperature is better than another.
fn mean_loss(faces: &[(&Row, &Raw)], loss: impl Fn(&Row, &Raw) -> Option<f64>) -> f64 {
    by_source::mean(faces, loss).unwrap_or(0.0)
}

/// Returns the temperature with the smallest loss, by golden section over its logarithm, since the loss has one
/// minimum.
fn minimum(loss: impl Fn(f32) -> f64) -> f32 {
    const RATIO: f64 = 0.618_033_988_749_895;
    let at = |x: f64| loss(x.exp() as f32);
    let [mut low, mut high] = TEMPERATURES.map(|t| f64::from(t).ln());
    let (mut left, mut right) = (high - RATIO * (high - low), low + RATIO * (high - low));
    let (mut at_left, mut at_right) = (at(left), at(right));
    for _ in 0..24 {
        if at_left < at_right {
            (high, right, at_right) = (right, left, at_left);
            left = high - RATIO * (high - low);
            at_left = at(left);
        } else {
            (low, left, at_left) = (left, right, at_right);
            right = low + RATIO * (high - low);
            at_right = at(right);
        }
    }
    ((low + high) / 2.0).exp() as f32
}

/// Returns quantiles of the label minus the output, at every twentieth and closer at the ends. There are none without
/// an exact age.
fn residuals(faces: &[(&Row, &Raw)]) -> Option<Vec<[f32; 2]>> {
    let inner = (1..20).map(|i| i as f32 / 20.0);
    let shares: Vec<f32> = [0.0, 0.01].into_iter().chain(inner).chain([0.99, 1.0]).collect();
    let quantiles = by_source::quantiles(faces, |row, raw| Some(row.age? - raw.age?), &shares)?;
    Some(shares.into_iter().zip(quantiles).map(|(share, years)| [share, years]).collect())
}

fn coverage(faces: &[(&Row, &Raw)], spec: &AgeSpec) -> BTreeMap<String, (f64, usize)> {
    let mut found: BTreeMap<String, (f64, usize)> = BTreeMap::new();
    for (row, raw) in faces {
        let Some(age) = row.age else { continue };
        let mut years = Vec::new();
        spec.read(&raw.age_logits, raw.quality, &mut years);
        let (low, high) = AgeDistribution::new(&years).interval(0.8);
        for name in ["all", band(age)] {
            let sum = found.entry(name.to_owned()).or_default();
            *sum = (sum.0 + f64::from(u8::from(low <= age && age <= high)), sum.1 + 1);
        }
    }
    found.values_mut().for_each(|(sum, n)| *sum /= *n as f64);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temperature_that_is_known_is_found() {
        // The logits are twice as large as the frequencies of the labels imply: 3 of 4 are right at logit 2 ln 3.
        let row = |male: bool| Row {
            gender: if male { "male" } else { "female" }.into(),
            ..Row::default()
        };
        let raw = Raw { gender_logit: Some(2.0 * 3f32.ln()), ..Raw::default() };
        let rows = [row(true), row(true), row(true), row(false)];
        let faces: Vec<_> = rows.iter().map(|r| (r, &raw)).collect();
        let found = Calibration::fit(&faces, None).expect("fits").gender.expect("a gender head");
        assert!((found.temperature - 2.0).abs() < 0.01, "{}", found.temperature);
    }

    #[test]
    fn a_source_that_is_left_out_is_not_fitted_to() {
        // Both have the same distributions, but the labels of one lie three times as far away.
        let face = |age: usize, off: f32, source: &str| {
            let logit = |year: usize| -0.5 * ((year as f32 - age as f32) / 3.0).powi(2);
            let raw = Raw { age_logits: (0..YEARS).map(logit).collect(), ..Raw::default() };
            let age = Some(age as f32 + off);
            (Row { age, source: source.into(), ..Row::default() }, raw)
        };
        let offsets = [-5.0, -3.0, -2.0, -1.0, 0.0, 0.0, 1.0, 2.0, 3.0, 5.0];
        let near = offsets.iter().map(|off| (*off, "near"));
        let all = near.chain(offsets.iter().map(|off| (3.0 * off, "far")));
        let faces: Vec<(Row, Raw)> =
            all.flat_map(|(off, source)| (20..80).map(move |age| face(age, off, source))).collect();
        let faces: Vec<_> = faces.iter().map(|(row, raw)| (row, raw)).collect();
        let found = Calibration::left_out(&faces);
        let all = |source: &str| found[source]["all"].0;
        assert!(all("far") < 0.6 && all("near") > 0.95, "{} {}", all("far"), all("near"));
    }

    #[test]
    fn a_head_without_labels_is_not_fitted() {
        // Both sources have a gender, and only the rows of "aged" have an age.
        let rows = |source: &str, age: Option<f32>| -> Vec<Row> {
            let row = |i: usize| Row {
                gender: ["male", "female"][i % 2].into(),
                age,
                source: source.into(),
                ..Row::default()
            };
            (0..150).map(row).collect()
        };
        let dark = Quality::ALL[0].0;
        let raw = |male: bool| Raw {
            age_logits: (0..YEARS).map(|year| year as f32 * 0.01).collect(),
            gender_logit: Some(if male { 3.0 } else { -3.0 }),
            quality: dark,
            ..Raw::default()
        };
        let raws = [raw(true), raw(false)];
        let pairs = |rows: &[Row]| -> Vec<(Row, Raw)> {
            rows.iter().enumerate().map(|(i, row)| (row.clone(), raws[i % 2].clone())).collect()
        };
        let fitted = |faces: &[(Row, Raw)], before: Option<&Calibration>| {
            let faces: Vec<_> = faces.iter().map(|(row, raw)| (row, raw)).collect();
            let mut found = Calibration::fit(&faces, before).expect("fits");
            found.fit_doubt(&faces);
            found
        };
        let genders = pairs(&rows("genders", None));
        let found = fitted(&genders, None);
        assert_eq!(found.age, Some(distribution(1.0)));
        assert_eq!(found.gender.expect("a head").doubt.0.len(), 1);
        // What was known before is kept, with its doubt.
        let mut known = distribution(1.5);
        if let AgeSpec::Distribution { doubt, .. } = &mut known {
            doubt.0.insert("dark".into(), 2.0);
        }
        let before = Calibration::of(Some(known.clone()), Some(gender(1.25)), 9);
        let found = fitted(&genders, Some(&before));
        assert_eq!(found.age, Some(known));
        assert_ne!(found.gender.expect("a head").temperature, 1.25);
        let mut bare = genders.clone();
        bare.iter_mut().for_each(|(row, _)| row.gender.clear());
        assert_eq!(fitted(&bare, Some(&before)).gender, before.gender);
        assert_eq!(fitted(&bare, None).gender, Some(gender(1.0)));
        // A fit to the others alone needs their ages.
        let mut both = genders;
        both.extend(pairs(&rows("aged", Some(30.0))));
        let both: Vec<_> = both.iter().map(|(row, raw)| (row, raw)).collect();
        assert!(Calibration::left_out(&both).is_empty());
        // The residuals of no face are not zero.
        let (row, raw) = (Row::default(), Raw { age: Some(50.0), ..Raw::default() });
        let error = Calibration::fit(&[(&row, &raw)], None).expect_err("no residuals");
        assert!(error.to_string().contains("no face of the validation part has an age"));
    }

    #[test]
    fn residuals_are_quantiles_of_label_minus_output() {
        let rows: Vec<Row> =
            (0..=100).map(|i| Row { age: Some(i as f32), ..Row::default() }).collect();
        let raw = Raw { age: Some(50.0), ..Raw::default() };
        let faces: Vec<_> = rows.iter().map(|r| (r, &raw)).collect();
        let found = Calibration::fit(&faces, None).expect("fits");
        let Some(AgeSpec::Regression { residuals, .. }) = found.age else {
            panic!("a regression");
        };
        for [share, years] in residuals {
            assert!((years - (share * 100.0 - 50.0)).abs() < 1e-3, "{share} {years}");
        }
    }
}
