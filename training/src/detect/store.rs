//! Keeps pictures as raw pixels in a folder. A picture of a thousand pixels takes 10 ms to decode, and a training run
//! shows it a hundred times.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use face_predict::{Affine, Format, Orientation, Warp};

use super::paint::Bitmap;
use crate::data::kept::picture_key;
use crate::data::records::Key;

/// Opens pictures below `root`.
pub struct Store {
    root: PathBuf,
    cache: Option<PathBuf>,
    longest: usize,
}

impl Store {
    /// Pictures are reduced to `longest` pixels. `cache` is the folder that keeps them, if there is one.
    pub fn new(root: &Path, cache: Option<&Path>, longest: usize) -> Self {
        let cache = cache.map(|folder| folder.join(longest.to_string()));
        Self { root: root.to_owned(), cache, longest }
    }

    /// Returns the picture at `path`, and how many of its own pixels one returned pixel spans.
    pub fn open(&self, path: &str) -> Result<(Bitmap, f32)> {
        let Some(cache) = &self.cache else { return self.decode(path) };
        // A picture that was replaced has another key, and so has one of the same name below another root.
        let key = picture_key(&self.root, path)?;
        let file = cache.join(format!("{path}.rgb"));
        if let Some(kept) = std::fs::read(&file).ok().and_then(|bytes| unpack(&bytes, &key)) {
            return Ok(kept);
        }
        let (bitmap, span) = self.decode(path)?;
        let mut bytes = Vec::with_capacity(HEAD + bitmap.rgb.len());
        bytes.extend(key);
        bytes.extend((bitmap.width as u32).to_le_bytes());
        bytes.extend((bitmap.height as u32).to_le_bytes());
        bytes.extend(span.to_le_bytes());
        bytes.extend(&bitmap.rgb);
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("folder {}", folder.display()))?;
        }
        // Two threads or two processes may write the same picture, so each uses a name of its own.
        let own = (std::process::id(), std::thread::current().id());
        let part = file.with_extension(format!("{}.{:?}.part", own.0, own.1));
        std::fs::write(&part, &bytes).with_context(|| format!("writing {}", part.display()))?;
        std::fs::rename(&part, &file).with_context(|| format!("renaming to {}", file.display()))?;
        Ok((bitmap, span))
    }

    fn decode(&self, path: &str) -> Result<(Bitmap, f32)> {
        let picture = crate::data::pictures::open(&self.root.join(path))?;
        let image = picture.image();
        let (width, height) = image.upright_size();
        let span = (width.max(height) as f32 / self.longest as f32).max(1.0);
        let small = |side: usize| ((side as f32 / span).round() as usize).max(1);
        let mut bitmap = Bitmap::new(small(width), small(height));
        if span == 1.0
            && image.format() == Format::Rgb
            && image.orientation() == Orientation::UPRIGHT
        {
            for (y, row) in bitmap.rgb.chunks_exact_mut(3 * width).enumerate() {
                row.copy_from_slice(image.row(y));
            }
            return Ok((bitmap, span));
        }
        let map = Affine::scale(span, span);
        bitmap.rgb = Warp::default().cut_rgb(&image, &map, bitmap.width, bitmap.height)?;
        Ok((bitmap, span))
    }
}

/// The bytes before the pixels: the key, the width, the height and the span.
const HEAD: usize = 16 + 12;

/// Returns the picture in a file, if the file has this key and is whole.
fn unpack(bytes: &[u8], key: &Key) -> Option<(Bitmap, f32)> {
    let (head, rgb) = bytes.split_at_checked(HEAD)?;
    let numbers = head.strip_prefix(key)?;
    let word = |i: usize| -> Option<[u8; 4]> { numbers.get(4 * i..4 * i + 4)?.try_into().ok() };
    let (width, height) = (u32::from_le_bytes(word(0)?), u32::from_le_bytes(word(1)?));
    let span = f32::from_le_bytes(word(2)?);
    let (width, height) = (width as usize, height as usize);
    let size = width.checked_mul(height)?.checked_mul(3)?;
    (size == rgb.len()).then(|| (Bitmap { width, height, rgb: rgb.to_vec() }, span))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_picture_is_read_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        let here = |name: &str| folder.path().join(name);
        let fill = |root: &str, ink: u8, width: u32| {
            std::fs::create_dir_all(here(root)).expect("a folder");
            let image = image::RgbImage::from_pixel(width, 9, image::Rgb([ink; 3]));
            image.save(here(root).join("a.png")).expect("written");
        };
        let first = |root: &str| {
            let store = Store::new(&here(root), Some(&here("cache")), 40);
            let (bitmap, span) = store.open("a.png").expect("a picture");
            (bitmap.width, bitmap.rgb[0], span)
        };
        fill("one", 10, 80);
        assert_eq!(first("one"), (40, 10, 2.0));
        assert_eq!(first("one"), (40, 10, 2.0), "from the cache");
        fill("one", 200, 20);
        assert_eq!(first("one"), (20, 200, 1.0));
        fill("two", 90, 30);
        assert_eq!(first("two"), (30, 90, 1.0), "another root");
        // A file that was cut short is written anew.
        let kept = here("cache/40/a.png.rgb");
        let bytes = std::fs::read(&kept).expect("kept");
        std::fs::write(&kept, &bytes[..bytes.len() - 1]).expect("written");
        assert_eq!(first("two"), (30, 90, 1.0));
        assert_eq!(std::fs::read(&kept).expect("kept"), bytes);
        let names = std::fs::read_dir(here("cache/40")).expect("a folder");
        assert_eq!(names.count(), 1, "no part of a file is left");
    }
}
