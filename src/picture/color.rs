//! Converts the components that a picture stores to red, green and blue.

use super::format::{Format, Yuv};

/// The components of a pixel as a picture stores them: red, green and blue, or Y, U and V. There is a fourth number
/// only because processors compute four at once.
pub(super) type Components = [f32; 4];

/// A linear map, so it may be applied after averaging and interpolation.
#[derive(Clone, Copy, Debug)]
pub(super) enum ToRgb {
    Same,
    Swapped,
    Yuv { scale: f32, black: f32, red_v: f32, green_u: f32, green_v: f32, blue_u: f32 },
}

impl ToRgb {
    pub(super) fn new(format: Format, yuv: Yuv) -> Self {
        match format {
            Format::Gray | Format::Rgb | Format::Rgba | Format::Argb => return Self::Same,
            Format::Bgr | Format::Bgra | Format::Abgr => return Self::Swapped,
            Format::Nv12
            | Format::Nv21
            | Format::I420
            | Format::Yuyv
            | Format::Uyvy
            | Format::P010 => {}
        }
        // The shares of red and blue in Y, by the two recommendations.
        let (red, blue) = match yuv {
            Yuv::Bt601Limited | Yuv::Bt601Full => (0.299, 0.114),
            Yuv::Bt709Limited | Yuv::Bt709Full => (0.2126, 0.0722),
        };
        let (scale, black, chroma) = match yuv {
            Yuv::Bt601Limited | Yuv::Bt709Limited => (255.0 / 219.0, 16.0, 255.0 / 224.0),
            Yuv::Bt601Full | Yuv::Bt709Full => (1.0, 0.0, 1.0),
        };
        let green: f32 = 1.0 - red - blue;
        let (red_v, blue_u) = (2.0 * (1.0 - red) * chroma, 2.0 * (1.0 - blue) * chroma);
        let (green_u, green_v) = (-blue * blue_u / green, -red * red_v / green);
        Self::Yuv { scale, black, red_v, green_u, green_v, blue_u }
    }

    pub(super) fn apply(self, [mut a, mut b, mut c, _]: Components) -> [f32; 3] {
        use std::slice::from_mut;
        self.planes(from_mut(&mut a), from_mut(&mut b), from_mut(&mut c));
        [a, b, c]
    }

    /// Converts components, each in its own memory, to red, green and blue in place.
    pub(super) fn planes(self, first: &mut [f32], second: &mut [f32], third: &mut [f32]) {
        match self {
            Self::Same => {}
            Self::Swapped => first.swap_with_slice(third),
            Self::Yuv { scale, black, red_v, green_u, green_v, blue_u } => {
                for ((first, second), third) in first.iter_mut().zip(second).zip(third) {
                    let (y, u, v) = ((*first - black) * scale, *second - 128.0, *third - 128.0);
                    *first = (y + red_v * v).clamp(0.0, 255.0);
                    *second = (y + green_u * u + green_v * v).clamp(0.0, 255.0);
                    *third = (y + blue_u * u).clamp(0.0, 255.0);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corners_of_the_colour_cube() {
        // BT.601 limited and BT.709 limited must equal the tables of the video standards, to the rounding of 8 bits.
        for (yuv, code, want) in [
            (Yuv::Bt601Limited, [235.0, 128.0, 128.0], [255.0, 255.0, 255.0]),
            (Yuv::Bt601Limited, [81.0, 90.0, 240.0], [255.0, 0.0, 0.0]),
            (Yuv::Bt709Limited, [63.0, 102.0, 240.0], [255.0, 0.0, 0.0]),
            (Yuv::Bt601Full, [29.0, 255.0, 107.0], [0.0, 0.0, 255.0]),
            (Yuv::Bt709Full, [182.0, 30.0, 12.0], [0.0, 255.0, 0.0]),
        ] {
            let got = ToRgb::new(Format::Nv12, yuv).apply([code[0], code[1], code[2], 0.0]);
            for (got, want) in got.iter().zip(want) {
                assert!((got - want).abs() < 3.0, "{yuv:?} {code:?}: {got} for {want}");
            }
        }
    }
}
