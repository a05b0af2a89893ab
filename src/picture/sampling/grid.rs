//! Pixels in memory, read at places between their centres.

use crate::geometry::{Affine, Point};
use crate::picture::color::Components;

/// Rows of pixels, or of blocks that count as pixels.
pub(super) struct Grid<'a> {
    pub(super) columns: usize,
    pub(super) rows: usize,
    pub(super) pixels: &'a [Components],
}

/// Pixels of a crop's row that are worked on together.
const RUN: usize = 16;

impl Grid<'_> {
    /// Row `row` of the crop that `map` takes to the grid.
    pub(super) fn sample(&self, map: &Affine, row: usize, line: &mut [Components]) {
        const CENTRE: &[f32] = &[0.5];
        const QUARTERS: &[f32] = &[0.25, 0.75];
        let offsets = if map.magnification() > 1.25 { QUARTERS } else { CENTRE };
        let weight = 1.0 / (offsets.len() * offsets.len()) as f32;
        let mut column = 0;
        for out in line.chunks_mut(RUN) {
            out.fill([0.0; 4]);
            for dy in offsets {
                for dx in offsets {
                    let start = map.apply(Point::new(column as f32 + dx, row as f32 + dy));
                    self.add_run(start, map, out);
                }
            }
            out.iter_mut().flatten().for_each(|v| *v *= weight);
            column += out.len();
        }
    }

    /// Adds the pixels at `start` and at the places of the columns after it. Where they lie is worked out for the whole run
    /// first, since that takes longer than reading them, one by one.
    ///
    /// With numbers: a grid of 10 columns, read at a step of 1.5 from (2.75, 4) on.
    ///
    /// | `i` | place | from pixel centres | `first` | `across`, `down` | what is added |
    /// | --- | --- | --- | --- | --- | --- |
    /// | 0 | (2.75, 4) | (2.25, 3.5) | 3 * 10 + 2 = 32 | 0.25, 0.5 | 0.375 of pixels 32 and 42, 0.125 of 33 and 43 |
    /// | 1 | (4.25, 4) | (3.75, 3.5) | 3 * 10 + 3 = 33 | 0.75, 0.5 | 0.125 of pixels 33 and 43, 0.375 of 34 and 44 |
    #[inline]
    fn add_run(&self, start: Point, map: &Affine, out: &mut [Components]) {
        let place = |i: usize| Point::new(start.x + map.xx * i as f32, start.y + map.yx * i as f32);
        let add = |out: &mut Components, pixel: Components| {
            out.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += value);
        };
        if !self.is_inside(start) || !self.is_inside(place(out.len() - 1)) {
            for (i, out) in out.iter_mut().enumerate() {
                add(out, self.at_the_edge(place(i)));
            }
            return;
        }
        let (mut first, mut across, mut down) = ([0u32; RUN], [0.0f32; RUN], [0.0f32; RUN]);
        let columns = self.columns as u32;
        for i in 0..RUN {
            let place = place(i);
            // Pixel centres lie at halves.
            let ((left, fx), (top, fy)) = (split(place.x - 0.5), split(place.y - 0.5));
            first[i] = top.wrapping_mul(columns).wrapping_add(left);
            (across[i], down[i]) = (fx, fy);
        }
        for (((out, first), fx), fy) in out.iter_mut().zip(first).zip(across).zip(down) {
            let first = first as usize;
            let upper = &self.pixels[first..first + 2];
            let lower = &self.pixels[first + self.columns..first + self.columns + 2];
            add(out, blend([&upper[0], &upper[1]], [&lower[0], &lower[1]], fx, fy));
        }
    }

    /// Returns a row of pixels that needs no interpolation, because each pixel of the crop lies exactly on one of them. This
    /// is common, since many frames are a whole multiple of the detector's size.
    pub(super) fn copied(&self, map: &Affine, row: usize, width: usize) -> Option<&[Components]> {
        const NEAR: f32 = 1.0 / 256.0;
        let (first, last) =
            [0.5, width as f32 - 0.5].map(|x| map.apply(Point::new(x, row as f32 + 0.5))).into();
        let (x, y) = (first.x.floor(), first.y.floor());
        let on_a_pixel =
            |p: Point, x: f32| (p.x - x - 0.5).abs() < NEAR && (p.y - y - 0.5).abs() < NEAR;
        let on_pixels = on_a_pixel(first, x) && on_a_pixel(last, x + width as f32 - 1.0);
        let inside = x >= 0.0 && y >= 0.0 && x + width as f32 <= self.columns as f32;
        if !on_pixels || !inside || y >= self.rows as f32 {
            return None;
        }
        self.pixels[y as usize * self.columns + x as usize..].get(..width)
    }

    /// Returns whether the four pixels around a place exist, and the place is small enough for `split`.
    fn is_inside(&self, place: Point) -> bool {
        let inside = |v: f32, size: usize| v > 0.51 && v < size.min(1 << 22) as f32 - 0.51;
        let few = self.pixels.len() <= u32::MAX as usize;
        few && inside(place.x, self.columns) && inside(place.y, self.rows)
    }

    #[cold]
    fn at_the_edge(&self, place: Point) -> Components {
        let (x, y) = (place.x - 0.5, place.y - 0.5);
        let (left, top) = (x.floor(), y.floor());
        let clamp = |v: f32, size: usize| (v.max(0.0) as usize).min(size - 1);
        let columns = [left, left + 1.0].map(|x| clamp(x, self.columns));
        let row = |y: f32| {
            let start = clamp(y, self.rows) * self.columns;
            columns.map(|x| &self.pixels[start + x])
        };
        blend(row(top), row(top + 1.0), x - left, y - top)
    }
}

