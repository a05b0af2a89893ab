//! Cuts a small upright crop out of a picture, whatever its format, orientation and size.
//!
//! Two steps keep it free of aliasing at any scale: the part that the crop covers is first copied out, averaged over
//! whole blocks of pixels until less than a factor of two remains, then read bilinearly, with two by two
//! samples a pixel where it still shrinks. Outside the picture the edge pixel repeats.

use super::super::Image;
use super::super::color::ToRgb;
use super::pixels::{Components, MAX_ROWS, PixelReader, RowSum, with_pixels};
use crate::error::{Error, Result};
use crate::geometry::{Affine, Point};
use crate::memory::grow_to;

/// Working memory of [`Warp::cut`]; it grows to the largest crop seen and is then kept.
#[derive(Debug, Default)]
pub struct Warp {
    reduced: Vec<Components>,
    sums: Vec<RowSum>,
    line: Vec<Components>,
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
        mut put: impl FnMut(usize, [f32; 3]),
    ) -> Result<()> {
        self.rows(image, to_upright, width, height, |row, line, to_rgb| {
            for (column, stored) in line.iter().enumerate() {
                put(row * width + column, to_rgb.apply(*stored));
            }
        })
    }

    /// The same crop as planes of red, green and blue one after the other, which `planes` has just the room for.
    pub fn cut_planes(
        &mut self,
        image: &Image<'_>,
        to_upright: &Affine,
        width: usize,
        height: usize,
        planes: &mut [f32],
    ) -> Result<()> {
        let size = width * height;
        if planes.len() != 3 * size {
            let told =
                format!("{} numbers, {width}x{height} pixels have {}", planes.len(), 3 * size);
            return Err(Error::invalid(told));
        }
        let (red, rest) = planes.split_at_mut(size);
        let (green, blue) = rest.split_at_mut(size);
        self.rows(image, to_upright, width, height, |row, line, to_rgb| {
            let start = row * width;
            let [red, green, blue] =
                [&mut *red, &mut *green, &mut *blue].map(|plane| &mut plane[start..start + width]);
            for (((stored, r), g), b) in line.iter().zip(&mut *red).zip(&mut *green).zip(&mut *blue)
            {
                (*r, *g, *b) = (stored[0], stored[1], stored[2]);
            }
            to_rgb.planes(red, green, blue);
        })
    }

    /// The rows of a crop, as the picture stores colours.
    fn rows(
        &mut self,
        image: &Image<'_>,
        to_upright: &Affine,
        width: usize,
        height: usize,
        mut put: impl FnMut(usize, &[Components], ToRgb),
    ) -> Result<()> {
        let (stored_width, stored_height) = image.stored_size();
        let map = image.orientation().to_stored(stored_width, stored_height).after(to_upright);
        if !map.is_finite() {
            return Err(Error::invalid("the face's place in the picture is not a finite number"));
        }
        let to_rgb = ToRgb::new(image.format, image.yuv);
        let block = map.magnification().floor().clamp(1.0, MAX_ROWS as f32) as usize;
        let part = covered(&map, width, height, stored_width, stored_height, block);
        let reduced = reduce(image, &part, block, &mut self.reduced, &mut self.sums)?;
        let scale = 1.0 / block as f32;
        let to_reduced = Affine {
            x0: -(part.x as f32) * scale,
            y0: -(part.y as f32) * scale,
            ..Affine::scale(scale, scale)
        };
        let map = to_reduced.after(&map);
        let line = grow_to(&mut self.line, width)?;
        for row in 0..height {
            match reduced.copied(&map, row, width) {
                Some(pixels) => put(row, pixels, to_rgb),
                None => {
                    reduced.sample(&map, row, line);
                    put(row, line, to_rgb);
                }
            }
        }
        Ok(())
    }

    /// The same crop as packed RGB bytes, rounded.
    pub fn cut_rgb(
        &mut self,
        image: &Image<'_>,
        to_upright: &Affine,
        width: usize,
        height: usize,
    ) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        grow_to(&mut bytes, 3 * width * height)?;
        self.cut(image, to_upright, width, height, |i, rgb| {
            bytes[3 * i..3 * i + 3].copy_from_slice(&rgb.map(|v| (v + 0.5) as u8));
        })?;
        Ok(bytes)
    }
}

/// Averages blocks of `block` x `block` pixels; the last ones of a row or column may be smaller.
fn reduce<'a>(
    image: &Image<'_>,
    part: &Part,
    block: usize,
    reduced: &'a mut Vec<Components>,
    sums: &mut Vec<RowSum>,
) -> Result<Reduced<'a>> {
    let (columns, rows) = (part.width.div_ceil(block), part.height.div_ceil(block));
    grow_to(reduced, columns * rows)?;
    let pixels = &mut reduced[..columns * rows];
    with_pixels!(image, source => average(&source, part, block, columns, sums, pixels))?;
    Ok(Reduced { columns, rows, pixels })
}

