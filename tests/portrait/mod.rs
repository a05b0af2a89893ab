//! The portrait in the repository.

use std::path::{Path, PathBuf};

use face_predict::{Rect, Region};

pub const SIDE: usize = 512;

/// The face, where a detector would find it.
pub const FACE: Region = Region::from_box(Rect::new(182.0, 59.0, 88.0, 114.0));

pub fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/images/eileen_collins.png")
}

/// Returns rows of red, green, blue.
pub fn rgb() -> Vec<u8> {
    image::open(path()).expect("the portrait").into_rgb8().into_raw()
}
