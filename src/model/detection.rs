//! From the outputs of a detector to faces.

use super::contract::DetectSpec;
use crate::error::{Error, ErrorKind, Result};
use crate::face::region::Region;
use crate::geometry::{Point, Rect};

/// Candidates that are compared with each other; a frame of a thousand faces has fewer.
const MAX_FOUND: usize = 4000;

/// A face that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// Its box and landmarks, in pixels of the input.
    pub region: Region,
    /// How surely it is one, 0 to 1.
    pub score: f32,
}

impl DetectSpec {
    /// Reads what a detector says of an input `width` pixels wide: one output a stride. `found` becomes the faces of at least
    /// `threshold`, the surest first; of those that overlap the surest stays (greedy non-maximum suppression).
    ///
    /// Fails where a score or a box is not a finite number.
    pub fn read(
        &self,
        outputs: &[&[f32]],
        width: usize,
        threshold: f32,
        found: &mut Vec<Found>,
    ) -> Result<()> {
        found.clear();
        for (values, stride) in outputs.iter().zip(&self.strides) {
            decode(values, *stride, width / stride, threshold, found)?;
        }
        suppress(found, self.overlap);
        Ok(())
    }
}

/// Reads one output, in rows of `columns` cells.
fn decode(
    values: &[f32],
    stride: usize,
    columns: usize,
    threshold: f32,
    found: &mut Vec<Found>,
) -> Result<()> {
    let cells = values.len() / DetectSpec::VALUES;
    let logits = &values[..cells];
    // Written so that NaN fails.
    if !logits.iter().all(|v| v.is_finite()) {
        return Err(Error::new(ErrorKind::Model, "a score of the detector is not a finite number"));
    }
    let least = (threshold / (1.0 - threshold)).ln();
    let size = stride as f32;
    for (cell, logit) in logits.iter().enumerate().filter(|(_, logit)| **logit >= least) {
        let value = |index: usize| values[index * cells + cell];
        let corner = Point::new((cell % columns) as f32, (cell / columns) as f32);
        let place = |index: usize| {
            Point::new((corner.x + value(index)) * size, (corner.y + value(index + 1)) * size)
        };
        let (center, width, height) = (place(1), value(3).exp() * size, value(4).exp() * size);
        let rect = Rect::new(center.x - width / 2.0, center.y - height / 2.0, width, height);
        let landmarks = Some(std::array::from_fn(|i| place(5 + 2 * i)));
        if !(rect.is_finite() && width > 0.0 && height > 0.0) {
            return Err(Error::new(ErrorKind::Model, "a box of the detector is not finite"));
        }
        let score = 1.0 / (1.0 + (-logit).exp());
        found.push(Found { region: Region { rect, landmarks }, score });
    }
    Ok(())
}

/// Drops the weaker of two faces whose boxes share more than `overlap` of their union.
fn suppress(found: &mut Vec<Found>, overlap: f32) {
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    found.truncate(MAX_FOUND);
    let mut kept = 0;
    for i in 0..found.len() {
        let face = found[i];
        let apart = |other: &Found| face.region.rect.overlap(&other.region.rect) <= overlap;
        if found[..kept].iter().all(apart) {
            found[kept] = face;
            kept += 1;
        }
    }
    found.truncate(kept);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_becomes_a_box_with_landmarks() {
        let (columns, cells) = (3, 6);
        let mut values = vec![0.0; DetectSpec::VALUES * cells];
        values[..cells].fill(-9.0);
        // Column 1 of row 1.
        let cell = 4;
        for (index, value) in [2.0, 0.5, 0.25, 0.0, 2f32.ln()].into_iter().enumerate() {
            values[index * cells + cell] = value;
        }
        values[13 * cells + cell] = -1.0;
        let mut found = Vec::new();
        decode(&values, 8, columns, 0.5, &mut found).expect("finite");
        assert_eq!(found.len(), 1);
        let face = found[0];
        assert!((face.score - 0.880_797).abs() < 1e-5);
        let Region { rect, landmarks } = face.region;
        assert_eq!((rect.center(), rect.width), (Point::new(12.0, 10.0), 8.0));
        assert!((rect.height - 16.0).abs() < 1e-4);
        let landmarks = landmarks.expect("a detector gives landmarks");
        assert_eq!(landmarks[0], Point::new(8.0, 8.0));
        assert_eq!(landmarks[4], Point::new(0.0, 8.0));
        values[3 * cells + cell] = 1e9;
        assert!(decode(&values, 8, columns, 0.5, &mut found).is_err());
        values[0] = f32::NAN;
        assert!(decode(&values, 8, columns, 0.5, &mut found).is_err());
    }

    #[test]
    fn the_surer_of_two_that_overlap_stays() {
        let face = |x: f32, score: f32| {
            let region = Region::from_box(Rect::new(x, 0.0, 10.0, 10.0));
            Found { region, score }
        };
        let mut found = vec![face(0.0, 0.6), face(2.0, 0.9), face(30.0, 0.7), face(7.0, 0.65)];
        suppress(&mut found, 0.4);
        assert_eq!(found, [face(2.0, 0.9), face(30.0, 0.7), face(7.0, 0.65)]);
    }
}
