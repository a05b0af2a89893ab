//! The figures of an evaluation: of all faces, and of each group.

use std::collections::BTreeMap;

use rand::Rng;
use serde::Serialize;

use super::cases::Case;
use super::probabilities::{auc, ece};
use crate::data::sampler::generator;

/// A figure with its 95 % bootstrap interval.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// The figure on all faces of the group.
    pub value: f64,
    /// The number of faces that it is based on.
    pub faces: usize,
    /// The 2.5 % quantile over resamples.
    pub low: f64,
    /// The 97.5 % quantile.
    pub high: f64,
}

/// Figures by name.
pub type Figures = BTreeMap<&'static str, Figure>;

/// The names of the figures, in the order of tables, with their meaning.
pub const NAMES: [(&str, &str); 28] = [
    ("age_mae", "age: mean absolute error, years"),
    ("age_median", "age: median absolute error"),
    ("age_std", "age: standard deviation of the absolute error"),
    ("age_min", "age: least absolute error"),
    ("age_q25", "age: lower quartile"),
    ("age_q75", "age: upper quartile"),
    ("age_max", "age: largest absolute error"),
    ("age_bias", "age: mean of predicted minus label"),
    ("age_cs5", "age: share within 5 years"),
    ("age_mae_raw", "age: mean absolute error of the network's own number, years"),
    ("age_median_raw", "age: median absolute error of the network's own number"),
    ("bracket_accuracy", "bracket: share right, by most mass"),
    ("bracket_accuracy_median", "bracket: share right, by rounded median"),
    ("bracket_one_off", "bracket: share right or next to it"),
    ("coverage_80", "share inside the 80 % interval; of brackets an estimate"),
    ("coverage_80_least", "bracket: share whose 80 % interval holds all of it"),
    ("coverage_80_most", "bracket: share whose 80 % interval meets it"),
    ("adult_18_ece", "at least 18: calibration error"),
    ("adult_21_ece", "at least 21: calibration error"),
    ("adult_25_ece", "at least 25: calibration error"),
    ("gender_accuracy", "gender: share right"),
    ("gender_recall_female", "gender: recall of women"),
    ("gender_recall_male", "gender: recall of men"),
    ("gender_auc", "gender: area under the ROC curve"),
    ("gender_ece", "gender: calibration error"),
    ("gender_undecided", "gender: share for which none was named"),
    ("gender_accuracy_named", "gender: share right of those named"),
    ("marked", "share with a reason to trust it less"),
];

fn figure(name: &str, cases: &[&Case]) -> Option<(f64, usize)> {
    let mean = |values: Vec<f64>| {
        let n = values.len();
        (n > 0).then(|| (values.iter().sum::<f64>() / n as f64, n))
    };
    let errors = || cases.iter().filter_map(|c| c.error());
    let raw = || cases.iter().filter_map(|c| Some(f64::from((c.raw? - c.age?).abs())));
    let quantile_of = |mut values: Vec<f64>, share: f64| {
        values.sort_by(f64::total_cmp);
        let last = values.len().checked_sub(1)?;
        let place = share * last as f64;
        let (below, part) = (place.floor() as usize, place.fract());
        let high = values[(below + 1).min(last)];
        Some((values[below] + (high - values[below]) * part, last + 1))
    };
    let quantile = |share: f64| quantile_of(errors().map(f64::abs).collect(), share);
    let brackets = |right: &dyn Fn([usize; 3]) -> bool| {
        let of = cases.iter().filter_map(|c| c.brackets);
        mean(of.map(|b| f64::from(u8::from(right(b)))).collect())
    };
    let bounds = |so: &dyn Fn([bool; 2]) -> bool| {
        let of = cases.iter().filter_map(|c| c.reach);
        mean(of.map(|b| f64::from(u8::from(so(b)))).collect())
    };
    let recall = |of: Option<bool>| {
        let known = cases.iter().filter_map(|c| Some((c.male?, c.p_male?)));
        let known = known.filter(|(male, _)| of.is_none_or(|of| of == *male));
        mean(known.map(|(male, p)| f64::from(u8::from(male == (p > 0.5)))).collect())
    };
    let adult = |i: usize| {
        let pairs: Vec<_> = cases.iter().filter_map(|c| c.at_least[i]).collect();
        (!pairs.is_empty()).then(|| (ece(&pairs), pairs.len()))
    };
    let genders =
        || -> Vec<_> { cases.iter().filter_map(|c| Some((c.p_male?, c.male?))).collect() };
    match name {
        "age_mae" => mean(errors().map(f64::abs).collect()),
        "age_mae_raw" => mean(raw().collect()),
        "age_median_raw" => quantile_of(raw().collect(), 0.5),
        "age_median" => quantile(0.5),
        "age_q25" => quantile(0.25),
        "age_q75" => quantile(0.75),
        "age_min" => quantile(0.0),
        "age_max" => quantile(1.0),
        "age_bias" => mean(errors().collect()),
        "age_std" => {
            let (centre, n) = mean(errors().map(f64::abs).collect())?;
            let squares = errors().map(|e| (e.abs() - centre).powi(2)).sum::<f64>();
            (n > 1).then(|| ((squares / (n - 1) as f64).sqrt(), n))
        }
        "age_cs5" => mean(errors().map(|e| f64::from(u8::from(e.abs() <= 5.0))).collect()),
        "bracket_accuracy" => brackets(&|[want, most, _]| want == most),
        "bracket_accuracy_median" => brackets(&|[want, _, median]| want == median),
        "bracket_one_off" => brackets(&|[want, most, _]| want.abs_diff(most) <= 1),
        "coverage_80" => mean(cases.iter().filter_map(|c| c.covered).collect()),
        "coverage_80_least" => bounds(&|[holds, _]| holds),
        "coverage_80_most" => bounds(&|[_, meets]| meets),
        "adult_18_ece" => adult(0),
        "adult_21_ece" => adult(1),
        "adult_25_ece" => adult(2),
        "gender_accuracy" => recall(None),
        "gender_recall_female" => recall(Some(false)),
        "gender_recall_male" => recall(Some(true)),
        "gender_auc" => Some((auc(&genders())?, genders().len())),
        "gender_ece" => Some((ece(&genders()), genders().len())).filter(|(_, n)| *n > 0),
        "gender_undecided" => mean(
            cases
                .iter()
                .filter(|c| c.p_male.is_some())
                .map(|c| f64::from(u8::from(!c.named)))
                .collect(),
        ),
        "gender_accuracy_named" => {
            let named = cases.iter().filter(|c| c.named).filter_map(|c| Some((c.male?, c.p_male?)));
            mean(named.map(|(male, p)| f64::from(u8::from(male == (p > 0.5)))).collect())
        }
        "marked" => mean(cases.iter().map(|c| f64::from(u8::from(c.marked))).collect()),
        _ => None,
    }
}

