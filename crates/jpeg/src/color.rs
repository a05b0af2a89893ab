//! Converts rows of components to rows of gray, or of red, green and blue.

/// The meaning of a picture's components.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colors {
    Gray,
    Rgb,
    YCbCr,
    /// CMYK is inverted, as all writers store it.
    Cmyk,
    Ycck,
}

/// The number of pixels that are converted at a time.
const PART: usize = 128;

/// Converts a row. Each component has at least as many samples as the row has pixels.
#[inline(always)]
pub(crate) fn convert(colors: Colors, components: &[&[u8]], out: &mut [u8]) {
    match (colors, components) {
        (Colors::Gray, [gray]) => out.iter_mut().zip(*gray).for_each(|(to, from)| *to = *from),
        (Colors::Rgb, [r, g, b]) => parts([*r, *g, *b], out, |_, _| {}),
        (Colors::YCbCr, [y, cb, cr]) => parts([*y, *cb, *cr], out, |_, part| to_rgb(part)),
        (Colors::Cmyk, [c, m, y, k]) => {
            parts([*c, *m, *y], out, |start, part| {
                part.iter_mut().for_each(|ink| darken(ink, k, start))
            });
        }
        (Colors::Ycck, [y, cb, cr, k]) => parts([*y, *cb, *cr], out, |start, part| {
            to_rgb(part);
            for ink in part {
                ink.iter_mut().for_each(|value| *value = 255 - *value);
                darken(ink, k, start);
            }
        }),
        // The frame has as many components as its colours need.
        _ => {}
    }
}

type Part = [u8; PART];

/// Converts each part, and mixes the three.
#[inline(always)]
fn parts(components: [&[u8]; 3], out: &mut [u8], convert: impl Fn(usize, &mut [Part; 3])) {
    let mut loaded = [[0; PART]; 3];
    let mut packed = [0; PART];
    for (index, pixels) in out.chunks_mut(3 * PART).enumerate() {
        let start = index * PART;
        let count = pixels.len() / 3;
        for (part, row) in loaded.iter_mut().zip(components) {
            let end = row.len().min(start + count);
            let row = row.get(start..end).unwrap_or_default();
            match row.first_chunk() {
                Some(whole) => *part = *whole,
                None => part.iter_mut().zip(row).for_each(|(to, from)| *to = *from),
            }
        }
        convert(start, &mut loaded);
        let [r, g, b] = &loaded;
        for i in 0..PART {
            packed[i] = u32::from(r[i]) | u32::from(g[i]) << 8 | u32::from(b[i]) << 16;
        }
        let mut fours = pixels.chunks_exact_mut(12);
        for (to, from) in fours.by_ref().zip(packed.chunks_exact(4)) {
            to[..4].copy_from_slice(&(from[0] | from[1] << 24).to_le_bytes());
            to[4..8].copy_from_slice(&(from[1] >> 8 | from[2] << 16).to_le_bytes());
            to[8..].copy_from_slice(&(from[2] >> 16 | from[3] << 8).to_le_bytes());
        }
        let rest = fours.into_remainder().chunks_exact_mut(3);
        for (to, from) in rest.zip(&packed[count / 4 * 4..]) {
            to.copy_from_slice(&from.to_le_bytes()[..3]);
        }
    }
}

/// The high half of a product.
#[inline(always)]
fn high(a: i16, b: i16) -> i16 {
    ((i32::from(a) * i32::from(b)) >> 16) as i16
}

#[inline(always)]
fn byte(value: i16) -> u8 {
    value.clamp(0, 255) as u8
}

/// This is BT.601 of full range, rounded as libjpeg rounds.
#[inline(always)]
fn to_rgb([r, g, b]: &mut [Part; 3]) {
    for i in 0..PART {
        let (y, cb, cr) = (i16::from(r[i]), i16::from(g[i]) - 128, i16::from(b[i]) - 128);
        // The terms are 1.402 cr and 1.772 cb. Twice the fraction is cut off, and half of one more is rounded.
        r[i] = byte(y + cr + ((high(2 * cr, 26_345) + 1) >> 1));
        b[i] = byte(y + 2 * cb + ((high(2 * cb, -14_942) + 1) >> 1));
        // The term is 0.34414 cb + 0.71414 cr. The second factor is subtracted from 1, so that both fit into 16 bits.
        let less = i32::from(cb) * -22_554 + i32::from(cr) * 18_734 + 32_768;
        g[i] = byte(y - cr + (less >> 16) as i16);
    }
}

/// Multiplies by what black leaves of the light. Both are stored inverted.
fn darken(light: &mut Part, black: &[u8], start: usize) {
    for (light, black) in light.iter_mut().zip(black.get(start..).unwrap_or_default()) {
        let product = u32::from(*light) * u32::from(*black) + 128;
        *light = ((product + (product >> 8)) >> 8) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_color_is_the_equations() {
        for y in (0..256).step_by(5).chain([255]) {
            for cb in (0..256).step_by(3) {
                let cr: Vec<u8> = (0..=255).collect();
                let (luma, blue) = ([y as u8; 256], [cb as u8; 256]);
                let mut out = [0; 256 * 3];
                convert(Colors::YCbCr, &[&luma, &blue, &cr], &mut out);
                for (cr, got) in out.chunks_exact(3).enumerate() {
                    let (y, cb, cr) = (f64::from(y), f64::from(cb) - 128.0, cr as f64 - 128.0);
                    let want =
                        [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb];
                    for (got, want) in got.iter().zip(want) {
                        let error = f64::from(*got) - want.clamp(0.0, 255.0);
                        assert!(error.abs() < 0.51, "{y} {cb} {cr}: {got} for {want}");
                    }
                }
            }
        }
    }

    #[test]
    fn rows_of_any_length_are_whole() {
        for length in [1, 2, 127, 128, 129, 131, 256] {
            let rows: Vec<Vec<u8>> =
                (0..3).map(|c| (0..length).map(|i| (i * 3 + c) as u8).collect()).collect();
            let mut out = vec![0; 3 * length];
            convert(Colors::Rgb, &[&rows[0], &rows[1], &rows[2]], &mut out);
            let want: Vec<u8> = (0..length * 3).map(|i| i as u8).collect();
            assert_eq!(out, want, "{length}");
        }
    }
}
