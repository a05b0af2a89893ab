//! Several crops of one face: the face as it is, mirrored, and a little shifted, rotated and scaled.
//!
//! A network's answer changes with the place of the crop. The mean over several crops changes less, and has a smaller
//! error.

use crate::geometry::Affine;
use crate::model::Estimate;

/// The largest number of crops of a face.
pub(crate) const MAX_CROPS: usize = 8;

/// The crops after the first: whether each is mirrored, its degrees, its scale, and its shift in parts of the crop's
/// side. The shifts are as large as the differences between two detectors' boxes of one face.
const VIEWS: [(bool, f32, f32, f32, f32); MAX_CROPS - 1] = [
    (true, 0.0, 1.0, 0.0, 0.0),
    (false, 4.0, 1.05, 0.02, 0.0),
    (true, 4.0, 0.95, 0.0, -0.02),
    (true, -4.0, 1.05, -0.02, 0.0),
    (false, -4.0, 0.95, 0.0, 0.02),
    (false, 0.0, 1.08, -0.02, 0.02),
    (true, 0.0, 0.93, 0.02, -0.02),
];

/// Returns the place of crop `index` as a map within the unit square of the first one.
pub(crate) fn view(index: usize) -> Affine {
    let Some(&(mirrored, degrees, scale, x, y)) = index.checked_sub(1).and_then(|i| VIEWS.get(i))
    else {
        return Affine::IDENTITY;
    };
    let (sin, cos) = degrees.to_radians().sin_cos();
    let side = if mirrored { -1.0 } else { 1.0 };
    let (xx, xy, yx, yy) = (side * scale * cos, -scale * sin, side * scale * sin, scale * cos);
    // The rotation is about the middle of the crop.
    let (x0, y0) = (0.5 + x - 0.5 * (xx + xy), 0.5 + y - 0.5 * (yx + yy));
    Affine { xx, xy, x0, yx, yy, y0 }
}

/// Adds the answer to crop `index` to `mean`, which is the mean of the earlier ones. It averages logarithms. A mean of
/// probabilities is wider than each of them, and its intervals would cover more than they say.
pub(crate) fn blend(mean: &mut Estimate, estimate: &Estimate, index: usize) {
    let share = 1.0 / (index + 1) as f32;
    // A year that one answer excludes may be possible by another, so no probability counts as zero.
    let least = |p: f32| p.max(f32::MIN_POSITIVE);
    let between = |before: f32, now: f32| least(before).powf(1.0 - share) * least(now).powf(share);
    if mean.years.len() == estimate.years.len() {
        mean.years.iter_mut().zip(&estimate.years).for_each(|(m, l)| *m = between(*m, *l));
        let sum: f32 = mean.years.iter().sum();
        mean.years.iter_mut().for_each(|m| *m /= sum);
    } else if !estimate.years.is_empty() {
        mean.years.clear();
        mean.years.extend_from_slice(&estimate.years);
    }
    if let Some(now) = estimate.female {
        mean.female = Some(mean.female.map_or(now, |before| {
            let (female, male) = (between(before, now), between(1.0 - before, 1.0 - now));
            female / (female + male)
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Point;

    #[test]
    fn views_keep_the_middle_where_it_is_but_for_their_shift() {
        for index in 0..MAX_CROPS {
            let middle = view(index).apply(Point::new(0.5, 0.5));
            assert!((middle.x - 0.5).abs() <= 0.021 && (middle.y - 0.5).abs() <= 0.021, "{index}");
            assert!((view(index).magnification() - 1.0).abs() < 0.1, "{index}");
        }
        assert_eq!(view(0), Affine::IDENTITY);
        let corner = view(1).apply(Point::new(0.0, 0.0));
        assert!((corner.x - 1.0).abs() < 1e-6 && corner.y.abs() < 1e-6, "{corner:?}");
    }

    #[test]
    fn the_mean_of_two_networks_answers_is_taken_apart() {
        let estimate = |years: &[f32], female| Estimate { years: years.to_vec(), female };
        let mut mean = Estimate::default();
        for (index, first) in [0.2f32, 0.5, 0.8].into_iter().enumerate() {
            blend(&mut mean, &estimate(&[first, 1.0 - first], None), index);
            blend(&mut mean, &estimate(&[], Some(0.25 * first)), index);
        }
        assert!((mean.years[0] - 0.5).abs() < 1e-6 && (mean.years[1] - 0.5).abs() < 1e-6);
        let logit = |p: f32| (p / (1.0 - p)).ln();
        let wanted = (logit(0.05) + logit(0.125) + logit(0.2)) / 3.0;
        assert!((logit(mean.female.expect("a mean")) - wanted).abs() < 1e-5);
    }

    #[test]
    fn answers_that_exclude_each_other_still_add_up_to_one() {
        let estimate = |years: [f32; 2]| Estimate { years: years.to_vec(), female: Some(years[0]) };
        let mut mean = estimate([1.0, 0.0]);
        blend(&mut mean, &estimate([0.0, 1.0]), 1);
        assert!((mean.years.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{:?}", mean.years);
        assert!(mean.female.is_some_and(|f| (f - 0.5).abs() < 1e-6), "{:?}", mean.female);
    }
}
