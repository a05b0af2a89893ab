//! Rotation and mirroring, applied to coordinates rather than to pixels.

use crate::error::{Error, Result};
use crate::geometry::Affine;

/// How a stored picture is made upright: it is rotated clockwise first, and then mirrored if it comes from a selfie
/// camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Orientation {
    quarter_turns: u8,
    mirrored: bool,
}

impl Orientation {
    /// The picture is stored upright.
    pub const UPRIGHT: Self = Self { quarter_turns: 0, mirrored: false };
    /// The picture must be rotated by 90 degrees clockwise.
    pub const ROTATE_90: Self = Self { quarter_turns: 1, mirrored: false };
    /// The picture is stored upside down.
    pub const ROTATE_180: Self = Self { quarter_turns: 2, mirrored: false };
    /// The picture must be rotated by 270 degrees clockwise.
    pub const ROTATE_270: Self = Self { quarter_turns: 3, mirrored: false };

    /// Makes an orientation from the clockwise rotation that makes the picture upright: 0, 90, 180 or 270 degrees.
    pub fn from_degrees(degrees: u32, mirrored: bool) -> Result<Self> {
        match degrees {
            0 | 90 | 180 | 270 => Ok(Self { quarter_turns: (degrees / 90) as u8, mirrored }),
            _ => Err(Error::invalid(format!(
                "rotation is {degrees}, but it must be 0, 90, 180 or 270"
            ))),
        }
    }

    /// Makes an orientation from an Exif orientation of 1 to 8.
    pub fn from_exif(orientation: u32) -> Result<Self> {
        let (quarter_turns, mirrored) = match orientation {
            1 => (0, false),
            2 => (0, true),
            3 => (2, false),
            4 => (2, true),
            5 => (1, true),
            6 => (1, false),
            7 => (3, true),
            8 => (3, false),
            _ => {
                return Err(Error::invalid(format!(
                    "Exif orientation is {orientation}, but it must be 1 to 8"
                )));
            }
        };
        Ok(Self { quarter_turns, mirrored })
    }

    /// Swaps left and right after the rotation.
    #[must_use]
    pub const fn mirrored(mut self) -> Self {
        self.mirrored = !self.mirrored;
        self
    }

    /// Returns the orientation of a picture that is stored with its lowest row first. `self` is the orientation that it
    /// needs after its rows have been reversed.
    ///
    /// Reversing the rows is the same as a rotation by 180 degrees and then a mirroring. If a rotation by `a` degrees
    /// follows a mirroring, the result is a rotation by `-a` degrees and then the mirroring. So the whole is a rotation by
    /// `180 - a` degrees and then a mirroring: for 90 degrees it is 90 degrees and a mirroring.
    pub(crate) const fn of_bottom_up(self) -> Self {
        Self { quarter_turns: (6 - self.quarter_turns) % 4, mirrored: !self.mirrored }
    }

    /// Returns the orientation that applies `self` first and then `next`. A picture needs it if its file states one
    /// orientation, and its camera another.
    #[must_use]
    pub const fn then(self, next: Self) -> Self {
        let quarter_turns = if self.mirrored {
            self.quarter_turns + 4 - next.quarter_turns
        } else {
            self.quarter_turns + next.quarter_turns
        };
        Self { quarter_turns: quarter_turns % 4, mirrored: self.mirrored != next.mirrored }
    }

    /// Returns the clockwise rotation that makes the picture upright, in degrees.
    pub const fn degrees(self) -> u32 {
        self.quarter_turns as u32 * 90
    }

    /// Returns whether left and right are swapped after the rotation.
    pub const fn is_mirrored(self) -> bool {
        self.mirrored
    }

    /// Returns whether the rotation swaps width and height.
    pub const fn swaps_axes(self) -> bool {
        self.quarter_turns % 2 == 1
    }

    /// The map from upright to stored pixels, for a picture stored as `width` x `height`.
    pub(crate) fn to_stored(self, width: usize, height: usize) -> Affine {
        let (w, h) = (width as f32, height as f32);
        let turn = match self.quarter_turns {
            0 => Affine::IDENTITY,
            1 => Affine { xx: 0.0, xy: 1.0, x0: 0.0, yx: -1.0, yy: 0.0, y0: h },
            2 => Affine { xx: -1.0, xy: 0.0, x0: w, yx: 0.0, yy: -1.0, y0: h },
            _ => Affine { xx: 0.0, xy: -1.0, x0: w, yx: 1.0, yy: 0.0, y0: 0.0 },
        };
        if !self.mirrored {
            return turn;
        }
        let upright_width = if self.swaps_axes() { h } else { w };
        turn.after(&Affine { xx: -1.0, x0: upright_width, ..Affine::IDENTITY })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Point;

    #[test]
    fn a_clockwise_quarter_turn_brings_the_bottom_left_corner_to_the_top_left() {
        let map = Orientation::ROTATE_90.to_stored(40, 30);
        assert_eq!(map.apply(Point::new(0.0, 0.0)), Point::new(0.0, 30.0));
        assert_eq!(map.apply(Point::new(30.0, 0.0)), Point::new(0.0, 0.0));
        let map = Orientation::ROTATE_270.to_stored(40, 30);
        assert_eq!(map.apply(Point::new(0.0, 0.0)), Point::new(40.0, 0.0));
    }

    #[test]
    fn one_orientation_after_another_is_one() {
        for first in 1..=8 {
            for second in 1..=8 {
                let (first, second) = (
                    Orientation::from_exif(first).expect("valid"),
                    Orientation::from_exif(second).expect("valid"),
                );
                let between = if first.swaps_axes() { (30, 40) } else { (40, 30) };
                // From upright back to stored, so the second comes first.
                let steps = first.to_stored(40, 30).after(&second.to_stored(between.0, between.1));
                let both = first.then(second).to_stored(40, 30);
                for point in [Point::new(3.0, 7.0), Point::new(0.0, 11.0)] {
                    assert_eq!(both.apply(point), steps.apply(point), "{first:?} {second:?}");
                }
                let rows = Orientation::from_exif(4).expect("valid");
                assert_eq!(first.of_bottom_up(), rows.then(first), "{first:?}");
            }
        }
    }

    #[test]
    fn exif_five_is_the_transpose() {
        let map = Orientation::from_exif(5).expect("valid").to_stored(40, 30);
        assert_eq!(map.apply(Point::new(3.0, 7.0)), Point::new(7.0, 3.0));
        let map = Orientation::from_exif(7).expect("valid").to_stored(40, 30);
        assert_eq!(map.apply(Point::new(0.0, 0.0)), Point::new(40.0, 30.0));
    }
}
