//! Keeps pictures as raw pixels in a folder. A picture of a thousand pixels takes 10 ms to decode, and a training run
//! shows it a hundred times.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use face_predict::{Affine, Format, Orientation, Warp};

use super::paint::Bitmap;

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
        let file = cache.join(format!("{path}.rgb"));
        if let Ok(bytes) = std::fs::read(&file) {
            return unpack(&bytes).with_context(|| format!("{}", file.display()));
        }
        let (bitmap, span) = self.decode(path)?;
        let mut bytes = Vec::with_capacity(12 + bitmap.rgb.len());
        bytes.extend((bitmap.width as u32).to_le_bytes());
        bytes.extend((bitmap.height as u32).to_le_bytes());
        bytes.extend(span.to_le_bytes());
        bytes.extend(&bitmap.rgb);
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("folder {}", folder.display()))?;
        }
        // Two threads may write the same picture, so each uses a name of its own.
        let part = file.with_extension(format!("{:?}.part", std::thread::current().id()));
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

fn unpack(bytes: &[u8]) -> Result<(Bitmap, f32)> {
    let word = |i: usize| -> Result<[u8; 4]> {
        Ok(bytes.get(4 * i..4 * i + 4).context("a short file")?.try_into()?)
    };
    let (width, height) = (u32::from_le_bytes(word(0)?), u32::from_le_bytes(word(1)?));
    let span = f32::from_le_bytes(word(2)?);
    let (width, height) = (width as usize, height as usize);
    ensure!(
        width.checked_mul(height).and_then(|n| n.checked_mul(3)) == Some(bytes.len() - 12),
        "{} bytes are no picture of {width} x {height}; delete it",
        bytes.len()
    );
    Ok((Bitmap { width, height, rgb: bytes[12..].to_vec() }, span))
}
