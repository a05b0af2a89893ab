//! Reads WIDER FACE.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Args;
use face_predict::Rect;
use rand::Rng;

use super::wider_faces::{self, Place, Scene};
use crate::data::manifest;
use crate::data::sampler::generator;
use crate::detect::scene::{self, Row};

/// Takes a table of faces in scenes (file, x, y, width, height, blur, occlusion, pose, invalid; easy, medium, hard).
///
/// Faces that are marked invalid are ignored. So are heavily blurred ones of less than 24 pixels, because nobody can
/// say whether they are faces.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: face-train ingest wider --table wider_train.csv --prefix wider/WIDER_train/images --val 0.08 --out scenes.csv"
)]
pub struct Wider {
    /// CSV file with one row for each face.
    #[arg(long)]
    table: PathBuf,
    /// Folder of the pictures, below the root of the other commands.
    #[arg(long)]
    prefix: String,
    /// Part that the pictures belong to.
    #[arg(long, default_value = "train", value_parser = manifest::PARTS)]
    split: String,
    /// Write a manifest of faces instead of scenes. They are those in focus and uncovered whose shorter side has at least
    /// this many pixels. They have no labels, and learn from a teacher (train --teacher).
    #[arg(long, value_name = "PIXELS", requires = "images", conflicts_with = "val")]
    faces: Option<f32>,
    /// Folder that the table's paths start from. For --faces, the library's detector finds the landmarks there.
    #[arg(long, requires = "faces")]
    images: Option<PathBuf>,
    /// Share of the pictures to use for validation instead.
    #[arg(long, default_value_t = 0.0)]
    val: f64,
    /// Manifest to write.
    #[arg(long)]
    out: PathBuf,
}

/// A row of the table.
#[derive(serde::Deserialize)]
struct TableRow {
    file: String,
    x: f32,
    y: f32,
    width: f32,
    height: f32,
    blur: u8,
    occlusion: u8,
    #[serde(default)]
    pose: u8,
    invalid: u8,
    #[serde(default)]
    easy: u8,
    #[serde(default)]
    medium: u8,
    #[serde(default)]
    hard: u8,
}

/// Heavily blurred faces with a smaller side are ignored.
const BLURRED: f32 = 24.0;
/// The value of `blur` for a heavily blurred face.
const HEAVY: u8 = 2;

impl Wider {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        ensure!((0.0..1.0).contains(&self.val), "val is {}, but it must be 0 to 1", self.val);
        let mut reader = csv::Reader::from_path(&self.table)
            .with_context(|| format!("table {}", self.table.display()))?;
        // The faces of one picture stand together, in the same order on every machine.
        let mut pictures: BTreeMap<String, Vec<TableRow>> = BTreeMap::new();
        for row in reader.deserialize() {
            let row: TableRow = row.with_context(|| format!("{}", self.table.display()))?;
            pictures.entry(row.file.clone()).or_default().push(row);
        }
        ensure!(!pictures.is_empty(), "{} has no rows", self.table.display());
        let command = format!("ingest wider {}", self.table.display());
        if let (Some(least), Some(images)) = (self.faces, &self.images) {
            let prefix = self.prefix.trim_end_matches('/');
            let place = Place { images, prefix, split: &self.split };
            return wider_faces::write(&wanted(&pictures, least), &place, &command, &self.out);
        }
        let (mut rows, mut faces, mut ignored, mut val) = (Vec::new(), 0, 0, 0);
        for (index, (file, found)) in pictures.iter().enumerate() {
            let to_val = generator(1, 0, index as u64).random_bool(self.val);
            val += usize::from(to_val);
            let split = if to_val { "val" } else { &self.split };
            let path = format!("{}/{file}", self.prefix.trim_end_matches('/'));
            let bare = Row { path, split: split.to_owned(), ..Row::default() };
            let before = rows.len();
            for face in found.iter().filter(|f| f.width > 0.0 && f.height > 0.0) {
                let small = face.width.max(face.height) < BLURRED;
                let leave_out = face.invalid != 0 || (face.blur == HEAVY && small);
                ignored += usize::from(leave_out);
                rows.push(Row {
                    x: Some(face.x),
                    y: Some(face.y),
                    width: Some(face.width),
                    height: Some(face.height),
                    ignored: u8::from(leave_out),
                    covered: u8::from(face.occlusion > 0),
                    blurred: u8::from(face.blur > 0),
                    atypical: u8::from(face.pose > 0),
                    easy: face.easy,
                    medium: face.medium,
                    hard: face.hard,
                    ..bare.clone()
                });
            }
            faces += rows.len() - before;
            if rows.len() == before {
                rows.push(bare);
            }
        }
        scene::write(&self.out, &command, &rows)?;
        println!(
            "{}: {} pictures, {val} of them for validation; {faces} faces, {ignored} of them ignored",
            self.out.display(),
            pictures.len()
        );
        Ok(())
    }
}

/// Returns the scenes with a clear face of at least `least` pixels, with the boxes of these faces.
fn wanted(pictures: &BTreeMap<String, Vec<TableRow>>, least: f32) -> Vec<Scene<'_>> {
    let clear = |face: &&TableRow| {
        let plain = face.invalid == 0 && face.blur == 0 && face.occlusion == 0;
        plain && face.width.min(face.height) >= least
    };
    let boxes = |faces: &[TableRow]| -> Vec<Rect> {
        let clear = faces.iter().filter(clear);
        clear.map(|face| Rect::new(face.x, face.y, face.width, face.height)).collect()
    };
    let scenes = pictures.iter().map(|(file, faces)| Scene { file, boxes: boxes(faces) });
    scenes.filter(|scene| !scene.boxes.is_empty()).collect()
}
