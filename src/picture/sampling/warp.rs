//! Cuts a small upright crop out of a picture, whatever its format, orientation and size.
//!
//! Two steps avoid aliasing at any scale. First the part of the picture below the crop is reduced by a whole factor: blocks
//! of pixels are averaged, until a factor of less than two remains ([`shrink`]). Then the crop is sampled bilinearly from the
//! blocks. If it still shrinks, each of its pixels is the mean of 2 x 2 samples ([`Grid`](super::grid::Grid)). Outside the
//! picture the edge pixel repeats.
//!
//! An example is a crop of 96 x 96 pixels out of a square of 260 x 260. The scale is 2.7, so blocks of 2 x 2 pixels are
//! averaged. The crop is then sampled from 130 x 130 blocks, at a step of 1.35 blocks.

use super::pixels::RowSum;
use super::shrink::{Part, shrink};
use crate::error::{Error, Result};
use crate::geometry::Affine;
use crate::memory::grow_to;
use crate::picture::color::{Components, ToRgb};
use crate::picture::view::Image;

/// Working memory of [`Warp::cut`]; it grows to the largest crop seen and is then kept.
#[derive(Debug, Default)]
pub struct Warp {
    blocks: Vec<Components>,
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
            let told = format!(
                "{} numbers are given, but {width}x{height} pixels have {}",
                planes.len(),
                3 * size
            );
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
        if !map.is_finite() || map.magnification().is_nan() {
            return Err(Error::invalid("the face's place in the picture is not a finite number"));
        }
        let to_rgb = ToRgb::new(image.format, image.yuv);
        let part = Part::covered(&map, (width, height), (stored_width, stored_height));
        let grid = shrink(image, &part, &mut self.blocks, &mut self.sums)?;
        let map = part.to_blocks().after(&map);
        let line = grow_to(&mut self.line, width)?;
        for row in 0..height {
            match grid.copied(&map, row, width) {
                Some(pixels) => put(row, pixels, to_rgb),
                None => {
                    grid.sample(&map, row, line);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Point;
    use crate::picture::{Format, Layout, Orientation};

    fn cut(image: &Image<'_>, map: &Affine, width: usize, height: usize) -> Vec<[f32; 3]> {
        let mut out = vec![[0.0; 3]; width * height];
        Warp::default().cut(image, map, width, height, |i, rgb| out[i] = rgb).expect("finite");
        out
    }

    #[test]
    fn a_map_without_a_scale_is_refused() {
        let pixels = [0; 12];
        let image = Image::new(Format::Gray, 4, 3, &pixels).expect("a right picture");
        for map in [
            Affine { xx: 1e20, xy: 1e20, yx: 1e20, yy: 1e20, x0: 0.0, y0: 0.0 },
            Affine { x0: f32::NAN, ..Affine::IDENTITY },
        ] {
            let error = Warp::default().cut_rgb(&image, &map, 8, 8).expect_err("no scale");
            assert!(error.to_string().contains("not a finite number"), "{error}");
        }
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
