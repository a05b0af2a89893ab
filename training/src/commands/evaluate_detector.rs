//! Judges detectors on scenes and on pictures of one face.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use face_predict::{
    Affine, Face, Format, Image, Model, ModelOptions, Options, Predictions, Rect, Warp,
};
use serde::{Deserialize, Serialize};

use crate::data::manifest::{self, Row};
use crate::detect::groups::{self, Figures};
use crate::detect::marked::{self, Kinds};
use crate::detect::measure::{Answer, Judged};
use crate::detect::portraits::{self, Portraits};
use crate::detect::scene::{self, Scene};
use crate::model::detector::SIDE;

/// Judges detectors: average precision and recall in scenes, and found faces in pictures of one face.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: face-train evaluate-detector --model detector.onnx --scenes wider_val.csv --manifest faces.csv --root photos --out detector.json"
)]
pub struct EvaluateDetector {
    /// ONNX file. Give several to compare them.
    #[arg(long, required_unless_present = "answers", num_args = 1..)]
    model: Vec<PathBuf>,
    /// JSON file with the answers of another detector: `{"name": "…", "answers": {"path": [[x, y, width, height,
    /// score], …]}}`, with the paths and pixels of the manifests. This may be given several times.
    #[arg(long, num_args = 1..)]
    answers: Vec<PathBuf>,
    /// Manifest of scenes. This may be given several times.
    #[arg(long, num_args = 1..)]
    scenes: Vec<PathBuf>,
    /// Manifest of faces. This may be given several times, and each source is judged by itself.
    #[arg(long, num_args = 1..)]
    manifest: Vec<PathBuf>,
    /// Folder that the paths of the manifests start from.
    #[arg(long)]
    root: PathBuf,
    /// JSON file to write.
    #[arg(long)]
    out: PathBuf,
    /// Part of the manifests to judge on, or all.
    #[arg(long, default_value = "test")]
    split: String,
    /// How to search: as a tracker searches its frames, which shows the detector alone, or as still pictures are
    /// searched.
    #[arg(long, value_enum, default_value_t = Search::Frame)]
    search: Search,
    /// Smallest face that is searched for, in pixels of the picture. 0 leaves it to the kind of search.
    #[arg(long, default_value_t = 0.0)]
    min_face_size: f32,
    /// Largest number of pictures of each source of faces, spread over its rows. 0 means all.
    #[arg(long, default_value_t = 0)]
    faces: usize,
    /// Number of threads.
    #[arg(long, default_value_t = 1)]
    workers: usize,
}

/// How pictures are searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
enum Search {
    /// At one small scale, as a tracker searches.
    Frame,
    /// At two scales, as still pictures are searched.
    Still,
}

#[derive(Serialize)]
struct Report {
    name: String,
    file: PathBuf,
    threshold: f32,
    pictures: usize,
    failures: BTreeMap<String, String>,
    scenes: BTreeMap<String, Figures>,
    portraits: BTreeMap<String, Portraits>,
    without_faces: Empty,
    kinds: Kinds,
}

/// The number of parts of scenes without a marked face, each a quarter of the picture's area.
#[derive(Clone, Debug, Default, Serialize)]
struct Empty {
    parts: usize,
    /// The answers for each part at the file's own threshold. Some of them are faces that nobody marked.
    wrong: f64,
}

/// Answers with a lower score do not change any useful figure.
const LEAST: f32 = 0.01;