/// Returns all figures of `cases`, with intervals from `resamples` draws.
pub fn figures(cases: &[&Case], resamples: usize) -> Figures {
    let mut found = Figures::new();
    let mut draws: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let mut rng = generator(1, cases.len() as u64, 7);
    // One resample is used for all figures. Minima and maxima have no bootstrap.
    for _ in 0..resamples {
        let drawn: Vec<&Case> =
            cases.iter().map(|_| cases[rng.random_range(0..cases.len())]).collect();
        for (name, _) in NAMES.iter().filter(|(name, _)| !matches!(*name, "age_min" | "age_max")) {
            draws.entry(name).or_default().extend(figure(name, &drawn).map(|f| f.0));
        }
    }
    for (name, _) in NAMES {
        let Some((value, faces)) = figure(name, cases) else { continue };
        let mut values = draws.remove(name).unwrap_or_default();
        values.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let last = values.len().saturating_sub(1) as f64;
            values.get((share * last).round() as usize).copied().unwrap_or(value)
        };
        found.insert(name, Figure { value, faces, low: at(0.025), high: at(0.975) });
    }
    found
}

/// Returns every group of at least ten faces: all, and those by band, gender, race and their combinations.
pub fn groups(cases: &[Case]) -> BTreeMap<String, Vec<&Case>> {
    let mut groups: BTreeMap<String, Vec<&Case>> = BTreeMap::new();
    for case in cases {
        for keep in 0..8 {
            let parts: Vec<&str> =
                (0..3).filter(|i| keep >> i & 1 == 1).map(|i| case.cell[i].as_str()).collect();
            if parts.iter().any(|part| part.is_empty()) {
                continue;
            }
            let name = if parts.is_empty() { "all".to_owned() } else { parts.join(" / ") };
            groups.entry(name).or_default().push(case);
        }
    }
    groups.retain(|name, cases| name == "all" || cases.len() >= 10);
    groups
}

#[cfg(test)]
mod tests {
    use face_predict::AgeDistribution;

    use super::*;
    use crate::data::manifest::Row;
    use crate::metrics::brackets::Brackets;
    use crate::metrics::cases::Answer;

    fn exact(age: f32, predicted: usize, male: bool, p_male: f32) -> Case {
        let mut years = vec![0.0; 101];
        years[predicted] = 1.0;
        let gender = if male { "male" } else { "female" }.to_owned();
        let row = Row { age: Some(age), gender, ..Row::default() };
        let interval = AgeDistribution::new(&years).interval(0.8);
        let male = Some(p_male);
        let answer = Answer { years, interval, male, named: true, marked: false, raw: None };
        Case::new(&row, &answer, &Brackets::default())
    }

    #[test]
    fn figures_by_hand() {
        let cases = [
            exact(20.0, 24, true, 0.9),
            exact(30.0, 30, false, 0.6),
            exact(40.0, 32, true, 0.7),
            exact(50.0, 50, false, 0.1),
        ];
        let found = figures(&cases.iter().collect::<Vec<_>>(), 50);
        let value = |name: &str| found[name].value;
        assert_eq!(value("age_mae"), 3.0);
        assert_eq!(value("age_median"), 2.0);
        assert_eq!((value("age_min"), value("age_max")), (0.0, 8.0));
        assert_eq!(value("age_bias"), -1.0);
        assert_eq!(value("age_cs5"), 0.75);
        assert_eq!(value("coverage_80"), 0.5);
        assert_eq!(value("gender_accuracy"), 0.75);
        assert_eq!(value("gender_recall_female"), 0.5);
        assert_eq!(value("gender_recall_male"), 1.0);
        assert_eq!(value("gender_auc"), 1.0);
        // Each of the four is alone in its bin. The probabilities are off by 0.1, 0.6, 0.3 and 0.1.
        assert!((value("gender_ece") - 0.275).abs() < 1e-6);
        assert_eq!(found["age_mae"].faces, 4);
        assert!(found["age_mae"].low >= 0.0 && found["age_mae"].high <= 8.0);
        assert!(!found.contains_key("bracket_accuracy"));
    }
}
