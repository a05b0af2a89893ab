//! Cuts a small upright crop out of a picture, whatever its format, orientation and size.
//!
//! Two steps keep it free of aliasing at any scale: the part that the crop covers is first averaged over
//! whole blocks of pixels until less than a factor of two remains, then read bilinearly, with two by two
//! samples a pixel where it still shrinks. Outside the picture the edge pixel repeats.

use super::{Format, Image};
use crate::error::{Error, ErrorKind, Result};
use crate::geometry::{Affine, Point};

/// Working memory of [`Warp::cut`]; it grows to the largest crop seen and is then kept.
#[derive(Debug, Default)]
pub struct Warp {
    reduced: Vec<f32>,
}

impl Warp {
    /// Reads a crop of `width` x `height` pixels. `to_upright` maps a place in the crop, in its pixels, to
    /// the upright picture; `put` gets each pixel's index (row by row) and its red, green and blue from 0
    /// to 255, not rounded.
    pub fn cut(
        &mut self,
        image: &Image<'_>,
        to_upright: &Affine,
        width: usize,
        height: usize,
        put: impl FnMut(usize, [f32; 3]),
    ) -> Result<()> {
        let (stored_width, stored_height) = image.stored_size();
        let map = image.orientation().to_stored(stored_width, stored_height).after(to_upright);
        if !map.is_finite() {
            return Err(Error::invalid("the face's place in the picture is not a finite number"));
        }
        let block = map.magnification().floor().clamp(1.0, 4096.0) as usize;
        let source = Source { image, format: image.format() };
        if block == 1 {
            sample(&source, &map, width, height, put);
            return Ok(());
        }
        let part = covered(&map, width, height, stored_width, stored_height, block);
        let reduced = self.reduce(image, &part, block)?;
        let scale = 1.0 / block as f32;
        let to_reduced = Affine {
            x0: -(part.x as f32) * scale,
            y0: -(part.y as f32) * scale,
            ..Affine::scale(scale, scale)
        };
        sample(&reduced, &to_reduced.after(&map), width, height, put);
        Ok(())
    }

