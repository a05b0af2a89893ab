//! The manifest of scenes: one CSV with a row for each face, so a picture may have several rows. A picture without
//! faces has one row without a box.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Result, bail};
use face_predict::Rect;
use serde::{Deserialize, Serialize};

use crate::data::manifest;
use crate::data::versioned::Kind;

const KIND: Kind = Kind { word: "scenes", called: "manifest of scenes", version: 1 };

/// A row of the file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Row {
    /// Picture, relative to the root folder.
    pub path: String,
    /// `train`, `val` or `test`.
    pub split: String,
    /// Left edge of the face's box in upright pixels.
    pub x: Option<f32>,
    /// Top edge.
    pub y: Option<f32>,
    /// Width.
    pub width: Option<f32>,
    /// Height.
    pub height: Option<f32>,
    /// 1 if an answer there is neither right nor wrong.
    pub ignored: u8,
    /// 1 if something covers a part of the face.
    pub covered: u8,
    /// 1 if the face is out of focus.
    pub blurred: u8,
    /// 1 if the head looks aside, up or down.
    pub atypical: u8,
    /// 1 if the set's easy part counts the face.
    pub easy: u8,
    /// 1 if the medium part counts it.
    pub medium: u8,
    /// 1 if the hard part counts it.
    pub hard: u8,
}

/// A face in a scene.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Its box.
    pub rect: Rect,
    /// Whether an answer there is neither right nor wrong.
    pub ignored: bool,
    /// Whether something covers a part of it.
    pub covered: bool,
    /// Whether it is out of focus.
    pub blurred: bool,
    /// Whether the head looks aside, up or down.
    pub atypical: bool,
    /// Whether the easy, the medium and the hard part count it.
    pub parts: [bool; 3],
}

/// A picture and all its faces.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scene {
    /// Picture, relative to the root folder.
    pub path: String,
    /// `train`, `val` or `test`.
    pub split: String,
    /// Its faces.
    pub marks: Vec<Mark>,
}

/// Reads a manifest of scenes. A missing version, or another one, is an error that names both.
pub fn read(path: &Path) -> Result<Vec<Scene>> {
    let mut scenes: Vec<Scene> = Vec::new();
    // The rows of a picture may stand anywhere. A face that is missing in its scene would make its answer wrong.
    let mut places: HashMap<String, usize> = HashMap::new();
    for (line, row) in KIND.read_named::<Row>(path)? {
        if let Some(fault) = manifest::part_fault(&row.split) {
            bail!("{} line {line}: {fault}", path.display());
        }
        let place = *places.entry(row.path.clone()).or_insert(scenes.len());
        if place == scenes.len() {
            scenes.push(Scene { path: row.path, split: row.split, marks: Vec::new() });
        }
        let (Some(x), Some(y), Some(width), Some(height)) = (row.x, row.y, row.width, row.height)
        else {
            continue;
        };
        let rect = Rect::new(x, y, width, height);
        if !(width > 0.0 && height > 0.0 && [x, y, width, height].iter().all(|v| v.is_finite())) {
            bail!("{} line {line}: {rect:?} is no box", path.display());
        }
        let parts = [row.easy, row.medium, row.hard].map(|v| v != 0);
        let flags = [row.ignored, row.covered, row.blurred, row.atypical];
        let [ignored, covered, blurred, atypical] = flags.map(|v| v != 0);
        let mark = Mark { rect, ignored, covered, blurred, atypical, parts };
        scenes[place].marks.push(mark);
    }
    Ok(scenes)
}

/// Writes a manifest of scenes, to a temporary name first, with `command` in the header comment.
pub fn write(path: &Path, command: &str, rows: &[Row]) -> Result<()> {
    KIND.write(path, command, rows)
}