fn average(
    source: &impl PixelReader,
    part: &Part,
    block: usize,
    columns: usize,
    sums: &mut Vec<RowSum>,
    out: &mut [Components],
) -> Result<()> {
    let (right, bottom) = (part.x + part.width, part.y + part.height);
    let sums = grow_to(sums, source.sums_len(part.x, right))?;
    for (row, line) in out.chunks_exact_mut(columns).enumerate() {
        let top = part.y + row * block;
        let end = (top + block).min(bottom);
        sums.fill(0);
        for y in top..end {
            source.add_row(part.x, right, y, sums);
        }
        source.blocks(part.x, right, sums, block, line);
        if block == 1 {
            continue;
        }
        let share = |pixels: usize| 1.0 / (pixels * (end - top)) as f32;
        let Some((last, others)) = line.split_last_mut() else { continue };
        let whole = share(block);
        others.as_flattened_mut().iter_mut().for_each(|v| *v *= whole);
        let rest = share(part.width - others.len() * block);
        last.iter_mut().for_each(|v| *v *= rest);
    }
    Ok(())
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

/// The covered part, in whole blocks.
struct Reduced<'a> {
    columns: usize,
    rows: usize,
    pixels: &'a [Components],
}

/// PixelReader of a crop's row that are worked on together.
const RUN: usize = 16;

impl Reduced<'_> {
    /// Row `row` of the crop.
    fn sample(&self, map: &Affine, row: usize, line: &mut [Components]) {
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

    /// The pixels of a row that are read as they are, because the crop's pixels lie on them: frames whose size is a
    /// multiple of the detector's are common.
    fn copied(&self, map: &Affine, row: usize, width: usize) -> Option<&[Components]> {
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

    /// Whether the four pixels around a place can be read, and `split` has the bits for it.
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

/// The pixel before a place and how far beyond it the place lies. Rounds to the nearest half below 2^22, where baseline
/// x86-64 would call a library for the floor; what lies on a pixel may count as one after the pixel before.
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
    use crate::picture::{Format, Layout, Orientation};

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
    fn a_block_is_the_mean_of_its_pixels_in_every_format() {
        let (w, h) = (47usize, 26usize);
        // Neither the bytes nor the colours reach an end of their range, where averaging would not commute.
        let data: Vec<u8> = (0..4 * 2 * w * h).map(|i| 112 + (i * 7919 % 32) as u8).collect();
        let layouts = [
            (Format::Gray, 0),
            (Format::Rgb, 0),
            (Format::Bgra, 0),
            (Format::Nv12, 0),
            (Format::Nv21, 0),
            (Format::I420, 1),
            (Format::I420, 2),
            (Format::I420, 3),
            (Format::Yuyv, 0),
        ];
        for (format, chroma_step) in layouts {
            let layout = Layout { chroma_step, ..Layout::default() };
            let image = Image::from_planes(format, w, h, &[&data], &layout).expect("fits");
            let single = cut(&image, &Affine::IDENTITY, w, h);
            // 3 starts at an odd pixel, too.
            for (block, start) in [(2, 0), (2, 6), (3, 3), (4, 4), (4, 0), (5, 5), (6, 0)] {
                let (columns, rows) = ((w - start) / block, (h - start) / block);
                let place = start as f32;
                let map =
                    Affine { x0: place, y0: place, ..Affine::scale(block as f32, block as f32) };
                for (i, got) in cut(&image, &map, columns, rows).into_iter().enumerate() {
                    let (x0, y0) = (start + i % columns * block, start + i / columns * block);
                    let pixels =
                        (0..block * block).map(|p| single[(y0 + p / block) * w + x0 + p % block]);
                    let mean = pixels
                        .fold([0.0f32; 3], |sum, p| std::array::from_fn(|c| sum[c] + p[c]))
                        .map(|sum| sum / (block * block) as f32);
                    let near = got.iter().zip(mean).all(|(got, want)| (got - want).abs() < 0.01);
                    assert!(near, "{format:?} {block} pixel {i}: {got:?}, not {mean:?}");
                }
            }
            let mut planes = vec![0.0; 3 * w * h];
            let mut warp = Warp::default();
            warp.cut_planes(&image, &Affine::IDENTITY, w, h, &mut planes).expect("finite");
            let apart = |i: usize| [planes[i], planes[i + w * h], planes[i + 2 * w * h]];
            assert!(single.iter().enumerate().all(|(i, rgb)| *rgb == apart(i)), "{format:?}");
            assert!(warp.cut_planes(&image, &Affine::IDENTITY, w, h, &mut planes[1..]).is_err());
        }
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
