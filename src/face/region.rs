//! A face that is known: its box and its landmarks.

use crate::error::{Error, Result};
use crate::geometry::{Affine, Point, Rect};

/// A face that was found already: its box and, if they are known, five landmarks, in pixels of the upright picture.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Region {
    /// The box around the face, from the forehead to the chin.
    pub rect: Rect,
    /// The left eye, the right eye, the nose, and the left and right corner of the mouth. Left and right are as seen in
    /// the picture.
    pub landmarks: Option<[Point; 5]>,
}

impl Region {
    /// Makes a region of a box alone.
    pub const fn from_box(rect: Rect) -> Self {
        Self { rect, landmarks: None }
    }

    /// Returns the same face in a picture that is `factor` times as large.
    #[must_use]
    pub fn scaled(&self, factor: f32) -> Self {
        let Rect { x, y, width, height } = self.rect;
        let grown = |points: [Point; 5]| points.map(|p| Point::new(p.x * factor, p.y * factor));
        Self {
            rect: Rect::new(x * factor, y * factor, width * factor, height * factor),
            landmarks: self.landmarks.map(grown),
        }
    }

    /// The same face where a map of whole quarter turns, scales and shifts takes it.
    #[must_use]
    pub(crate) fn mapped(&self, map: &Affine) -> Self {
        let Rect { x, y, width, height } = self.rect;
        let (a, b) = (map.apply(Point::new(x, y)), map.apply(Point::new(x + width, y + height)));
        let (left, top) = (a.x.min(b.x), a.y.min(b.y));
        Self {
            rect: Rect::new(left, top, (a.x - b.x).abs(), (a.y - b.y).abs()),
            landmarks: self.landmarks.map(|points| points.map(|p| map.apply(p))),
        }
    }

    /// The same face; landmarks that cannot be those of its box are forgotten.
    pub(crate) fn without_implausible_landmarks(self) -> Self {
        let landmarks = self.landmarks.filter(|landmarks| plausible(landmarks, &self.rect));
        Self { landmarks, ..self }
    }

    pub(crate) fn check(&self) -> Result<()> {
        let Rect { x, y, width, height } = self.rect;
        if !self.rect.is_finite() || width <= 0.0 || height <= 0.0 {
            return Err(Error::invalid(format!(
                "box {x},{y} of {width}x{height} pixels is not a rectangle"
            )));
        }
        if [x, y, width, height].iter().any(|v| v.abs() > 1e7) {
            return Err(Error::invalid(format!(
                "box {x},{y} of {width}x{height} pixels is larger than any picture"
            )));
        }
        Ok(())
    }
}

/// Whether landmarks can belong to a face in `rect`: finite, near the box, eyes left and right above the
/// mouth by the face's own axes, so that a folded set falls back to the box.
fn plausible(landmarks: &[Point; 5], rect: &Rect) -> bool {
    let near = |p: &Point| {
        p.is_finite()
            && (p.x - rect.center().x).abs() <= rect.width * 1.5
            && (p.y - rect.center().y).abs() <= rect.height * 1.5
    };
    if !landmarks.iter().all(near) {
        return false;
    }
    let [left_eye, right_eye, _, left_mouth, right_mouth] = *landmarks;
    let across = (
        right_eye.x - left_eye.x + right_mouth.x - left_mouth.x,
        right_eye.y - left_eye.y + right_mouth.y - left_mouth.y,
    );
    let down = (
        left_mouth.x + right_mouth.x - left_eye.x - right_eye.x,
        left_mouth.y + right_mouth.y - left_eye.y - right_eye.y,
    );
    // Positive where a quarter turn clockwise takes "across" to "down"; negative for a mirrored set.
    let turn = across.0 * down.1 - across.1 * down.0;
    turn > 1e-3 * rect.area()
}
