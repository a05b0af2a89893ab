//! The size of a picture, of its components, and of their blocks at each scale.

use crate::error::{Error, Result};

/// The size at which a picture is decoded. Widths and heights are rounded up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// The whole size.
    Whole,
    /// Half of the width and half of the height.
    Half,
    /// A quarter of the width and of the height.
    Quarter,
    /// An eighth of the width and of the height.
    Eighth,
}

impl Scale {
    /// All scales from the smallest to the whole.
    pub const ALL: [Self; 4] = [Self::Eighth, Self::Quarter, Self::Half, Self::Whole];

    /// Returns the pixels of the whole, along a line, for one decoded pixel.
    pub fn divisor(self) -> usize {
        8 / self.side()
    }

    /// Returns the pixels across a block of the finest component.
    pub(crate) fn side(self) -> usize {
        match self {
            Self::Whole => 8,
            Self::Half => 4,
            Self::Quarter => 2,
            Self::Eighth => 1,
        }
    }
}

/// A component as the frame's header describes it.
#[derive(Clone, Copy)]
pub(crate) struct Component {
    pub(crate) id: u8,
    /// Its blocks in a minimum coded unit, across and down.
    pub(crate) across: usize,
    pub(crate) down: usize,
    /// The number of its quantisation table.
    pub(crate) quantisation: usize,
}

/// The contents of a frame's header.
#[derive(Clone)]
pub(crate) struct Frame {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) progressive: bool,
    pub(crate) components: Vec<Component>,
    /// The largest `across` and `down` of the components.
    pub(crate) across: usize,
    pub(crate) down: usize,
}

impl Frame {
    /// Reads a frame's header from behind its length.
    pub(crate) fn read(bytes: &[u8], progressive: bool) -> Result<Self> {
        let &[precision, h1, h0, w1, w0, count, ref rest @ ..] = bytes else {
            return Err(Error::damaged("the frame's header is cut short"));
        };
        match precision {
            8 => {}
            12 => return Err(Error::unsupported("JPEG with 12 bits a sample is not supported")),
            _ => return Err(Error::damaged("the frame's header has an impossible precision")),
        }
        let (width, height) =
            (usize::from(w1) << 8 | usize::from(w0), usize::from(h1) << 8 | usize::from(h0));
        if width == 0 {
            return Err(Error::damaged("the picture has no width"));
        }
        if height == 0 {
            return Err(Error::unsupported(
                "JPEG whose height comes after its data is not supported",
            ));
        }
        if !matches!(count, 1 | 3 | 4) {
            return Err(Error::unsupported(
                "JPEG with other than 1, 3 or 4 components is not supported",
            ));
        }
        if rest.len() < 3 * usize::from(count) {
            return Err(Error::damaged("the frame's header is cut short"));
        }
        let mut components = Vec::with_capacity(4);
        for part in rest.chunks_exact(3).take(usize::from(count)) {
            let (across, down) = (usize::from(part[1] >> 4), usize::from(part[1] & 15));
            if !(1..=4).contains(&across) || !(1..=4).contains(&down) || part[2] > 3 {
                return Err(Error::damaged(
                    "a component has an impossible sampling factor or table number",
                ));
            }
            if components.iter().any(|other: &Component| other.id == part[0]) {
                return Err(Error::damaged("two components have the same number"));
            }
            let quantisation = usize::from(part[2]);
            components.push(Component { id: part[0], across, down, quantisation });
        }
        if let [only] = &mut components[..] {
            // A component alone has one block in a unit, whatever the header says.
            (only.across, only.down) = (1, 1);
        }
        let across = components.iter().map(|c| c.across).max().unwrap_or(1);
        let down = components.iter().map(|c| c.down).max().unwrap_or(1);
        Ok(Self { width, height, progressive, components, across, down })
    }

    /// Returns the units of all components in a row, and the rows of units.
    pub(crate) fn units(&self) -> (usize, usize) {
        (self.width.div_ceil(8 * self.across), self.height.div_ceil(8 * self.down))
    }

    /// Returns the blocks of a component that lie in the picture, across and down. A scan of that component alone has
    /// these.
    pub(crate) fn blocks(&self, component: &Component) -> (usize, usize) {
        let part = |size: usize, of: usize, all: usize| (size * of).div_ceil(8 * all);
        (
            part(self.width, component.across, self.across),
            part(self.height, component.down, self.down),
        )
    }

    /// Returns the number of blocks of all components that lie in the picture.
    pub(crate) fn block_count(&self) -> usize {
        let of = |component| {
            let (across, down) = self.blocks(component);
            across * down
        };
        self.components.iter().map(of).sum()
    }

    /// Returns the width and height at this scale.
    pub(crate) fn size(&self, scale: Scale) -> (usize, usize) {
        (self.width.div_ceil(scale.divisor()), self.height.div_ceil(scale.divisor()))
    }

    /// Returns the pixels across a component's block at this scale. A coarse component is decoded larger if that saves
    /// the upsampling.
    pub(crate) fn side(&self, component: &Component, scale: Scale) -> usize {
        let mut side = scale.side();
        while side < 8
            && (self.across * scale.side()).is_multiple_of(component.across * side * 2)
            && (self.down * scale.side()).is_multiple_of(component.down * side * 2)
        {
            side *= 2;
        }
        side
    }
}
