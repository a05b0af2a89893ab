//! Changes the pixels of many faces at once: the same operations on the processor and on a GPU. None of them waits for the
//! device, since what is drawn is known beforehand.

use tch::{Kind, Tensor};

use super::draw::{Draw, Edge};
use super::jpeg;

/// Changes `images`, `[N, 3, H, W]` from 0 to 255, each by its draw. Their memory is used again.
pub fn apply(images: Tensor, draws: &[Draw]) -> Tensor {
    if draws.iter().all(|draw| *draw == Draw::NOTHING) {
        return images;
    }
    let mut faces = Faces { images, draws };
    faces.borders();
    faces.colours();
    faces.caps();
    faces.shadows();
    faces.lights();
    faces.on(
        |draw| draw.gamma,
        |x, values| {
            let exponents = column(values, x);
            ((x.clamp(0.0, 255.0) / 255.0).pow(&exponents)) * 255.0
        },
    );
    faces.on(|draw| draw.motion, motion);
    faces.each(|draw| draw.small.map(Share), |x, Share(share)| shrink(x, share));
    faces.each(
        |draw| draw.blur,
        |x, radius| {
            let (side, pad) = (2 * i64::from(radius) + 1, i64::from(radius));
            x.avg_pool2d([side, side], [1, 1], [pad, pad], false, false, None::<i64>)
        },
    );
    faces.on(|draw| draw.noise, |x, sigmas| x + x.randn_like() * column(sigmas, x));
    faces.each(|draw| draw.coarse, coarse_colours);
    for pass in 0..2 {
        faces.on(move |draw| draw.jpeg[pass], jpeg::jpeg);
    }
    faces.erase();
    faces.images.clamp(0.0, 255.0)
}

/// A share of the pixels, equal where the pixels are.
#[derive(Clone, Copy, PartialEq)]
struct Share(f32);

struct Faces<'a> {
    images: Tensor,
    draws: &'a [Draw],
}

/// One number a face, to be multiplied with images.
fn column(values: &[f32], like: &Tensor) -> Tensor {
    columns(values.iter().map(|value| [*value]), like)
}

/// Some numbers a face, as `[N, K, 1, 1]`.
fn columns<const K: usize>(values: impl Iterator<Item = [f32; K]>, like: &Tensor) -> Tensor {
    let flat: Vec<f32> = values.flatten().collect();
    to_device(Tensor::from_slice(&flat).view([-1, K as i64, 1, 1]), like)
}

fn to_device(tensor: Tensor, like: &Tensor) -> Tensor {
    tensor.to_device(like.device())
}

/// Middles of the pixels along one axis, in units of the crop.
fn middles(size: i64, like: &Tensor) -> Tensor {
    (Tensor::arange(size, (Kind::Float, like.device())) + 0.5) / size as f64
}

/// How much of each place lies beyond each face's edge, `[N, 1, H, W]`.
fn beyond<'a>(edges: impl Iterator<Item = &'a Edge>, like: &Tensor) -> Tensor {
    let size = like.size();
    let (height, width) = (size[2], size[3]);
    let least = 0.5 / width as f32;
    let numbers = edges.map(|edge| {
        let ((sin, cos), softness) = (edge.angle.sin_cos(), edge.softness.max(least));
        [cos / softness, sin / softness, (cos * edge.at[0] + sin * edge.at[1]) / softness - 0.5]
    });
    let numbers = columns(numbers, like);
    let number = |index: i64| numbers.narrow(1, index, 1);
    let x = middles(width, like).view([1, 1, 1, -1]);
    let y = middles(height, like).view([1, 1, -1, 1]);
    (number(0) * x + number(1) * y - number(2)).clamp(0.0, 1.0)
}

