//! The label of a face and its answer, as numbers.

use face_predict::AgeDistribution;

use super::brackets::Brackets;
use crate::data::bands::{self, band};
use crate::data::manifest::Row;

/// The library's answer about one face.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The probability of each whole year. It is empty without an age network.
    pub years: Vec<f32>,
    /// The 80 % interval.
    pub interval: (f32, f32),
    /// The probability of male. There is none without a gender network.
    pub male: Option<f32>,
    /// Whether a gender was given.
    pub named: bool,
    /// Whether there was a reason to trust the face less.
    pub marked: bool,
    /// The number of a regression network itself.
    pub raw: Option<f32>,
}

/// A face reduced to numbers, so that resampling is fast.
#[derive(Clone, Debug)]
pub struct Case {
    /// The band, gender and race as labelled. Unknown ones are empty.
    pub cell: [String; 3],
    /// The band in the tables about unseen sets, for an exact age.
    pub stranger: Option<&'static str>,
    /// Name of the data set.
    pub source: String,
    /// The labelled year, if it is exact.
    pub age: Option<f32>,
    /// The median.
    pub predicted: Option<f32>,
    /// Whether the label lies in the interval. For a bracket it is the network's own probability of that, given the
    /// bracket.
    pub covered: Option<f64>,
    /// For a bracket, whether the interval contains all of it, and whether it overlaps it. The year lies inside if the
    /// first is true, and outside if the second is false.
    pub reach: Option<[bool; 2]>,
    /// The network's own number, if it has one and the library's median differs from it.
    pub raw: Option<f32>,
    /// The indices of the bracket of the label, of the most probable one, and of that of the rounded median, among
    /// those of the source.
    pub brackets: Option<[usize; 3]>,
    /// The probabilities of at least 18, 21 and 25 years, and whether they are reached, if the label tells.
    pub at_least: [Option<(f32, bool)>; 3],
    /// Whether the label is male.
    pub male: Option<bool>,
    /// Probability of male.
    pub p_male: Option<f32>,
    /// Whether a gender was given.
    pub named: bool,
    /// Whether there was a reason to trust the face less.
    pub marked: bool,
}

/// The ages for which `age_at_least` is judged.
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
                // A year counts as an exact label of it would.
                let inside = mass(first, last);
                let both = mass(first.max(low.ceil()), last.min(high.floor()));
                Some(if inside > 0.0 { both / inside } else { 0.0 })
            }
            _ => None,
        };
        let reach = bracket.filter(|_| has_age).map(|(first, last)| {
            [low <= first && last <= high, low.ceil() <= last && first <= high.floor()]
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

    /// Returns the median minus the label, if the label is exact.
    pub fn error(&self) -> Option<f64> {
        Some(f64::from(self.predicted? - self.age?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer_years(masses: &[(usize, f32)]) -> Vec<f32> {
        let mut years = vec![0.0; 101];
        masses.iter().for_each(|(year, mass)| years[*year] = *mass);
        years
    }

    #[test]
    fn a_bracket_is_judged_by_mass_and_by_median() {
        // The most probable bracket is 20-29, and the median of 30 lies in the next.
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
        // A label of 29 would not lie in this interval, so the year 29 of a bracket does not, either.
        let years = answer_years(&[(29, 0.5), (31, 0.5)]);
        let interval = (29.3, 31.3);
        let answer = Answer { years, interval, male: None, named: false, marked: false, raw: None };
        let edge = Case::new(&row, &answer, &Brackets::of(all.iter()));
        assert_eq!((edge.covered, edge.reach), (Some(0.0), Some([false, false])));
        assert_eq!(case.at_least.map(|a| a.map(|a| a.1)), [Some(true), None, None]);
    }
}
