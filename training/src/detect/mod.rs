//! Training to find faces.

pub mod assign;
pub mod compose;
pub mod decode;
pub mod job;
pub mod loss;
pub mod measure;
pub mod paint;
pub mod portraits;
pub mod run;
pub mod scene;
pub mod store;
pub mod texture;

use face_predict::{Point, Rect};

/// The smallest face that is trained for, as the root of its box's area in pixels of the input. Smaller ones are
/// neither faces nor background.
pub const SMALLEST: f32 = 8.0;

/// A face in a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Its box.
    pub rect: Rect,
    /// Left eye, right eye, nose, left and right corner of the mouth, as seen; unknown in most scenes.
    pub landmarks: Option<[Point; 5]>,
    /// Whatever is said of this place is neither right nor wrong.
    pub ignored: bool,
}

/// The share of their union that two boxes have in common.
pub fn overlap(a: &Rect, b: &Rect) -> f32 {
    let width = (a.x + a.width).min(b.x + b.width) - a.x.max(b.x);
    let height = (a.y + a.height).min(b.y + b.height) - a.y.max(b.y);
    let both = width.max(0.0) * height.max(0.0);
    let either = a.area() + b.area() - both;
    if either > 0.0 { both / either } else { 0.0 }
}
