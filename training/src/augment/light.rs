//! Light and colour: gain, contrast, saturation and tint, caps, shadows, two lights, and the curve of brightness.

use tch::{Kind, Tensor};

use super::columns::{column, columns, flag, middles, to_device};
use super::draw::{Cap, Draw, Edge, Lights, Shadow};

/// The light, contrast, saturation and tint of one face.
pub type Colours = (f32, f32, f32, [f32; 3]);

/// Returns the colours that a face draws, or nothing if they stay.
pub fn drawn(draw: &Draw) -> Option<Colours> {
    let all = (draw.gain, draw.contrast, draw.saturation, draw.tint);
    (all != (1.0, 1.0, 1.0, [1.0; 3])).then_some(all)
}

/// Changes light, contrast, saturation and tint, in this order.
pub fn colours(mut x: Tensor, drawn: &[Colours]) -> Tensor {
    // It works in place, since each pass through memory takes as long as the computation.
    let _ = x.g_mul_(&column(drawn.iter().map(|d| d.0), &x)).clamp_max_(255.0);
    let contrasts = column(drawn.iter().map(|d| d.1), &x);
    let mean: Tensor = x.mean_dim([1i64, 2, 3].as_slice(), true, Kind::Float) * (1.0 - &contrasts);
    let mut x = mean.addcmul(&x, &contrasts).clamp_(0.0, 255.0);
    // The weights of grey, the share of each colour itself, and the tint make one matrix.
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
    x = matrices.bmm(&x.flatten(2, 3)).view_as(&x);
    x.clamp_max_(255.0)
}

/// Returns how far each place lies beyond each face's edge, as `[N, 1, H, W]`.
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

/// Draws caps: one colour above the brim, and a shade below it.
pub fn caps(x: Tensor, caps: &[Cap]) -> Tensor {
    let shaded = 1.0 - beyond(caps.iter().map(|cap| &cap.shade), &x);
    let darks = column(caps.iter().map(|cap| 1.0 - cap.dark), &x);
    let x = x * (1.0 - shaded * darks);
    let seen = column(caps.iter().map(|cap| flag(cap.colour.is_some())), &x);
    let covered = (1.0 - beyond(caps.iter().map(|cap| &cap.brim), &x)) * seen;
    let colours = columns(caps.iter().map(|cap| cap.colour.unwrap_or_default()), &x);
    &x + covered * (colours - &x)
}

/// Draws a shade beyond an edge, or between two.
pub fn shadows(x: Tensor, shadows: &[Shadow]) -> Tensor {
    // Without an end, it goes on beyond the crop.
    let far = |from: &Edge| {
        let (sin, cos) = from.angle.sin_cos();
        Edge { at: [from.at[0] + 9.0 * cos, from.at[1] + 9.0 * sin], ..*from }
    };
    let ends: Vec<Edge> = shadows.iter().map(|s| s.to.unwrap_or(far(&s.from))).collect();
    let shade = beyond(shadows.iter().map(|s| &s.from), &x) * (1.0 - beyond(ends.iter(), &x));
    let darks = column(shadows.iter().map(|shadow| 1.0 - shadow.dark), &x);
    x * (1.0 - shade * darks)
}

/// Draws two lights from two sides.
pub fn lights(x: Tensor, lights: &[Lights]) -> Tensor {
    let one = columns(lights.iter().map(|light| light.one), &x);
    let other = columns(lights.iter().map(|light| light.other), &x);
    let share = beyond(lights.iter().map(|light| &light.edge), &x);
    x * (&one + share * (other - &one))
}

/// Applies the curve of brightness.
pub fn gamma(x: Tensor, exponents: &[f32]) -> Tensor {
    let exponents = column(exponents.iter().copied(), &x);
    (x.clamp(0.0, 255.0) / 255.0).pow(&exponents) * 255.0
}

#[cfg(test)]
mod tests {

    use crate::augment::by_hand::{apply_one, at, close, flat};
    use crate::augment::draw::{Cap, Draw, Edge, Lights, Shadow};

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
}