impl EvaluateDetector {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let mut scenes = Vec::new();
        for path in &self.scenes {
            scenes.extend(scene::read(path)?);
        }
        scenes.retain(|scene| self.split == "all" || scene.split == self.split);
        let mut rows = Vec::new();
        for path in &self.manifest {
            rows.extend(manifest::read(path)?);
        }
        rows.retain(|row| self.split == "all" || row.split == self.split);
        ensure!(
            !scenes.is_empty() || !rows.is_empty(),
            "no row of the manifests has split {}",
            self.split
        );
        let mut reports = Vec::new();
        for file in &self.model {
            let report = self.judge(file, &scenes, &rows);
            let report = report.with_context(|| format!("{}", file.display()))?;
            report.print();
            reports.push(report);
        }
        for file in &self.answers {
            let report = self.judge_answers(file, &scenes);
            let report = report.with_context(|| format!("{}", file.display()))?;
            report.print();
            reports.push(report);
        }
        let json = serde_json::json!({
            "program": concat!("face-train ", env!("CARGO_PKG_VERSION")),
            "split": self.split,
            "search": self.search,
            "min_face_size": self.min_face_size,
            "models": reports,
        });
        crate::files::replace_bytes(&self.out, &serde_json::to_vec_pretty(&json)?)?;
        println!("{}", self.out.display());
        Ok(())
    }

    fn judge(&self, file: &PathBuf, scenes: &[Scene], rows: &[Row]) -> Result<Report> {
        let model = Model::load_file(file, &ModelOptions::default())?;
        let metadata = model.detector_metadata()?;
        let spec = metadata.detect.as_ref().context("the file does not contain a detector")?;
        let threshold = match self.search {
            Search::Frame => spec.threshold,
            Search::Still => spec.still_threshold(),
        };
        let OfScenes { groups, empty, kinds, failures } = self.scenes(&model, scenes, threshold)?;
        let scenes_of = groups.iter().map(|(name, j)| (name.clone(), Figures::new(j, threshold)));
        let mut found = BTreeMap::new();
        for (source, rows) in self.sources(rows) {
            found.insert(
                source.to_owned(),
                portraits::judge(&model, &rows, &self.root, &self.options())?,
            );
        }
        Ok(Report {
            name: format!("{} {}", metadata.name, metadata.version),
            file: file.clone(),
            threshold,
            pictures: scenes.len(),
            failures,
            scenes: scenes_of.collect(),
            portraits: found,
            without_faces: empty,
            kinds,
        })
    }

    /// The answers to all scenes, judged by group, and to their parts without faces.
    fn scenes(&self, model: &Model, scenes: &[Scene], threshold: f32) -> Result<OfScenes> {
        // If a set grades its faces, those of its hardest part count. Otherwise all count that are not ignored.
        let graded = scenes.iter().flat_map(|s| &s.marks).any(|m| m.parts[2]);
        let out: Mutex<OfScenes> = Mutex::default();
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..self.workers.max(1) {
                scope.spawn(|| {
                    while let Some(scene) = scenes.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let answers = self.answers(model, scene);
                        let mut out = out.lock().expect("no holder panics");
                        match answers {
                            Ok((found, scale, wrong)) => {
                                let answers: Vec<Answer> = found.faces().map(answer).collect();
                                groups::add(&mut out.groups, scene, &answers, scale, graded);
                                marked::add(&mut out.kinds, &scene.marks, &found, threshold);
                                out.empty.parts += usize::from(wrong.is_some());
                                out.empty.wrong += wrong.unwrap_or_default() as f64;
                            }
                            Err(error) => {
                                out.failures.insert(scene.path.clone(), format!("{error:#}"));
                            }
                        }
                    }
                });
            }
        });
        let mut out = out.into_inner().unwrap_or_default();
        out.empty.wrong /= out.empty.parts.max(1) as f64;
        Ok(out)
    }

    /// The answers to a scene, the scale of its search, and the number of answers in a part without faces, if it has
    /// one.
    fn answers(&self, model: &Model, scene: &Scene) -> Result<(Predictions, f32, Option<usize>)> {
        let picture = crate::data::pictures::open(&self.root.join(&scene.path))?;
        let image = picture.image();
        let options = self.options();
        let found = model.predict(&image, &options.min_score(LEAST))?;
        let (width, height) = image.upright_size();
        let wrong = match without_faces(scene, width, height) {
            Some((x, y)) => {
                let (w, h) = (width / 2, height / 2);
                let map = Affine { x0: x as f32, y0: y as f32, ..Affine::IDENTITY };
                let pixels = Warp::default().cut_rgb(&image, &map, w, h)?;
                let part = Image::new(Format::Rgb, w, h, &pixels)?;
                Some(model.predict(&part, &options)?.len())
            }
            None => None,
        };
        Ok((found, model.search_scale(width, height, &options)?, wrong))
    }

    /// The options for the library.
    fn options(&self) -> Options<'static> {
        let options = Options::new().skip_age(true).skip_gender(true);
        options.min_face_size(self.min_face_size).fast_search(self.search == Search::Frame)
    }

    /// Returns the rows of each source, as many as are asked for.
    fn sources<'a>(&self, rows: &'a [Row]) -> BTreeMap<&'a str, Vec<&'a Row>> {
        let mut sources: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
        for row in rows {
            sources.entry(&row.source).or_default().push(row);
        }
        for rows in sources.values_mut() {
            if self.faces > 0 && rows.len() > self.faces {
                let step = rows.len().div_ceil(self.faces);
                *rows = rows.iter().step_by(step).copied().collect();
            }
        }
        sources
    }

    /// Judges the answers of another detector to the pictures of the scenes. Its input is not known, so uncovered faces
    /// are grouped by their size in ours.
    fn judge_answers(&self, file: &Path, scenes: &[Scene]) -> Result<Report> {
        let given: Given = serde_json::from_slice(&std::fs::read(file)?)?;
        let graded = scenes.iter().flat_map(|s| &s.marks).any(|m| m.parts[2]);
        let (mut groups, mut failures) = (BTreeMap::new(), BTreeMap::new());
        for scene in scenes {
            let Some(answers) = given.answers.get(&scene.path) else {
                failures.insert(scene.path.clone(), "the file has no answers".to_owned());
                continue;
            };
            let answers: Vec<Answer> = answers
                .iter()
                .map(|[x, y, w, h, score]| Answer {
                    rect: Rect::new(*x, *y, *w, *h),
                    score: *score,
                })
                .collect();
            let (width, height) = match image::image_dimensions(self.root.join(&scene.path)) {
                Ok(size) => size,
                Err(error) => {
                    failures.insert(scene.path.clone(), error.to_string());
                    continue;
                }
            };
            let scale = SIDE as f32 / width.max(height) as f32;
            groups::add(&mut groups, scene, &answers, scale, graded);
        }
        groups.retain(|name: &String, _| !name.starts_with("input"));
        Ok(Report {
            name: given.name,
            file: file.to_owned(),
            threshold: 0.0,
            pictures: scenes.len() - failures.len(),
            failures,
            scenes: groups.iter().map(|(name, j)| (name.clone(), Figures::new(j, 0.0))).collect(),
            portraits: BTreeMap::new(),
            without_faces: Empty::default(),
            kinds: Kinds::default(),
        })
    }
}

