//! What happens to faces outside a studio: hard shadows, caps, light of two colours, motion, and video.
//!
//! All work on planes of red, green and blue from 0 to 255, `width` x `height` each.

use rand::Rng;
use rand_pcg::Pcg64Mcg;

/// How much of each place lies on one side of a straight edge, 0 to 1. `softness` is the edge's width in pixels.
struct Edge {
    cos: f32,
    sin: f32,
    at: f32,
    softness: f32,
}

impl Edge {
    /// At `angle`, through a place given in parts of the crop.
    fn new(angle: f32, (x, y): (f32, f32), width: usize, height: usize, softness: f32) -> Self {
        let (sin, cos) = angle.sin_cos();
        Self { cos, sin, at: cos * x * width as f32 + sin * y * height as f32, softness }
    }

    fn share(&self, x: usize, y: usize) -> f32 {
        let beyond = self.cos * x as f32 + self.sin * y as f32 - self.at;
        (beyond / self.softness.max(0.5) + 0.5).clamp(0.0, 1.0)
    }
}

fn each(
    planes: &mut [f32],
    width: usize,
    height: usize,
    mut change: impl FnMut(usize, usize, usize, &mut f32),
) {
    for (colour, plane) in planes.chunks_exact_mut(width * height).enumerate() {
        for (y, row) in plane.chunks_exact_mut(width).enumerate() {
            for (x, value) in row.iter_mut().enumerate() {
                change(colour, x, y, value);
            }
        }
    }
}

/// Shade with a hard or soft edge over a part of the face; cut out twice, it is a bar, as of a lattice or a branch.
pub fn shadow(planes: &mut [f32], width: usize, height: usize, rng: &mut Pcg64Mcg) {
    let angle = rng.random_range(0.0..std::f32::consts::TAU);
    let place = (rng.random_range(0.25..0.75), rng.random_range(0.25..0.75));
    let softness = rng.random_range(0.5..width as f32 * 0.15);
    let edge = Edge::new(angle, place, width, height, softness);
    let bar = rng.random_bool(0.3).then(|| {
        let far = rng.random_range(0.1..0.4);
        let place = (place.0 + far * angle.cos(), place.1 + far * angle.sin());
        Edge::new(angle, place, width, height, softness)
    });
    let dark: f32 = rng.random_range(0.2..0.75);
    each(planes, width, height, |_, x, y, value| {
        let shade = edge.share(x, y) * bar.as_ref().map_or(1.0, |bar| 1.0 - bar.share(x, y));
        *value *= 1.0 - shade * (1.0 - dark);
    });
}

/// A cap: one colour above the forehead, and often the shade of its peak below.
pub fn cap(planes: &mut [f32], width: usize, height: usize, rng: &mut Pcg64Mcg) {
    let angle = std::f32::consts::FRAC_PI_2 + rng.random_range(-0.2..0.2);
    // The eyes lie at a third of the crop, its brow at a quarter.
    let brim: f32 = rng.random_range(0.05..0.24);
    let covered = Edge::new(angle, (0.5, brim), width, height, rng.random_range(0.5..3.0));
    let shade_to = brim + rng.random_range(0.05..0.35);
    let shaded = Edge::new(angle, (0.5, shade_to), width, height, rng.random_range(0.5..12.0));
    let dark: f32 = if rng.random_bool(0.7) { rng.random_range(0.25..0.8) } else { 1.0 };
    let colour: [f32; 3] = std::array::from_fn(|_| rng.random_range(0.0..230.0));
    let cloth = rng.random_bool(0.7);
    each(planes, width, height, |c, x, y, value| {
        *value *= 1.0 - (1.0 - shaded.share(x, y)) * (1.0 - dark);
        if cloth {
            *value += (1.0 - covered.share(x, y)) * (colour[c] - *value);
        }
    });
}

/// Two lights, of different colour and strength, from two sides.
pub fn mixed_light(planes: &mut [f32], width: usize, height: usize, rng: &mut Pcg64Mcg) {
    let angle = rng.random_range(0.0..std::f32::consts::TAU);
    let softness = width as f32 * rng.random_range(0.4..1.2);
    let edge = Edge::new(angle, (0.5, 0.5), width, height, softness);
    let mut light = || {
        let strength: f32 = rng.random_range(0.6..1.4);
        // From the yellow of a lamp to the blue of the sky.
        let warmth: f32 = rng.random_range(-0.25..0.25);
        [strength * (1.0 + warmth), strength, strength * (1.0 - warmth)]
    };
    let (one, other) = (light(), light());
    each(planes, width, height, |c, x, y, value| {
        *value *= one[c] + edge.share(x, y) * (other[c] - one[c]);
    });
}

