//! The changes of one face, as numbers that are drawn at random. They are drawn on the processor, so that every device
//! makes the same changes. Only noise is drawn on the device.

use rand::Rng;
use rand_pcg::Pcg64Mcg;

use super::Augment;

/// All changes of a face's pixels, in this order. Lengths are in units of the crop.
#[derive(Clone, Debug, PartialEq)]
pub struct Draw {
    /// The picture ends here, and its edge repeats.
    pub border: Option<Border>,
    /// The factor of the light.
    pub gain: f32,
    /// The factor of the difference from the mean.
    pub contrast: f32,
    /// The factor of the difference from grey.
    pub saturation: f32,
    /// The factors of red, green and blue.
    pub tint: [f32; 3],
    /// A cap, and the shade of its peak.
    pub cap: Option<Cap>,
    /// A shade with an edge.
    pub shadow: Option<Shadow>,
    /// Two lights from two sides.
    pub lights: Option<Lights>,
    /// The exponent of the brightness.
    pub gamma: Option<f32>,
    /// The length of a motion in pixels of a crop of 96, and its angle.
    pub motion: Option<(f32, f32)>,
    /// The pixels that remain, as a share of the crop's own.
    pub small: Option<f32>,
    /// The radius of a running mean, in pixels.
    pub blur: Option<u8>,
    /// The standard deviation of noise, on a scale to 255.
    pub noise: Option<f32>,
    /// The side of the blocks in which colours change, in pixels.
    pub coarse: Option<u8>,
    /// The qualities of JPEGs, one after the other.
    pub jpeg: [Option<u8>; 2],
    /// A rectangle of one colour.
    pub erase: Option<Erase>,
}

/// The place where a picture ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Border {
    /// The left, top, right and bottom.
    pub inside: [f32; 4],
    /// The one colour outside, as in programs that pad pictures to a square. Without it, the edge repeats.
    pub flat: Option<f32>,
}

/// A straight edge. The full effect holds beyond it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Edge {
    /// The direction across it.
    pub angle: f32,
    /// A place on it.
    pub at: [f32; 2],
    /// Its width.
    pub softness: f32,
}

/// A cap: one colour above the forehead, and the shade of its peak below.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cap {
    /// The place where the cloth ends.
    pub brim: Edge,
    /// The place where its shade ends.
    pub shade: Edge,
    /// The darkness of the shade.
    pub dark: f32,
    /// The colour of the cloth, if it is seen.
    pub colour: Option<[f32; 3]>,
}

/// A shade beyond an edge. With a second edge it is a bar, like the shade of a branch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shadow {
    /// The place where it begins.
    pub from: Edge,
    /// The place where it ends.
    pub to: Option<Edge>,
    /// The darkness of the shade.
    pub dark: f32,
}

/// Two lights of different colour and strength.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lights {
    /// The edge between them.
    pub edge: Edge,
    /// The red, green and blue on one side.
    pub one: [f32; 3],
    /// The colours on the other side.
    pub other: [f32; 3],
}

/// A covered rectangle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Erase {
    /// The left, top, right and bottom.
    pub rect: [f32; 4],
    /// The colour, on a scale to 255.
    pub colour: [f32; 3],
}

impl Draw {
    /// There are no changes.
    pub const NOTHING: Self = Self {
        border: None,
        gain: 1.0,
        contrast: 1.0,
        saturation: 1.0,
        tint: [1.0; 3],
        cap: None,
        shadow: None,
        lights: None,
        gamma: None,
        motion: None,
        small: None,
        blur: None,
        noise: None,
        coarse: None,
        jpeg: [None; 2],
        erase: None,
    };

