//! Reasons to trust a face less.

use crate::face::pose::Pose;
use crate::geometry::Rect;

/// A face has too few pixels to be read well if the root of its box's area is below this.
const SMALL: f32 = 40.0;

/// The share of the box that may lie outside the picture without a mark: detectors often reach a little beyond.
const OUTSIDE: f32 = 0.15;

/// Degrees beyond which half of a face cannot be seen.
const TURNED: f32 = 40.0;

/// The reasons to trust a face less. It is empty if there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Quality {
    bits: u32,
}

impl Quality {
    /// The face has few pixels: the root of the box's area is below 40.
    pub const SMALL: Self = Self { bits: 1 << 0 };
    /// The face is out of focus, or moves.
    pub const BLURRED: Self = Self { bits: 1 << 1 };
    /// The face is under-exposed.
    pub const DARK: Self = Self { bits: 1 << 2 };
    /// The face is over-exposed.
    pub const BRIGHT: Self = Self { bits: 1 << 3 };
    /// The head is turned by more than 40 degrees to a side, up or down. The landmarks tell it, so a region without
    /// landmarks is never marked.
    pub const TURNED: Self = Self { bits: 1 << 4 };
    /// More than 15 % of the box lies outside the picture.
    pub const CUT_OFF: Self = Self { bits: 1 << 5 };
    /// The head lies on its side or stands upside down, and was read as if it were upright. The mark is set only for
    /// faces that were found in a still picture, have 40 pixels, and were estimated. A tracker and a fast search never
    /// set it. Do not use such an answer, and ask again with [`Options::try_turns`](crate::Options::try_turns).
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

    /// Returns whether there is no reason to trust the face less. It does not say that there is a face: a region is
    /// estimated whatever it shows.
    pub const fn is_good(self) -> bool {
        self.bits == 0
    }

    /// Returns whether all reasons of `other` are among these.
    pub const fn contains(self, other: Self) -> bool {
        self.bits & other.bits == other.bits
    }

    /// Returns the flags of the C interface, combined with OR.
    pub const fn bits(self) -> u32 {
        self.bits
    }

    /// Returns the names of the reasons.
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

    /// Judges by the pixels of a crop.
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

    /// Returns the reasons of both.
    fn bitor(self, other: Self) -> Self {
        Self { bits: self.bits | other.bits }
    }
}

// The limits below were measured on crops of 96 x 96 pixels of the validation parts, placed by landmarks. Few ordinary
// pictures lie beyond them.
/// A face counts as blurred below this sharpness. It marks 1.5 % of UTKFace and 5 % of FairFace.
const SHARP: f32 = 0.045;
/// A face counts as dark below this brightness (0 to 255). It marks 1 % of FairFace. A higher limit would mark dark
/// skin.
const DARK: f32 = 32.0;
/// A face counts as bright above this brightness. It marks less than 1 %.
const BRIGHT: f32 = 205.0;
/// A face counts as bright if more than this share of its pixels is overexposed. It marks less than 1 %.
const BURNT: f32 = 0.12;

/// Measurements of a crop's pixels that tell about their quality.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CropStats {
    /// The difference between the brightness of each pixel and the mean of its four neighbours, as a root mean square.
    /// It is divided by the standard deviation of brightness.
    pub sharpness: f32,
    /// The mean brightness, from 0 to 255.
    pub brightness: f32,
    /// The share of pixels that are brighter than 250.
    pub overexposed: f32,
}

impl CropStats {
    /// The side of the crop that the limits were measured on, in pixels.
    pub(crate) const SIDE: usize = 96;

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
        // The outer quarter on each side shows hair and background.
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