/// Splits a place into the pixel before it and its distance from that pixel. The place must lie below 2^22. The function
/// does not call `floor`, since baseline x86-64 has no instruction for it. A place exactly on a pixel may be returned as the
/// pixel before it and a distance of 1.
///
/// Adding `SHIFT` gives a number from 2^23 to 2^24. There an `f32` has no fraction bits, so the addition rounds to a whole
/// number, which the last 22 bits then hold. Some examples:
///
/// | place | less a half | plus `SHIFT`, rounded to even | last bits | result |
/// | --- | --- | --- | --- | --- |
/// | 2.25 | 1.75 | 12,582,914 | 2 | 2 and 0.25 |
/// | 2.75 | 2.25 | 12,582,914 | 2 | 2 and 0.75 |
/// | 3 | 2.5 | 12,582,914 | 2 | 2 and 1 |
/// | 4 | 3.5 | 12,582,916 | 4 | 4 and 0 |
#[inline]
fn split(place: f32) -> (u32, f32) {
    const SHIFT: f32 = 12_582_912.0; // 1.5 x 2^23: the unit is the last bit.
    let shifted = (place - 0.5) + SHIFT;
    (shifted.to_bits() & 0x3F_FFFF, place - (shifted - SHIFT))
}

#[inline]
fn blend(upper: [&Components; 2], lower: [&Components; 2], fx: f32, fy: f32) -> Components {
    std::array::from_fn(|c| {
        let upper = upper[0][c] + (upper[1][c] - upper[0][c]) * fx;
        let lower = lower[0][c] + (lower[1][c] - lower[0][c]) * fx;
        upper + (lower - upper) * fy
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_split_into_a_pixel_and_the_way_to_the_next() {
        for (place, wanted) in [
            (2.25, (2, 0.25)),
            (2.75, (2, 0.75)),
            (3.0, (2, 1.0)),
            (4.0, (4, 0.0)),
            (0.25, (0, 0.25)),
        ] {
            assert_eq!(split(place), wanted, "{place}");
        }
        // The largest place that is read so.
        assert_eq!(split((1 << 22) as f32 - 1.75), ((1 << 22) - 2, 0.25));
    }

    #[test]
    fn a_run_reads_between_the_four_pixels_around_each_place() {
        let pixels: Vec<Components> = (0..100).map(|i| [(i * i) as f32; 4]).collect();
        let grid = Grid { columns: 10, rows: 10, pixels: &pixels };
        let map = Affine { x0: 2.0, y0: 3.25, ..Affine::scale(0.5, 1.5) };
        let mut line = [[0.0; 4]; 13];
        grid.sample(&map, 0, &mut line);
        for (column, got) in line.into_iter().enumerate() {
            let place = map.apply(Point::new(column as f32 + 0.5, 0.5));
            let (x, y) = (place.x - 0.5, place.y - 0.5);
            let (left, top) = (x.floor(), y.floor());
            let at = |x: f32, y: f32| pixels[y as usize * 10 + x as usize][0];
            let wanted = (1.0 - (y - top))
                * ((1.0 - (x - left)) * at(left, top) + (x - left) * at(left + 1.0, top))
                + (y - top)
                    * ((1.0 - (x - left)) * at(left, top + 1.0)
                        + (x - left) * at(left + 1.0, top + 1.0));
            assert!((got[0] - wanted).abs() < 1e-2, "{column}: {got:?}, not {wanted}");
        }
    }
}
