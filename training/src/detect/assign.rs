//! Assigns cells to faces by SimOTA (YOLOX, Ge et al. 2021), as YuNet does.
//!
//! Each face takes the cells near its middle that already fit it best. The fit also decides how many.

use face_predict::{DetectSpec, Rect};

use super::Target;

/// The cells of one stride.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    /// Pixels between cells.
    pub stride: usize,
    /// The cells in a row.
    pub columns: usize,
    /// The number of rows.
    pub rows: usize,
    /// The index of its first cell among those of all strides.
    pub first: usize,
}

impl Grid {
    /// The grids for a picture of `width` x `height`.
    pub fn all(strides: &[usize], width: usize, height: usize) -> Vec<Self> {
        let mut first = 0;
        let grid = |&stride: &usize| {
            let (columns, rows) = (width / stride, height / stride);
            let grid = Self { stride, columns, rows, first };
            first += columns * rows;
            grid
        };
        strides.iter().map(grid).collect()
    }
}

/// A cell that is assigned to a face.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Match {
    /// Index among the cells of all strides.
    pub cell: usize,
    /// Index of the face.
    pub face: usize,
    /// Overlap of the face's box with the one that the cell describes now.
    pub overlap: f32,
}

/// The assignment of a picture's cells. The others are background.
#[derive(Debug, Default, PartialEq)]
pub struct Assigned {
    /// The cells that are assigned to faces.
    pub matches: Vec<Match>,
    /// The cells that are ignored.
    pub ignored: Vec<usize>,
}

/// A cell may be assigned to a face if it is at most this many strides from its centre.
const RADIUS: f32 = 1.5;
/// The cost of the overlap, relative to that of the score.
const OVERLAP: f32 = 3.0;
/// The cost of a cell whose middle lies outside the face.
const OUTSIDE: f32 = 3.0;
/// The number of cells that a face may have.
const MAX_CELLS: usize = 9;

/// The sizes of faces, in strides, that a grid is for. The first has no lower bound, and the last no upper one.
const SIZES: (f32, f32) = (1.25, 9.0);

/// The box that a cell describes. `values` are the numbers of that cell.
fn described(values: &[f32], column: usize, row: usize, stride: f32) -> Rect {
    let (x, y) = (column as f32 + values[1], row as f32 + values[2]);
    // Untrained sizes may be anything. A box of a million strides then overlaps nothing.
    let (w, h) = (values[3].min(14.0).exp(), values[4].min(14.0).exp());
    Rect::new((x - w / 2.0) * stride, (y - h / 2.0) * stride, w * stride, h * stride)
}

/// Assigns the cells of one picture. `values` has 15 numbers a cell, cell by cell through all grids.
pub fn assign(grids: &[Grid], values: &[f32], faces: &[Target]) -> Assigned {
    let cells = grids.last().map_or(0, |g| g.first + g.columns * g.rows);
    // The face and the cost of each taken cell.
    let mut owner: Vec<Option<(f32, Match)>> = vec![None; cells];
    for (face, target) in faces.iter().enumerate().filter(|(_, t)| !t.ignored) {
        let mut near = candidates(grids, values, target);
        near.sort_by(|a, b| b.1.total_cmp(&a.1));
        let sum: f32 = near.iter().take(MAX_CELLS).map(|(_, overlap, _)| overlap).sum();
        near.sort_by(|a, b| a.2.total_cmp(&b.2));
        for (cell, overlap, cost) in near.into_iter().take((sum as usize).clamp(1, MAX_CELLS)) {
            if owner[cell].is_none_or(|(other, _)| cost < other) {
                owner[cell] = Some((cost, Match { cell, face, overlap }));
            }
        }
    }
    let matches = owner.iter().flatten().map(|(_, m)| *m).collect();
    let mut ignored = Vec::new();
    for target in faces.iter().filter(|t| t.ignored) {
        for grid in grids {
            let stride = grid.stride as f32;
            each(grid, &target.rect, 0.5, |column, row| {
                let cell = grid.first + row * grid.columns + column;
                let (x, y) = ((column as f32 + 0.5) * stride, (row as f32 + 0.5) * stride);
                if owner[cell].is_none() && inside(&target.rect, x, y, 0.5 * stride) {
                    ignored.push(cell);
                }
            });
        }
    }
    ignored.sort_unstable();
    ignored.dedup();
    Assigned { matches, ignored }
}

