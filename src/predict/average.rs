//! The answers about one face over the frames of a camera, averaged with weights that fade.

use super::options::Options;
use crate::error::Result;
use crate::face::age::AgeDistribution;
use crate::memory::reserve;
use crate::model::Estimate;

/// The average so far. Years are averaged as distributions, and the gender as logits.
#[derive(Debug, Default)]
pub(super) struct Average {
    years: Vec<f32>,
    years_weight: f32,
    logit: f32,
    logit_weight: f32,
    time_us: i64,
    estimates: u32,
}

impl Average {
    /// The number of estimates that were added.
    pub(super) fn estimates(&self) -> u32 {
        self.estimates
    }

    /// Adds an estimate. An empty one does not count. An estimate with less variance weighs more, and older ones fade.
    /// A mean of distributions is never narrower than its parts. It must not be, since the errors of estimates of one
    /// face are alike.
    pub(super) fn add(
        &mut self,
        estimate: &Estimate,
        time_us: i64,
        memory_seconds: f32,
    ) -> Result<()> {
        if estimate.years.is_empty() && estimate.female.is_none() {
            return Ok(());
        }
        let more = estimate.years.len().saturating_sub(self.years.len());
        reserve(&mut self.years, more)?;
        let seconds = (time_us.saturating_sub(self.time_us) as f64 * 1e-6) as f32;
        let fade = if self.estimates == 0 { 0.0 } else { (-seconds / memory_seconds).exp() };
        self.years_weight *= fade;
        self.logit_weight *= fade;
        (self.time_us, self.estimates) = (time_us, self.estimates.saturating_add(1));
        if !estimate.years.is_empty() {
            let age = AgeDistribution::new(&estimate.years);
            let weight = 1.0 / (age.variance() + 1.0);
            self.years.resize(estimate.years.len(), 0.0);
            let total = self.years_weight + weight;
            for (mean, value) in self.years.iter_mut().zip(&estimate.years) {
                *mean += (value - *mean) * weight / total;
            }
            self.years_weight = total;
        }
        if let Some(female) = estimate.female {
            let female = female.clamp(1e-6, 1.0 - 1e-6);
            let logit = (female / (1.0 - female)).ln();
            // This is the mean of logits. An unsure estimate is near 0, and moves it little.
            self.logit_weight += 1.0;
            self.logit += (logit - self.logit) / self.logit_weight;
        }
        Ok(())
    }

    /// Fills `out` with the average of what the options ask for.
    pub(super) fn read(&self, options: &Options<'_>, out: &mut Estimate) -> Result<()> {
        out.clear();
        reserve(&mut out.years, self.years.len())?;
        if self.years_weight > 0.0 && !options.skip_age {
            out.years.extend_from_slice(&self.years);
        }
        if self.logit_weight > 0.0 && !options.skip_gender {
            out.female = Some(1.0 / (1.0 + (-self.logit).exp()));
        }
        Ok(())
    }
}