impl Faces<'_> {
    /// Changes the faces for which `which` draws something, all at once.
    fn on<T>(
        &mut self,
        which: impl Fn(&Draw) -> Option<T>,
        change: impl FnOnce(&Tensor, &[T]) -> Tensor,
    ) {
        let (mut places, mut drawn) = (Vec::new(), Vec::new());
        for (place, draw) in self.draws.iter().enumerate() {
            if let Some(value) = which(draw) {
                places.push(place as i64);
                drawn.push(value);
            }
        }
        if places.is_empty() {
            return;
        }
        let places = to_device(Tensor::from_slice(&places), &self.images);
        let changed = change(&self.images.index_select(0, &places), &drawn);
        // In place: a copy of the whole batch for each change took longer than all changes.
        let _ = self.images.index_copy_(0, &places, &changed);
    }

    /// The same, together for faces that draw the same.
    fn each<T: PartialEq + Copy>(
        &mut self,
        which: impl Fn(&Draw) -> Option<T>,
        change: impl Fn(&Tensor, T) -> Tensor,
    ) {
        let mut kinds: Vec<T> = Vec::new();
        for value in self.draws.iter().filter_map(&which) {
            if !kinds.contains(&value) {
                kinds.push(value);
            }
        }
        for kind in kinds {
            self.on(|draw| which(draw).filter(|value| *value == kind), |x, _| change(x, kind));
        }
    }

    /// The edge of an inner rectangle repeats outwards, as the library does around a tightly cropped picture; or one colour.
    fn borders(&mut self) {
        self.on(
            |draw| draw.border,
            |x, borders| {
                let size = x.size();
                let (n, channels, height, width) = (size[0], size[1], size[2], size[3]);
                let near = |size: i64, low: usize, high: usize| {
                    let ends: Vec<i64> = borders
                        .iter()
                        .flat_map(|border| {
                            let pixel = |share: f32| (share * size as f32) as i64;
                            let (low, high) =
                                (pixel(border.inside[low]), pixel(border.inside[high]));
                            [low, (high - 1).max(low)]
                        })
                        .collect();
                    let ends = to_device(Tensor::from_slice(&ends).view([-1, 2, 1]), x);
                    let all = Tensor::arange(size, (Kind::Int64, x.device()));
                    all.maximum(&ends.select(1, 0)).minimum(&ends.select(1, 1))
                };
                let (columns, rows) = (near(width, 0, 2), near(height, 1, 3));
                let whole = [n, channels, height, width];
                let across = columns.view([n, 1, 1, width]).expand(whole, false);
                let down = rows.view([n, 1, height, 1]).expand(whole, false);
                let repeated = x.gather(3, &across, false).gather(2, &down, false);
                let all = |size| Tensor::arange(size, (Kind::Int64, x.device()));
                let inside = columns
                    .eq_tensor(&all(width))
                    .view([n, 1, 1, width])
                    .logical_and(&rows.eq_tensor(&all(height)).view([n, 1, height, 1]));
                let flat: Vec<f32> =
                    borders.iter().map(|border| border.flat.unwrap_or(0.0)).collect();
                let is_flat: Vec<f32> = borders
                    .iter()
                    .map(|border| f32::from(u8::from(border.flat.is_some())))
                    .collect();
                let paint = column(&is_flat, x) * inside.logical_not().to_kind(Kind::Float);
                &repeated + (column(&flat, x) - &repeated) * paint
            },
        );
    }

    /// Light, contrast, saturation and tint.
    fn colours(&mut self) {
        let changes = |draw: &Draw| {
            let Draw { gain, contrast, saturation, tint, .. } = *draw;
            let all = (gain, contrast, saturation, tint);
            (all != (1.0, 1.0, 1.0, [1.0; 3])).then_some(all)
        };
        self.on(changes, |x, drawn| {
            let gains: Vec<f32> = drawn.iter().map(|d| d.0).collect();
            let x = (x * column(&gains, x)).clamp_max(255.0);
            let contrasts: Vec<f32> = drawn.iter().map(|d| d.1).collect();
            let mean = x.mean_dim([1i64, 2, 3].as_slice(), true, Kind::Float);
            let x = (&mean + (&x - &mean) * column(&contrasts, &x)).clamp(0.0, 255.0);
            // The weights of grey, the part of each colour itself, and the tint, as one matrix.
            let matrices: Vec<f32> = drawn
                .iter()
                .flat_map(|(_, _, saturation, tint)| {
                    const GREY: [f32; 3] = [0.299, 0.587, 0.114];
                    let entry = move |to: usize, from: usize| {
                        let own = if to == from { *saturation } else { 0.0 };
                        tint[to] * (own + (1.0 - saturation) * GREY[from])
                    };
                    (0..9).map(move |i| entry(i / 3, i % 3))
                })
                .collect();
            let matrices = to_device(Tensor::from_slice(&matrices).view([-1, 3, 3]), &x);
            matrices.bmm(&x.flatten(2, 3)).view_as(&x).clamp_max(255.0)
        });
    }

    fn caps(&mut self) {
        self.on(
            |draw| draw.cap,
            |x, caps| {
                let shaded = 1.0 - beyond(caps.iter().map(|cap| &cap.shade), x);
                let darks: Vec<f32> = caps.iter().map(|cap| 1.0 - cap.dark).collect();
                let x = x * (1.0 - shaded * column(&darks, x));
                let seen: Vec<f32> =
                    caps.iter().map(|cap| f32::from(u8::from(cap.colour.is_some()))).collect();
                let covered =
                    (1.0 - beyond(caps.iter().map(|cap| &cap.brim), &x)) * column(&seen, &x);
                let colours = columns(caps.iter().map(|cap| cap.colour.unwrap_or_default()), &x);
                &x + covered * (colours - &x)
            },
        );
    }

    fn shadows(&mut self) {
        self.on(
            |draw| draw.shadow,
            |x, shadows| {
                // Without an end it ends out of sight.
                let far = |from: &Edge| {
                    let (sin, cos) = from.angle.sin_cos();
                    Edge { at: [from.at[0] + 9.0 * cos, from.at[1] + 9.0 * sin], ..*from }
                };
                let ends: Vec<Edge> =
                    shadows.iter().map(|s| s.to.unwrap_or(far(&s.from))).collect();
                let shade =
                    beyond(shadows.iter().map(|s| &s.from), x) * (1.0 - beyond(ends.iter(), x));
                let darks: Vec<f32> = shadows.iter().map(|shadow| 1.0 - shadow.dark).collect();
                x * (1.0 - shade * column(&darks, x))
            },
        );
    }

    fn lights(&mut self) {
        self.on(
            |draw| draw.lights,
            |x, lights| {
                let one = columns(lights.iter().map(|light| light.one), x);
                let other = columns(lights.iter().map(|light| light.other), x);
                let share = beyond(lights.iter().map(|light| &light.edge), x);
                x * (&one + share * (other - &one))
            },
        );
    }

    fn erase(&mut self) {
        self.on(
            |draw| draw.erase,
            |x, drawn| {
                let size = x.size();
                let axis = |size: i64, low: usize, high: usize, shape: [i64; 4]| {
                    let middles = middles(size, x).view(shape);
                    let bound = |i: usize| columns(drawn.iter().map(|erase| [erase.rect[i]]), x);
                    middles.ge_tensor(&bound(low)).logical_and(&middles.lt_tensor(&bound(high)))
                };
                let inside = axis(size[3], 0, 2, [1, 1, 1, -1]).logical_and(&axis(
                    size[2],
                    1,
                    3,
                    [1, 1, -1, 1],
                ));
                columns(drawn.iter().map(|erase| erase.colour), x).where_self(&inside, x)
            },
        );
    }
}

