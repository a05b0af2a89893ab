//! Numbers of each face, and places in a crop, as tensors that fit images `[N, 3, H, W]`.

use tch::{Kind, Tensor};

use crate::device::upload;

/// Returns one number for each face, to be multiplied with images.
pub fn column(values: impl IntoIterator<Item = f32>, like: &Tensor) -> Tensor {
    columns(values.into_iter().map(|value| [value]), like)
}

/// Returns some numbers for each face, as `[N, K, 1, 1]`.
pub fn columns<const K: usize>(values: impl Iterator<Item = [f32; K]>, like: &Tensor) -> Tensor {
    let flat: Vec<f32> = values.flatten().collect();
    to_device(Tensor::from_slice(&flat).view([-1, K as i64, 1, 1]), like)
}

/// Returns true or false as 1 or 0.
pub fn flag(yes: bool) -> f32 {
    f32::from(u8::from(yes))
}

/// Moves the tensor to the device of `like`, without a wait.
pub fn to_device(tensor: Tensor, like: &Tensor) -> Tensor {
    let kind = tensor.kind();
    upload(tensor, like.device(), kind)
}

/// Returns the middles of the pixels along one axis, in units of the crop.
pub fn middles(size: i64, like: &Tensor) -> Tensor {
    (Tensor::arange(size, (Kind::Float, like.device())) + 0.5) / size as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_meet_the_face_that_they_belong_to() {
        let images = Tensor::ones([2, 3, 4, 4], tch::kind::FLOAT_CPU);
        let times = |columns: Tensor| &images * columns;
        let at = |image: &Tensor, n, c| image.double_value(&[n, c, 1, 2]);
        let one = times(column([2.0, 3.0], &images));
        assert_eq!([at(&one, 0, 2), at(&one, 1, 0)], [2.0, 3.0]);
        let each = times(columns([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]].into_iter(), &images));
        assert_eq!([at(&each, 0, 2), at(&each, 1, 0)], [3.0, 4.0]);
        assert_eq!(Vec::<f32>::try_from(middles(2, &images)).expect("numbers"), [0.25, 0.75]);
    }
}
