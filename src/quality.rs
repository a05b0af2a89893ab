//! Reasons to trust a face less.

use crate::geometry::Rect;

/// Side, as the root of the box's area, below which a face has too few pixels to be read well.
const SMALL: f32 = 40.0;

/// Share of the box that may lie outside the picture unremarked: detectors often reach a little beyond.
const OUTSIDE: f32 = 0.15;

/// Reasons to trust a face less; empty when nothing speaks against it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Quality {
    bits: u32,
}

impl Quality {
    /// Few pixels: the root of the box's area is below 40.
    pub const SMALL: Self = Self { bits: 1 << 0 };
    /// More than 15 % of the box lies outside the picture.
    pub const CUT_OFF: Self = Self { bits: 1 << 5 };

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

    /// Judges a box in an upright picture of `width` x `height` pixels.
    pub(crate) fn of_box(rect: &Rect, width: usize, height: usize) -> Self {
        let mut bits = 0;
        if rect.area().sqrt() < SMALL {
            bits |= Self::SMALL.bits;
        }
        let overlap = |start: f32, length: f32, size: usize| {
            ((start + length).min(size as f32) - start.max(0.0)).max(0.0)
        };
        let inside = overlap(rect.x, rect.width, width) * overlap(rect.y, rect.height, height);
        if inside < (1.0 - OUTSIDE) * rect.area() {
            bits |= Self::CUT_OFF.bits;
        }
        Self { bits }
    }
}