    /// Averages blocks of `block` x `block` pixels; the last ones of a row or column may be smaller.
    fn reduce(&mut self, image: &Image<'_>, part: &Part, block: usize) -> Result<Reduced<'_>> {
        let (columns, rows) = (part.width.div_ceil(block), part.height.div_ceil(block));
        let needed = columns * rows * 3;
        if self.reduced.len() < needed {
            self.reduced.try_reserve(needed - self.reduced.len()).map_err(|_| {
                Error::new(ErrorKind::OutOfMemory, format!("no memory for {needed} numbers"))
            })?;
            self.reduced.resize(needed, 0.0);
        }
        let source = Source { image, format: image.format() };
        let mut sums = self.reduced[..needed].chunks_exact_mut(columns * 3);
        for row in 0..rows {
            let Some(line) = sums.next() else { break };
            line.fill(0.0);
            let (top, bottom) = (row * block, ((row + 1) * block).min(part.height));
            for y in top..bottom {
                let pixels = image.row(part.y + y);
                for (column, sum) in line.chunks_exact_mut(3).enumerate() {
                    let (left, right) = (column * block, ((column + 1) * block).min(part.width));
                    for x in left..right {
                        let [r, g, b] = source.rgb(pixels, part.x + x);
                        sum[0] += r;
                        sum[1] += g;
                        sum[2] += b;
                    }
                }
            }
            for (column, sum) in line.chunks_exact_mut(3).enumerate() {
                let across = ((column + 1) * block).min(part.width) - column * block;
                let count = (across * (bottom - top)) as f32;
                sum.iter_mut().for_each(|v| *v /= count);
            }
        }
        Ok(Reduced { columns, rows, data: &self.reduced[..needed] })
    }
}

/// Rectangle of stored pixels.
struct Part {
    x: usize,
    y: usize,
    width: usize,
    height: usize,
}

/// The stored pixels that a crop can read, widened by a block on each side.
fn covered(map: &Affine, width: usize, height: usize, w: usize, h: usize, block: usize) -> Part {
    let (right, bottom) = (width as f32, height as f32);
    let corners = [(0.0, 0.0), (right, 0.0), (0.0, bottom), (right, bottom)]
        .map(|(x, y)| map.apply(Point::new(x, y)));
    let span = |values: [f32; 4], size: usize| {
        let low = values.into_iter().fold(f32::INFINITY, f32::min);
        let high = values.into_iter().fold(f32::NEG_INFINITY, f32::max);
        // A saturating cast; a crop wholly outside still reads the edge pixel.
        let start =
            ((low as isize).saturating_sub(2 * block as isize).max(0) as usize).min(size - 1);
        let end = ((high as isize).saturating_add(2 * block as isize).max(0) as usize).min(size);
        // Whole blocks, counted from the picture's edge, so that a moved crop averages the same pixels.
        let start = start / block * block;
        (start, end.max(start + 1) - start)
    };
    let (x, part_width) = span(corners.map(|p| p.x), w);
    let (y, part_height) = span(corners.map(|p| p.y), h);
    Part { x, y, width: part_width, height: part_height }
}

/// Something with colours at whole places, the edge repeating outside.
trait Colours {
    /// The four pixels around a place: columns `x` and `x + 1` of rows `y` and `y + 1`.
    fn quad(&self, x: isize, y: isize) -> [[f32; 3]; 4];
}

struct Source<'a, 'b> {
    image: &'b Image<'a>,
    format: Format,
}

impl Source<'_, '_> {
    fn rgb(&self, row: &[u8], x: usize) -> [f32; 3] {
        let pixel = |size: usize| &row[x * size..x * size + size];
        match self.format {
            Format::Gray => [f32::from(row[x]); 3],
            Format::Rgb => {
                let p = pixel(3);
                [f32::from(p[0]), f32::from(p[1]), f32::from(p[2])]
            }
            Format::Bgr => {
                let p = pixel(3);
                [f32::from(p[2]), f32::from(p[1]), f32::from(p[0])]
            }
            Format::Rgba => {
                let p = pixel(4);
                [f32::from(p[0]), f32::from(p[1]), f32::from(p[2])]
            }
            Format::Bgra => {
                let p = pixel(4);
                [f32::from(p[2]), f32::from(p[1]), f32::from(p[0])]
            }
        }
    }
}

fn clamp(place: isize, size: usize) -> usize {
    place.clamp(0, size as isize - 1) as usize
}

impl Colours for Source<'_, '_> {
    fn quad(&self, x: isize, y: isize) -> [[f32; 3]; 4] {
        let (width, height) = self.image.stored_size();
        let (left, right) = (clamp(x, width), clamp(x.saturating_add(1), width));
        let upper = self.image.row(clamp(y, height));
        let lower = self.image.row(clamp(y.saturating_add(1), height));
        [
            self.rgb(upper, left),
            self.rgb(upper, right),
            self.rgb(lower, left),
            self.rgb(lower, right),
        ]
    }
}

struct Reduced<'a> {
    columns: usize,
    rows: usize,
    data: &'a [f32],
}

impl Colours for Reduced<'_> {
    fn quad(&self, x: isize, y: isize) -> [[f32; 3]; 4] {
        let (left, right) = (clamp(x, self.columns), clamp(x.saturating_add(1), self.columns));
        let (upper, lower) = (clamp(y, self.rows), clamp(y.saturating_add(1), self.rows));
        let at = |column: usize, row: usize| {
            let p = &self.data[(row * self.columns + column) * 3..][..3];
            [p[0], p[1], p[2]]
        };
        [at(left, upper), at(right, upper), at(left, lower), at(right, lower)]
    }
}

