//! Measures how many faces are found in pictures of one face: as they are, shrunk, and turned.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use face_predict::{Affine, Model, Options, Point, Region};
use serde::Serialize;

use super::measure::RIGHT;
use super::paint::{Bitmap, Canvas};
use super::place::{place, target};
use super::store::Store;
use crate::augment::crop::inverse;
use crate::data::manifest::Row;

/// Figures of one kind of pictures.
#[derive(Debug, Default, Serialize)]
pub struct Variant {
    /// The pictures that were searched.
    pub pictures: usize,
    /// The share of them whose face was found at the file's threshold.
    pub found: f64,
    /// The other answers in each picture. Some are second faces that nobody marked.
    pub wrong: f64,
    /// Mean distance of landmarks from the marked ones, in units of the distance between the marked eyes.
    pub landmarks: f64,
}

/// Figures by kind of pictures.
#[derive(Debug, Default, Serialize)]
pub struct Portraits {
    /// `plain`, `shrunk to 40`, `turned by 30`, `turned by -30`.
    pub variants: BTreeMap<String, Variant>,
    /// The pictures that could not be read.
    pub failed: usize,
}

/// The longer side of shrunken pictures.
const SHRUNK: f32 = 40.0;
/// The degrees of turned pictures.
const TURN: f32 = 30.0;

/// Looks for the faces of `rows`, whose pictures lie below `root`, with these options.
pub fn judge(
    model: &Model,
    rows: &[&Row],
    root: &Path,
    options: &Options<'_>,
) -> Result<Portraits> {
    let store = Store::new(root, None, 1024);
    let mut portraits = Portraits::default();
    for row in rows {
        let Some(region) = row.region().filter(|r| r.landmarks.is_some()) else { continue };
        let Ok((bitmap, span)) = store.open(&row.path) else {
            portraits.failed += 1;
            continue;
        };
        // The picture may be reduced.
        let region = region.scaled(1.0 / span);
        let longer = bitmap.width.max(bitmap.height) as f32;
        let turned = TURN.to_radians();
        for (name, scale, turn, room) in [
            ("plain", 1.0, 0.0, 1.0),
            ("shrunk to 40", SHRUNK / longer, 0.0, 1.0),
            // This is room for the corners.
            ("turned by 30", 1.0, turned, 1.4),
            ("turned by -30", 1.0, -turned, 1.4),
        ] {
            let (picture, truth) = changed(&bitmap, &region, scale, turn, room)?;
            let found = model.predict(&picture.image()?, options)?;
            let variant = portraits.variants.entry(name.to_owned()).or_default();
            variant.pictures += 1;
            let hit = found.faces().find(|f| f.rect().overlap(&truth.rect) >= RIGHT);
            variant.wrong += found.len() as f64 - f64::from(u8::from(hit.is_some()));
            let (Some(hit), Some(landmarks)) = (hit, truth.landmarks) else { continue };
            variant.found += 1.0;
            let distance = |a: &Point, b: &Point| (a.x - b.x).hypot(a.y - b.y);
            let eyes = distance(&landmarks[0], &landmarks[1]);
            let found = hit.landmarks();
            let far = landmarks.iter().zip(found.iter().flatten());
            let far: f32 = far.map(|(a, b)| distance(a, b) / eyes).sum();
            variant.landmarks += f64::from(far) / 5.0;
        }
    }
    let judged = !portraits.variants.is_empty();
    let bare = !judged && portraits.failed == 0;
    ensure!(!bare, "none of {} faces has landmarks, with which answers are compared", rows.len());
    ensure!(judged, "no picture of a face could be read");
    for variant in portraits.variants.values_mut() {
        variant.landmarks /= variant.found.max(1.0);
        variant.found /= variant.pictures as f64;
        variant.wrong /= variant.pictures as f64;
    }
    Ok(portraits)
}

/// Returns the picture scaled and turned about its middle, with its edge repeated, and the place of its face then.
fn changed(
    bitmap: &Bitmap,
    region: &Region,
    scale: f32,
    turn: f32,
    room: f32,
) -> Result<(Bitmap, super::Target)> {
    let sides = [bitmap.width, bitmap.height];
    let [width, height] = sides.map(|s| ((s as f32 * scale * room).round() as usize).max(8));
    let middle = Region::from_box(face_predict::Rect::new(
        0.0,
        0.0,
        bitmap.width as f32,
        bitmap.height as f32,
    ));
    let to = Point::new(width as f32 / 2.0, height as f32 / 2.0);
    let forward: Affine = place(&middle, scale, turn, to);
    let truth = target(region, &forward, turn, width, height);
    let mut canvas = Canvas::new(width, height, [0.0; 3]);
    canvas.fill(bitmap, &inverse(&forward).context("a picture without size")?);
    let rgb = canvas.pixels.iter().flatten().map(|v| (v + 0.5) as u8).collect();
    Ok((Bitmap { width, height, rgb }, truth))
}
