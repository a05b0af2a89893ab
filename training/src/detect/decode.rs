//! From the grids that a detector answers with to faces.

use face_predict::{DetectSpec, Point, Rect};

use super::overlap;

/// A face that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Its box, in pixels of the input.
    pub rect: Rect,
    /// Left eye, right eye, nose, left and right corner of the mouth, as seen.
    pub landmarks: [Point; 5],
    /// How surely it is one, 0 to 1.
    pub score: f32,
}

/// Adds to `out` the cells of one grid that score at least `threshold`. `values` is the output of that stride, `[15, h, w]`.
pub fn decode(
    values: &[f32],
    stride: usize,
    h: usize,
    w: usize,
    threshold: f32,
    out: &mut Vec<Found>,
) {
    let cells = h * w;
    if values.len() < cells * DetectSpec::VALUES {
        return;
    }
    // Comparing logits spares an exponential in nearly every cell.
    let least = (threshold / (1.0 - threshold)).ln();
    let stride = stride as f32;
    for (cell, logit) in values.iter().take(cells).enumerate() {
        // A number that is none is no face.
        if logit.is_nan() || *logit < least {
            continue;
        }
        let corner = Point::new((cell % w) as f32, (cell / w) as f32);
        let value = |i: usize| values[i * cells + cell];
        let at = |i: usize| {
            Point::new((corner.x + value(i)) * stride, (corner.y + value(i + 1)) * stride)
        };
        let (centre, width, height) = (at(1), value(3).exp() * stride, value(4).exp() * stride);
        let rect = Rect::new(centre.x - width / 2.0, centre.y - height / 2.0, width, height);
        let landmarks = [5, 7, 9, 11, 13].map(at);
        out.push(Found { rect, landmarks, score: 1.0 / (1.0 + (-logit).exp()) });
    }
}

/// Keeps the surest of each heap of boxes: greedy non-maximum suppression. `found` comes out sorted by score.
pub fn suppress(found: &mut Vec<Found>, most: f32) {
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Found> = Vec::with_capacity(found.len().min(64));
    for face in found.drain(..) {
        if kept.iter().all(|other| overlap(&other.rect, &face.rect) <= most) {
            kept.push(face);
        }
    }
    *found = kept;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_becomes_the_face_that_it_describes() {
        // Two columns, one row; the second cell answers.
        let mut values = vec![0.0f32; 2 * DetectSpec::VALUES];
        for (i, pair) in values.chunks_exact_mut(2).enumerate() {
            pair.copy_from_slice(&[-9.0, i as f32]);
        }
        (values[1], values[7], values[9]) = (2.0, 2f32.ln(), 3f32.ln());
        let mut found = Vec::new();
        decode(&values, 8, 1, 2, 0.5, &mut found);
        assert_eq!(found.len(), 1);
        let face = &found[0];
        // Centre one stride right and two down of the corner (8, 0); 16 by 24 pixels.
        assert!((face.rect.x - 8.0).abs() < 1e-4 && (face.rect.y - 4.0).abs() < 1e-4, "{face:?}");
        assert!((face.rect.width - 16.0).abs() < 1e-4 && (face.rect.height - 24.0).abs() < 1e-4);
        assert_eq!(face.landmarks[4], Point::new((1.0 + 13.0) * 8.0, 14.0 * 8.0));
        assert!((face.score - 0.880_797).abs() < 1e-5);
        decode(&values[..20], 8, 1, 2, 0.5, &mut found);
        assert_eq!(found.len(), 1, "an output that is too short says nothing");
    }

    #[test]
    fn of_a_heap_the_surest_stays() {
        let face = |x: f32, score: f32| Found {
            rect: Rect::new(x, 0.0, 10.0, 10.0),
            landmarks: [Point::default(); 5],
            score,
        };
        let mut found = vec![face(0.0, 0.6), face(1.0, 0.9), face(9.0, 0.7), face(100.0, 0.1)];
        suppress(&mut found, 0.4);
        let scores: Vec<f32> = found.iter().map(|f| f.score).collect();
        assert_eq!(scores, [0.9, 0.7, 0.1]);
    }
}
