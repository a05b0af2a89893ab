//! JPEG at an eighth, a quarter or half of its size: most of the work of decoding a large one is never done.

use super::{DecodeLimits, Picture};
use crate::error::Result;

/// A picture smaller than its file says.
#[derive(Clone, Debug)]
pub(crate) struct Reduced {
    pub(crate) picture: Picture,
    /// Width and height of the whole, turned upright.
    pub(crate) full: (usize, usize),
    /// Pixels of the whole for one that was decoded, along a line.
    pub(crate) divisor: usize,
}

impl Reduced {
    /// Nothing decodes in such a build.
    #[cfg(not(feature = "decode"))]
    pub(crate) fn decode(
        _: &[u8],
        _: &DecodeLimits,
        _: impl FnOnce(f32) -> f32,
    ) -> Result<Option<Self>> {
        Ok(None)
    }

    /// Decodes with a longer side of at least what `longer` makes of the whole one, in pixels. `None` where nothing is gained, and for what is
    /// no JPEG.
    #[cfg(feature = "decode")]
    pub(crate) fn decode(
        bytes: &[u8],
        limits: &DecodeLimits,
        longer: impl FnOnce(f32) -> f32,
    ) -> Result<Option<Self>> {
        use face_predict_jpeg::Scale;

        let Some(file) = super::jpeg::File::new(bytes, limits)? else {
            return Ok(None);
        };
        let (width, height) = file.size();
        let whole = width.max(height) as f32;
        let longer = longer(whole);
        let enough = |scale: &Scale| whole / scale.divisor() as f32 >= longer;
        let Some(scale) = Scale::ALL.into_iter().find(enough).filter(|scale| scale.divisor() > 1)
        else {
            return Ok(None);
        };
        let picture = file.decode(scale)?;
        let full = if file.orientation().swaps_axes() { (height, width) } else { (width, height) };
        Ok(Some(Self { picture, full, divisor: scale.divisor() }))
    }
}
