//! The part of a picture that a crop covers, averaged over whole blocks of pixels.

use super::grid::Grid;
use super::pixels::{MAX_ROWS, PixelReader, RowSum, with_pixels};
use crate::error::Result;
use crate::geometry::{Affine, Point};
use crate::memory::grow_to;
use crate::picture::color::Components;
use crate::picture::view::Image;

/// A rectangle of stored pixels, and the side of the blocks that are averaged.
#[derive(Debug)]
pub(super) struct Part {
    x: usize,
    y: usize,
    width: usize,
    height: usize,
    block: usize,
}

impl Part {
    /// The stored pixels that a crop can read, widened by two blocks on each side. `map` takes the crop, in its pixels, to the
    /// stored picture.
    ///
    /// With numbers: a crop of 96 pixels at 2.7 of the picture's for each, from column 100 on, covers columns 100 to 359.2.
    /// Blocks are 2 wide, so it is widened to columns 96 to before 363.
    pub(super) fn covered(
        map: &Affine,
        (width, height): (usize, usize),
        (stored_width, stored_height): (usize, usize),
    ) -> Self {
        let block = map.magnification().floor().clamp(1.0, MAX_ROWS as f32) as usize;
        let (right, bottom) = (width as f32, height as f32);
        let corners = [(0.0, 0.0), (right, 0.0), (0.0, bottom), (right, bottom)]
            .map(|(x, y)| map.apply(Point::new(x, y)));
        let span = |values: [f32; 4], size: usize| {
            let low = values.into_iter().fold(f32::INFINITY, f32::min);
            let high = values.into_iter().fold(f32::NEG_INFINITY, f32::max);
            // A saturating cast; a crop wholly outside still reads the edge pixel.
            let start =
                ((low as isize).saturating_sub(2 * block as isize).max(0) as usize).min(size - 1);
            let end =
                ((high as isize).saturating_add(2 * block as isize).max(0) as usize).min(size);
            // Whole blocks, counted from the picture's edge, so that a moved crop averages the same pixels.
            let start = start / block * block;
            (start, end.max(start + 1) - start)
        };
        let (x, width) = span(corners.map(|p| p.x), stored_width);
        let (y, height) = span(corners.map(|p| p.y), stored_height);
        Self { x, y, width, height, block }
    }

    /// The map from stored pixels to the part's blocks.
    pub(super) fn to_blocks(&self) -> Affine {
        let scale = 1.0 / self.block as f32;
        Affine {
            x0: -(self.x as f32) * scale,
            y0: -(self.y as f32) * scale,
            ..Affine::scale(scale, scale)
        }
    }
}

/// Averages the blocks of a part; the last ones of a row or column may be smaller.
pub(super) fn shrink<'a>(
    image: &Image<'_>,
    part: &Part,
    blocks: &'a mut Vec<Components>,
    sums: &mut Vec<RowSum>,
) -> Result<Grid<'a>> {
    let (columns, rows) = (part.width.div_ceil(part.block), part.height.div_ceil(part.block));
    grow_to(blocks, columns * rows)?;
    let blocks = &mut blocks[..columns * rows];
    with_pixels!(image, source => average(&source, part, columns, sums, blocks))?;
    Ok(Grid { columns, rows, pixels: blocks })
}

fn average(
    source: &impl PixelReader,
    part: &Part,
    columns: usize,
    sums: &mut Vec<RowSum>,
    out: &mut [Components],
) -> Result<()> {
    let block = part.block;
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
