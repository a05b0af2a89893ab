//! Crops of faces as bytes, which the library's own code cuts once. Decoding takes as long as a quarter of a step.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use face_predict::{Affine, InputSpec, Region, Warp};
use sha2::{Digest, Sha256};

use super::manifest::Row;
use super::pictures;
use super::records::{Key, Records};
use crate::augment::crop::{inverse, margin, widened};

/// A face with a margin around it.
pub struct Crop {
    /// Red, green and blue of each pixel.
    pub pixels: Vec<u8>,
    /// The other places where it may be cut.
    pub places: Places,
}

/// Where a crop would lie if less were known about the face, in units of the correctly placed crop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Places {
    /// The place by the box alone.
    pub by_box: Affine,
    /// The place with the whole picture as the face.
    pub by_picture: Affine,
}

impl Places {
    /// Returns the places of a face in a picture of `width` x `height`, with the map from the correctly placed crop.
    pub fn of(
        row: &Row,
        rule: &face_predict::CropRule,
        (width, height): (usize, usize),
    ) -> Result<(Affine, Self)> {
        let whole = rule.place_picture(width, height);
        let (usual, by_box) = match row.region() {
            Some(region) => {
                let usual = rule.place(&region)?;
                (usual, rule.place(&Region { landmarks: None, ..region })?)
            }
            None => (whole, whole),
        };
        let back = inverse(&usual).context("the face has no size")?;
        Ok((usual, Self { by_box: back.after(&by_box), by_picture: back.after(&whole) }))
    }
}

/// The file that keeps the crops of one kind of network.
pub struct Kept {
    root: PathBuf,
    input: InputSpec,
    side: usize,
    records: Option<Records>,
}

/// The numbers of two maps before the pixels.
const MAPS: usize = 12;

impl Kept {
    /// Crops of the pictures below `root` for `input`, kept in `folder`. Without a folder they are cut each time.
    pub fn open(root: &Path, input: &InputSpec, folder: Option<&Path>) -> Result<Self> {
        let side = input.width + 2 * margin(input);
        let length = 4 * MAPS + 3 * side * side;
        let rule = Sha256::digest(serde_json::to_vec(&(side, &input.crop))?);
        let name = format!(
            "crops-{side}-{:02x}{:02x}{:02x}{:02x}.bin",
            rule[0], rule[1], rule[2], rule[3]
        );
        let open = |folder: &Path| Records::open(&folder.join(&name), length);
        let records = folder.map(open).transpose()?;
        if let Some(records) = records.as_ref().filter(|records| !records.writable()) {
            let file = records.path().display();
            eprintln!("{file}: another run is keeping crops there, so this one only reads them");
        }
        Ok(Self { root: root.to_owned(), input: input.clone(), side, records })
    }

    /// Returns the pixels of a side.
    pub fn side(&self) -> usize {
        self.side
    }

    /// Returns the crop of a face.
    pub fn crop(&self, row: &Row, warp: &mut Warp) -> Result<Crop> {
        let key = key(&self.root, row)?;
        let kept = self.records.as_ref().and_then(|records| records.get(&key));
        if let Some(crop) = kept.and_then(unpack) {
            return Ok(crop);
        }
        let crop = self.cut(row, warp)?;
        if let Some(records) = &self.records {
            records.put(&key, &pack(&crop));
        }
        Ok(crop)
    }

    fn cut(&self, row: &Row, warp: &mut Warp) -> Result<Crop> {
        let picture = pictures::open(&self.root.join(&row.path))?;
        let image = picture.image();
        let (usual, places) = Places::of(row, &self.input.crop, image.upright_size())?;
        let to_unit = Affine::scale(1.0 / self.side as f32, 1.0 / self.side as f32);
        let map = usual.after(&widened(&self.input)).after(&to_unit);
        let pixels = warp.cut_rgb(&image, &map, self.side, self.side)?;
        Ok(Crop { pixels, places })
    }
}

/// Returns a key of the face. It includes the size and the time of its picture.
pub fn key(root: &Path, row: &Row) -> Result<Key> {
    let mut hash = picture(root, &row.path)?;
    if let Some(Region { rect, landmarks }) = row.region() {
        let points = landmarks.into_iter().flatten().flat_map(|p| [p.x, p.y]);
        for number in [rect.x, rect.y, rect.width, rect.height].into_iter().chain(points) {
            hash.update(number.to_le_bytes());
        }
    }
    Ok(shortened(hash))
}

