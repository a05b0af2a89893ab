//! Measures whom a smallest accepted probability of `age_at_least` lets pass, and whom it refuses.

use serde::Serialize;

/// The probabilities that are tried.
pub const DEMANDS: [f32; 15] =
    [0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995];

/// The result if a probability of at least `demand` is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Demand {
    /// The probability.
    pub demand: f32,
    /// The share of the faces below the age that pass.
    pub younger_pass: f64,
    /// The share of the other faces that are refused.
    pub older_refused: f64,
    /// Faces below the age.
    pub younger: usize,
    /// The others.
    pub older: usize,
}

/// Returns one result for each of [`DEMANDS`], from probabilities and whether the age is reached. There are none if
/// either side is empty.
pub fn demands(pairs: &[(f32, bool)]) -> Vec<Demand> {
    let older = pairs.iter().filter(|(_, old)| *old).count();
    let younger = pairs.len() - older;
    if older == 0 || younger == 0 {
        return Vec::new();
    }
    let each = |demand: f32| {
        let passing = |wanted: bool| {
            pairs.iter().filter(|(p, old)| *old == wanted && *p >= demand).count() as f64
        };
        Demand {
            demand,
            younger_pass: passing(false) / younger as f64,
            older_refused: 1.0 - passing(true) / older as f64,
            younger,
            older,
        }
    };
    DEMANDS.into_iter().map(each).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_demand_passes_fewer_of_both() {
        let pairs = [(0.2, false), (0.96, false), (0.55, true), (0.99, true), (1.0, true)];
        let found = demands(&pairs);
        let at = |demand: f32| found.iter().find(|d| d.demand == demand).expect("a demand");
        assert_eq!((at(0.5).younger_pass, at(0.5).older_refused), (0.5, 0.0));
        assert_eq!((at(0.97).younger_pass, at(0.97).younger), (0.0, 2));
        assert!((at(0.97).older_refused - 1.0 / 3.0).abs() < 1e-9);
        assert!(demands(&pairs[2..]).is_empty());
    }
}
