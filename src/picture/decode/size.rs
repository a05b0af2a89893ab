//! Reads the size from the header of a PNG or BMP file. On a 32-bit system the decoders refuse a picture that exceeds the
//! address space before they tell its size. The error would then not be that of a limit.

/// Returns width and height. `None` for other files, and for a header that only the decoder can judge.
pub(super) fn declared(bytes: &[u8]) -> Option<(usize, usize)> {
    let (width, height) = if bytes.starts_with(b"\x89PNG\r\n\x1A\n") {
        if bytes.get(12..16)? != b"IHDR" {
            return None;
        }
        (u32::from_be_bytes(four(bytes, 16)?), u32::from_be_bytes(four(bytes, 20)?))
    } else if bytes.starts_with(b"BM") {
        if u32::from_le_bytes(four(bytes, 14)?) == 12 {
            // The first version of the header has 16 bits for each.
            let both = u32::from_le_bytes(four(bytes, 18)?);
            (both & 0xFFFF, both >> 16)
        } else {
            // A negative height means that the first row is on top. No width is negative.
            let width = u32::try_from(i32::from_le_bytes(four(bytes, 18)?)).ok()?;
            (width, i32::from_le_bytes(four(bytes, 22)?).unsigned_abs())
        }
    } else {
        return None;
    };
    Some((usize::try_from(width).ok()?, usize::try_from(height).ok()?))
}

fn four(bytes: &[u8], at: usize) -> Option<[u8; 4]> {
    bytes.get(at..)?.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::declared;

    #[test]
    fn headers_give_the_size() {
        let png = b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR\0\0\xEA\x60\0\x01\0\0";
        assert_eq!(declared(png), Some((60_000, 65_536)));
        let bmp =
            |size: u32, sides: &[u8]| [&b"BM"[..], &[0; 12], &size.to_le_bytes(), sides].concat();
        assert_eq!(declared(&bmp(12, &[0x60, 0xEA, 2, 1])), Some((60_000, 258)));
        let sides = |width: i32, height: i32| [width.to_le_bytes(), height.to_le_bytes()].concat();
        assert_eq!(declared(&bmp(40, &sides(60_000, 3))), Some((60_000, 3)));
        assert_eq!(declared(&bmp(124, &sides(5, -70_000))), Some((5, 70_000)));
        assert_eq!(declared(&bmp(40, &sides(5, i32::MIN))), Some((5, 1 << 31)));
        assert_eq!(declared(&bmp(40, &sides(-5, 3))), None);
        for end in 0..png.len() {
            assert_eq!(declared(&png[..end]), None);
        }
        let bmp = bmp(40, &sides(1, 1));
        for end in 0..bmp.len() {
            assert_eq!(declared(&bmp[..end]), None);
        }
        assert_eq!(declared(b"\x89PNG\r\n\x1A\n\0\0\0\x0DJUNK\0\0\xEA\x60\0\x01\0\0"), None);
        assert_eq!(declared(b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\0"), None);
    }
}