    /// Draws the changes of one face.
    pub fn new(augment: &Augment, rng: &mut Pcg64Mcg) -> Self {
        let mut draw = Self::NOTHING;
        let (light, degrade, outdoor) = (augment.light, augment.degrade, augment.outdoor);
        draw.border = rng.random_bool(augment.cover).then(|| border(rng));
        if rng.random_bool(light) {
            draw.gain = rng.random_range(0.55..1.45);
        }
        if rng.random_bool(light) {
            draw.contrast = rng.random_range(0.6..1.4);
        }
        if rng.random_bool(light) {
            draw.saturation = rng.random_range(0.3..1.5);
        }
        if rng.random_bool(light * 0.5) {
            draw.tint = [0; 3].map(|_| rng.random_range(0.85..1.15));
        }
        if rng.random_bool(light * 0.25) {
            draw.saturation = 0.0;
        }
        draw.cap = rng.random_bool(outdoor).then(|| cap(rng));
        draw.shadow = rng.random_bool(outdoor).then(|| shadow(rng));
        draw.lights = rng.random_bool(outdoor).then(|| lights(rng));
        draw.gamma = rng.random_bool(outdoor).then(|| rng.random_range(-0.8f32..0.8).exp());
        draw.motion = rng
            .random_bool(outdoor)
            .then(|| (rng.random_range(2.0..9.0), rng.random_range(0.0..std::f32::consts::PI)));
        if rng.random_bool(degrade) {
            draw.small = Some(rng.random_range(0.2..0.8));
        } else if rng.random_bool(outdoor) {
            // The face is four fifths of the crop: 16 to 50 pixels of 96, with small faces as often as large ones.
            draw.small = Some(rng.random_range(20f32.ln()..62f32.ln()).exp() / 96.0);
        }
        draw.blur = rng.random_bool(degrade).then(|| rng.random_range(1..=2));
        draw.noise = rng.random_bool(degrade).then(|| rng.random_range(2.0..14.0));
        if rng.random_bool(outdoor) {
            draw.coarse = Some(rng.random_range(4..=12));
            draw.jpeg[0] = Some(rng.random_range(12..=40));
        }
        draw.jpeg[1] = rng.random_bool(degrade).then(|| rng.random_range(20..=75));
        draw.erase = rng.random_bool(augment.cover).then(|| erase(rng));
        draw
    }
}

fn border(rng: &mut Pcg64Mcg) -> Border {
    let mut inset = || rng.random_range(0.0..=0.125);
    let inside = [inset(), inset(), 1.0 - inset(), 1.0 - inset()];
    Border { inside, flat: rng.random_bool(0.4).then(|| rng.random_range(0.0..=255.0)) }
}

/// Up to 15 % of the crop is covered (Zhong et al., "Random Erasing", 2020).
fn erase(rng: &mut Pcg64Mcg) -> Erase {
    let side = rng.random_range(0.02f32..0.15).sqrt();
    let shape: f32 = rng.random_range(0.4f32..2.5).sqrt();
    let (w, h) = ((side * shape).min(1.0), (side / shape).min(1.0));
    let (x, y) = (rng.random_range(0.0..=1.0 - w), rng.random_range(0.0..=1.0 - h));
    Erase { rect: [x, y, x + w, y + h], colour: [0; 3].map(|_| rng.random_range(0.0..255.0)) }
}

fn shadow(rng: &mut Pcg64Mcg) -> Shadow {
    let angle = rng.random_range(0.0..std::f32::consts::TAU);
    let at = [rng.random_range(0.25..0.75), rng.random_range(0.25..0.75)];
    let softness = rng.random_range(0.005..0.15);
    let to = rng.random_bool(0.3).then(|| {
        let far = rng.random_range(0.1..0.4);
        Edge { angle, at: [at[0] + far * angle.cos(), at[1] + far * angle.sin()], softness }
    });
    Shadow { from: Edge { angle, at, softness }, to, dark: rng.random_range(0.2..0.75) }
}

fn cap(rng: &mut Pcg64Mcg) -> Cap {
    let angle = std::f32::consts::FRAC_PI_2 + rng.random_range(-0.2..0.2);
    // The eyes lie at a third of the crop, and the brow at a quarter.
    let brim: f32 = rng.random_range(0.05..0.24);
    let cloth = Edge { angle, at: [0.5, brim], softness: rng.random_range(0.005..0.03) };
    let at = [0.5, brim + rng.random_range(0.05..0.35)];
    let shade = Edge { angle, at, softness: rng.random_range(0.005..0.125) };
    let dark = if rng.random_bool(0.7) { rng.random_range(0.25..0.8) } else { 1.0 };
    let colour = rng.random_bool(0.7).then(|| [0; 3].map(|_| rng.random_range(0.0..230.0)));
    Cap { brim: cloth, shade, dark, colour }
}

fn lights(rng: &mut Pcg64Mcg) -> Lights {
    let angle = rng.random_range(0.0..std::f32::consts::TAU);
    let edge = Edge { angle, at: [0.5; 2], softness: rng.random_range(0.4..1.2) };
    let mut light = || {
        let strength: f32 = rng.random_range(0.6..1.4);
        // The colours go from the yellow of a lamp to the blue of the sky.
        let warmth: f32 = rng.random_range(-0.25..0.25);
        [strength * (1.0 + warmth), strength, strength * (1.0 - warmth)]
    };
    Lights { edge, one: light(), other: light() }
}
