//! Losses of detail: motion, few pixels, blur, noise, coarse colours.

use tch::{Kind, Tensor};

use super::columns::{column, to_device};

/// Takes the mean along a straight path, as a hand or a head moves.
pub fn motion(x: &Tensor, drawn: &[(f32, f32)]) -> Tensor {
    let size = x.size();
    let scale = size[3] as f32 / 96.0;
    let length = |length: f32| length * scale;
    let radius = drawn.iter().map(|d| length(d.0) / 2.0).fold(0.0, f32::max).ceil() as i64;
    let side = (2 * radius + 1) as usize;
    let mut kernels = vec![0f32; drawn.len() * 3 * side * side];
    for (kernels, (far, angle)) in kernels.chunks_exact_mut(3 * side * side).zip(drawn) {
        let steps = (length(*far).ceil() as usize).max(1);
        for step in 0..=steps {
            let at = (step as f32 / steps as f32 - 0.5) * length(*far);
            let place = |part: f32| (radius as f32 + (at * part).round()) as usize;
            let (column, row) = (place(angle.cos()), place(angle.sin()));
            for kernel in kernels.chunks_exact_mut(side * side) {
                kernel[row * side + column] += 1.0 / (steps + 1) as f32;
            }
        }
    }
    let planes = 3 * drawn.len() as i64;
    let kernels = Tensor::from_slice(&kernels).view([planes, 1, side as i64, side as i64]);
    let padded = x.replication_pad2d([radius; 4]);
    let padded = padded.view([1, planes, size[2] + 2 * radius, size[3] + 2 * radius]);
    let moved =
        padded.conv2d(&to_device(kernels, x), None::<Tensor>, [1, 1], [0, 0], [1, 1], planes);
    moved.view_as(x)
}

/// Takes a running mean of `2 * radius + 1` pixels on each axis. Pixels beyond the edge do not count.
pub fn blur(x: &Tensor, radius: u8) -> Tensor {
    let (side, pad) = (2 * i64::from(radius) + 1, i64::from(radius));
    x.avg_pool2d([side, side], [1, 1], [pad, pad], false, false, None::<i64>)
}

/// Adds noise with a standard deviation.
pub fn noise(x: Tensor, sigmas: &[f32]) -> Tensor {
    x.addcmul(&x.randn_like(), &column(sigmas.iter().copied(), &x))
}

/// Reduces the pixels, and enlarges them again as a program would enlarge a small face.
pub fn shrink(x: &Tensor, share: f32) -> Tensor {
    let size = x.size();
    let small = |side: i64| ((side as f32 * share) as i64).clamp(8.min(side), side);
    let (height, width) = (small(size[2]), small(size[3]));
    let fewer = x.adaptive_avg_pool2d([height, width]).round();
    fewer.upsample_bilinear2d([size[2], size[3]], false, None, None)
}

/// Makes colours change in blocks only, as in video.
pub fn coarse_colours(x: &Tensor, block: u8) -> Tensor {
    let (size, block) = (x.size(), i64::from(block));
    let weights = to_device(Tensor::from_slice(&[0.299f32, 0.587, 0.114]), x).view([1, 3, 1, 1]);
    let grey = (x * weights).sum_dim_intlist([1i64].as_slice(), true, Kind::Float);
    let colour = (x - &grey).avg_pool2d([block; 2], [block; 2], [0, 0], true, false, None::<i64>);
    let colour = colour.repeat_interleave_self_int(block, 2, None);
    let colour = colour.repeat_interleave_self_int(block, 3, None);
    grey + colour.narrow(2, 0, size[2]).narrow(3, 0, size[3])
}

#[cfg(test)]
mod tests {
    use tch::{Kind, Tensor};

    use super::coarse_colours;
    use crate::augment::by_hand::{apply_one, at, close, flat};
    use crate::augment::draw::Draw;

    /// Makes a grey crop with a bright column.
    fn column_image() -> Tensor {
        let image = flat([100.0; 3], 96);
        let _ = image.narrow(3, 48, 1).fill_(196.0);
        image
    }

    #[test]
    fn detail_is_lost_and_the_mean_kept() {
        let image = column_image();
        let mean = image.mean(Kind::Float).double_value(&[]);
        let draws = [
            Draw { motion: Some((6.0, 0.0)), ..Draw::NOTHING },
            Draw { blur: Some(2), ..Draw::NOTHING },
            Draw { small: Some(0.25), ..Draw::NOTHING },
        ];
        for draw in draws {
            let changed = apply_one(&image, draw.clone());
            let now = changed.mean(Kind::Float).double_value(&[]);
            assert!((now - mean).abs() < 0.2, "{draw:?}: {now} {mean}");
            let peak = changed.max().double_value(&[]);
            assert!(peak < 130.0, "{draw:?}: {peak}");
        }
        // Along the column nothing is lost.
        let along = apply_one(
            &image,
            Draw { motion: Some((6.0, std::f32::consts::FRAC_PI_2)), ..Draw::NOTHING },
        );
        close((along - &image).abs().max().double_value(&[]), 0.0);
    }

    #[test]
    fn coarse_colours_keep_the_grey() {
        let image = column_image();
        let _ = image.narrow(1, 0, 1).g_mul_scalar_(0.5);
        let changed = coarse_colours(&image, 7);
        assert_eq!(changed.size(), image.size());
        let weights = Tensor::from_slice(&[0.299f32, 0.587, 0.114]).view([1, 3, 1, 1]);
        let grey =
            |x: &Tensor| (x * &weights).sum_dim_intlist([1i64].as_slice(), true, Kind::Float);
        close((grey(&changed) - grey(&image)).abs().max().double_value(&[]), 0.0);
        assert!((at(&changed, 0, 5, 48) - at(&image, 0, 5, 48)).abs() > 1.0);
    }
}
