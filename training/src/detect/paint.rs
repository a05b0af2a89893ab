//! Drawing pictures into frames, quickly.
//!
//! The library's `Warp` reads any format and averages exactly. For a frame of 320 x 256 it takes as long as a step of
//! training. Here pixels are bytes of red, green and blue, and pictures are reduced by halves.

use std::borrow::Cow;

use face_predict::{Affine, Format, Image, Point};

use crate::augment::crop::inverse;

/// Pixels, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Bitmap {
    /// Pixels a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Red, green and blue.
    pub rgb: Vec<u8>,
}

impl Bitmap {
    /// All black.
    pub fn new(width: usize, height: usize) -> Self {
        Self { width, height, rgb: vec![0; 3 * width * height] }
    }

    /// Makes it of the library's picture.
    pub fn image(&self) -> face_predict::Result<Image<'_>> {
        Image::new(Format::Rgb, self.width, self.height, &self.rgb)
    }

    fn pixel(&self, x: usize, y: usize) -> [f32; 3] {
        let i = 3 * (y * self.width + x);
        [f32::from(self.rgb[i]), f32::from(self.rgb[i + 1]), f32::from(self.rgb[i + 2])]
    }

    /// The sampling is bilinear, and the edge repeats outside.
    pub fn sample(&self, p: Point) -> [f32; 3] {
        let x = (p.x - 0.5).clamp(0.0, (self.width - 1) as f32);
        let y = (p.y - 0.5).clamp(0.0, (self.height - 1) as f32);
        let (left, top) = (x as usize, y as usize);
        let (right, bottom) = ((left + 1).min(self.width - 1), (top + 1).min(self.height - 1));
        let (fx, fy) = (x - left as f32, y - top as f32);
        let (a, b) = (self.pixel(left, top), self.pixel(right, top));
        let (c, d) = (self.pixel(left, bottom), self.pixel(right, bottom));
        std::array::from_fn(|i| {
            let upper = a[i] + (b[i] - a[i]) * fx;
            let lower = c[i] + (d[i] - c[i]) * fx;
            upper + (lower - upper) * fy
        })
    }

    /// Returns half the size, with each pixel the mean of four.
    pub fn halved(&self) -> Self {
        let (width, height) = ((self.width / 2).max(1), (self.height / 2).max(1));
        let (dx, dy) = (usize::from(self.width > 1), usize::from(self.height > 1));
        let mut half = Self::new(width, height);
        let row = 3 * self.width;
        for y in 0..height {
            let upper = &self.rgb[2 * dy * y * row..][..row];
            let lower = &self.rgb[(2 * dy * y + dy) * row..][..row];
            let out = &mut half.rgb[3 * y * width..][..3 * width];
            for x in 0..width {
                for c in 0..3 {
                    let i = 6 * x * dx + c;
                    let j = i + 3 * dx;
                    let sum = [upper[i], upper[j], lower[i], lower[j]].map(u32::from);
                    out[3 * x + c] = ((sum.iter().sum::<u32>() + 2) / 4) as u8;
                }
            }
        }
        half
    }

    /// Returns a copy that is small enough for a map that shrinks it by `shrink`, and the number of halvings.
    fn level(&self, shrink: f32) -> (Cow<'_, Self>, i32) {
        let (mut bitmap, mut halvings) = (Cow::Borrowed(self), 0);
        while shrink / 2f32.powi(halvings) > 1.5 && bitmap.width > 2 && bitmap.height > 2 {
            bitmap = Cow::Owned(bitmap.halved());
            halvings += 1;
        }
        (bitmap, halvings)
    }
}

/// A frame under construction.
#[derive(Clone, Debug)]
pub struct Canvas {
    /// Pixels a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Red, green and blue, 0 to 255.
    pub pixels: Vec<[f32; 3]>,
}

impl Canvas {
    /// All of one colour.
    pub fn new(width: usize, height: usize, colour: [f32; 3]) -> Self {
        Self { width, height, pixels: vec![colour; width * height] }
    }

    /// Draws `bitmap` over everything. `map` goes from the frame to the bitmap.
    pub fn fill(&mut self, bitmap: &Bitmap, map: &Affine) {
        let (bitmap, halvings) = bitmap.level(map.magnification());
        let scale = 0.5f32.powi(halvings);
        let map = Affine::scale(scale, scale).after(map);
        for y in 0..self.height {
            let row = &mut self.pixels[y * self.width..][..self.width];
            for (x, pixel) in row.iter_mut().enumerate() {
                *pixel = bitmap.sample(map.apply(Point::new(x as f32 + 0.5, y as f32 + 0.5)));
            }
        }
    }

