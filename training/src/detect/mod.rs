//! The training of detectors.

pub mod assign;
pub mod camera;
pub mod compose;
pub mod groups;
pub mod job;
pub mod letterbox;
pub mod loss;
pub mod marked;
pub mod measure;
pub mod paint;
pub mod place;
pub mod portraits;
pub mod scene;
pub mod store;
pub mod texture;
pub mod validation;

use face_predict::{Point, Rect};

/// The smallest face that is trained for, as the root of its box's area in pixels of the input. Smaller ones are
/// neither faces nor background.
pub const SMALLEST: f32 = 8.0;

/// A face in a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Its box.
    pub rect: Rect,
    /// The left eye, right eye, nose, left and right corner of the mouth, as seen in the picture. They are unknown in
    /// most scenes.
    pub landmarks: Option<[Point; 5]>,
    /// Whether an answer at this place is neither right nor wrong.
    pub ignored: bool,
}