/// The answers of another detector.
#[derive(Deserialize)]
struct Given {
    name: String,
    answers: BTreeMap<String, Vec<[f32; 5]>>,
}

/// The results of all scenes.
#[derive(Default)]
struct OfScenes {
    groups: BTreeMap<String, Judged>,
    empty: Empty,
    kinds: Kinds,
    failures: BTreeMap<String, String>,
}

fn answer(face: Face<'_>) -> Answer {
    Answer { rect: face.rect(), score: face.score().unwrap_or_default() }
}

/// Returns the corner of a part of half the width and height that no mark touches, not even an ignored one.
fn without_faces(scene: &Scene, width: usize, height: usize) -> Option<(usize, usize)> {
    let (w, h) = (width / 2, height / 2);
    let corners = (0..=4).flat_map(|y| (0..=4).map(move |x| (x * w / 4, y * h / 4)));
    corners.into_iter().find(|&(x, y)| {
        let part = Rect::new(x as f32, y as f32, w as f32, h as f32);
        w >= 64 && h >= 64 && scene.marks.iter().all(|m| m.rect.overlap(&part) == 0.0)
    })
}

impl Report {
    fn print(&self) {
        let percent = |v: Option<f64>| v.map_or("-".to_owned(), |v| format!("{:.1}", 100.0 * v));
        println!("{} ({}), threshold {:.3}", self.name, self.file.display(), self.threshold);
        if !self.scenes.is_empty() {
            println!(
                "{:24} {:>7} {:>7} {:>9} {:>7} {:>7}",
                "", "faces", "AP", "at 0.1", "recall", "wrong"
            );
        }
        for (name, f) in &self.scenes {
            println!(
                "{name:24} {:>7} {:>7} {:>9} {:>7} {:>7.3}",
                f.faces,
                percent(f.average_precision),
                percent(f.recall_at_a_tenth),
                percent(f.recall),
                f.wrong_a_picture
            );
        }
        for (source, p) in &self.portraits {
            for (variant, v) in &p.variants {
                println!(
                    "{source} {variant}: found {:.2} % of {}, {:.3} wrong a picture, landmarks off by {:.3} eye distances",
                    100.0 * v.found,
                    v.pictures,
                    v.wrong,
                    v.landmarks
                );
            }
        }
        if self.without_faces.parts > 0 {
            let Empty { parts, wrong } = self.without_faces;
            println!("{wrong:.3} wrong answers in each of {parts} parts without faces");
        }
        for (name, kind) in &self.kinds {
            let marked::Kind { faces, found, turned } = kind;
            println!("{name}: {found} of {faces} found, {turned} of these marked as turned");
        }
        if !self.failures.is_empty() {
            println!("{} pictures left out", self.failures.len());
        }
    }
}
