//! The labels of faces, as numbers and as tensors.

use tch::{Device, Kind, Tensor};

use super::manifest::Row;
use crate::device::upload;
use crate::model::YEARS;

/// Faces and their labels. Tensors have one row for each face.
pub struct Batch {
    /// `[N, 3, H, W]`, normalised.
    pub images: Tensor,
    /// `[N]`: exact years, or the middle of the bracket.
    pub years: Tensor,
    /// `[N]`: 1 where the year is exact.
    pub exact: Tensor,
    /// `[N, 101]`: a distribution over years if the year is exact, else 1 inside the bracket and 0 outside.
    pub ages: Tensor,
    /// `[N]`: 1 for male, 0 for female.
    pub male: Tensor,
    /// `[N]`: 1 where gender is known.
    pub has_gender: Tensor,
    /// `[N]`: 1 where age is known.
    pub has_age: Tensor,
    /// The teachers' answers, if there are teachers.
    pub taught: Option<TaughtBatch>,
    /// Index of each face in the rows that the feed was given.
    pub rows: Vec<usize>,
}

/// The teachers' answers to the faces of a batch.
pub struct TaughtBatch {
    /// `[N, 101]`: a distribution over years.
    pub ages: Tensor,
    /// `[N]`: probability of male.
    pub male: Tensor,
    /// `[N]`: 1 if a teacher was asked.
    pub known: Tensor,
}

/// A teacher's answer to a face.
#[derive(Clone, Debug, PartialEq)]
pub struct Taught {
    /// Probability of each whole year.
    pub years: Vec<f32>,
    /// Probability of male.
    pub male: f32,
}

/// What is known about a face.
pub struct Label {
    /// Exact years, or the middle of the bracket.
    pub years: Option<f32>,
    /// Whether the year is exact.
    pub exact: bool,
    /// A distribution over years, or 1 inside the bracket.
    pub ages: Vec<f32>,
    /// Whether it is labelled male.
    pub male: Option<bool>,
}

impl Batch {
    /// Makes faces of `images`, their labels and the teachers' answers.
    pub fn new(
        images: Tensor,
        labels: &[Label],
        taught: &[Option<Taught>],
        rows: Vec<usize>,
    ) -> Self {
        let device = images.device();
        let flag = |flag: bool| f32::from(u8::from(flag));
        let column = |value: &dyn Fn(&Label) -> f32| tensor(labels.iter().map(value), device);
        let ages = labels.iter().flat_map(|label| label.ages.iter().copied());
        Self {
            ages: tensor(ages, device).view([-1, YEARS as i64]),
            years: column(&|label| label.years.unwrap_or(0.0)),
            has_age: column(&|label| flag(label.years.is_some())),
            exact: column(&|label| flag(label.exact)),
            male: column(&|label| flag(label.male == Some(true))),
            has_gender: column(&|label| flag(label.male.is_some())),
            taught: taught.iter().any(Option::is_some).then(|| TaughtBatch::new(taught, device)),
            images,
            rows,
        }
    }
}

impl TaughtBatch {
    fn new(faces: &[Option<Taught>], device: Device) -> Self {
        const EVEN: [f32; YEARS] = [1.0 / YEARS as f32; YEARS];
        let years =
            |face: &Option<Taught>| face.as_ref().map_or(EVEN.to_vec(), |t| t.years.clone());
        let ages = faces.iter().flat_map(years);
        let male = faces.iter().map(|face| face.as_ref().map_or(0.5, |taught| taught.male));
        let known = faces.iter().map(|face| f32::from(u8::from(face.is_some())));
        Self {
            ages: tensor(ages, device).view([-1, YEARS as i64]),
            male: tensor(male, device),
            known: tensor(known, device),
        }
    }
}

/// Moves numbers to a device. A GPU copies from pinned memory without a wait.
pub fn tensor(values: impl Iterator<Item = f32>, device: Device) -> Tensor {
    let values: Vec<f32> = values.collect();
    upload(Tensor::from_slice(&values), device, Kind::Float)
}

impl Label {
    /// Of a face. Returns a Gaussian around the year (label distribution learning, Gao et al. 2017), or the bracket. It
    /// is wider for old faces, whose years are harder to tell and were labelled less exactly. If many strangers guessed
    /// the age, their guess has the share `apparent` of the target, since it is what the picture shows.
    ///
    /// A label of n years means n to n + 1. It is the number n here, in the library's median and intervals, and in
    /// errors: all of them count whole years.
    pub fn of(face: &Row, apparent: f64) -> Self {
        let mut ages = vec![0.0f32; YEARS];
        let male = face.is_male();
        if let Some(age) = face.age {
            let sigma = (1.0 + 0.025 * age).clamp(1.0, 3.0);
            let guessed = face.apparent_age.map(|guess| {
                (guess, face.apparent_std.unwrap_or(sigma).clamp(sigma, 8.0), apparent as f32)
            });
            let share = 1.0 - guessed.map_or(0.0, |(.., share)| share);
            let mut mean = 0.0;
            for (centre, sigma, share) in [Some((age, sigma, share)), guessed].into_iter().flatten()
            {
                let gaussian =
                    |year: usize| (-0.5 * ((year as f32 - centre) / sigma).powi(2)).exp();
                let sum: f32 = (0..YEARS).map(gaussian).sum();
                let scale = share / sum.max(f32::MIN_POSITIVE);
                ages.iter_mut().enumerate().for_each(|(year, v)| *v += scale * gaussian(year));
                mean += share * centre;
            }
            return Self { years: Some(mean), exact: true, ages, male };
        }
        if let (Some(first), Some(last)) = (face.age_min, face.age_max) {
            for (year, value) in ages.iter_mut().enumerate() {
                *value = f32::from(u8::from((first..=last).contains(&(year as f32))));
            }
        }
        Self { years: face.rough_age(), exact: false, ages, male }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_of_strangers_are_a_part_of_the_target() {
        let mut face = Row { age: Some(16.0), ..Row::default() };
        let alone = Label::of(&face, 0.4);
        assert!(alone.exact && alone.years == Some(16.0));
        assert!((alone.ages.iter().sum::<f32>() - 1.0).abs() < 1e-4);
        (face.apparent_age, face.apparent_std) = (Some(26.0), Some(5.0));
        assert_eq!(Label::of(&face, 0.0).years, Some(16.0));
        let both = Label::of(&face, 0.4);
        assert!((both.years.expect("known") - 20.0).abs() < 1e-4);
        assert!((both.ages.iter().sum::<f32>() - 1.0).abs() < 1e-4);
        assert!(both.ages[16] > 0.5 * alone.ages[16] && both.ages[26] > 20.0 * alone.ages[26]);
    }

    #[test]
    fn a_bracket_is_one_inside_and_nothing_outside() {
        let face = Row { age_min: Some(20.0), age_max: Some(29.0), ..Row::default() };
        let label = Label::of(&face, 0.4);
        assert!(!label.exact && label.years == Some(24.5));
        assert_eq!(label.ages.iter().sum::<f32>(), 10.0);
        assert_eq!(
            (label.ages[19], label.ages[20], label.ages[29], label.ages[30]),
            (0.0, 1.0, 1.0, 0.0)
        );
    }
}
