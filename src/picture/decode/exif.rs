//! The orientation in an Exif block.

use crate::picture::Orientation;

/// Returns the orientation of the first Exif block that has one. If none has one, the picture is upright.
pub(super) fn orientation<'a>(blocks: impl IntoIterator<Item = &'a [u8]>) -> Orientation {
    let known = blocks.into_iter().find_map(entry);
    known.and_then(|value| Orientation::from_exif(value).ok()).unwrap_or(Orientation::UPRIGHT)
}

/// Returns the number behind a block's orientation tag, 1 to 8. A damaged block has none.
fn entry(tiff: &[u8]) -> Option<u32> {
    const ORIENTATION: u32 = 0x0112;
    const ENTRY: usize = 12;

    // Some writers put JPEG's name of the block into a WebP file, too.
    let tiff = tiff.strip_prefix(b"Exif\0\0").unwrap_or(tiff);
    let little = match tiff.first_chunk()? {
        [b'I', b'I', 42, 0] => true,
        [b'M', b'M', 0, 42] => false,
        _ => return None,
    };
    let number = |at: usize, size: usize| -> Option<u32> {
        let bytes = tiff.get(at..at.checked_add(size)?)?;
        let join = |value, byte: &u8| value << 8 | u32::from(*byte);
        Some(if little { bytes.iter().rev().fold(0, join) } else { bytes.iter().fold(0, join) })
    };
    let directory = usize::try_from(number(4, 4)?).ok()?;
    let count = number(directory, 2)? as usize;
    let start = directory.checked_add(2)?;
    let entries = (0..count).map_while(|index| {
        let at = start.checked_add(index * ENTRY)?;
        Some((number(at, 2)?, number(at + 2, 2)?, at + 8))
    });
    // The standard says SHORT. Some programs write LONG or BYTE, which other readers obey, too.
    entries.into_iter().filter(|(tag, _, _)| *tag == ORIENTATION).find_map(|(_, kind, at)| {
        let value = match kind {
            1 => number(at, 1),
            3 => number(at, 2),
            4 => number(at, 4),
            _ => None,
        };
        value.filter(|value| (1..=8).contains(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A block with one entry, in either byte order.
    fn block(little: bool, tag: u16, kind: u16, value: u32) -> Vec<u8> {
        let two = |v: u16| if little { v.to_le_bytes() } else { v.to_be_bytes() };
        let four = |v: u32| if little { v.to_le_bytes() } else { v.to_be_bytes() };
        let mut out = if little { b"II".to_vec() } else { b"MM".to_vec() };
        out.extend(two(42));
        out.extend(four(8));
        out.extend(two(1));
        out.extend([two(tag), two(kind)].concat());
        out.extend(four(1));
        match kind {
            1 => out.extend([value as u8, 0, 0, 0]),
            3 => out.extend([two(value as u16), [0, 0]].concat()),
            _ => out.extend(four(value)),
        }
        out
    }

    #[test]
    fn short_long_and_byte_are_read_in_both_orders() {
        for little in [true, false] {
            for kind in [1, 3, 4] {
                for value in 1..=8 {
                    assert_eq!(entry(&block(little, 0x0112, kind, value)), Some(value));
                }
            }
            // These entries are out of range, of another type, or have another tag.
            for other in [block(little, 0x0112, 3, 0), block(little, 0x0112, 3, 9)] {
                assert_eq!(entry(&other), None);
            }
            assert_eq!(entry(&block(little, 0x0112, 2, 6)), None);
            assert_eq!(entry(&block(little, 0x0113, 3, 6)), None);
        }
    }

    #[test]
    fn the_first_block_that_has_one_wins() {
        let (none, six, one) =
            (block(true, 0x0113, 3, 6), block(false, 0x0112, 4, 6), block(true, 0x0112, 3, 1));
        let turned = Orientation::from_exif(6).expect("valid");
        let of = |blocks: &[&Vec<u8>]| orientation(blocks.iter().map(|block| block.as_slice()));
        assert_eq!(of(&[&none, &six, &one]), turned);
        assert_eq!(of(&[&one, &six]), Orientation::UPRIGHT);
        assert_eq!(of(&[]), Orientation::UPRIGHT);
    }

    #[test]
    fn the_name_that_jpeg_gives_a_block_is_skipped() {
        let named = [&b"Exif\0\0"[..], &block(true, 0x0112, 3, 6)].concat();
        assert_eq!(entry(&named), Some(6));
        assert_eq!(entry(b"Exif\0\0"), None);
    }

    #[test]
    fn damaged_blocks_have_none() {
        let whole = block(true, 0x0112, 4, 6);
        for end in 0..whole.len() {
            assert_eq!(entry(&whole[..end]), None, "{end}");
        }
        let mut far = whole.clone();
        far[4..8].fill(0xFF);
        assert_eq!(entry(&far), None);
        let mut many = whole;
        many[8..10].fill(0xFF);
        assert_eq!(entry(&many), Some(6));
    }
}
