//! Chooses the faces of an epoch and their order. They are the same on every machine for the same seed.

use std::collections::HashMap;

use rand::Rng;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64Mcg;

use super::bands;
use super::manifest::Row;

/// A generator for one purpose. `stream` separates the numbers of one purpose from those of another.
pub fn generator(seed: u64, epoch: u64, stream: u64) -> Pcg64Mcg {
    // The odd constants of SplitMix64 (Steele et al. 2014) spread neighbouring numbers.
    let mut state = seed
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .wrapping_add(epoch.wrapping_mul(0xBF58_476D_1CE4_E5B9))
        .wrapping_add(stream.wrapping_mul(0x94D0_49BB_1331_11EB));
    state ^= state >> 31;
    Pcg64Mcg::seed_from_u64(state)
}

/// Draws the rows of each epoch.
pub struct Sampler {
    /// The probability of each row, which sum to 1. None means every row once in an epoch.
    probabilities: Option<Vec<f64>>,
    rows: usize,
    per_epoch: usize,
    seed: u64,
}

impl Sampler {
    /// Shows every row once in an epoch, shuffled.
    pub fn uniform(rows: usize, seed: u64) -> Self {
        Self { probabilities: None, rows, per_epoch: rows, seed }
    }

    /// Samples the sources by the `power` of their size. Within each, it samples the cells of age band and gender by
    /// the same power of theirs. 1 samples by size, and 0 all equally often. The weights of rows multiply these, and a
    /// source's size is their sum.
    pub fn balanced(rows: &[&Row], power: f64, per_epoch: usize, seed: u64) -> Self {
        let cell = |row: &Row| {
            let band = row.rough_age().map(bands::index);
            (row.source.clone(), band, row.gender.clone())
        };
        let mut sizes: HashMap<_, f64> = HashMap::new();
        for row in rows {
            *sizes.entry(cell(row)).or_default() += 1.0;
        }
        let mut weights: Vec<f64> = rows
            .iter()
            .map(|row| sizes[&cell(row)].powf(power - 1.0) * f64::from(row.weight.unwrap_or(1.0)))
            .collect();
        let mut totals: HashMap<&str, f64> = HashMap::new();
        for (row, weight) in rows.iter().zip(&weights) {
            *totals.entry(&row.source).or_default() += weight;
        }
        let mut counts: HashMap<&str, f64> = HashMap::new();
        for row in rows {
            *counts.entry(&row.source).or_default() += f64::from(row.weight.unwrap_or(1.0));
        }
        // A source whose rows all have the weight 0 is never drawn.
        let share = |size: f64| if size > 0.0 { size.powf(power) } else { 0.0 };
        let all: f64 = counts.values().map(|size| share(*size)).sum();
        for (row, weight) in rows.iter().zip(&mut weights) {
            let source = row.source.as_str();
            if totals[source] > 0.0 {
                *weight *= share(counts[source]) / (totals[source] * all);
            }
        }
        Self { probabilities: Some(weights), rows: rows.len(), per_epoch, seed }
    }

    /// Returns the number of rows in an epoch.
    pub fn per_epoch(&self) -> usize {
        self.per_epoch
    }

    /// Returns the indices of the rows of `epoch`, in order.
    pub fn epoch(&self, epoch: u64) -> Vec<usize> {
        let mut rng = generator(self.seed, epoch, 0);
        let mut order: Vec<usize> = match &self.probabilities {
            None => (0..self.rows).collect(),
            Some(probabilities) => {
                // This is systematic sampling: each row appears as often as it should, give or take one.
                let step = 1.0 / self.per_epoch as f64;
                let mut next = rng.random::<f64>() * step;
                let mut sum = 0.0;
                let mut order = Vec::with_capacity(self.per_epoch);
                for (index, probability) in probabilities.iter().enumerate() {
                    sum += probability;
                    while next < sum && order.len() < self.per_epoch {
                        order.push(index);
                        next += step;
                    }
                }
                order
            }
        };
        order.shuffle(&mut rng);
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balancing_shows_rare_cells_more_often_than_they_come() {
        let row = |age: f32, source: &str| Row {
            age: Some(age),
            gender: "male".into(),
            source: source.into(),
            ..Row::default()
        };
        let rows: Vec<Row> = (0..90)
            .map(|_| row(25.0, "a"))
            .chain((0..10).map(|_| row(75.0, "a")))
            .chain((0..20).map(|_| row(25.0, "b")))
            .collect();
        let rows: Vec<&Row> = rows.iter().collect();
        let drawn = Sampler::balanced(&rows, 0.0, 400, 7).epoch(3);
        assert_eq!(drawn.len(), 400);
        let count =
            |range: std::ops::Range<usize>| drawn.iter().filter(|i| range.contains(i)).count();
        assert!(count(0..90).abs_diff(100) <= 1, "{}", count(0..90));
        assert!(count(90..100).abs_diff(100) <= 1);
        assert!(count(100..120).abs_diff(200) <= 1);
        assert_eq!(drawn, Sampler::balanced(&rows, 0.0, 400, 7).epoch(3));
        // Sources of 100 and 20 faces by the square root of their size.
        let drawn = Sampler::balanced(&rows, 0.5, 400, 7).epoch(3);
        let of_b = drawn.iter().filter(|i| **i >= 100).count();
        assert!(of_b.abs_diff(124) <= 1, "{of_b}");
    }
}
