//! Fits how wide a distribution over ages must be, so that its 80 % interval covers 80 %.
//!
//! One temperature cannot do it. An infant's age is easy to see, and an old person's is not, while both are trained
//! towards Gaussians of similar width. A distribution that is wide already also needs less than a narrow one. So the
//! factor of the temperature is a smooth function of the expected age, times one of the distribution's own width. Every
//! data set has the same weight, and within it every age band. So the factors also suit a set that is not among them.

use std::collections::BTreeMap;

use face_predict::{AgeDistribution, AgeSpec, Quality};

use super::interval::{COVERAGE, share};
use crate::data::bands;
use crate::data::manifest::Row;
use crate::model::raw::Raw;

/// The expected ages at which the factor is fitted. It is linear in between.
const AGES: [f32; 18] = [
    0.0, 2.0, 4.0, 7.0, 10.0, 14.0, 18.0, 22.0, 26.0, 30.0, 35.0, 40.0, 45.0, 50.0, 56.0, 62.0,
    70.0, 80.0,
];

/// The standard deviations of the distribution, in years, at which it is fitted.
const WIDTHS: [f32; 7] = [1.0, 2.0, 3.0, 4.5, 6.5, 9.0, 13.0];

/// The cost of a bend in the logarithm of the factor, relative to the squared error of a band's coverage. The coverage
/// of a few bands of a hundred faces is not known better than this.
const BEND: f64 = 1e-2;
/// The cost of a dependence on the width.
const WIDTH_MATTERS: f64 = 1e-4;

/// Largest logarithm of a factor. A wider distribution also has another median. With factors of 7, a network that was
/// hardly trained lost a year.
const MAX_LOG: f32 = 0.8;

/// The logarithms of the factor at which each face's coverage is computed beforehand.
const STEP: f32 = 0.1;
const STEPS: usize = 33;

/// The rounds of gradient descent.
const ROUNDS: i32 = 600;

/// The numbers of a face that the fit needs.
struct Face {
    /// The place of the expected age between two of [`AGES`].
    age: Place,
    /// The place of the width between two of [`WIDTHS`].
    width: Place,
    /// How much of the label lies inside the interval, by the logarithm of the factor.
    inside: [f32; STEPS],
    /// Index of the data set and of the band.
    cell: usize,
}

/// A place between two knots: the lower one, and the distance from it.
#[derive(Clone, Copy)]
struct Place {
    below: usize,
    part: f32,
}

impl Place {
    fn of(knots: &[f32], at: f32) -> Self {
        let above = knots.iter().position(|knot| *knot > at).unwrap_or(knots.len());
        let below = above.saturating_sub(1).min(knots.len() - 2);
        let part = (at - knots[below]) / (knots[below + 1] - knots[below]);
        Self { below, part: part.clamp(0.0, 1.0) }
    }

    /// Returns the logarithm of the factor, which is linear between the knots, and its slopes.
    fn log(self, logs: &[f32]) -> (f32, [f32; 2]) {
        let ends =
            [logs[self.below].exp() * (1.0 - self.part), logs[self.below + 1].exp() * self.part];
        let factor = ends[0] + ends[1];
        (factor.ln(), ends.map(|end| end / factor))
    }
}

/// The logarithms of the factors: those by age, then those by width.
type Logs = [f32; AGES.len() + WIDTHS.len()];

/// Returns the factors that bring each band of each source near the coverage.
pub fn fit(spec: AgeSpec, faces: &[(&Row, &Raw)]) -> AgeSpec {
    let mut cells: BTreeMap<(&str, usize), usize> = BTreeMap::new();
    for (row, _) in faces {
        if let Some(age) = row.rough_age() {
            let next = cells.len();
            cells.entry((&row.source, bands::index(age))).or_insert(next);
        }
    }
    let prepared: Vec<Face> = faces
        .iter()
        .filter_map(|(row, raw)| {
            let cell = *cells.get(&(row.source.as_str(), bands::index(row.rough_age()?)))?;
            prepare(&spec, row, raw, cell)
        })
        .collect();
    if prepared.is_empty() {
        return spec;
    }
    let weights = weights(&cells, &prepared);
    let logs = descend(&prepared, &weights);
    with(spec, &logs)
}

