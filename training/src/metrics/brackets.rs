//! The age brackets that a data set uses as labels, as its rows have them.

use serde::Serialize;

use crate::data::manifest::{OPEN, Row};

/// The brackets of one source with their first and last year, by rising first year.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Brackets(Vec<[f32; 2]>);

impl Brackets {
    /// Collects the different brackets of rows without an exact age.
    pub fn of<'a>(rows: impl Iterator<Item = &'a Row>) -> Self {
        let mut found: Vec<[f32; 2]> = rows.filter_map(bracket).collect();
        found.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
        found.dedup();
        Self(found)
    }

    /// Returns the number of brackets.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the number of a row's bracket.
    pub fn index(&self, row: &Row) -> Option<usize> {
        let own = bracket(row)?;
        self.0.iter().position(|known| *known == own)
    }

    /// Returns the bracket with the highest probability. `years` has the probability of each year. Of equal ones it is
    /// the labelled one, and else the first.
    pub fn most(&self, years: &[f32], labelled: usize) -> usize {
        let mass = |i: usize| -> f32 {
            let [first, last] = self.0[i];
            let inside = |(year, _): &(usize, &f32)| (first..=last).contains(&(*year as f32));
            years.iter().enumerate().filter(inside).map(|(_, p)| p).sum()
        };
        let mut best = labelled;
        for i in 0..self.len() {
            if mass(i) > mass(best) {
                best = i;
            }
        }
        best
    }

    /// Returns the bracket that an age falls into. It prefers the labelled one, else the first, and else the nearest.
    pub fn holding(&self, age: f32, labelled: usize) -> usize {
        let away = |i: usize| {
            let [first, last] = self.0[i];
            // An open bracket has no end.
            let last = if last >= OPEN { f32::INFINITY } else { last };
            (first - age).max(age - last).max(0.0)
        };
        let mut best = labelled;
        for i in 0..self.len() {
            if away(i) < away(best) {
                best = i;
            }
        }
        best
    }

    /// Returns the names in order, such as 18-24 and 70+.
    pub fn names(&self) -> Vec<String> {
        let name = |[first, last]: &[f32; 2]| {
            if *last >= OPEN { format!("{first}+") } else { format!("{first}-{last}") }
        };
        self.0.iter().map(name).collect()
    }
}

fn bracket(row: &Row) -> Option<[f32; 2]> {
    if row.age.is_some() {
        return None;
    }
    Some([row.age_min?, row.age_max?])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(first: f32, last: f32) -> Row {
        Row { age_min: Some(first), age_max: Some(last), ..Row::default() }
    }

    #[test]
    fn brackets_are_those_of_the_rows() {
        let rows = [row(25.0, 39.0), row(18.0, 24.0), row(40.0, 100.0), row(18.0, 24.0)];
        let exact = Row { age: Some(30.0), ..row(0.0, 1.0) };
        let found = Brackets::of(rows.iter().chain([&exact]));
        assert_eq!(found.names(), ["18-24", "25-39", "40+"]);
        assert_eq!(found.index(&rows[0]), Some(1));
        assert_eq!(found.index(&exact), None);
        let mut years = vec![0.0; 101];
        (years[19], years[26], years[39]) = (0.4, 0.3, 0.3);
        assert_eq!(found.most(&years, 0), 1);
        assert_eq!(
            [23.0, 24.6, 12.0, 99.0, 120.0].map(|a: f32| found.holding(a.round(), 1)),
            [0, 1, 0, 2, 2]
        );
    }

    #[test]
    fn a_gap_between_brackets_belongs_to_the_nearest() {
        let found = Brackets::of([row(0.0, 2.0), row(8.0, 12.0)].iter());
        assert_eq!([3.0, 6.0, 5.0].map(|age| found.holding(age, 0)), [0, 1, 0]);
    }
}
