//! How wide a distribution over ages must be for its 80 % interval to hold 80 %.

use face_predict::{AgeDistribution, AgeSpec};

use crate::data::manifest::Row;
use crate::infer::Raw;

/// Expected ages at which the width is fitted; in between it changes evenly.
const KNOTS: [f32; 6] = [2.0, 8.0, 18.0, 32.0, 50.0, 70.0];

/// Bands of true ages that shall be covered alike.
const BANDS: [(f32, f32); 5] =
    [(0.0, 9.0), (10.0, 19.0), (20.0, 39.0), (40.0, 59.0), (60.0, 120.0)];

const COVERAGE: f32 = 0.8;

/// Factors that bring each band of each source near the coverage. One temperature cannot: an infant's age shows, and an
/// old face's does not, while both are trained towards Gaussians of like width.
pub fn by_age(spec: AgeSpec, faces: &[(&Row, &Raw)]) -> AgeSpec {
    let with = |logs: &[f32; 6]| {
        let mut spec = spec.clone();
        if let AgeSpec::Distribution { by_age, .. } = &mut spec {
            *by_age = KNOTS.iter().zip(logs).map(|(age, log)| [*age, log.exp()]).collect();
        }
        spec
    };
    let loss = |logs: &[f32; 6]| {
        // A few tenths of a percent of coverage are not worth a crooked curve.
        let bend: f32 = logs.windows(2).map(|w| (w[1] - w[0]).powi(2)).sum();
        miss(&with(logs), faces) + 2e-4 * f64::from(bend)
    };
    let mut logs = [0.0f32; 6];
    let mut best = loss(&logs);
    for step in [0.3, 0.15, 0.08, 0.04] {
        loop {
            let before = best;
            for knot in 0..KNOTS.len() {
                for change in [-step, step] {
                    let mut tried = logs;
                    tried[knot] = (tried[knot] + change).clamp(-2.0, 2.0);
                    let value = loss(&tried);
                    if value < best {
                        (best, logs) = (value, tried);
                    }
                }
            }
            if best > before - 1e-7 {
                break;
            }
        }
    }
    with(&logs)
}

/// The factor, from 1 to 8, that brings faces with a reason against them to the coverage.
pub fn factor(spec: &AgeSpec, faces: &[(&Row, &Raw)]) -> f32 {
    let covered = |factor: f32| {
        let mut spec = spec.clone();
        if let AgeSpec::Distribution { temperature, doubt, .. } = &mut spec {
            *temperature *= factor;
            doubt.0.clear();
        }
        let shares: Vec<f32> =
            faces.iter().filter_map(|(row, raw)| share(&spec, row, raw)).collect();
        shares.iter().sum::<f32>() / shares.len().max(1) as f32
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

/// The squared distance of each band's coverage from what it shall be, the mean over bands of sources.
fn miss(spec: &AgeSpec, faces: &[(&Row, &Raw)]) -> f64 {
    let mut cells: std::collections::BTreeMap<(&str, usize), (f64, f64)> = Default::default();
    for (row, raw) in faces {
        let Some(age) = row.rough_age() else { continue };
        let band = BANDS.iter().position(|(_, last)| age < last + 1.0).unwrap_or(BANDS.len() - 1);
        if let Some(share) = share(spec, row, raw) {
            let cell = cells.entry((&row.source, band)).or_default();
            *cell = (cell.0 + f64::from(share), cell.1 + 1.0);
        }
    }
    // A band of a dozen faces says little.
    let mut sum = (0.0, 0.0);
    for (covered, count) in cells.values() {
        let weight = (count / 100.0).min(1.0);
        let away = covered / count - f64::from(COVERAGE);
        sum = (sum.0 + weight * away * away, sum.1 + weight);
    }
    sum.0 / f64::max(sum.1, 1e-9)
}

/// How much of the true age lies inside the interval: of the year where it is exact; of the bracket, weighed as the
/// distribution itself weighs its years, where only that is known.
fn share(spec: &AgeSpec, row: &Row, raw: &Raw) -> Option<f32> {
    if raw.age_logits.is_empty() {
        return None;
    }
    let mut years = Vec::new();
    spec.read(&raw.age_logits, raw.quality, &mut years);
    let (low, high) = AgeDistribution::new(&years).interval(COVERAGE);
    let inside = |year: f32| (high.min(year + 0.5) - low.max(year - 0.5)).clamp(0.0, 1.0);
    if let Some(age) = row.age {
        return Some(inside(age));
    }
    let (first, last) = (row.age_min?, row.age_max?);
    let bracket = || (first as usize..=(last as usize).min(years.len() - 1)).map(|y| (y, years[y]));
    let mass: f32 = bracket().map(|(_, mass)| mass).sum();
    if mass < 1e-6 {
        return Some(0.0);
    }
    Some(bracket().map(|(year, m)| m * inside(year as f32)).sum::<f32>() / mass)
}