fn with(mut spec: AgeSpec, logs: &Logs) -> AgeSpec {
    let pairs = |knots: &[f32], logs: &[f32]| -> Vec<[f32; 2]> {
        // They have four digits, since more would claim too much precision.
        let round = |factor: f32| (factor * 1e4).round() / 1e4;
        knots.iter().zip(logs).map(|(at, log)| [*at, round(log.exp())]).collect()
    };
    if let AgeSpec::Distribution { by_age, by_width, .. } = &mut spec {
        *by_age = pairs(&AGES, &logs[..AGES.len()]);
        *by_width = pairs(&WIDTHS, &logs[AGES.len()..]);
    }
    spec
}

fn prepare(spec: &AgeSpec, row: &Row, raw: &Raw, cell: usize) -> Option<Face> {
    let mut plain = spec.clone();
    let AgeSpec::Distribution { by_age, by_width, doubt, temperature, .. } = &mut plain else {
        return None;
    };
    by_age.clear();
    by_width.clear();
    doubt.0.clear();
    let own = *temperature;
    let mut years = Vec::new();
    let mut inside = [0.0; STEPS];
    for (i, inside) in inside.iter_mut().enumerate() {
        if let AgeSpec::Distribution { temperature, .. } = &mut plain {
            *temperature = own * log_at(i).exp();
        }
        *inside = share(&plain, row, raw, Quality::default())?;
    }
    if let AgeSpec::Distribution { temperature, .. } = &mut plain {
        *temperature = own;
    }
    plain.read(&raw.age_logits, Quality::default(), &mut years);
    let distribution = AgeDistribution::new(&years);
    let age = Place::of(&AGES, distribution.mean());
    let width = Place::of(&WIDTHS, distribution.variance().max(0.0).sqrt());
    Some(Face { age, width, inside, cell })
}

fn log_at(step: usize) -> f32 {
    (step as f32 - (STEPS / 2) as f32) * STEP
}

/// The weight of each cell. Every source has the same, and within it every band, but a band of a dozen faces has
/// little.
fn weights(cells: &BTreeMap<(&str, usize), usize>, faces: &[Face]) -> Vec<f64> {
    let mut counts = vec![0.0f64; cells.len()];
    faces.iter().for_each(|face| counts[face.cell] += 1.0);
    let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
    let own = |cell: usize| (counts[cell] / 100.0).min(1.0);
    for ((source, _), cell) in cells {
        *sums.entry(source).or_default() += own(*cell);
    }
    let mut weights = vec![0.0; cells.len()];
    for ((source, _), cell) in cells {
        weights[*cell] = own(*cell) / (sums[source] * sums.len() as f64).max(1e-9);
    }
    weights
}

/// Returns the loss and its slopes: the squared error of each cell's coverage, and bends.
fn loss(logs: &Logs, faces: &[Face], weights: &[f64]) -> (f64, [f64; AGES.len() + WIDTHS.len()]) {
    let mut cells = vec![(0.0f64, 0.0f64); weights.len()];
    let parts: Vec<_> = faces
        .iter()
        .map(|face| {
            let (by_age, age_slopes) = face.age.log(&logs[..AGES.len()]);
            let (by_width, width_slopes) = face.width.log(&logs[AGES.len()..]);
            let place = ((by_age + by_width) / STEP + (STEPS / 2) as f32)
                .clamp(0.0, (STEPS - 1) as f32 - 1e-3);
            let (below, part) = (place as usize, place.fract());
            let rise = face.inside[below + 1] - face.inside[below];
            let cell = &mut cells[face.cell];
            *cell = (cell.0 + f64::from(face.inside[below] + rise * part), cell.1 + 1.0);
            (f64::from(rise / STEP), age_slopes, width_slopes)
        })
        .collect();
    let mut total = 0.0;
    let away: Vec<f64> = cells
        .iter()
        .zip(weights)
        .map(|((covered, count), weight)| {
            let away = covered / count - f64::from(COVERAGE);
            total += weight * away * away;
            2.0 * weight * away / count
        })
        .collect();
    let mut slopes = [0.0; AGES.len() + WIDTHS.len()];
    for (face, (rise, by_age, by_width)) in faces.iter().zip(parts) {
        let pull = away[face.cell] * rise;
        for i in 0..2 {
            slopes[face.age.below + i] += pull * f64::from(by_age[i]);
            slopes[AGES.len() + face.width.below + i] += pull * f64::from(by_width[i]);
        }
    }
    let mut bend = |knots: &[f32], first: usize| {
        for i in 1..knots.len() - 1 {
            let (left, right) = (knots[i] - knots[i - 1], knots[i + 1] - knots[i]);
            // The change of the slope, in knots of even distance.
            let share = f64::from(right / (left + right));
            let line = share * f64::from(logs[first + i - 1])
                + (1.0 - share) * f64::from(logs[first + i + 1]);
            let off = f64::from(logs[first + i]) - line;
            total += BEND * off * off;
            slopes[first + i] += 2.0 * BEND * off;
            slopes[first + i - 1] -= 2.0 * BEND * off * share;
            slopes[first + i + 1] -= 2.0 * BEND * off * (1.0 - share);
        }
    };
    bend(&AGES, 0);
    bend(&WIDTHS, AGES.len());
    for i in AGES.len()..logs.len() {
        total += WIDTH_MATTERS * f64::from(logs[i]).powi(2);
        slopes[i] += 2.0 * WIDTH_MATTERS * f64::from(logs[i]);
    }
    (total, slopes)
}

