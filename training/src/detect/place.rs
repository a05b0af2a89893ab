//! Where a face lies in a composed frame.

use face_predict::{Affine, Point, Rect, Region};
use rand::Rng;
use rand_pcg::Pcg64Mcg;

use super::Target;

/// Returns the turn of a face, in radians. It is mostly small, and at times large.
pub fn turn(rng: &mut Pcg64Mcg) -> f32 {
    let degrees = if rng.random_bool(0.55) {
        rng.random_range(-12.0..12.0f32)
    } else {
        rng.random_range(-45.0..45.0f32)
    };
    degrees.to_radians()
}

/// Returns the map from the face's picture to the frame that brings the middle of its box to `middle`.
pub fn place(region: &Region, scale: f32, turn: f32, middle: Point) -> Affine {
    let centre = region.rect.center();
    let to_centre = Affine { x0: -centre.x, y0: -centre.y, ..Affine::IDENTITY };
    Affine::similarity(scale, turn, middle.x, middle.y).after(&to_centre)
}

/// The face in the frame. After a rotation, a box bounds the ellipse that it held, because a face has no corners.
pub fn target(region: &Region, forward: &Affine, turn: f32, width: usize, height: usize) -> Target {
    let (r, scale) = (&region.rect, forward.magnification());
    let (sin, cos) = turn.sin_cos();
    let (a, b) = (r.width * scale, r.height * scale);
    let (w, h) = ((a * cos).hypot(b * sin), (a * sin).hypot(b * cos));
    let centre = forward.apply(r.center());
    let rect = Rect::new(centre.x - w / 2.0, centre.y - h / 2.0, w, h);
    let landmarks = region.landmarks.map(|l| l.map(|p| forward.apply(p)));
    let ignored = visible(&rect, width, height) < 0.5;
    Target { rect, landmarks, ignored }
}

/// Returns the share of the box that lies in the frame.
pub fn visible(rect: &Rect, width: usize, height: usize) -> f32 {
    let across = (rect.x + rect.width).min(width as f32) - rect.x.max(0.0);
    let down = (rect.y + rect.height).min(height as f32) - rect.y.max(0.0);
    across.max(0.0) * down.max(0.0) / rect.area().max(1e-6)
}

/// Returns the box with sides `by` times as long, around the same centre.
pub fn grown(rect: &Rect, by: f32) -> Rect {
    let (centre, w, h) = (rect.center(), rect.width * by, rect.height * by);
    Rect::new(centre.x - w / 2.0, centre.y - h / 2.0, w, h)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_the_frame_is_seen_in_part() {
        assert_eq!(visible(&Rect::new(-5.0, 0.0, 10.0, 10.0), 100, 100), 0.5);
        assert_eq!(visible(&Rect::new(-15.0, 0.0, 10.0, 10.0), 100, 100), 0.0);
    }
}
