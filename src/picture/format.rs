//! How the numbers of a pixel are stored, and what colours they stand for.

use std::fmt;

/// The order of the components in memory. Each has 8 bits, except in [`P010`](Self::P010). Alpha is ignored. Formats of
/// Y, U and V store brightness (Y) for every pixel, and colour (U and V) for every second pixel of a row. All of them
/// except [`Yuyv`](Self::Yuyv) and [`Uyvy`](Self::Uyvy) store colour for every second row only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// One byte of brightness.
    Gray,
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red: OpenCV's order.
    Bgr,
    /// Red, green, blue, alpha.
    Rgba,
    /// Blue, green, red, alpha.
    Bgra,
    /// A plane of Y, then one of U and V in turn.
    Nv12,
    /// A plane of Y, then one of V and U in turn: Android's oldest camera format.
    Nv21,
    /// Planes of Y, U and V.
    I420,
    /// One plane of Y, U, Y, V: usual for USB cameras.
    Yuyv,
    /// One plane of U, Y, V, Y: capture cards, and cameras of Apple's.
    Uyvy,
    /// Alpha, red, green, blue.
    Argb,
    /// Alpha, blue, green, red.
    Abgr,
    /// [`Nv12`](Self::Nv12) with 16 little-endian bits for each sample, of which the upper 10 are used. Decoders of HDR
    /// video give it. Only the upper 8 bits are read.
    P010,
}

impl fmt::Display for Format {
    /// Writes the name that the C interface has for the format, such as "NV12".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gray => "GRAY",
            Self::Rgb => "RGB",
            Self::Bgr => "BGR",
            Self::Rgba => "RGBA",
            Self::Bgra => "BGRA",
            Self::Nv12 => "NV12",
            Self::Nv21 => "NV21",
            Self::I420 => "I420",
            Self::Yuyv => "YUYV",
            Self::Uyvy => "UYVY",
            Self::Argb => "ARGB",
            Self::Abgr => "ABGR",
            Self::P010 => "P010",
        })
    }
}

/// How Y, U and V are converted to colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Yuv {
    /// ITU-R BT.601, Y from 16 to 235: most cameras.
    #[default]
    Bt601Limited,
    /// BT.601, Y from 0 to 255: JPEG, and many phones.
    Bt601Full,
    /// BT.709, Y from 16 to 235: HD video.
    Bt709Limited,
    /// BT.709, Y from 0 to 255.
    Bt709Full,
}
