//! Measures how well probabilities fit the labels.

/// A bin of a reliability diagram: the mean probability, the share for which it was true, and the faces.
pub type Bin = (f64, f64, usize);

/// Ten bins of equal width.
pub fn reliability(pairs: &[(f32, bool)]) -> Vec<Bin> {
    let mut bins = vec![(0.0, 0.0, 0usize); 10];
    for (p, so) in pairs {
        let bin = &mut bins[((p * 10.0) as usize).min(9)];
        bin.0 += f64::from(*p);
        bin.1 += f64::from(u8::from(*so));
        bin.2 += 1;
    }
    bins.retain(|bin| bin.2 > 0);
    bins.into_iter().map(|(p, so, n)| (p / n as f64, so / n as f64, n)).collect()
}

/// Expected calibration error (Naeini et al. 2015).
pub fn ece(pairs: &[(f32, bool)]) -> f64 {
    let gaps = reliability(pairs).into_iter().map(|(p, so, n)| (p - so).abs() * n as f64);
    gaps.sum::<f64>() / pairs.len().max(1) as f64
}

/// The probability that a true one scores above a false one, where ties count half.
pub fn auc(pairs: &[(f32, bool)]) -> Option<f64> {
    let mut sorted = pairs.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut ranks, mut first) = (0.0, 0);
    while first < sorted.len() {
        let score = sorted[first].0;
        let last = first + sorted[first..].iter().take_while(|p| p.0 == score).count();
        let rank = (first + last + 1) as f64 / 2.0;
        ranks += rank * sorted[first..last].iter().filter(|p| p.1).count() as f64;
        first = last;
    }
    let yes = sorted.iter().filter(|p| p.1).count() as f64;
    let no = sorted.len() as f64 - yes;
    (yes > 0.0 && no > 0.0).then(|| (ranks - yes * (yes + 1.0) / 2.0) / (yes * no))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn area_and_calibration_by_hand() {
        assert_eq!(auc(&[(0.1, false), (0.4, true), (0.35, false), (0.8, true)]), Some(1.0));
        assert_eq!(auc(&[(0.5, false), (0.5, true)]), Some(0.5));
        assert_eq!(auc(&[(0.5, true)]), None);
        let pairs = [(0.95, true), (0.95, false)];
        assert!((ece(&pairs) - 0.45).abs() < 1e-6);
    }
}
