//! Cuts the network's crops out of kept ones, for many faces at once, at the place that each face draws.

use face_predict::{Affine, InputSpec};
use tch::{Kind, Tensor};

use super::columns::to_device;

/// The pixels on each side of a kept crop beyond the network's own. They are needed for crops that are rotated and
/// moved. Where nothing moves, both have the same pixels.
pub fn margin(input: &InputSpec) -> usize {
    match input.crop {
        // The study changed the crop itself, whose edge repeats.
        face_predict::CropRule::Box { .. } => 0,
        _ => input.width.div_ceil(6),
    }
}

/// Returns the map from a kept crop's unit square to the network's.
pub fn widened(input: &InputSpec) -> Affine {
    let more = margin(input) as f32 / input.width as f32;
    let span = 1.0 + 2.0 * more;
    Affine { x0: -more, y0: -more, ..Affine::scale(span, span) }
}

/// Returns the inverse of a map. There is none if the map leads to a line or a point.
pub fn inverse(map: &Affine) -> Option<Affine> {
    let det = map.xx * map.yy - map.xy * map.yx;
    if !det.is_finite() || det.abs() < 1e-12 {
        return None;
    }
    let (xx, xy, yx, yy) = (map.yy / det, -map.xy / det, -map.yx / det, map.xx / det);
    let (x0, y0) = (-(xx * map.x0 + xy * map.y0), -(yx * map.x0 + yy * map.y0));
    Some(Affine { xx, xy, x0, yx, yy, y0 })
}

/// Cuts crops of `side` pixels out of `kept`, which are bytes `[N, S, S, 3]`. `maps` lead from each crop's unit square
/// to that of the kept crop. Returns `[N, 3, side, side]` from 0 to 255.
pub fn cut(kept: &Tensor, maps: &[Affine], side: i64) -> Tensor {
    // The grid counts from -1 to 1 on both sides of a map.
    let shifted = |a: f32, b: f32, shift: f32| [a, b, a + b + 2.0 * shift - 1.0];
    let numbers: Vec<f32> = maps
        .iter()
        .flat_map(|m| [shifted(m.xx, m.xy, m.x0), shifted(m.yx, m.yy, m.y0)])
        .flatten()
        .collect();
    let maps = to_device(Tensor::from_slice(&numbers).view([-1, 2, 3]), kept);
    let grid = Tensor::affine_grid_generator(&maps, [maps.size()[0], 3, side, side], false);
    // The channels of a pixel stay side by side, because separating them would cost as much as the sampling.
    let images = kept.to_kind(Kind::Float).permute([0, 3, 1, 2]);
    // The sampling is bilinear, the edge repeats, and a pixel's place is its middle.
    images.grid_sampler(&grid, 0, 1, false)
}

/// Scales crops from 0..255 to the range of the network.
pub fn normalise(images: &Tensor, input: &InputSpec) -> Tensor {
    let of = |values: Vec<f32>| to_device(Tensor::from_slice(&values).view([1, 3, 1, 1]), images);
    let scale = of(input.std.iter().map(|std| 1.0 / (255.0 * std)).collect());
    let offset = of(input.mean.iter().zip(&input.std).map(|(mean, std)| mean / std).collect());
    (-offset).addcmul(images, &scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::inputs;

    /// In this kept crop, red is the column and green is the row.
    fn kept(side: usize) -> Tensor {
        let bytes: Vec<u8> =
            (0..side * side).flat_map(|i| [(i % side) as u8, (i / side) as u8, 7]).collect();
        Tensor::from_slice(&bytes).view([1, side as i64, side as i64, 3])
    }

    #[test]
    fn an_unmoved_crop_is_the_middle_of_the_kept_one_to_the_pixel() {
        let input = inputs::canonical(96);
        assert_eq!(margin(&input), 16);
        let back = inverse(&widened(&input)).expect("a way back");
        let crops = cut(&kept(128), &[back], 96);
        let middle = kept(128).permute([0, 3, 1, 2]).narrow(2, 16, 96).narrow(3, 16, 96);
        let off = (crops - middle).abs().max().double_value(&[]);
        assert!(off < 1e-3, "{off}");
    }

    #[test]
    fn mirrored_and_shifted_crops_come_from_there() {
        let mirror = Affine { xx: -1.0, x0: 1.0, ..Affine::IDENTITY };
        let shift = Affine { x0: 0.5, ..Affine::IDENTITY };
        let both = Tensor::cat(&[kept(64), kept(64)], 0);
        let crops = cut(&both, &[mirror, shift], 64);
        let at = |n: i64, c: i64, y: i64, x: i64| crops.double_value(&[n, c, y, x]).round();
        assert_eq!((at(0, 0, 5, 0), at(0, 0, 5, 63), at(0, 1, 5, 0)), (63.0, 0.0, 5.0));
        // Beyond the edge it repeats.
        assert_eq!((at(1, 0, 9, 0), at(1, 0, 9, 31), at(1, 0, 9, 60)), (32.0, 63.0, 63.0));
    }

    #[test]
    fn scaling_is_the_librarys() {
        let input = inputs::canonical(16);
        let images = Tensor::rand([2, 3, 16, 16], tch::kind::FLOAT_CPU) * 255.0;
        let ours = normalise(&images, &input);
        let mut planes = Vec::<f32>::try_from(images.get(1).view([-1])).expect("numbers");
        input.normalise(&mut planes);
        let off = (ours.get(1).view([-1]) - Tensor::from_slice(&planes)).abs().max();
        assert!(off.double_value(&[]) < 1e-5);
    }
}
