//! How the crop that a network sees is cut around a face.

use serde::{Deserialize, Serialize};

use super::region::Region;
use crate::error::{Error, Result};
use crate::geometry::{Affine, Point, Rect};

/// Where a face's box, or a picture that is one face, lies in the crop. The centre and the side (the root of the area)
/// are in units of the crop.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CropAnchor {
    /// The distance of the centre from the left.
    pub x: f32,
    /// The distance of the centre from the top.
    pub y: f32,
    /// The root of the area.
    pub side: f32,
}

/// How the crop of a face is cut. The model file says it in the metadata `face_predict.input`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "align", rename_all = "lowercase")]
#[non_exhaustive]
pub enum CropRule {
    /// A least-squares similarity maps the five landmarks to `template`. A face without usable landmarks is placed by
    /// its box.
    Landmarks {
        /// The five landmarks in units of the crop.
        template: [[f32; 2]; 5],
        /// Where a face's box lies.
        face: CropAnchor,
        /// Where a picture that is one face lies.
        picture: CropAnchor,
    },
    /// A square around the box, which is grown on each side by `margin` times its longer side. If landmarks show that
    /// the head lies on its side or stands upside down, the square is turned by the nearest quarter turn. A picture that
    /// is one face fills the crop.
    Box {
        /// The margin as a share of the longer side.
        margin: f32,
    },
    /// The whole picture, scaled evenly. A detector takes it so. This rule cuts no faces.
    Whole,
}

impl CropRule {
    /// The map from the crop, in units of its sides, to the upright picture.
    pub fn place(&self, region: &Region) -> Result<Affine> {
        region.check()?;
        let rect = &region.rect;
        match self {
            Self::Landmarks { template, face, .. } => {
                let points = template.map(|[x, y]| Point::new(x, y));
                Ok(region
                    .without_implausible_landmarks()
                    .landmarks
                    .and_then(|landmarks| similarity(&points, &landmarks))
                    .unwrap_or_else(|| by_anchor(face, rect)))
            }
            Self::Box { margin } => {
                let side = rect.width.max(rect.height) * (1.0 + 2.0 * margin);
                let Point { x, y } = rect.center();
                let (sin, cos) = region
                    .without_implausible_landmarks()
                    .landmarks
                    .map_or((0.0, 1.0), |landmarks| nearest_quarter(&landmarks));
                let (along, across) = (cos * side, sin * side);
                let (x0, y0) = (x - (along - across) / 2.0, y - (across + along) / 2.0);
                Ok(Affine { xx: along, xy: -across, x0, yx: across, yy: along, y0 })
            }
            Self::Whole => Err(Error::invalid("a detector's crop rule does not cut out faces")),
        }
    }

    /// Returns the same map for a picture of `width` x `height` pixels that is one face.
    pub fn place_picture(&self, width: usize, height: usize) -> Affine {
        let (width, height) = (width as f32, height as f32);
        match self {
            Self::Landmarks { picture, .. } => {
                by_anchor(picture, &Rect::new(0.0, 0.0, width, height))
            }
            Self::Box { .. } | Self::Whole => Affine::scale(width, height),
        }
    }

    pub(crate) fn check(&self) -> std::result::Result<(), String> {
        let anchor_ok = |a: &CropAnchor| {
            a.x.is_finite()
                && a.y.is_finite()
                && a.side.is_finite()
                && a.side > 0.01
                && a.side < 100.0
        };
        match self {
            Self::Landmarks { template, face, picture } => {
                let points = template.map(|[x, y]| Point::new(x, y));
                if !points.iter().all(|p| p.is_finite() && p.x.abs() < 100.0 && p.y.abs() < 100.0) {
                    return Err("the template's points are not finite numbers near 0 to 1".into());
                }
                if similarity(&points, &points).is_none() {
                    return Err("the template's points coincide".into());
                }
                if !anchor_ok(face) || !anchor_ok(picture) {
                    return Err("an anchor's side is not within 0.01 to 100".into());
                }
                Ok(())
            }
            Self::Box { margin } if margin.is_finite() && (0.0..=10.0).contains(margin) => Ok(()),
            Self::Box { margin } => Err(format!("margin is {margin}, but it must be 0 to 10")),
            Self::Whole => Ok(()),
        }
    }
}

fn by_anchor(anchor: &CropAnchor, rect: &Rect) -> Affine {
    let scale = rect.area().sqrt() / anchor.side;
    let Point { x, y } = rect.center();
    Affine { x0: x - anchor.x * scale, y0: y - anchor.y * scale, ..Affine::scale(scale, scale) }
}

/// Returns the sine and the cosine of the quarter turn that takes an upright head nearest to these landmarks. An
/// example: a mouth to the left of the eyes is a turn by 90 degrees, whose sine is 1.
fn nearest_quarter(landmarks: &[Point; 5]) -> (f32, f32) {
    let [left_eye, right_eye, _, left_mouth, right_mouth] = landmarks;
    let across = left_mouth.x + right_mouth.x - left_eye.x - right_eye.x;
    let down = left_mouth.y + right_mouth.y - left_eye.y - right_eye.y;
    match across.abs() > down.abs() {
        true => (-across.signum(), 0.0),
        false if down < 0.0 => (0.0, -1.0),
        false => (0.0, 1.0),
    }
}

