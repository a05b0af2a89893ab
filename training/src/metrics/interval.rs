//! Measures which labels an interval covers, and by how much a reason to trust a face less must widen it.

use face_predict::{AgeDistribution, AgeSpec, Quality};

use super::by_source;
use crate::data::manifest::Row;
use crate::model::raw::Raw;

/// The share of faces that the interval shall cover.
pub const COVERAGE: f32 = 0.8;

/// Returns the factor, from 1 to 8, that brings faces with `reason` to the coverage, as the mean over sources.
/// `name` is that of the reason.
pub fn factor(spec: &AgeSpec, faces: &[(&Row, &Raw)], reason: Quality, name: &str) -> f32 {
    let covered = |factor: f32| {
        let mut spec = spec.clone();
        if let AgeSpec::Distribution { doubt, .. } = &mut spec {
            doubt.0 = [(name.to_owned(), factor)].into();
        }
        let shares =
            by_source::mean(faces, |row, raw| share(&spec, row, raw, reason).map(f64::from));
        // Without a label there is no reason to widen anything.
        shares.map_or(COVERAGE, |shares| shares as f32)
    };
    let (mut low, mut high) = (1.0f32, 8.0f32);
    if covered(low) >= COVERAGE {
        return low;
    }
    for _ in 0..12 {
        let middle = (low * high).sqrt();
        if covered(middle) < COVERAGE { low = middle } else { high = middle }
    }
    (low * high).sqrt()
}

/// Returns whether the true age lies inside the interval. For a bracket its years are weighted as in the distribution
/// itself. Within a few weeks of an end it counts as half inside, so that the factors can be found in small steps.
pub fn share(spec: &AgeSpec, row: &Row, raw: &Raw, quality: Quality) -> Option<f32> {
    if raw.age_logits.is_empty() {
        return None;
    }
    let mut years = Vec::new();
    spec.read(&raw.age_logits, quality, &mut years);
    let (low, high) = AgeDistribution::new(&years).interval(COVERAGE);
    let beyond = |years: f32| (years / 0.2 + 0.5).clamp(0.0, 1.0);
    let inside = |year: f32| beyond(year - low) * beyond(high - year);
    if let Some(age) = row.age {
        return Some(inside(age));
    }
    let (first, last) = (row.age_min?.max(0.0) as usize, row.age_max?.max(0.0) as usize);
    let bracket = || (first..=last.min(years.len() - 1)).map(|y| (y, years[y]));
    let mass: f32 = bracket().map(|(_, mass)| mass).sum();
    if mass < 1e-6 {
        return Some(0.0);
    }
    Some(bracket().map(|(year, m)| m * inside(year as f32)).sum::<f32>() / mass)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::labels::Label;

    #[test]
    fn a_label_of_n_years_is_year_n_everywhere() {
        for year in [0usize, 1, 17, 18, 64] {
            let mut years = vec![0.0; 101];
            years[year] = 1.0;
            let distribution = AgeDistribution::new(&years);
            let (low, high) = distribution.interval(COVERAGE);
            let label = year as f32;
            assert!(low <= label && label <= high, "{year}: {low} to {high}");
            assert!((distribution.median() - label).abs() <= 0.001, "{year}");
            assert_eq!(distribution.at_least(label), 1.0);
            assert_eq!(distribution.at_least(label + 1.0), 0.0);
        }
        // The training target has its middle there, too, and contains the label in its interval.
        for year in [10usize, 17, 18, 21, 64, 90] {
            let row = Row { age: Some(year as f32), ..Row::default() };
            let label = Label::of(&row, 0.0);
            let target = AgeDistribution::new(&label.ages);
            let (low, high) = target.interval(COVERAGE);
            assert!((target.median() - year as f32).abs() < 0.02, "{year}: {}", target.median());
            assert!((low + high - 2.0 * year as f32).abs() < 0.05, "{year}: {low} to {high}");
        }
    }
}
