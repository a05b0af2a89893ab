//! The portrait that the repository holds.

use std::path::{Path, PathBuf};

use face_predict::{Rect, Region};

pub const SIDE: usize = 512;

/// The face, as a detector found it.
pub const FACE: Region = Region::from_box(Rect::new(177.0, 66.0, 94.0, 122.0));

pub fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/images/eileen_collins.png")
}

/// Rows of red, green, blue.
pub fn rgb() -> Vec<u8> {
    image::open(path()).expect("the portrait").into_rgb8().into_raw()
}
