//! Reasons to trust a face less.

use crate::face::pose::Pose;
use crate::geometry::Rect;

/// Side, as the root of the box's area, below which a face has too few pixels to be read well.
const SMALL: f32 = 40.0;

/// Share of the box that may lie outside the picture unremarked: detectors often reach a little beyond.
const OUTSIDE: f32 = 0.15;

/// Degrees beyond which half of a face cannot be seen.
const TURNED: f32 = 40.0;

/// Reasons to trust a face less; empty when nothing speaks against it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Quality {
    bits: u32,
}

impl Quality {
    /// Few pixels: the root of the box's area is below 40.
    pub const SMALL: Self = Self { bits: 1 << 0 };
    /// Out of focus or moving.
    pub const BLURRED: Self = Self { bits: 1 << 1 };
    /// Under-exposed.
    pub const DARK: Self = Self { bits: 1 << 2 };
    /// Over-exposed.
    pub const BRIGHT: Self = Self { bits: 1 << 3 };
    /// Turned by more than 40 degrees to a side, up or down.
    pub const TURNED: Self = Self { bits: 1 << 4 };
    /// More than 15 % of the box lies outside the picture.
    pub const CUT_OFF: Self = Self { bits: 1 << 5 };
    /// On its side or upside down, and read as if it were upright: wrongly. Set in still pictures, where an answer was
    /// asked for and the face has 40 pixels; never by a tracker or a fast search. [`Options::try_turns`](crate::Options::try_turns) answers it rightly.
    pub const NOT_UPRIGHT: Self = Self { bits: 1 << 6 };

    /// All reasons with their names.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::SMALL, "small"),
        (Self::BLURRED, "blurred"),
        (Self::DARK, "dark"),
        (Self::BRIGHT, "bright"),
        (Self::TURNED, "turned"),
        (Self::CUT_OFF, "cut_off"),
        (Self::NOT_UPRIGHT, "not_upright"),
    ];

    /// Whether nothing speaks against the face.
    pub const fn is_good(self) -> bool {
        self.bits == 0
    }

    /// Whether all of `other`'s reasons are among these.
    pub const fn contains(self, other: Self) -> bool {
        self.bits & other.bits == other.bits
    }

    /// The numbers of the C interface, or-ed.
    pub const fn bits(self) -> u32 {
        self.bits
    }

    /// Names of the reasons.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().filter(move |(one, _)| self.contains(*one)).map(|(_, name)| name)
    }

    fn mark(&mut self, reason: Self, holds: bool) {
        if holds {
            self.bits |= reason.bits;
        }
    }

    /// Judges a box in an upright picture of `width` x `height` pixels, and the head in it where its pose is known.
    pub(crate) fn of_place(rect: &Rect, pose: Option<Pose>, width: usize, height: usize) -> Self {
        let mut quality = Self::default();
        quality.mark(Self::SMALL, rect.area().sqrt() < SMALL);
        let overlap = |start: f32, length: f32, size: usize| {
            ((start + length).min(size as f32) - start.max(0.0)).max(0.0)
        };
        let inside = overlap(rect.x, rect.width, width) * overlap(rect.y, rect.height, height);
        quality.mark(Self::CUT_OFF, inside < (1.0 - OUTSIDE) * rect.area());
        let turned = |pose: Pose| pose.yaw.abs().max(pose.pitch.abs()) > TURNED;
        quality.mark(Self::TURNED, pose.is_some_and(turned));
        quality
    }

    /// What the pixels of a crop tell.
    pub fn of_crop(stats: &CropStats) -> Self {
        let mut quality = Self::default();
        quality.mark(Self::BLURRED, stats.sharpness < SHARP);
        quality.mark(Self::DARK, stats.brightness < DARK);
        quality.mark(Self::BRIGHT, stats.brightness > BRIGHT || stats.overexposed > BURNT);
        quality
    }
}

impl std::ops::BitOr for Quality {
    type Output = Self;

    /// The reasons of both.
    fn bitor(self, other: Self) -> Self {
        Self { bits: self.bits | other.bits }
    }
}

// Measured on crops of 96 x 96 of the validation parts, by landmarks; few ordinary pictures lie beyond.
/// Sharpness below which a face counts as blurred: 1.5 % of UTKFace, 5 % of FairFace.
const SHARP: f32 = 0.045;
/// Brightness, 0 to 255, below which a face counts as dark: 1 % of FairFace. A higher one would mark dark skin.
const DARK: f32 = 32.0;
/// Brightness above which it counts as bright: under 1 %.
const BRIGHT: f32 = 205.0;
/// Share of pixels without detail in the lights above which it counts as bright: under 1 %.
const BURNT: f32 = 0.12;

/// What the pixels of a crop tell of their quality.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CropStats {
    /// Root of the mean squared difference between each pixel's brightness and the mean of its four neighbours', as a
    /// share of the standard deviation of brightness.
    pub sharpness: f32,
    /// Mean brightness, 0 to 255.
    pub brightness: f32,
    /// Share of pixels brighter than 250.
    pub overexposed: f32,
}

impl CropStats {
    /// Measures the middle of planes of red, green and blue from 0 to 255.
    pub fn of(planes: &[f32], width: usize, height: usize) -> Self {
        let size = width * height;
        if planes.len() < 3 * size || width < 8 || height < 8 {
            return Self::default();
        }
        let luma = |x: usize, y: usize| {
            let i = y * width + x;
            0.299 * planes[i] + 0.587 * planes[i + size] + 0.114 * planes[i + 2 * size]
        };
        // The outer quarter is hair and background.
        let (left, right) = (width / 4, width - width / 4);
        let (top, bottom) = (height / 4, height - height / 4);
        let (mut sum, mut squares, mut detail, mut overexposed) = (0.0f32, 0.0f32, 0.0f32, 0usize);
        for y in top..bottom {
            for x in left..right {
                let value = luma(x, y);
                sum += value;
                squares += value * value;
                overexposed += usize::from(value > 250.0);
                let around = luma(x - 1, y) + luma(x + 1, y) + luma(x, y - 1) + luma(x, y + 1);
                detail += (value - 0.25 * around).powi(2);
            }
        }
        let count = ((right - left) * (bottom - top)) as f32;
        let brightness = sum / count;
        let spread = (squares / count - brightness * brightness).max(1.0).sqrt();
        Self {
            sharpness: (detail / count).sqrt() / spread,
            brightness,
            overexposed: overexposed as f32 / count,
        }
    }
}
