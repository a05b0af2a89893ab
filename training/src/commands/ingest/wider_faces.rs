//! Makes a manifest of single faces of scenes. They have no labels, so only a teacher can tell what they show.

use std::path::Path;

use anyhow::{Result, ensure};
use face_predict::{Model, Options, Predictions, Rect, Region, Workspace};

use crate::data::manifest::{self, Row};
use crate::data::pictures;

/// A found face is the table's if the two boxes overlap by this much (intersection over union).
const SAME: f32 = 0.5;
/// The number of pictures that failed which are named.
const SHOWN: usize = 5;

/// The faces of a scene.
pub struct Scene<'a> {
    /// The path of the picture below the folder.
    pub file: &'a str,
    /// The boxes of the faces that are wanted.
    pub boxes: Vec<Rect>,
}

/// Where the pictures lie, and what the rows say about them.
pub struct Place<'a> {
    /// The folder of the pictures.
    pub images: &'a Path,
    /// The text before each path.
    pub prefix: &'a str,
    /// The part of the rows.
    pub split: &'a str,
}

/// Searches the scenes with the library's detector, and writes the faces that it finds where the table has one.
pub fn write(scenes: &[Scene<'_>], place: &Place<'_>, command: &str, out: &Path) -> Result<()> {
    let model = Model::load_default()?;
    let options = Options::new().skip_age(true).skip_gender(true);
    let (mut workspace, mut answers) = (Workspace::new(), Predictions::new());
    let (mut rows, mut wanted, mut failures) = (Vec::new(), 0, Vec::new());
    let bar = indicatif::ProgressBar::new(scenes.len() as u64);
    for scene in scenes {
        bar.inc(1);
        wanted += scene.boxes.len();
        let picture = match pictures::open(&place.images.join(scene.file)) {
            Ok(picture) => picture,
            Err(error) => {
                failures.push(format!("{error:#}"));
                continue;
            }
        };
        let image = picture.image();
        let (width, height) = image.upright_size();
        model.predict_into(&image, &options, &mut workspace, &mut answers)?;
        let found: Vec<Region> = answers
            .faces()
            .map(|face| Region { rect: face.rect(), landmarks: face.landmarks() })
            .collect();
        for rect in &scene.boxes {
            let overlap = |region: &&Region| region.rect.overlap(rect);
            let best = found.iter().max_by(|a, b| overlap(a).total_cmp(&overlap(b)));
            let Some(region) = best.filter(|region| overlap(region) >= SAME) else { continue };
            let mut row = Row {
                path: format!("{}/{}", place.prefix, scene.file),
                split: place.split.to_owned(),
                source: "wider".into(),
                width: Some(width as u32),
                height: Some(height as u32),
                ..Row::default()
            };
            row.set_region(region);
            rows.push(row);
        }
    }
    bar.finish_and_clear();
    for failure in failures.iter().take(SHOWN) {
        eprintln!("left out: {failure}");
    }
    ensure!(!rows.is_empty(), "no face is left");
    manifest::write(out, command, &rows)?;
    println!(
        "{}: {} of {wanted} faces of {} pictures; {} pictures cannot be read",
        out.display(),
        rows.len(),
        scenes.len(),
        failures.len()
    );
    Ok(())
}
