//! Small crops for tests, whose changes can be computed by hand.

use tch::Tensor;

use super::batch::apply;
use super::draw::Draw;

/// Makes a crop of one colour.
pub fn flat(values: [f32; 3], side: i64) -> Tensor {
    Tensor::from_slice(&values).view([1, 3, 1, 1]).expand([1, 3, side, side], false).copy()
}

/// Returns the crop after one face's changes.
pub fn apply_one(image: &Tensor, draw: Draw) -> Tensor {
    apply(image.copy(), &[draw])
}

/// Returns one number of a crop.
pub fn at(image: &Tensor, channel: i64, y: i64, x: i64) -> f64 {
    image.double_value(&[0, channel, y, x])
}

/// Fails unless both are equal to a hundredth.
#[track_caller]
pub fn close(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-2, "{a} {b}");
}
