//! Points, boxes and the maps between a crop and its picture.

/// A position in a picture, in pixels. (0, 0) is the top left corner of the top left pixel, whose centre is (0.5, 0.5).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// The distance from the left edge, to the right.
    pub x: f32,
    /// The distance from the top edge, downwards.
    pub y: f32,
}

impl Point {
    /// Makes the point (`x`, `y`).
    pub const fn new(x: f32, y: f32) -> Self {
        Self { x, y }
    }

    pub(crate) fn is_finite(self) -> bool {
        self.x.is_finite() && self.y.is_finite()
    }
}

/// A rectangle in pixels, with sides along the axes. It may reach beyond the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rect {
    /// The left edge.
    pub x: f32,
    /// The top edge.
    pub y: f32,
    /// The width.
    pub width: f32,
    /// The height.
    pub height: f32,
}

impl Rect {
    /// Makes a rectangle with its top left corner at (`x`, `y`).
    pub const fn new(x: f32, y: f32, width: f32, height: f32) -> Self {
        Self { x, y, width, height }
    }

    /// Returns the centre.
    pub fn center(&self) -> Point {
        Point::new(self.x + self.width / 2.0, self.y + self.height / 2.0)
    }

    /// Returns the area: width times height.
    pub fn area(&self) -> f32 {
        self.width * self.height
    }

    /// Returns the intersection over union with `other`: the common area as a share of the area that both cover.
    pub fn overlap(&self, other: &Self) -> f32 {
        let along = |a: f32, length: f32, b: f32, other: f32| {
            ((a + length).min(b + other) - a.max(b)).max(0.0)
        };
        let common = along(self.x, self.width, other.x, other.width)
            * along(self.y, self.height, other.y, other.height);
        let all = self.area() + other.area() - common;
        if all > 0.0 { common / all } else { 0.0 }
    }

    pub(crate) fn is_finite(&self) -> bool {
        [self.x, self.y, self.width, self.height].iter().all(|v| v.is_finite())
    }
}

/// An affine map of the plane: `x' = xx x + xy y + x0`, `y' = yx x + yy y + y0`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    /// The part of x' that grows with x.
    pub xx: f32,
    /// The part of x' that grows with y.
    pub xy: f32,
    /// The x' of the origin.
    pub x0: f32,
    /// The part of y' that grows with x.
    pub yx: f32,
    /// The part of y' that grows with y.
    pub yy: f32,
    /// The y' of the origin.
    pub y0: f32,
}

impl Affine {
    /// The map that changes nothing.
    pub const IDENTITY: Self = Self { xx: 1.0, xy: 0.0, x0: 0.0, yx: 0.0, yy: 1.0, y0: 0.0 };

    /// Makes a map that rotates by `angle` radians, scales, and then moves. Positive angles are clockwise, since y
    /// points down.
    pub fn similarity(scale: f32, angle: f32, x0: f32, y0: f32) -> Self {
        let (sin, cos) = angle.sin_cos();
        Self { xx: scale * cos, xy: -scale * sin, x0, yx: scale * sin, yy: scale * cos, y0 }
    }

    /// Makes a map that scales each axis by its own factor.
    pub const fn scale(x: f32, y: f32) -> Self {
        Self { xx: x, xy: 0.0, x0: 0.0, yx: 0.0, yy: y, y0: 0.0 }
    }

    /// Maps the point `p`.
    pub fn apply(&self, p: Point) -> Point {
        Point::new(self.xx * p.x + self.xy * p.y + self.x0, self.yx * p.x + self.yy * p.y + self.y0)
    }

    /// Returns the map that applies `inner` first, and then this one.
    #[must_use]
    pub fn after(&self, inner: &Self) -> Self {
        Self {
            xx: self.xx * inner.xx + self.xy * inner.yx,
            xy: self.xx * inner.xy + self.xy * inner.yy,
            x0: self.xx * inner.x0 + self.xy * inner.y0 + self.x0,
            yx: self.yx * inner.xx + self.yy * inner.yx,
            yy: self.yx * inner.xy + self.yy * inner.yy,
            y0: self.yx * inner.x0 + self.yy * inner.y0 + self.y0,
        }
    }

    /// Returns the factor by which lengths grow: the square root of the factor for areas.
    pub fn magnification(&self) -> f32 {
        (self.xx * self.yy - self.xy * self.yx).abs().sqrt()
    }

    pub(crate) fn is_finite(&self) -> bool {
        [self.xx, self.xy, self.x0, self.yx, self.yy, self.y0].iter().all(|v| v.is_finite())
    }
}