/// Brighter or darker in the middle tones.
pub fn gamma(planes: &mut [f32], exponent: f32) {
    planes.iter_mut().for_each(|v| *v = 255.0 * (v.clamp(0.0, 255.0) / 255.0).powf(exponent));
}

/// The mean along a straight way of `length` pixels: a hand or a head that moves.
pub fn motion(planes: &mut [f32], width: usize, height: usize, length: f32, angle: f32) {
    let (sin, cos) = angle.sin_cos();
    let steps = (length.ceil() as i32).max(1);
    let offsets: Vec<(i32, i32)> = (0..=steps)
        .map(|i| (i as f32 / steps as f32 - 0.5) * length)
        .map(|far| ((far * cos).round() as i32, (far * sin).round() as i32))
        .collect();
    let share = 1.0 / offsets.len() as f32;
    let mut moved = vec![0.0f32; width * height];
    for plane in planes.chunks_exact_mut(width * height) {
        moved.fill(0.0);
        for (dx, dy) in &offsets {
            for (y, row) in moved.chunks_exact_mut(width).enumerate() {
                let from = (y as i32 + dy).clamp(0, height as i32 - 1) as usize * width;
                for (x, sum) in row.iter_mut().enumerate() {
                    let at = (x as i32 + dx).clamp(0, width as i32 - 1) as usize;
                    *sum += share * plane[from + at];
                }
            }
        }
        plane.copy_from_slice(&moved);
    }
}

/// Colours that change in blocks only, as in video.
pub fn coarse_colours(planes: &mut [f32], width: usize, height: usize, block: usize) {
    let size = width * height;
    let grey: Vec<f32> = (0..size)
        .map(|i| 0.299 * planes[i] + 0.587 * planes[i + size] + 0.114 * planes[i + 2 * size])
        .collect();
    for plane in planes.chunks_exact_mut(size) {
        for y0 in (0..height).step_by(block) {
            for x0 in (0..width).step_by(block) {
                let (y1, x1) = ((y0 + block).min(height), (x0 + block).min(width));
                let places = || (y0..y1).flat_map(|y| (x0..x1).map(move |x| y * width + x));
                let sum: f32 = places().map(|i| plane[i] - grey[i]).sum();
                let mean = sum / ((y1 - y0) * (x1 - x0)) as f32;
                places().for_each(|i| plane[i] = grey[i] + mean);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::sampler::generator;

    /// A grey crop with a bright column.
    fn column() -> Vec<f32> {
        let mut planes = vec![100.0; 3 * 32 * 32];
        planes.chunks_exact_mut(32).for_each(|row| row[16] = 200.0);
        planes
    }

    #[test]
    fn motion_keeps_the_mean_and_spreads_across_its_way_only() {
        let mut planes = column();
        motion(&mut planes, 32, 32, 6.0, 0.0);
        let row = &planes[..32];
        assert!(row[16] < 130.0 && row[14] > 110.0 && row[8] == 100.0, "{row:?}");
        let mean = row.iter().sum::<f32>() / 32.0;
        assert!((mean - 103.125).abs() < 1e-2, "{mean}");
        let mut along = column();
        motion(&mut along, 32, 32, 6.0, std::f32::consts::FRAC_PI_2);
        assert!(along.iter().zip(column()).all(|(a, b)| (a - b).abs() < 1e-2));
    }

    #[test]
    fn a_cap_darkens_the_top_and_leaves_the_chin() {
        for seed in 0..20 {
            let mut planes = vec![250.0; 3 * 96 * 96];
            cap(&mut planes, 96, 96, &mut generator(seed, 0, 0));
            let chin = planes[90 * 96 + 48];
            assert!((chin - 250.0).abs() < 1e-3, "{chin} with seed {seed}");
        }
    }

    #[test]
    fn light_and_shade_stay_finite_and_change_something() {
        for seed in 0..20 {
            let before = column();
            let (mut lit, mut shaded) = (before.clone(), before.clone());
            mixed_light(&mut lit, 32, 32, &mut generator(seed, 0, 0));
            shadow(&mut shaded, 32, 32, &mut generator(seed, 0, 0));
            for changed in [lit, shaded] {
                assert!(changed != before && changed.iter().all(|v| v.is_finite() && *v >= 0.0));
            }
        }
    }

    #[test]
    fn coarse_colours_keep_the_grey() {
        let mut planes = column();
        planes[..32 * 32].iter_mut().for_each(|v| *v *= 0.5);
        let before = planes.clone();
        coarse_colours(&mut planes, 32, 32, 8);
        let grey = |p: &[f32], i: usize| 0.299 * p[i] + 0.587 * p[i + 1024] + 0.114 * p[i + 2048];
        for i in [0, 16, 500] {
            assert!((grey(&planes, i) - grey(&before, i)).abs() < 1e-2);
        }
        // Where a block's colours differ, they meet.
        assert!(planes[16] != before[16]);
    }
}
