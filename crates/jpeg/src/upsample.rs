//! Widens a coarse component's row to the width of the picture, as libjpeg-turbo interpolates it.

use crate::planes::{Plane, Upsampling};

/// The rows in between on the way to the picture's width.
#[derive(Default)]
pub(crate) struct Upsampler {
    sums: Vec<u16>,
    out: Vec<u8>,
}

impl Upsampler {
    /// Returns the component's samples for a row of the picture. There may be more samples than the picture is wide.
    #[inline(always)]
    pub(crate) fn row<'a>(&'a mut self, plane: &'a Plane, row: usize) -> &'a [u8] {
        match plane.upsampling {
            Upsampling::None => return plane.row(row),
            Upsampling::Repeated(1, down) => return plane.row(row / down),
            Upsampling::Repeated(across, down) => {
                repeat(plane.row(row / down), across, &mut self.out)
            }
            Upsampling::Across => across(plane.row(row), &mut self.out),
            Upsampling::Down => down(plane.row(row / 2), plane.row(other(row)), row, &mut self.out),
            Upsampling::Both => {
                self.sums.clear();
                let pairs = plane.row(row / 2).iter().zip(plane.row(other(row)));
                self.sums.extend(pairs.map(|(near, far)| 3 * u16::from(*near) + u16::from(*far)));
                both(&self.sums, &mut self.out);
            }
        }
        &self.out
    }
}

/// The second-nearest row of a component that has half as many rows.
fn other(row: usize) -> usize {
    if row.is_multiple_of(2) { (row / 2).saturating_sub(1) } else { row / 2 + 1 }
}

#[inline(always)]
fn repeat(row: &[u8], times: usize, out: &mut Vec<u8>) {
    out.clear();
    for sample in row {
        out.resize(out.len() + times, *sample);
    }
}

#[inline(always)]
fn down(near: &[u8], far: &[u8], row: usize, out: &mut Vec<u8>) {
    out.clear();
    let bias = 1 + (row % 2) as u16;
    let pairs = near.iter().zip(far);
    out.extend(
        pairs.map(|(near, far)| ((3 * u16::from(*near) + u16::from(*far) + bias) >> 2) as u8),
    );
}

#[inline(always)]
fn across(row: &[u8], out: &mut Vec<u8>) {
    out.resize(2 * row.len(), 0);
    let (Some(first), Some(last)) = (row.first(), row.last()) else {
        return;
    };
    // Two pixels lie between two neighbouring samples.
    let inner = out.get_mut(1..2 * row.len() - 1).unwrap_or_default();
    for ((to, left), right) in inner.chunks_exact_mut(2).zip(row).zip(&row[1..]) {
        let (left, right) = (u16::from(*left), u16::from(*right));
        // Both are stored at once, so that the compiler uses vectors.
        let pair = (3 * left + right + 2) >> 2 | (left + 3 * right + 1) >> 2 << 8;
        to.copy_from_slice(&pair.to_le_bytes());
    }
    ends(out, *first, *last);
}

/// Does the same for sums of four samples.
#[inline(always)]
fn both(sums: &[u16], out: &mut Vec<u8>) {
    out.resize(2 * sums.len(), 0);
    let (Some(first), Some(last)) = (sums.first(), sums.last()) else {
        return;
    };
    let inner = out.get_mut(1..2 * sums.len() - 1).unwrap_or_default();
    for ((to, left), right) in inner.chunks_exact_mut(2).zip(sums).zip(&sums[1..]) {
        let pair = (3 * left + right + 7) >> 4 | (left + 3 * right + 8) >> 4 << 8;
        to.copy_from_slice(&pair.to_le_bytes());
    }
    ends(out, ((4 * first + 8) >> 4) as u8, ((4 * last + 7) >> 4) as u8);
}

fn ends(out: &mut [u8], first: u8, last: u8) {
    if let [start, .., end] = out {
        (*start, *end) = (first, last);
    }
}