/// Returns the similarity without reflection that maps `from` to `to` with the least squared error (Umeyama,
/// "Least-squares estimation of transformation parameters between two point patterns", 1991).
pub fn similarity(from: &[Point; 5], to: &[Point; 5]) -> Option<Affine> {
    let mean = |points: &[Point; 5]| {
        let sum = points
            .iter()
            .fold((0.0f64, 0.0f64), |(x, y), p| (x + f64::from(p.x), y + f64::from(p.y)));
        (sum.0 / 5.0, sum.1 / 5.0)
    };
    let ((from_x, from_y), (to_x, to_y)) = (mean(from), mean(to));
    let (mut along, mut across, mut spread) = (0.0f64, 0.0f64, 0.0f64);
    for (p, q) in from.iter().zip(to) {
        let (px, py) = (f64::from(p.x) - from_x, f64::from(p.y) - from_y);
        let (qx, qy) = (f64::from(q.x) - to_x, f64::from(q.y) - to_y);
        along += px * qx + py * qy;
        across += px * qy - py * qx;
        spread += px * px + py * py;
    }
    if !(spread > 0.0 && along.hypot(across) > 1e-9 * spread) {
        return None;
    }
    let (a, b) = (along / spread, across / spread);
    let map = Affine {
        xx: a as f32,
        xy: -b as f32,
        x0: (to_x - a * from_x + b * from_y) as f32,
        yx: b as f32,
        yy: a as f32,
        y0: (to_y - b * from_x - a * from_y) as f32,
    };
    map.is_finite().then_some(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: [[f32; 2]; 5] =
        [[0.332, 0.319], [0.668, 0.319], [0.5, 0.501], [0.361, 0.651], [0.639, 0.651]];

    fn rule() -> CropRule {
        let face = CropAnchor { x: 0.5, y: 0.435, side: 0.815 };
        CropRule::Landmarks { template: TEMPLATE, face, picture: CropAnchor { y: 0.5, ..face } }
    }

    #[test]
    fn a_known_similarity_is_found() {
        let template = TEMPLATE.map(|[x, y]| Point::new(x, y));
        let map = Affine::similarity(120.0, 0.4, 33.0, -5.0);
        let found = similarity(&template, &template.map(|p| map.apply(p))).expect("not degenerate");
        for p in template {
            let (a, b) = (map.apply(p), found.apply(p));
            assert!((a.x - b.x).abs() < 1e-3 && (a.y - b.y).abs() < 1e-3, "{a:?} {b:?}");
        }
    }

    #[test]
    fn a_square_around_a_box_turns_with_the_head() {
        let rule = CropRule::Box { margin: 0.25 };
        let rect = Rect::new(10.0, 20.0, 80.0, 100.0);
        let by_box = rule.place(&Region::from_box(rect)).expect("a rectangle");
        let Point { x, y } = rect.center();
        for (quarters, up) in [(0, (0.0, -1.0)), (1, (1.0, 0.0)), (2, (0.0, 1.0)), (3, (-1.0, 0.0))]
        {
            let turn = quarters as f32 * std::f32::consts::FRAC_PI_2 + 0.3;
            let middle = Affine { x0: -0.5, y0: -0.485, ..Affine::IDENTITY };
            let map = Affine::similarity(90.0, turn, x, y).after(&middle);
            let landmarks = Some(TEMPLATE.map(|[x, y]| map.apply(Point::new(x, y))));
            let place = rule.place(&Region { rect, landmarks }).expect("a rectangle");
            // The middle of the crop stays, and the middle of its upper edge lies where the forehead is.
            let (center, top) =
                (place.apply(Point::new(0.5, 0.5)), place.apply(Point::new(0.5, 0.0)));
            assert_eq!((center.x, center.y), (x, y), "{quarters}");
            assert_eq!((top.x, top.y), (x + up.0 * 75.0, y + up.1 * 75.0), "{quarters}");
            assert_eq!(place == by_box, quarters == 0);
        }
    }

    #[test]
    fn landmarks_that_cannot_be_fall_back_to_the_box() {
        let rect = Rect::new(10.0, 20.0, 80.0, 100.0);
        let by_box = rule().place(&Region::from_box(rect)).expect("a rectangle");
        let map = Affine { x0: 10.0, y0: 20.0, ..Affine::scale(80.0, 100.0) };
        let good = TEMPLATE.map(|[x, y]| map.apply(Point::new(x, y)));
        let place = |landmarks| {
            rule().place(&Region { rect, landmarks: Some(landmarks) }).expect("a rectangle")
        };
        assert_ne!(place(good), by_box);
        let mut nan = good;
        nan[2].x = f32::NAN;
        let mut mirrored = good;
        mirrored.swap(0, 1);
        mirrored.swap(3, 4);
        let far = good.map(|p| Point::new(p.x + 1000.0, p.y));
        for bad in [nan, mirrored, far, [Point::new(50.0, 60.0); 5], [Point::default(); 5]] {
            assert_eq!(place(bad), by_box, "{bad:?}");
        }
    }
}
