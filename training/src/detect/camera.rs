//! The sizes of frames, and what a camera does to them.

use rand::Rng;
use rand_pcg::Pcg64Mcg;
use tch::Tensor;

use super::letterbox::tensor;
use super::paint::Canvas;
use crate::augment::Augment;
use crate::augment::batch::apply as degraded;
use crate::augment::draw::Draw;

/// The sizes of frames, and how often each comes. They are those of phones and cameras, scaled to 320, parts of that,
/// which show as many faces for less work, and pictures of one face.
pub const SHAPES: [(usize, usize); 14] = [
    (320, 256),
    (320, 192),
    (320, 320),
    (256, 320),
    (192, 320),
    (320, 256),
    (256, 192),
    (256, 192),
    (192, 256),
    (192, 256),
    (224, 224),
    (224, 224),
    (128, 128),
    (64, 64),
];

/// The number of sizes, from the first on, that are those of a camera.
pub const CAMERAS: usize = 6;

/// Light and loss of detail, over the whole frame.
const AUGMENT: Augment = Augment { light: 0.3, degrade: 0.08, ..Augment::NONE };

/// The changes that a camera might make to a frame.
pub fn soil(rng: &mut Pcg64Mcg) -> Draw {
    Draw::new(&AUGMENT, rng)
}

/// Returns a frame as a camera might have taken it, `[1, 3, H, W]` from 0 to 255.
pub fn soiled(canvas: &Canvas, rng: &mut Pcg64Mcg) -> Tensor {
    tch::manual_seed(rng.random::<u32>().into());
    degraded(tensor(&canvas.planes(), canvas.width, canvas.height), &[soil(rng)])
}