/// The cells that may be assigned to a face: index, overlap, cost.
fn candidates(grids: &[Grid], values: &[f32], target: &Target) -> Vec<(usize, f32, f32)> {
    let mut near = Vec::new();
    let size = target.rect.area().sqrt();
    for (index, grid) in grids.iter().enumerate() {
        let stride = grid.stride as f32;
        let strides = size / stride;
        if (index > 0 && strides < SIZES.0) || (index + 1 < grids.len() && strides > SIZES.1) {
            continue;
        }
        let centre = target.rect.center();
        let middle = Rect::new(centre.x, centre.y, 0.0, 0.0);
        each(grid, &middle, RADIUS, |column, row| {
            let cell = grid.first + row * grid.columns + column;
            let numbers = &values[cell * DetectSpec::VALUES..][..DetectSpec::VALUES];
            let overlap = described(numbers, column, row, stride).overlap(&target.rect);
            let (x, y) = ((column as f32 + 0.5) * stride, (row as f32 + 0.5) * stride);
            let outside = if inside(&target.rect, x, y, 0.0) { 0.0 } else { OUTSIDE };
            // -ln(sigmoid(logit)), in the form that does not overflow.
            let doubt = (-numbers[0]).max(0.0) + (-numbers[0].abs()).exp().ln_1p();
            let cost = doubt - OVERLAP * (overlap + 1e-6).ln() + outside;
            near.push((cell, overlap, cost));
        });
    }
    near
}

/// Calls `with` for the cells whose middles lie within `margin` strides of `rect`.
fn each(grid: &Grid, rect: &Rect, margin: f32, mut with: impl FnMut(usize, usize)) {
    let stride = grid.stride as f32;
    let range = |start: f32, size: f32, cells: usize| {
        // Saturating casts.
        let low = (start / stride - margin - 0.5).ceil().max(0.0) as usize;
        let high = ((start + size) / stride + margin + 0.5).floor().max(0.0) as usize;
        low.min(cells)..high.min(cells)
    };
    let columns = range(rect.x, rect.width, grid.columns);
    for row in range(rect.y, rect.height, grid.rows) {
        columns.clone().for_each(|column| with(column, row));
    }
}

fn inside(rect: &Rect, x: f32, y: f32, margin: f32) -> bool {
    x >= rect.x - margin
        && x <= rect.x + rect.width + margin
        && y >= rect.y - margin
        && y <= rect.y + rect.height + margin
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(x: f32, y: f32, size: f32, ignored: bool) -> Target {
        Target { rect: Rect::new(x, y, size, size), landmarks: None, ignored }
    }

    /// Cells that describe a box of one stride around their middles.
    fn untrained(grids: &[Grid]) -> Vec<f32> {
        let cells = grids.last().map_or(0, |g| g.first + g.columns * g.rows);
        let mut cell = [0.0; DetectSpec::VALUES];
        (cell[1], cell[2]) = (0.5, 0.5);
        cell.repeat(cells)
    }

    #[test]
    fn the_cell_that_fits_best_answers() {
        let grids = Grid::all(&[8, 16], 64, 32);
        assert_eq!(grids[1], Grid { stride: 16, columns: 4, rows: 2, first: 32 });
        let mut values = untrained(&grids);
        // Just the cell at column 2, row 1 of stride 8.
        let found = assign(&grids, &values, &[face(16.0, 8.0, 8.0, false)]);
        assert_eq!(found.matches, [Match { cell: 10, face: 0, overlap: 1.0 }]);
        // A face of two strides; its neighbour describes it already.
        let shift = 11 * DetectSpec::VALUES;
        (values[shift + 1], values[shift + 3], values[shift + 4]) = (0.0, 2f32.ln(), 2f32.ln());
        (values[shift + 2], values[shift]) = (1.0, 3.0);
        let found = assign(&grids, &values, &[face(16.0, 8.0, 16.0, false)]);
        assert!(found.matches.iter().any(|m| m.cell == 11 && m.overlap > 0.99), "{found:?}");
        // A large face belongs to the coarse grid alone.
        let found = assign(&grids, &values, &[face(0.0, 0.0, 80.0, false)]);
        assert!(found.matches.iter().all(|m| m.cell >= 32), "{found:?}");
    }

    #[test]
    fn every_face_has_a_cell_and_none_is_shared() {
        let grids = Grid::all(&[8, 16, 32], 320, 256);
        let values = untrained(&grids);
        let faces: Vec<Target> =
            (0..20).map(|i| face(10.0 * i as f32, 40.0, 9.0 + i as f32, false)).collect();
        let found = assign(&grids, &values, &faces);
        let mut cells: Vec<usize> = found.matches.iter().map(|m| m.cell).collect();
        cells.dedup();
        assert_eq!(cells.len(), found.matches.len());
        assert!(found.matches.len() >= 15);
    }

    #[test]
    fn ignored_places_are_neither_face_nor_background() {
        let grids = Grid::all(&[8], 64, 64);
        let values = untrained(&grids);
        let found = assign(&grids, &values, &[face(16.0, 16.0, 8.0, true)]);
        assert!(found.matches.is_empty());
        // Its own cell, and those around it whose middles lie within half a stride.
        assert_eq!(found.ignored, [9, 10, 11, 17, 18, 19, 25, 26, 27]);
    }
}