/// Returns a key of a picture, with its size and time.
pub fn picture_key(root: &Path, path: &str) -> Result<Key> {
    Ok(shortened(picture(root, path)?))
}

fn picture(root: &Path, path: &str) -> Result<Sha256> {
    let file = root.join(path);
    let told = || format!("{}", file.display());
    let about = std::fs::metadata(&file).with_context(told)?;
    ensure!(about.is_file(), "{} is not a file", told());
    let mut hash = Sha256::new();
    hash.update(path.as_bytes());
    for number in [about.len() as i64, about.mtime(), about.mtime_nsec()] {
        hash.update(number.to_le_bytes());
    }
    Ok(hash)
}

fn shortened(hash: Sha256) -> Key {
    let mut key = Key::default();
    key.copy_from_slice(&hash.finalize()[..16]);
    key
}

fn pack(crop: &Crop) -> Vec<u8> {
    let numbers = |m: &Affine| [m.xx, m.xy, m.x0, m.yx, m.yy, m.y0];
    let maps = [numbers(&crop.places.by_box), numbers(&crop.places.by_picture)];
    let mut bytes: Vec<u8> = maps.iter().flatten().flat_map(|v| v.to_le_bytes()).collect();
    bytes.extend(&crop.pixels);
    bytes
}

fn unpack(bytes: Vec<u8>) -> Option<Crop> {
    let (maps, pixels) = bytes.split_at_checked(4 * MAPS)?;
    let numbers: Vec<f32> =
        maps.chunks_exact(4).filter_map(|b| Some(f32::from_le_bytes(b.try_into().ok()?))).collect();
    let map = |n: &[f32]| Affine { xx: n[0], xy: n[1], x0: n[2], yx: n[3], yy: n[4], y0: n[5] };
    let places = Places { by_box: map(&numbers[..6]), by_picture: map(&numbers[6..]) };
    Some(Crop { pixels: pixels.to_vec(), places })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::inputs;

    #[test]
    fn crops_are_the_librarys_and_come_back_from_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let image = image::RgbImage::from_fn(90, 100, |x, y| {
            image::Rgb([(x * 2) as u8, (y * 2) as u8, ((x * y) % 251) as u8])
        });
        let path = folder.path().join("a.png");
        image.save(&path).expect("written");
        let (x, y) = (Some(20.0), Some(24.0));
        let mut row = Row { path: "a.png".into(), box_x: x, box_y: y, ..Row::default() };
        (row.box_w, row.box_h) = (Some(40.0), Some(50.0));
        let input = inputs::canonical(48);
        let (mut warp, cache) = (Warp::default(), folder.path().join("crops"));
        let kept = Kept::open(folder.path(), &input, Some(&cache)).expect("opens");
        assert_eq!(kept.side(), 64);
        let crop = kept.crop(&row, &mut warp).expect("cut");
        // The middle is what the library cuts.
        let picture = pictures::open(&path).expect("a picture");
        let place = input.crop.place(&row.region().expect("a box")).expect("a place");
        let mut planes = vec![0.0; input.len()];
        input.cut(&mut warp, &picture.image(), &place, &mut planes).expect("cut");
        for (i, value) in planes.iter().enumerate() {
            let (c, y, x) = (i / (48 * 48), i / 48 % 48, i % 48);
            let ours = f32::from(crop.pixels[3 * ((y + 8) * 64 + x + 8) + c]);
            assert!((ours - value).abs() <= 0.6, "{ours} {value} at {x}, {y}");
        }
        // Without landmarks, the place by the box is the correct one.
        let Places { by_box, by_picture } = crop.places;
        assert!((by_box.xx - 1.0).abs() < 1e-5 && by_box.x0.abs() < 1e-5);
        assert!((by_picture.xx - 1.0).abs() > 0.1);
        drop(kept);
        // It comes from the file, whether the picture can be read or not.
        let about = std::fs::metadata(&path).expect("there");
        std::fs::write(&path, vec![0; about.len() as usize]).expect("spoiled");
        let back = std::fs::File::options().write(true).open(&path).expect("there");
        back.set_modified(about.modified().expect("a time")).expect("the old time");
        let kept = Kept::open(folder.path(), &input, Some(&cache)).expect("opens");
        let again = kept.crop(&row, &mut warp).expect("kept");
        assert_eq!(again.pixels, crop.pixels);
        assert_eq!(again.places, crop.places);
        // A picture that changed is cut again, but this one cannot be.
        std::fs::write(&path, b"other").expect("written");
        assert!(kept.crop(&row, &mut warp).is_err());
    }
}