fn bilinear(source: &impl Colours, place: Point) -> [f32; 3] {
    // Pixel centres lie at halves.
    let (x, y) = (place.x - 0.5, place.y - 0.5);
    let (left, top) = (x.floor(), y.floor());
    let (fx, fy) = (x - left, y - top);
    let quad = source.quad(left as isize, top as isize);
    std::array::from_fn(|c| {
        let upper = quad[0][c] + (quad[1][c] - quad[0][c]) * fx;
        let lower = quad[2][c] + (quad[3][c] - quad[2][c]) * fx;
        upper + (lower - upper) * fy
    })
}

fn sample(
    source: &impl Colours,
    map: &Affine,
    width: usize,
    height: usize,
    mut put: impl FnMut(usize, [f32; 3]),
) {
    const CENTRE: &[f32] = &[0.5];
    const QUARTERS: &[f32] = &[0.25, 0.75];
    let offsets = if map.magnification() > 1.25 { QUARTERS } else { CENTRE };
    let weight = 1.0 / (offsets.len() * offsets.len()) as f32;
    for row in 0..height {
        for column in 0..width {
            let mut sum = [0.0; 3];
            for dy in offsets {
                for dx in offsets {
                    let place = Point::new(column as f32 + dx, row as f32 + dy);
                    let colour = bilinear(source, map.apply(place));
                    for (total, value) in sum.iter_mut().zip(colour) {
                        *total += value;
                    }
                }
            }
            put(row * width + column, sum.map(|v| v * weight));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Orientation;

    fn cut(image: &Image<'_>, map: &Affine, width: usize, height: usize) -> Vec<[f32; 3]> {
        let mut out = vec![[0.0; 3]; width * height];
        Warp::default().cut(image, map, width, height, |i, rgb| out[i] = rgb).expect("finite");
        out
    }

    #[test]
    fn the_identity_gives_the_pixels_back() {
        let data: Vec<u8> = (0..5 * 4 * 3).map(|v| v * 4).collect();
        let image = Image::new(Format::Rgb, 5, 4, &data).expect("fits");
        let out = cut(&image, &Affine::IDENTITY, 5, 4);
        let flat: Vec<u8> = out.iter().flatten().map(|v| *v as u8).collect();
        assert_eq!(flat, data);
    }

    #[test]
    fn shrinking_averages_and_the_edge_repeats() {
        let data: Vec<u8> = (0..64 * 64).map(|i| if i % 2 == 0 { 0 } else { 200 }).collect();
        let image = Image::new(Format::Gray, 64, 64, &data).expect("fits");
        for scale in [2.0, 3.0, 5.5, 16.0] {
            for rgb in cut(&image, &Affine::scale(scale, scale), 3, 3) {
                // An odd block holds one stripe more of one kind; without averaging it would be 0 or 200.
                assert!((rgb[0] - 100.0).abs() < 35.0, "scale {scale}: {rgb:?}");
            }
        }
        let far = Affine { x0: 1e9, y0: -1e9, ..Affine::scale(7.0, 7.0) };
        assert!(cut(&image, &far, 4, 4).iter().all(|rgb| rgb[0] > 80.0));
    }

    #[test]
    fn every_orientation_shows_the_same_picture() {
        let (w, h) = (6usize, 4usize);
        let upright: Vec<u8> = (0..w * h).map(|v| (v * 10) as u8).collect();
        let want =
            cut(&Image::new(Format::Gray, w, h, &upright).expect("fits"), &Affine::IDENTITY, w, h);
        for exif in 1..=8 {
            let orientation = Orientation::from_exif(exif).expect("valid");
            let (sw, sh) = if orientation.swaps_axes() { (h, w) } else { (w, h) };
            let to_stored = orientation.to_stored(sw, sh);
            let mut stored = vec![0u8; w * h];
            for y in 0..h {
                for x in 0..w {
                    let p = to_stored.apply(Point::new(x as f32 + 0.5, y as f32 + 0.5));
                    stored[p.y as usize * sw + p.x as usize] = upright[y * w + x];
                }
            }
            let image = Image::new(Format::Gray, sw, sh, &stored)
                .expect("fits")
                .with_orientation(orientation);
            assert_eq!(cut(&image, &Affine::IDENTITY, w, h), want, "exif {exif}");
        }
    }
}