/// Runs Adam (Kingma and Ba 2015) from zero, with a falling rate, since the coverage of cells has no closed form.
fn descend(faces: &[Face], weights: &[f64]) -> Logs {
    let mut logs = [0.0f32; AGES.len() + WIDTHS.len()];
    let (mut best, mut least) = (logs, f64::INFINITY);
    let (mut mean, mut square) =
        ([0.0; AGES.len() + WIDTHS.len()], [0.0; AGES.len() + WIDTHS.len()]);
    for round in 1..=ROUNDS {
        let (value, slopes) = loss(&logs, faces, weights);
        if value < least {
            (least, best) = (value, logs);
        }
        let rate = 0.05 * (1.0 - f64::from(round - 1) / f64::from(ROUNDS));
        for (i, slope) in slopes.iter().enumerate() {
            mean[i] = 0.9 * mean[i] + 0.1 * slope;
            square[i] = 0.99 * square[i] + 0.01 * slope * slope;
            let first = mean[i] / (1.0 - 0.9f64.powi(round));
            let second: f64 = square[i] / (1.0 - 0.99f64.powi(round));
            let moved = logs[i] - (rate * first / (second.sqrt() + 1e-12)) as f32;
            logs[i] = moved.clamp(-MAX_LOG, MAX_LOG);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::calibration::{Calibration, RANGE};
    use face_predict::UncertaintyFactors;

    /// Makes faces whose distributions are Gaussians of `said` years, while the labels spread by `true_spread` around
    /// their centres.
    fn faces(
        source: &str,
        count: usize,
        said: impl Fn(f32) -> f32,
        true_spread: impl Fn(f32) -> f32,
    ) -> Vec<(Row, Raw)> {
        (0..count)
            .map(|i| {
                let centre = 5.0 + 75.0 * (i as f32 + 0.5) / count as f32;
                // The quantiles are those of a normal distribution (Abramowitz and Stegun, 26.2.23), in an order that
                // mixes them.
                let p = ((i * 7919 % count) as f32 + 0.5) / count as f32;
                let t = (-2.0 * p.min(1.0 - p).ln()).sqrt();
                let z = t - (2.307_53 + 0.270_61 * t) / (1.0 + 0.992_29 * t + 0.044_81 * t * t);
                let z = if p < 0.5 { -z } else { z };
                let age = (centre + z * true_spread(centre)).clamp(0.0, 100.0);
                let logit = |year: usize| -0.5 * ((year as f32 - centre) / said(centre)).powi(2);
                let raw = Raw { age_logits: (0..101).map(logit).collect(), ..Raw::default() };
                (Row { age: Some(age), source: source.into(), ..Row::default() }, raw)
            })
            .collect()
    }

    fn spec() -> AgeSpec {
        AgeSpec::Distribution {
            first: 0,
            count: 101,
            range: RANGE,
            temperature: 1.0,
            by_age: Vec::new(),
            by_width: Vec::new(),
            doubt: UncertaintyFactors::default(),
        }
    }

    fn covered(spec: &AgeSpec, faces: &[(Row, Raw)], from: f32, to: f32) -> f32 {
        let of = faces.iter().filter(|(row, _)| row.age.is_some_and(|a| a >= from && a < to));
        let shares: Vec<f32> =
            of.filter_map(|(row, raw)| share(spec, row, raw, Quality::default())).collect();
        shares.iter().sum::<f32>() / shares.len() as f32
    }

    #[test]
    fn bands_are_covered_and_the_factors_are_smooth() {
        // The intervals of the old are too narrow by half, and those of the young too wide.
        let made = faces("a", 4000, |_| 5.0, |age| 3.0 + age * 0.06);
        let all: Vec<_> = made.iter().map(|(row, raw)| (row, raw)).collect();
        let fitted = fit(spec(), &all);
        for (from, to) in [(10.0, 20.0), (20.0, 30.0), (40.0, 50.0), (60.0, 70.0)] {
            let share = covered(&fitted, &made, from, to);
            assert!((share - COVERAGE).abs() < 0.05, "{from} to {to}: {share}");
        }
        let AgeSpec::Distribution { by_age, by_width, .. } = fitted else { panic!("as given") };
        assert_eq!((by_age.len(), by_width.len()), (AGES.len(), WIDTHS.len()));
        for pair in by_age.windows(2) {
            let jump = (pair[1][1] / pair[0][1]).ln() / (pair[1][0] - pair[0][0]);
            // In the file of 0.3.0 the slope was 0.2 a year at 5 to 10. The labels of infants are at the far ends of
            // the distributions here.
            let most = if pair[0][0] < 14.0 { 0.15 } else { 0.06 };
            assert!(jump.abs() < most, "{pair:?} jumps by {jump} a year");
        }
    }

    #[test]
    fn the_width_counts_beside_the_age() {
        // Half of the faces have narrow distributions, but all labels spread as those of the other half.
        let mut made = faces("a", 2000, |_| 2.5, |_| 5.0);
        made.extend(faces("a", 2000, |_| 5.0, |_| 5.0));
        let all: Vec<_> = made.iter().map(|(row, raw)| (row, raw)).collect();
        let AgeSpec::Distribution { by_width, .. } = fit(spec(), &all) else { panic!("as given") };
        assert_eq!((by_width[1][0], by_width[4][0]), (2.0, 6.5));
        // Only the coverage of bands matters, in which both kinds are mixed. So narrow ones are not widened without
        // limit.
        assert!(by_width.iter().all(|pair| (0.4..=2.3).contains(&pair[1])), "{by_width:?}");
    }

    #[test]
    fn a_large_set_does_not_drown_a_small_one() {
        let mut made = faces("large", 6000, |_| 5.0, |_| 5.0);
        made.extend(faces("small", 1200, |_| 5.0, |_| 10.0));
        let all: Vec<_> = made.iter().map(|(row, raw)| (row, raw)).collect();
        let fitted = fit(spec(), &all);
        let of = |source: &str| {
            let one: Vec<_> =
                made.iter().filter(|(row, _)| row.source == source).cloned().collect();
            covered(&fitted, &one, 20.0, 70.0)
        };
        let (large, small) = (of("large"), of("small"));
        // One lies as far above as the other lies below.
        assert!(large > 0.85 && small < 0.75, "{large} {small}");
        assert!(((large + small) / 2.0 - COVERAGE).abs() < 0.06, "{large} {small}");
    }

    #[test]
    fn a_set_that_was_left_out_is_shown() {
        let mut made = faces("a", 1500, |_| 5.0, |_| 6.0);
        made.extend(faces("b", 1500, |_| 5.0, |_| 6.0));
        let all: Vec<_> = made.iter().map(|(row, raw)| (row, raw)).collect();
        let found = Calibration::left_out(&all);
        assert_eq!(found.keys().collect::<Vec<_>>(), ["a", "b"]);
        let (share, count) = found["a"]["all"];
        assert_eq!(count, 1500);
        assert!((share - 0.8).abs() < 0.04, "{share}");
    }
}
