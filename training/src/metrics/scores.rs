//! The figures of an evaluation: of all faces, and of each group.

use std::collections::BTreeMap;

use face_predict::AgeDistribution;
use rand::Rng;
use serde::Serialize;

use super::brackets::Brackets;
use crate::data::bands::{self, band};
use crate::data::manifest::Row;
use crate::data::sampler::generator;

/// What the library answered for one face.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Probability of each whole year; empty without an age network.
    pub years: Vec<f32>,
    /// The 80 % interval.
    pub interval: (f32, f32),
    /// Probability of male; none without a gender network.
    pub male: Option<f32>,
    /// Whether a gender was named instead of none.
    pub named: bool,
    /// Whether there was a reason to trust the face less.
    pub marked: bool,
    /// Of a regression, the number that the network itself gave.
    pub raw: Option<f32>,
}

/// A face reduced to numbers, so that resampling is cheap.
#[derive(Clone, Debug)]
pub struct Case {
    /// Band, gender, race as labelled; empty where unknown.
    pub cell: [String; 3],
    /// Band of the tables about strangers, of an exact age.
    pub stranger: Option<&'static str>,
    /// Name of the data set.
    pub source: String,
    /// Labelled year, where exact.
    pub age: Option<f32>,
    /// Median.
    pub predicted: Option<f32>,
    /// Whether the label lies in the interval; for a bracket the network's own probability of that, given the bracket.
    pub covered: Option<f64>,
    /// Of a bracket, whether the interval holds all of it, and whether it meets it: the year lies inside where the first is so,
    /// and outside where the second is not.
    pub reach: Option<[bool; 2]>,
    /// What the network itself said, where that is one number and the library's median differs from it.
    pub raw: Option<f32>,
    /// Index of the bracket of the label, of most mass, and of the rounded median, among those of the source.
    pub brackets: Option<[usize; 3]>,
    /// Probability of at least 18, 21 and 25 years, and whether it is so, where the label tells.
    pub at_least: [Option<(f32, bool)>; 3],
    /// Labelled male.
    pub male: Option<bool>,
    /// Probability of male.
    pub p_male: Option<f32>,
    /// Whether a gender was named instead of none.
    pub named: bool,
    /// Whether there was a reason to trust the face less.
    pub marked: bool,
}

/// Ages whose probability of being reached is judged.
pub const LIMITS: [f32; 3] = [18.0, 21.0, 25.0];

impl Case {
    /// Compares a label with an answer. `brackets` are those of the row's source.
    pub fn new(row: &Row, answer: &Answer, brackets: &Brackets) -> Self {
        let distribution = AgeDistribution::new(&answer.years);
        let has_age = !answer.years.is_empty();
        let mass = |first: f32, last: f32| -> f64 {
            let inside = |(year, _): &(usize, &f32)| (first..=last).contains(&(*year as f32));
            let years = answer.years.iter().enumerate().filter(inside);
            years.map(|(_, p)| f64::from(*p)).sum()
        };
        let (low, high) = answer.interval;
        let bracket = row.age.is_none().then(|| row.age_min.zip(row.age_max)).flatten();
        let covered = match (row.age, bracket) {
            _ if !has_age => None,
            (Some(age), _) => Some(f64::from(u8::from(low <= age && age <= high))),
            (None, Some((first, last))) => {
                let inside = mass(first, last);
                let both = mass(first.max(low.round()), last.min(high.round()));
                Some(if inside > 0.0 { both / inside } else { 0.0 })
            }
            _ => None,
        };
        // A whole year reaches half a year to both sides, so an interval from 19.3 on still meets the bracket 10 to 19.
        let reach = bracket.filter(|_| has_age).map(|(first, last)| {
            [low <= first && last <= high, low.round() <= last && first <= high.round()]
        });
        let median = has_age.then(|| distribution.median());
        let own = brackets.index(row);
        let brackets = own.zip(median).map(|(own, median)| {
            [own, brackets.most(&answer.years, own), brackets.holding(median.round(), own)]
        });
        let at_least = LIMITS.map(|limit| {
            let label = match (row.age, bracket) {
                (Some(age), _) => Some(age >= limit),
                (_, Some((first, _))) if first >= limit => Some(true),
                (_, Some((_, last))) if last < limit => Some(false),
                _ => None,
            };
            label.filter(|_| has_age).map(|label| (distribution.at_least(limit), label))
        });
        let band = row.rough_age().map_or(String::new(), |age| band(age).to_owned());
        Self {
            cell: [band, row.gender.clone(), row.race.clone()],
            stranger: row.age.map(bands::stranger),
            source: row.source.clone(),
            age: row.age,
            predicted: median,
            raw: answer.raw,
            covered,
            reach,
            brackets,
            at_least,
            male: row.is_male(),
            p_male: answer.male,
            named: answer.named,
            marked: answer.marked,
        }
    }

    /// Median minus label, where the label is exact.
    pub fn error(&self) -> Option<f64> {
        Some(f64::from(self.predicted? - self.age?))
    }
}

/// A figure with its 95 % bootstrap interval.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// On all faces of the group.
    pub value: f64,
    /// Faces that it rests on.
    pub faces: usize,
    /// 2.5 % quantile over resamples.
    pub low: f64,
    /// 97.5 % quantile.
    pub high: f64,
}

