//! Reasons to trust a face less, as flags and in words.

use core::ffi::c_char;

use crate::face::quality::Quality;

/// Quality: the face has few pixels. The square root of the box's area is below 40.
pub const FACE_PREDICT_QUALITY_SMALL: u32 = 1 << 0;
/// Quality: the face is out of focus, or moves.
pub const FACE_PREDICT_QUALITY_BLURRED: u32 = 1 << 1;
/// Quality: the face is under-exposed.
pub const FACE_PREDICT_QUALITY_DARK: u32 = 1 << 2;
/// Quality: the face is over-exposed.
pub const FACE_PREDICT_QUALITY_BRIGHT: u32 = 1 << 3;
/// Quality: the head is turned by more than 40 degrees to a side, up or down. The landmarks tell it, so a region without
/// landmarks never has this flag.
pub const FACE_PREDICT_QUALITY_TURNED: u32 = 1 << 4;
/// Quality: more than 15 % of the box lies outside the picture.
pub const FACE_PREDICT_QUALITY_CUT_OFF: u32 = 1 << 5;
/// Quality: the head lies on its side or stands upside down, but the library estimated it as an upright one. Do not use
/// this answer, and ask again with FACE_PREDICT_TRY_TURNS. The flag is set only in still pictures, for faces that the
/// library found and estimated and that are not FACE_PREDICT_QUALITY_SMALL. A tracker and a fast search never set it.
pub const FACE_PREDICT_QUALITY_NOT_UPRIGHT: u32 = 1 << 6;

// The header needs literals, and this assertion keeps them equal to Rust's numbers.
const _: () = assert!(
    Quality::SMALL.bits() == FACE_PREDICT_QUALITY_SMALL
        && Quality::BLURRED.bits() == FACE_PREDICT_QUALITY_BLURRED
        && Quality::DARK.bits() == FACE_PREDICT_QUALITY_DARK
        && Quality::BRIGHT.bits() == FACE_PREDICT_QUALITY_BRIGHT
        && Quality::TURNED.bits() == FACE_PREDICT_QUALITY_TURNED
        && Quality::CUT_OFF.bits() == FACE_PREDICT_QUALITY_CUT_OFF
        && Quality::NOT_UPRIGHT.bits() == FACE_PREDICT_QUALITY_NOT_UPRIGHT
);

/// There is one text for each set of flags.
const COUNT: usize = 1 << Quality::ALL.len();
/// The longest text has 58 bytes and ends with a zero. A longer one does not compile.
const LENGTH: usize = 64;

// These texts exist before any call, so they need no allocation, and callers may keep the pointer.
static TEXTS: [[u8; LENGTH]; COUNT] = texts();

const fn texts() -> [[u8; LENGTH]; COUNT] {
    let mut texts = [[0; LENGTH]; COUNT];
    let mut flags = 0;
    while flags < COUNT {
        texts[flags] = text(flags as u32);
        flags += 1;
    }
    texts
}

/// The names of the flags, with ", " between them and zeros behind them.
const fn text(flags: u32) -> [u8; LENGTH] {
    let (mut text, mut end, mut index) = ([0; LENGTH], 0, 0);
    while index < Quality::ALL.len() {
        let (reason, name) = Quality::ALL[index];
        if flags & reason.bits() != 0 {
            let separator = if end == 0 { "" } else { ", " };
            end = append(&mut text, end, separator);
            end = append(&mut text, end, name);
        }
        index += 1;
    }
    assert!(end < LENGTH);
    text
}

const fn append(text: &mut [u8; LENGTH], mut end: usize, part: &str) -> usize {
    let (part, mut index) = (part.as_bytes(), 0);
    while index < part.len() {
        text[end] = part[index];
        (end, index) = (end + 1, index + 1);
    }
    end
}

/// Returns the names of the flags in `quality` of a face, such as "small, cut_off", or "" if there are none. Flags that the
/// library does not know are left out. The text is static.
#[unsafe(no_mangle)]
pub extern "C" fn face_predict_quality_text(quality: u32) -> *const c_char {
    TEXTS[quality as usize % COUNT].as_ptr().cast()
}

#[cfg(test)]
mod tests {
    use super::{COUNT, TEXTS};
    use crate::face::quality::Quality;

    #[test]
    fn each_set_of_flags_has_its_names() {
        for (flags, text) in TEXTS.iter().enumerate() {
            let known = Quality::ALL.iter().filter(|(reason, _)| flags as u32 & reason.bits() != 0);
            let names: Vec<&str> = known.map(|(_, name)| *name).collect();
            let text = std::ffi::CStr::from_bytes_until_nul(text).expect("a zero at the end");
            assert_eq!(text.to_str(), Ok(names.join(", ").as_str()));
        }
        assert_eq!(COUNT, 128);
    }
}
