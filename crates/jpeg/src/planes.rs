//! The decoded samples of each component: all rows, or the last few.

use crate::error::{Error, Result};
use crate::frame::{Component, Frame, Scale};

/// One component's samples at a scale.
pub(crate) struct Plane {
    data: Vec<u8>,
    stride: usize,
    /// The number of rows that are kept. A later row overwrites the one so many rows before it.
    kept: usize,
    /// The samples across a block.
    pub(crate) side: usize,
    /// The samples across and the rows that belong to the picture.
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) upsampling: Upsampling,
}

impl Plane {
    /// Makes planes for all components, which keep `unit_rows` rows of units.
    pub(crate) fn all(frame: &Frame, scale: Scale, unit_rows: usize) -> Result<Vec<Self>> {
        let units = frame.units().0;
        let plane = |component| {
            let side = frame.side(component, scale);
            let stride = units * component.across * side;
            let kept = unit_rows * component.down * side;
            let part = |size: usize, of: usize, all: usize| (size * of * side).div_ceil(8 * all);
            Ok(Self {
                data: zeros(stride * kept)?,
                stride,
                kept,
                side,
                width: part(frame.width, component.across, frame.across),
                height: part(frame.height, component.down, frame.down),
                upsampling: Upsampling::new(frame, component, side, scale)?,
            })
        };
        frame.components.iter().map(plane).collect()
    }

    /// Returns the place where a row of blocks begins.
    pub(crate) fn start(&self, down: usize) -> usize {
        down * self.side % self.kept * self.stride
    }

    /// Returns the samples from the first one of a block on, in the row of blocks that begins at `start`. The rows are
    /// a stride apart.
    #[inline(always)]
    pub(crate) fn block(&mut self, across: usize, start: usize) -> (&mut [u8], usize) {
        (self.data.get_mut(start + across * self.side..).unwrap_or_default(), self.stride)
    }

    /// Returns the samples of a row that belong to the picture. Above the first row and below the last one, that row
    /// repeats.
    pub(crate) fn row(&self, row: usize) -> &[u8] {
        let start = row.min(self.height - 1) % self.kept * self.stride;
        self.data.get(start..start + self.width).unwrap_or_default()
    }
}

/// How the rows of the picture are made of a component's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Upsampling {
    /// The rows are the same.
    None,
    /// Each sample is used for so many pixels across and down.
    Repeated(usize, usize),
    /// There are twice as many pixels across: three parts of the nearer sample and one of the next.
    Across,
    /// The same holds for the rows.
    Down,
    /// Both hold.
    Both,
}

impl Upsampling {
    /// `side` is the width of the component's blocks.
    fn new(frame: &Frame, component: &Component, side: usize, scale: Scale) -> Result<Self> {
        let (across, down) = (component.across * side, component.down * side);
        let (all_across, all_down) = (frame.across * scale.side(), frame.down * scale.side());
        if !all_across.is_multiple_of(across) || !all_down.is_multiple_of(down) {
            return Err(Error::unsupported(
                "JPEG whose sampling factors have no whole ratio is not supported",
            ));
        }
        let width = (frame.width * across).div_ceil(8 * frame.across);
        // Blocks of single pixels have lost too much for interpolation, and narrow rows have no inside.
        let smooth = scale != Scale::Eighth;
        Ok(match (all_across / across, all_down / down) {
            (1, 1) => Self::None,
            (2, 1) if smooth && width > 2 => Self::Across,
            (2, 2) if smooth && width > 2 => Self::Both,
            (1, 2) if smooth => Self::Down,
            (x, y) => Self::Repeated(x, y),
        })
    }

    /// Returns whether a row of the picture needs the component's row after its own.
    pub(crate) fn looks_ahead(self) -> bool {
        matches!(self, Self::Down | Self::Both)
    }
}

/// Makes an array of zeros, or fails if there is no memory for it.
pub(crate) fn boxed<T: Clone + Default, const N: usize>() -> Result<Box<[T; N]>> {
    zeros(N)?.into_boxed_slice().try_into().map_err(|_| Error::memory())
}

/// Makes zeros, or fails if there is no memory for them.
pub(crate) fn zeros<T: Clone + Default>(count: usize) -> Result<Vec<T>> {
    let mut data = Vec::new();
    data.try_reserve_exact(count).map_err(|_| Error::memory())?;
    data.resize(count, T::default());
    Ok(data)
}