/// The mean along a straight way: a hand or a head that moves.
fn motion(x: &Tensor, drawn: &[(f32, f32)]) -> Tensor {
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

/// Fewer pixels, read back as a program would that enlarges a small face.
fn shrink(x: &Tensor, share: f32) -> Tensor {
    let size = x.size();
    let small = |side: i64| ((side as f32 * share) as i64).clamp(8.min(side), side);
    let (height, width) = (small(size[2]), small(size[3]));
    let fewer = x.adaptive_avg_pool2d([height, width]).round();
    fewer.upsample_bilinear2d([size[2], size[3]], false, None, None)
}

/// Colours that change in blocks only, as in video.
fn coarse_colours(x: &Tensor, block: u8) -> Tensor {
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
    use super::*;
    use crate::augment::Augment;
    use crate::augment::draw::{Border, Cap, Erase, Lights, Shadow};
    use crate::data::sampler::generator;

    fn flat(values: [f32; 3], side: i64) -> Tensor {
        Tensor::from_slice(&values).view([1, 3, 1, 1]).expand([1, 3, side, side], false).copy()
    }

    fn apply_one(image: &Tensor, draw: Draw) -> Tensor {
        apply(image.copy(), &[draw])
    }

    fn at(image: &Tensor, channel: i64, y: i64, x: i64) -> f64 {
        image.double_value(&[0, channel, y, x])
    }

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-2, "{a} {b}");
    }

    #[test]
    fn colours_are_those_of_hand_computation() {
        let image = flat([100.0, 50.0, 200.0], 8);
        let brighter = apply_one(&image, Draw { gain: 1.5, ..Draw::NOTHING });
        close(at(&brighter, 0, 3, 3), 150.0);
        close(at(&brighter, 2, 3, 3), 255.0);
        let grey = apply_one(&image, Draw { saturation: 0.0, ..Draw::NOTHING });
        let wanted = 29.9 + 29.35 + 22.8;
        (0..3).for_each(|c| close(at(&grey, c, 0, 0), wanted));
        let half =
            apply_one(&image, Draw { saturation: 0.5, tint: [1.0, 2.0, 1.0], ..Draw::NOTHING });
        close(at(&half, 1, 0, 0), wanted + 50.0);
        let flatter = apply_one(&image, Draw { contrast: 0.5, ..Draw::NOTHING });
        close(at(&flatter, 0, 0, 0), (350.0 / 3.0 + 100.0) / 2.0);
        let darker = apply_one(&image, Draw { gamma: Some(2.0), ..Draw::NOTHING });
        close(at(&darker, 0, 0, 0), 100.0 * 100.0 / 255.0);
    }

    #[test]
    fn each_face_has_its_own_draw() {
        let images = Tensor::full([3, 3, 8, 8], 100.0, tch::kind::FLOAT_CPU);
        let gain = |gain| Draw { gain, ..Draw::NOTHING };
        let changed = apply(images, &[gain(0.5), Draw::NOTHING, gain(2.0)]);
        let value = |i: i64| changed.double_value(&[i, 1, 4, 4]);
        assert_eq!([value(0), value(1), value(2)], [50.0, 100.0, 200.0]);
    }

    #[test]
    fn places_are_covered_where_they_should_be() {
        let image = flat([10.0; 3], 32);
        let rect = [0.25, 0.5, 0.5, 1.0];
        let erase = Erase { rect, colour: [1.0, 2.0, 3.0] };
        let changed = apply_one(&image, Draw { erase: Some(erase), ..Draw::NOTHING });
        close(at(&changed, 2, 16, 8), 3.0);
        close(at(&changed, 2, 15, 8), 10.0);
        close(at(&changed, 2, 31, 16), 10.0);
        close(
            (&changed - &image).abs().gt(0.0).sum(Kind::Int64).double_value(&[]),
            3.0 * 8.0 * 16.0,
        );

        // Rows hold their own number; a quarter at the top and left is outside.
        let rows = Tensor::arange(32, tch::kind::FLOAT_CPU)
            .view([1, 1, 32, 1])
            .expand([1, 3, 32, 32], false);
        let border = |flat| Border { inside: [0.25, 0.25, 1.0, 1.0], flat };
        let changed = apply_one(&rows.copy(), Draw { border: Some(border(None)), ..Draw::NOTHING });
        close(at(&changed, 0, 2, 20), 8.0);
        close(at(&changed, 0, 20, 2), 20.0);
        let changed =
            apply_one(&rows.copy(), Draw { border: Some(border(Some(99.0))), ..Draw::NOTHING });
        close(at(&changed, 0, 20, 2), 99.0);
        close(at(&changed, 0, 20, 8), 20.0);
    }

    #[test]
    fn caps_shadows_and_lights_lie_where_they_are_drawn() {
        let image = flat([200.0; 3], 32);
        let edge = |angle: f32, at: f32| Edge { angle, at: [at, at], softness: 0.001 };
        let down = std::f32::consts::FRAC_PI_2;
        let cap = Cap {
            brim: edge(down, 0.25),
            shade: edge(down, 0.5),
            dark: 0.5,
            colour: Some([7.0; 3]),
        };
        let changed = apply_one(&image, Draw { cap: Some(cap), ..Draw::NOTHING });
        close(at(&changed, 0, 2, 9), 7.0);
        close(at(&changed, 0, 12, 9), 100.0);
        close(at(&changed, 0, 30, 9), 200.0);
        let shadow = Shadow { from: edge(0.0, 0.25), to: Some(edge(0.0, 0.75)), dark: 0.25 };
        let changed = apply_one(&image, Draw { shadow: Some(shadow), ..Draw::NOTHING });
        close(at(&changed, 0, 9, 2), 200.0);
        close(at(&changed, 0, 9, 16), 50.0);
        close(at(&changed, 0, 9, 30), 200.0);
        let lights = Lights { edge: edge(0.0, 0.5), one: [0.5; 3], other: [1.0, 0.1, 1.0] };
        let changed = apply_one(&image, Draw { lights: Some(lights), ..Draw::NOTHING });
        close(at(&changed, 1, 9, 2), 100.0);
        close(at(&changed, 1, 9, 30), 20.0);
    }

    /// A grey crop with a bright column.
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

    #[test]
    fn draws_are_the_same_for_the_same_seed_and_stay_within_bytes() {
        let draws = |seed| -> Vec<Draw> {
            let mut rng = generator(seed, 0, 1);
            (0..64).map(|_| Draw::new(&Augment::DETECTOR, &mut rng)).collect()
        };
        assert_eq!(draws(5), draws(5));
        assert_ne!(draws(5), draws(6));
        let images = Tensor::rand([64, 3, 96, 96], tch::kind::FLOAT_CPU) * 255.0;
        let strong =
            Augment { light: 0.9, degrade: 0.9, cover: 0.9, outdoor: 0.9, ..Augment::DETECTOR };
        let mut rng = generator(1, 0, 1);
        let drawn: Vec<Draw> = (0..64).map(|_| Draw::new(&strong, &mut rng)).collect();
        let changed = apply(images.copy(), &drawn);
        assert_eq!(changed.size(), images.size());
        let (low, high) = (changed.min().double_value(&[]), changed.max().double_value(&[]));
        assert!(low >= 0.0 && high <= 255.0, "{low} {high}");
        assert_eq!(Draw::new(&Augment::NONE, &mut rng), Draw::NOTHING);
    }
}
