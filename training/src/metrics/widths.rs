//! How wide a distribution over ages must be for its 80 % interval to hold 80 %.

use face_predict::{AgeDistribution, AgeSpec};

use crate::data::manifest::Row;
use crate::infer::Raw;

/// Expected ages at which the width is fitted; in between it changes evenly.
const KNOTS: [f32; 10] = [1.0, 5.0, 10.0, 18.0, 26.0, 34.0, 42.0, 50.0, 60.0, 72.0];

/// True ages from which the bands start that shall be covered alike: those of the tables.
const BANDS: [f32; 9] = [0.0, 3.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0];

const COVERAGE: f32 = 0.8;

/// Largest logarithm of a factor. A wider distribution has another median, too: factors of 7 took a year from a network that
/// was hardly trained.
const MOST: f32 = 0.8;

/// What a bend of the curve costs, against squared misses of the coverage.
const BEND: f64 = 3e-4;

/// Logarithms of the factors at the knots.
type Logs = [f32; KNOTS.len()];

/// Factors that bring each band of each source near the coverage. One temperature cannot: an infant's age shows, and an
/// old face's does not, while both are trained towards Gaussians of like width.
pub fn by_age(spec: AgeSpec, faces: &[(&Row, &Raw)]) -> AgeSpec {
    let with = |logs: &Logs| {
        let mut spec = spec.clone();
        if let AgeSpec::Distribution { by_age, .. } = &mut spec {
            *by_age = KNOTS.iter().zip(logs).map(|(age, log)| [*age, log.exp()]).collect();
        }
        spec
    };
    let loss = |logs: &Logs| {
        // A few tenths of a percent of coverage are not worth a crooked curve: one that jumps fits the faces at hand, and fails on
        // the next set's.
        let slope: f32 = logs.windows(2).map(|w| (w[1] - w[0]).powi(2)).sum();
        let bend: f32 = logs.windows(3).map(|w| (w[2] - 2.0 * w[1] + w[0]).powi(2)).sum();
        miss(&with(logs), faces) + 2e-4 * f64::from(slope) + BEND * f64::from(bend)
    };
    let mut logs = [0.0f32; KNOTS.len()];
    let mut best = loss(&logs);
    for step in [1.0, 0.5, 0.25, 0.12, 0.06] {
        loop {
            let before = best;
            for knot in 0..KNOTS.len() {
                for change in [-step, step] {
                    let mut tried = logs;
                    tried[knot] = (tried[knot] + change).clamp(-MOST, MOST);
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
        let band = BANDS.iter().rposition(|first| age >= *first).unwrap_or(0);
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

/// Whether the true age lies inside the interval; of a bracket its years, weighed as the distribution itself weighs them.
/// Within a few weeks of an end it is half inside, so that the factors can be found in small steps.
fn share(spec: &AgeSpec, row: &Row, raw: &Raw) -> Option<f32> {
    if raw.age_logits.is_empty() {
        return None;
    }
    let mut years = Vec::new();
    spec.read(&raw.age_logits, raw.quality, &mut years);
    let (low, high) = AgeDistribution::new(&years).interval(COVERAGE);
    let beyond = |years: f32| (years / 0.2 + 0.5).clamp(0.0, 1.0);
    let inside = |year: f32| beyond(year - low) * beyond(high - year);
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
