//! A known face: its box and its landmarks.

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

    /// Returns the same face after a map of whole quarter turns, scales and shifts.
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

    /// Returns the same face, without landmarks that do not fit its box.
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

    /// Fails if no part of the box lies in a picture of `width` x `height` pixels: there is nothing to estimate.
    pub(crate) fn check_place(&self, width: usize, height: usize) -> Result<()> {
        let Rect { x, y, width: wide, height: high } = self.rect;
        let meets =
            |start: f32, length: f32, size: usize| start < size as f32 && start + length > 0.0;
        if meets(x, wide, width) && meets(y, high, height) {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "box {x},{y} of {wide}x{high} pixels lies outside the picture of {width}x{height} pixels"
        )))
    }
}

/// Whether landmarks can belong to a face in `rect`. They must be finite and near the box, with the eyes left and right
/// above the mouth, seen along the face's own axes. Other landmarks are ignored, and the box is used.
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
    // It is positive where a clockwise quarter turn takes "across" to "down", and negative for mirrored landmarks.
    let turn = across.0 * down.1 - across.1 * down.0;
    turn > 1e-3 * rect.area()
}
