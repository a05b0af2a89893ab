//! Means and quantiles in which every data set has the same weight, however many faces it has.

use std::collections::BTreeMap;

use crate::data::manifest::Row;
use crate::model::raw::Raw;

/// A source of fewer faces has a smaller weight, since its own mean is not known well.
const ENOUGH: f64 = 100.0;

/// Returns the mean over sources of their means. Faces without a value do not count. It is `None` without any value.
pub fn mean(faces: &[(&Row, &Raw)], value: impl Fn(&Row, &Raw) -> Option<f64>) -> Option<f64> {
    let mut sums: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for (row, raw) in faces {
        if let Some(value) = value(row, raw) {
            let sum = sums.entry(&row.source).or_default();
            *sum = (sum.0 + value, sum.1 + 1.0);
        }
    }
    let weights: f64 = sums.values().map(|(_, count)| weight(*count)).sum();
    let total: f64 = sums.values().map(|(sum, count)| weight(*count) * sum / count).sum();
    (!sums.is_empty()).then(|| total / weights)
}

fn weight(count: f64) -> f64 {
    (count / ENOUGH).min(1.0)
}

/// Returns the quantiles at `shares`, from 0 to 1 and rising. There are none without any value.
///
/// The least value lies at 0 and the greatest at 1. Each other value lies at the middle of its own weight. So 0, 10 and
/// 20 of one source lie at 0, 0.5 and 1. With the weights 1, 1 and 2, their middles are at 0.5, 1.5 and 3 of 4. The values
/// then lie at 0, 0.4 and 1 of the way from the first middle to the last.
pub fn quantiles(
    faces: &[(&Row, &Raw)],
    value: impl Fn(&Row, &Raw) -> Option<f32>,
    shares: &[f32],
) -> Option<Vec<f32>> {
    let values = faces.iter().filter_map(|(row, raw)| Some((value(row, raw)?, &row.source)));
    let mut values: Vec<(f32, &String)> = values.collect();
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut counts: BTreeMap<&String, f64> = BTreeMap::new();
    values.iter().for_each(|(_, source)| *counts.entry(*source).or_default() += 1.0);
    let mut below = 0.0;
    let middle = |(_, source): &(f32, &String)| {
        let own = weight(counts[*source]) / counts[*source];
        below += own;
        below - own / 2.0
    };
    let middles: Vec<f64> = values.iter().map(middle).collect();
    let (first, last) = (*middles.first()?, *middles.last()?);
    let at = |share: &f32| {
        let place = first + f64::from(*share) * (last - first);
        let above = middles.partition_point(|middle| *middle < place).min(values.len() - 1);
        let Some(under) = above.checked_sub(1) else { return values[0].0 };
        let part = (place - middles[under]) / (middles[above] - middles[under]);
        values[under].0 + (values[above].0 - values[under].0) * part.clamp(0.0, 1.0) as f32
    };
    Some(shares.iter().map(at).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_has_the_same_weight() {
        let raw = Raw::default();
        // The mean, and the quantile at a share, of ages that come so many times from a source.
        let of = |values: &[(f32, usize, &str)], share: f32| {
            let row = |age: f32, source: &str| Row {
                age: Some(age),
                source: source.into(),
                ..Row::default()
            };
            let rows: Vec<Row> = values
                .iter()
                .flat_map(|(age, count, source)| vec![row(*age, source); *count])
                .collect();
            let faces: Vec<_> = rows.iter().map(|row| (row, &raw)).collect();
            let quantiles = quantiles(&faces, |row, _| row.age, &[share]);
            (
                mean(&faces, |row, _| row.age.map(|age| age.into())).map(|found| found as f32),
                quantiles.map(|found| found[0]),
            )
        };
        let even = [(20.0, 100, "b"), (0.0, 500, "a"), (10.0, 500, "a")];
        assert_eq!(of(&even, 0.2), (Some(12.5), Some(0.0)));
        assert_eq!(of(&even, 0.3).1, Some(10.0));
        assert_eq!(of(&even, 0.6).1, Some(20.0));
        // Half as many faces as are enough have half of the weight.
        let few = [(20.0, 50, "b"), (0.0, 500, "a"), (10.0, 500, "a")];
        assert_eq!(of(&few, 0.6), (Some(10.0), Some(10.0)));
        let three = [(0.0, 1, "a"), (10.0, 1, "a"), (20.0, 1, "a")];
        assert_eq!(of(&three, 0.25).1, Some(5.0));
        assert_eq!((of(&three, 0.0).1, of(&three, 1.0).1), (Some(0.0), Some(20.0)));
        assert_eq!(of(&[(7.0, 1, "a")], 0.3), (Some(7.0), Some(7.0)));
        assert_eq!(of(&[], 0.3), (None, None));
    }
}
