//! Imitates, for training, what happens to a face between the world and the library.

pub mod batch;
#[cfg(test)]
mod by_hand;
mod columns;
mod cover;
pub mod crop;
mod detail;
pub mod draw;
pub mod fault;
mod jpeg;
mod light;

use anyhow::{Result, bail, ensure};
use face_predict::Affine;
use rand::Rng;
use rand_pcg::Pcg64Mcg;
use serde::{Deserialize, Serialize};

/// How strongly pictures are changed. Lengths are in units of the crop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Augment {
    /// The chance of a mirror image.
    pub flip: f64,
    /// The standard deviation of the rotation, in degrees.
    pub turn: f64,
    /// The standard deviation of the logarithm of the scale. With `uniform`, it is how far the scale of each axis goes
    /// from 1.
    pub zoom: f64,
    /// The standard deviation of the shift on each axis.
    pub shift: f64,
    /// The standard deviation of the shear, in degrees.
    pub shear: f64,
    /// Draws uniform numbers instead of normal ones, up to the numbers above, as Keras does.
    pub uniform: bool,
    /// The chance that a face is placed by its box instead of its landmarks.
    pub by_box: f64,
    /// The chance that a picture is taken as one face.
    pub by_picture: f64,
    /// The chance of each change of light and colour.
    pub light: f64,
    /// The chance of each loss of detail: small, blurred, JPEG, noise.
    pub degrade: f64,
    /// The chance of a covered rectangle, and of a repeated border.
    pub cover: f64,
    /// The chance of each effect of outdoor pictures and video: shadows, caps, two lights, motion, coarse colours, and
    /// faces down to 16 pixels.
    #[serde(default)]
    pub outdoor: f64,
}

impl Augment {
    /// There are no changes.
    pub const NONE: Self = Self {
        flip: 0.0,
        turn: 0.0,
        zoom: 0.0,
        shift: 0.0,
        shear: 0.0,
        uniform: false,
        by_box: 0.0,
        by_picture: 0.0,
        light: 0.0,
        degrade: 0.0,
        cover: 0.0,
        outdoor: 0.0,
    };

    /// Our own changes: the errors of a detector, and the effects of cameras.
    pub const DETECTOR: Self = Self {
        flip: 0.5,
        turn: 6.0,
        zoom: 0.08,
        shift: 0.04,
        by_box: 0.2,
        by_picture: 0.12,
        light: 0.3,
        degrade: 0.1,
        cover: 0.12,
        outdoor: 0.08,
        ..Self::NONE
    };

    /// The published study's changes for gender: rotation to 40 degrees, a shear of 0.2 (degrees, in Keras), a zoom of
    /// 0.2, and a flip.
    pub const PAPER: Self =
        Self { flip: 0.5, turn: 40.0, zoom: 0.2, shear: 0.2, uniform: true, ..Self::NONE };