    /// Draws the part of `bitmap` that `mask` shows. `map` goes from the frame to the bitmap, and `colour` changes the
    /// colours.
    pub fn paste(
        &mut self,
        bitmap: &Bitmap,
        map: &Affine,
        mask: &Mask,
        colour: impl Fn([f32; 3]) -> [f32; 3],
    ) {
        let Some(back) = inverse(map) else { return };
        let (rx, ry) = mask.radii;
        let corners = [(-rx, -ry), (rx, -ry), (-rx, ry), (rx, ry)]
            .map(|(dx, dy)| back.apply(Point::new(mask.centre.x + dx, mask.centre.y + dy)));
        let range = |values: [f32; 4], size: usize| {
            let low = values.into_iter().fold(f32::INFINITY, f32::min).floor();
            let high = values.into_iter().fold(f32::NEG_INFINITY, f32::max).ceil();
            // The casts saturate.
            (low.max(0.0) as usize).min(size)..(high.max(0.0) as usize).min(size)
        };
        let columns = range(corners.map(|p| p.x), self.width);
        let (small, halvings) = bitmap.level(map.magnification());
        let scale = 0.5f32.powi(halvings);
        for y in range(corners.map(|p| p.y), self.height) {
            for x in columns.clone() {
                let p = map.apply(Point::new(x as f32 + 0.5, y as f32 + 0.5));
                let alpha = mask.alpha(p, bitmap);
                if alpha > 0.0 {
                    let new = colour(small.sample(Point::new(p.x * scale, p.y * scale)));
                    let pixel = &mut self.pixels[y * self.width + x];
                    *pixel = std::array::from_fn(|c| pixel[c] + (new[c] - pixel[c]) * alpha);
                }
            }
        }
    }

    /// Mirrors the frame.
    pub fn mirror(&mut self) {
        self.pixels.chunks_exact_mut(self.width).for_each(<[_]>::reverse);
    }

    /// Returns planes of red, green and blue.
    pub fn planes(&self) -> Vec<f32> {
        (0..3).flat_map(|c| self.pixels.iter().map(move |pixel| pixel[c])).collect()
    }
}

/// The part of a bitmap that is shown, in its pixels.
#[derive(Clone, Copy, Debug)]
pub struct Mask {
    /// The middle.
    pub centre: Point,
    /// Half of its width and height.
    pub radii: (f32, f32),
    /// The exponent: 2 is an ellipse, and 4 or 8 are closer to a rectangle.
    pub power: i32,
    /// The share of the radius over which it fades out.
    pub feather: f32,
}

impl Mask {
    /// Shows all of `bitmap`.
    pub fn whole(bitmap: &Bitmap, feather: f32) -> Self {
        let radii = (bitmap.width as f32 / 2.0, bitmap.height as f32 / 2.0);
        Self { centre: Point::new(radii.0, radii.1), radii, power: 64, feather }
    }

    fn alpha(&self, p: Point, bitmap: &Bitmap) -> f32 {
        let (width, height) = (bitmap.width as f32, bitmap.height as f32);
        // Where the bitmap ends, the mask ends, too, and fades as much.
        let edge = p.x.min(width - p.x).min(p.y).min(height - p.y);
        if edge <= 0.0 {
            return 0.0;
        }
        let (dx, dy) = (
            (p.x - self.centre.x).abs() / self.radii.0,
            (p.y - self.centre.y).abs() / self.radii.1,
        );
        let radius = match self.power {
            2 => (dx * dx + dy * dy).sqrt(),
            64.. => dx.max(dy),
            n => (dx.powi(n) + dy.powi(n)).powf(1.0 / n as f32),
        };
        if radius >= 1.0 {
            return 0.0;
        }
        if self.feather <= 0.0 {
            return 1.0;
        }
        let fade = self.feather * self.radii.0.min(self.radii.1);
        let t = ((1.0 - radius) / self.feather).min(edge / fade).min(1.0);
        t * t * (3.0 - 2.0 * t)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halving_averages_and_stops_at_one_pixel() {
        let bitmap = Bitmap { width: 2, height: 3, rgb: (0..18).collect() };
        let half = bitmap.halved();
        assert_eq!((half.width, half.height, half.rgb), (1, 1, vec![5, 6, 7]));
        let line = Bitmap { width: 1, height: 2, rgb: vec![0, 0, 0, 10, 20, 30] };
        assert_eq!(line.halved().rgb, [5, 10, 15]);
    }

    #[test]
    fn a_mask_shows_its_middle_alone() {
        let white = Bitmap { width: 40, height: 40, rgb: vec![255; 4800] };
        let mut canvas = Canvas::new(80, 80, [0.0; 3]);
        let map = Affine { x0: -20.0, y0: -20.0, ..Affine::IDENTITY };
        let centre = Point::new(20.0, 20.0);
        let mask = Mask { centre, radii: (10.0, 10.0), power: 2, feather: 0.5 };
        canvas.paste(&white, &map, &mask, |c| c);
        assert_eq!(canvas.pixels[40 * 80 + 40], [255.0; 3]);
        assert_eq!(canvas.pixels[40 * 80 + 55], [0.0; 3]);
        assert_eq!(inverse(&map).map(|m| m.apply(centre)), Some(Point::new(40.0, 40.0)));
    }
}
