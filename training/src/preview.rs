//! Writes a sheet of crops as in training, to look at before a long run.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use tch::{Device, Tensor};

use crate::data::feed::Fed;

/// The number of faces on a sheet, one in each row.
pub const ROWS: usize = 6;
/// The number of crops of each.
pub const COLUMNS: usize = 8;

/// Writes the crops of batches, each batch a row of the sheet.
pub fn sheet(batches: Vec<Fed>, side: usize, path: &Path) -> Result<()> {
    let batches: Vec<Fed> = batches.into_iter().filter(|batch| batch.len() > 0).collect();
    ensure!(!batches.is_empty(), "no picture could be read");
    let (width, height) = (COLUMNS * side, batches.len() * side);
    let mut sheet = image::RgbImage::new(width as u32, height as u32);
    for (row, batch) in batches.iter().enumerate() {
        let pixels = batch.pictures(Device::Cpu).permute([0, 2, 3, 1]).round();
        let pixels = pixels.clamp(0.0, 255.0).to_kind(tch::Kind::Uint8).contiguous();
        let pixels: Vec<u8> = Vec::try_from(Tensor::view(&pixels, [-1]))?;
        for (i, rgb) in pixels.chunks_exact(3).enumerate() {
            let (column, y, x) = (i / (side * side), i / side % side, i % side);
            let rgb = [rgb[0], rgb[1], rgb[2]];
            sheet.put_pixel((column * side + x) as u32, (row * side + y) as u32, image::Rgb(rgb));
        }
    }
    if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    sheet.save(path).with_context(|| format!("writing {}", path.display()))
}