    /// Returns the changes called `name`.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "none" => Ok(Self::NONE),
            "detector" => Ok(Self::DETECTOR),
            "paper" => Ok(Self::PAPER),
            _ => bail!("augment is {name:?}, but it must be none, detector or paper"),
        }
    }

    /// Refuses impossible numbers.
    pub fn check(&self) -> Result<()> {
        let chances = [
            ("flip", self.flip),
            ("by_box", self.by_box),
            ("by_picture", self.by_picture),
            ("light", self.light),
            ("degrade", self.degrade),
            ("cover", self.cover),
            ("outdoor", self.outdoor),
        ];
        for (name, chance) in chances {
            ensure!(
                (0.0..=1.0).contains(&chance),
                "augment.{name} is {chance}, but it must be 0 to 1"
            );
        }
        // One draw decides between both.
        let elsewhere = self.by_box + self.by_picture;
        ensure!(
            elsewhere <= 1.0 + 1e-9,
            "augment.by_box and by_picture are {elsewhere} together, above 1"
        );
        let sizes = [
            ("turn", self.turn, 180.0),
            ("zoom", self.zoom, 1.0),
            ("shift", self.shift, 1.0),
            ("shear", self.shear, 45.0),
        ];
        for (name, size, most) in sizes {
            ensure!(
                (0.0..=most).contains(&size),
                "augment.{name} is {size}, but it must be 0 to {most}"
            );
        }
        Ok(())
    }

    /// Returns a random change of the crop's place, as a map within the crop's unit square.
    pub fn jitter(&self, rng: &mut Pcg64Mcg) -> Affine {
        let mut deviate = |size: f64| {
            size as f32
                * if self.uniform {
                    rng.random_range(-1.0..=1.0)
                } else {
                    normal(rng).clamp(-3.0, 3.0)
                }
        };
        let angle = deviate(self.turn).to_radians();
        let (zoom_x, zoom_y) = if self.uniform {
            // Keras draws a factor for each axis.
            (1.0 + deviate(self.zoom), 1.0 + deviate(self.zoom))
        } else {
            let both = deviate(self.zoom).exp();
            (both, both)
        };
        let (dx, dy) = (deviate(self.shift), deviate(self.shift));
        let (sin, cos) = deviate(self.shear).to_radians().sin_cos();
        let shear = Affine { xy: -sin, yy: cos, ..Affine::IDENTITY };
        let mirror = if rng.random_bool(self.flip) { -1.0 } else { 1.0 };
        let to_centre = Affine { x0: -0.5, y0: -0.5, ..Affine::IDENTITY };
        Affine::similarity(1.0, angle, 0.5 + dx, 0.5 + dy)
            .after(&shear)
            .after(&Affine::scale(zoom_x * mirror, zoom_y))
            .after(&to_centre)
    }
}

/// Returns a normal deviate.
fn normal(rng: &mut Pcg64Mcg) -> f32 {
    // This is the method of Box and Muller.
    let u: f32 = rng.random_range(f32::EPSILON..1.0);
    let v: f32 = rng.random();
    (-2.0 * u.ln()).sqrt() * (std::f32::consts::TAU * v).cos()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::sampler::generator;
    use face_predict::Point;

    #[test]
    fn the_studys_changes_are_keras_s() {
        let mut widest = (0f32, 0f32, 0f32);
        for seed in 0..4000 {
            let mut rng = generator(seed, 0, 0);
            let map = Augment::PAPER.jitter(&mut rng);
            // The singular values are the zooms, except for a shear of a fifth of a degree.
            let (x, y) = (map.xx.hypot(map.yx), map.xy.hypot(map.yy));
            assert!((0.79..=1.21).contains(&x) && (0.79..=1.21).contains(&y), "{x} {y}");
            let angle = map.yx.atan2(map.xx).to_degrees();
            let angle = if angle.abs() > 90.0 { 180.0 - angle.abs() } else { angle.abs() };
            assert!(angle < 40.1, "{angle}");
            let middle = map.apply(Point::new(0.5, 0.5));
            assert!((middle.x - 0.5).abs() < 1e-6 && (middle.y - 0.5).abs() < 1e-6);
            widest = (
                widest.0.max(angle),
                widest.1.max((x - 1.0).abs()),
                widest.2.max((x / y - 1.0).abs()),
            );
        }
        assert!(widest.0 > 39.0 && widest.1 > 0.19 && widest.2 > 0.3, "{widest:?}");
    }

    #[test]
    fn presets_are_found_by_name_and_checked() {
        assert_eq!(Augment::named("paper").expect("there is one"), Augment::PAPER);
        assert!(Augment::named("strong").is_err());
        assert!(Augment { flip: 1.5, ..Augment::NONE }.check().is_err());
        assert!(Augment { by_box: 0.7, by_picture: 0.6, ..Augment::NONE }.check().is_err());
        let identity = Augment::NONE.jitter(&mut generator(1, 0, 0));
        let corner = identity.apply(Point::new(1.0, 0.0));
        assert!((corner.x - 1.0).abs() < 1e-6 && corner.y.abs() < 1e-6);
    }
}