/// Figures by name.
pub type Figures = BTreeMap<&'static str, Figure>;

/// Names of the figures, in the order of tables, with what they are.
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

/// All figures of `cases`, with intervals from `resamples` draws.
pub fn figures(cases: &[&Case], resamples: usize) -> Figures {
    let mut found = Figures::new();
    let mut draws: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let mut rng = generator(1, cases.len() as u64, 7);
    // One resample serves all figures. Extremes have no bootstrap.
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

/// Every group of at least ten faces: all, and by band, gender, race and their crossings.
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

/// A bin of a reliability diagram: mean probability, share that was so, faces.
pub type Bin = (f64, f64, usize);

/// Ten bins of equal width.
pub fn reliability(pairs: &[(f32, bool)]) -> Vec<Bin> {
    let mut bins = vec![(0.0, 0.0, 0usize); 10];
    for (p, so) in pairs {
        let bin = &mut bins[((p * 10.0) as usize).min(9)];
        bin.0 += f64::from(*p);
        bin.1 += f64::from(u8::from(*so));
        bin.2 += 1;
    }
    bins.retain(|bin| bin.2 > 0);
    bins.into_iter().map(|(p, so, n)| (p / n as f64, so / n as f64, n)).collect()
}

/// Expected calibration error (Naeini et al. 2015).
pub fn ece(pairs: &[(f32, bool)]) -> f64 {
    let gaps = reliability(pairs).into_iter().map(|(p, so, n)| (p - so).abs() * n as f64);
    gaps.sum::<f64>() / pairs.len().max(1) as f64
}

/// Probability that a true one scores above a false one, ties counting half.
pub fn auc(pairs: &[(f32, bool)]) -> Option<f64> {
    let mut sorted = pairs.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut ranks, mut first) = (0.0, 0);
    while first < sorted.len() {
        let score = sorted[first].0;
        let last = first + sorted[first..].iter().take_while(|p| p.0 == score).count();
        let rank = (first + last + 1) as f64 / 2.0;
        ranks += rank * sorted[first..last].iter().filter(|p| p.1).count() as f64;
        first = last;
    }
    let yes = sorted.iter().filter(|p| p.1).count() as f64;
    let no = sorted.len() as f64 - yes;
    (yes > 0.0 && no > 0.0).then(|| (ranks - yes * (yes + 1.0) / 2.0) / (yes * no))
}

#[cfg(test)]
mod tests {
    use super::*;

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

    fn answer_years(masses: &[(usize, f32)]) -> Vec<f32> {
        let mut years = vec![0.0; 101];
        masses.iter().for_each(|(year, mass)| years[*year] = *mass);
        years
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
        // The four are alone in their bins; what was said of each is off by 0.1, 0.6, 0.3 and 0.1.
        assert!((value("gender_ece") - 0.275).abs() < 1e-6);
        assert_eq!(found["age_mae"].faces, 4);
        assert!(found["age_mae"].low >= 0.0 && found["age_mae"].high <= 8.0);
        assert!(!found.contains_key("bracket_accuracy"));
    }

    #[test]
    fn a_bracket_is_judged_by_mass_and_by_median() {
        // Most mass in 20-29, the median of 30 in the next.
        let years = answer_years(&[(28, 0.45), (30, 0.3), (45, 0.25)]);
        let row = Row { age_min: Some(20.0), age_max: Some(29.0), ..Row::default() };
        let all = [(0, 19), (20, 29), (30, 39), (40, 100)].map(|(first, last)| Row {
            age_min: Some(first as f32),
            age_max: Some(last as f32),
            ..Row::default()
        });
        let interval = (27.6, 45.3);
        let answer = Answer { years, interval, male: None, named: false, marked: false, raw: None };
        let case = Case::new(&row, &answer, &Brackets::of(all.iter()));
        assert_eq!(case.brackets, Some([1, 1, 2]));
        assert_eq!(case.covered, Some(1.0));
        assert_eq!(case.reach, Some([false, true]));
        // The year 29 reaches to 29.5: what is estimated to lie inside never exceeds the bound.
        let years = answer_years(&[(29, 0.5), (31, 0.5)]);
        let interval = (29.3, 31.3);
        let answer = Answer { years, interval, male: None, named: false, marked: false, raw: None };
        let edge = Case::new(&row, &answer, &Brackets::of(all.iter()));
        assert_eq!((edge.covered, edge.reach), (Some(1.0), Some([false, true])));
        assert_eq!(case.at_least.map(|a| a.map(|a| a.1)), [Some(true), None, None]);
    }

    #[test]
    fn area_and_calibration_by_hand() {
        assert_eq!(auc(&[(0.1, false), (0.4, true), (0.35, false), (0.8, true)]), Some(1.0));
        assert_eq!(auc(&[(0.5, false), (0.5, true)]), Some(0.5));
        assert_eq!(auc(&[(0.5, true)]), None);
        let pairs = [(0.95, true), (0.95, false)];
        assert!((ece(&pairs) - 0.45).abs() < 1e-6);
    }
}
