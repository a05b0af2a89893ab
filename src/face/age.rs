//! An age as a distribution over whole years.

/// Probability of each whole year from 0.
///
/// For [`median`](Self::median) and [`interval`](Self::interval), the probability of a year is spread evenly over half
/// a year on either side, so both are continuous. [`at_least`](Self::at_least) counts whole years, as birthdays do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AgeDistribution<'a> {
    years: &'a [f32],
}

impl<'a> AgeDistribution<'a> {
    /// Takes the probabilities of the years 0, 1, 2 and so on, which sum to 1.
    pub fn new(years: &'a [f32]) -> Self {
        Self { years }
    }

    /// The probabilities, which sum to 1.
    pub fn years(&self) -> &'a [f32] {
        self.years
    }

    /// The median in years: the true age is as likely above as below it.
    pub fn median(&self) -> f32 {
        self.quantile(0.5)
    }

    /// The expected age, in years.
    pub fn mean(&self) -> f32 {
        self.years.iter().enumerate().map(|(year, mass)| year as f32 * mass).sum()
    }

    /// The expected squared distance from the mean, in squared years.
    pub fn variance(&self) -> f32 {
        let mean = self.mean();
        self.years.iter().enumerate().map(|(year, mass)| (year as f32 - mean).powi(2) * mass).sum()
    }

    /// The age below which `share` (0 to 1) of the probability lies, in years; never below 0.
    pub fn quantile(&self, share: f32) -> f32 {
        let (mut below, mut end) = (0.0, 0.0);
        for (year, mass) in self.years.iter().enumerate().filter(|(_, mass)| **mass > 0.0) {
            if below + mass >= share {
                return (year as f32 - 0.5 + (share - below) / mass).max(0.0);
            }
            below += mass;
            end = year as f32 + 0.5;
        }
        // Rounding may leave the sum of all years a little below a share near 1.
        end
    }

    /// The central interval that holds the age with probability `coverage` (0 to 1), in years.
    pub fn interval(&self, coverage: f32) -> (f32, f32) {
        let tail = (1.0 - coverage) / 2.0;
        (self.quantile(tail), self.quantile(1.0 - tail))
    }

    /// The probability that the person has lived `years` or more. It is linear between whole years.
    pub fn at_least(&self, years: f32) -> f32 {
        if years.is_nan() {
            return f32::NAN;
        }
        let tail = |first: f32| -> f32 {
            let first = (first.max(0.0) as usize).min(self.years.len());
            // `sum` would begin with -0, and print a minus where there is no year.
            self.years[first..].iter().fold(0.0, |sum, mass| sum + mass).min(1.0)
        };
        let whole = years.floor();
        let part = if years.is_finite() { years - whole } else { 0.0 };
        let lower = tail(whole);
        if part == 0.0 { lower } else { lower + (tail(whole + 1.0) - lower) * part }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_a_known_distribution() {
        let mut years = [0.0; 101];
        (years[20], years[30], years[40]) = (0.25, 0.5, 0.25);
        let age = AgeDistribution::new(&years);
        assert_eq!(age.median(), 30.0);
        assert_eq!(age.interval(0.5), (20.5, 30.5));
        assert_eq!(age.at_least(30.0), 0.75);
        assert_eq!(age.at_least(30.5), 0.5);
        assert_eq!(age.at_least(-3.0), 1.0);
        assert_eq!(age.at_least(1e9), 0.0);
        assert!(age.at_least(f32::NAN).is_nan());
    }

    #[test]
    fn infinite_ages_have_probabilities_without_a_sign() {
        let age = AgeDistribution::new(&[0.25, 0.75]);
        for beyond in [f32::INFINITY, 2.0, 2.5, 1e9] {
            assert_eq!(age.at_least(beyond).to_bits(), 0, "{beyond}");
        }
        assert_eq!(age.at_least(f32::NEG_INFINITY), 1.0);
    }

    #[test]
    fn a_share_beyond_the_rounded_sum_is_at_the_end_of_the_last_year() {
        let mut years = [0.0; 101];
        (years[20], years[30]) = (0.5, 0.499_999_9);
        let age = AgeDistribution::new(&years);
        assert_eq!(age.quantile(1.0), 30.5);
        assert_eq!(AgeDistribution::new(&[]).quantile(1.0), 0.0);
    }

    #[test]
    fn the_youngest_year_gives_no_negative_age() {
        let mut years = [0.0; 101];
        years[0] = 1.0;
        let (low, high) = AgeDistribution::new(&years).interval(0.8);
        assert_eq!(low, 0.0);
        assert!((high - 0.4).abs() < 1e-6, "{high}");
    }
}
