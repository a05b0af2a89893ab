//! Judges detectors on scenes and on pictures of one face.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use clap::Args;
use face_predict::{DecodeLimits, Picture, Rect};
use serde::Serialize;

use crate::data::manifest::{self, Row};
use crate::detect::job::WRONG_RATE;
use crate::detect::measure::{Answer, Judged, Truth};
use crate::detect::portraits::{self, Portraits};
use crate::detect::run::Finder;
use crate::detect::scene::{self, Scene};
use crate::model::detector::SIDE;

/// Judges detectors: average precision and recall in scenes, found faces in pictures of one face; writes JSON.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: face-train evaluate-detector --model detector.onnx --scenes wider_val.csv --manifest faces.csv --root photos --out detector.json"
)]
pub struct EvaluateDetector {
    /// ONNX file. Give several to see them side by side.
    #[arg(long, required = true, num_args = 1..)]
    model: Vec<PathBuf>,
    /// Manifest of scenes. May be given several times.
    #[arg(long, num_args = 1..)]
    scenes: Vec<PathBuf>,
    /// Manifest of faces. May be given several times; sources are judged apart.
    #[arg(long, num_args = 1..)]
    manifest: Vec<PathBuf>,
    /// Folder that the manifests' paths start from.
    #[arg(long)]
    root: PathBuf,
    /// File to write.
    #[arg(long)]
    out: PathBuf,
    /// Part of the manifests to judge on, or all.
    #[arg(long, default_value = "test")]
    split: String,
    /// Longer side of the input in pixels.
    #[arg(long, default_value_t = SIDE)]
    side: usize,
    /// Pictures of a source of faces at most, spread over its rows; 0: all.
    #[arg(long, default_value_t = 0)]
    faces: usize,
    /// Threads.
    #[arg(long, default_value_t = 1)]
    workers: usize,
}

/// Figures of a group of faces.
#[derive(Serialize)]
struct Figures {
    faces: usize,
    average_precision: Option<f64>,
    /// Recall where there is one wrong answer in ten pictures, and the score there.
    recall_at_a_tenth: Option<f64>,
    score_at_a_tenth: Option<f32>,
    /// Recall and wrong answers a picture at the file's own threshold.
    recall: Option<f64>,
    wrong_a_picture: f64,
}

impl Figures {
    fn new(judged: &Judged, threshold: f32) -> Self {
        let at = judged.at_wrong_rate(WRONG_RATE);
        Self {
            faces: judged.faces(),
            average_precision: judged.average_precision(),
            recall_at_a_tenth: at.map(|(recall, _)| recall),
            score_at_a_tenth: at.map(|(_, score)| score),
            recall: judged.recall(threshold),
            wrong_a_picture: judged.wrong_rate(threshold),
        }
    }
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
}

/// Answers below this do not change a figure that anyone would use.
const LEAST: f32 = 0.01;

/// Groups by the root of the box's area, in pixels.
const SIZES: [(&str, f32, f32); 4] =
    [("10-20", 10.0, 20.0), ("20-40", 20.0, 40.0), ("40-80", 40.0, 80.0), ("80+", 80.0, 1e9)];

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
        let json = serde_json::json!({
            "program": concat!("face-train ", env!("CARGO_PKG_VERSION")),
            "split": self.split,
            "side": self.side,
            "models": reports,
        });
        crate::files::replace_bytes(&self.out, &serde_json::to_vec_pretty(&json)?)?;
        println!("{}", self.out.display());
        Ok(())
    }

    fn judge(&self, file: &PathBuf, scenes: &[Scene], rows: &[Row]) -> Result<Report> {
        let finder = Finder::new(std::fs::read(file)?)?;
        let (groups, failures) = self.scenes(&finder, scenes)?;
        let threshold = finder.spec.threshold;
        let scenes_of = groups.iter().map(|(name, j)| (name.clone(), Figures::new(j, threshold)));
        let mut sources: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
        for row in rows {
            sources.entry(&row.source).or_default().push(row);
        }
        let mut found = BTreeMap::new();
        for (source, mut rows) in sources {
            if self.faces > 0 && rows.len() > self.faces {
                let step = rows.len().div_ceil(self.faces);
                rows = rows.into_iter().step_by(step).collect();
            }
            let portraits = portraits::judge(&finder, &rows, &self.root, self.side)?;
            found.insert(source.to_owned(), portraits);
        }
        Ok(Report {
            name: format!("{} {}", finder.metadata.name, finder.metadata.version),
            file: file.clone(),
            threshold,
            pictures: scenes.len(),
            failures,
            scenes: scenes_of.collect(),
            portraits: found,
        })
    }

    /// Answers to all scenes, judged by group.
    fn scenes(
        &self,
        finder: &Finder,
        scenes: &[Scene],
    ) -> Result<(BTreeMap<String, Judged>, BTreeMap<String, String>)> {
        // A set that grades its faces counts those of its hardest part; others all that are not ignored.
        let graded = scenes.iter().flat_map(|s| &s.marks).any(|m| m.parts[2]);
        let groups: Mutex<BTreeMap<String, Judged>> = Mutex::default();
        let failures: Mutex<BTreeMap<String, String>> = Mutex::default();
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..self.workers.max(1) {
                scope.spawn(|| {
                    while let Some(scene) = scenes.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let path = self.root.join(&scene.path);
                        let found = Picture::open(path, &DecodeLimits::default())
                            .map_err(anyhow::Error::from)
                            .and_then(|p| finder.find(&p.image(), self.side, LEAST));
                        match found {
                            Ok((found, scale)) => {
                                let answers: Vec<Answer> = found
                                    .iter()
                                    .map(|f| Answer { rect: f.rect, score: f.score })
                                    .collect();
                                let mut groups = groups.lock().expect("no holder panics");
                                add(&mut groups, scene, &answers, scale, graded);
                            }
                            Err(error) => {
                                let mut failures = failures.lock().expect("no holder panics");
                                failures.insert(scene.path.clone(), format!("{error:#}"));
                            }
                        }
                    }
                });
            }
        });
        let groups = groups.into_inner().unwrap_or_default();
        Ok((groups, failures.into_inner().unwrap_or_default()))
    }
}

/// Adds a scene to every group; what a group does not count is neither right nor wrong there.
fn add(
    groups: &mut BTreeMap<String, Judged>,
    scene: &Scene,
    answers: &[Answer],
    scale: f32,
    graded: bool,
) {
    let mut judge = |name: String, counts: &dyn Fn(&scene::Mark) -> bool| {
        let truths: Vec<Truth> =
            scene.marks.iter().map(|m| Truth { rect: m.rect, counts: counts(m) }).collect();
        groups.entry(name).or_default().add(&truths, answers);
    };
    let usual = |m: &scene::Mark| if graded { m.parts[2] } else { !m.ignored };
    if graded {
        for (i, part) in ["easy", "medium", "hard"].into_iter().enumerate() {
            judge(part.to_owned(), &|m| m.parts[i]);
        }
    } else {
        judge("all".to_owned(), &usual);
    }
    let size = |rect: &Rect| rect.area().sqrt();
    for (name, least, most) in SIZES {
        let within = |size: f32| size >= least && size < most;
        judge(format!("input {name}"), &|m| usual(m) && within(size(&m.rect) * scale));
        judge(format!("picture {name}"), &|m| usual(m) && within(size(&m.rect)));
    }
}

impl Report {
    fn print(&self) {
        let percent = |v: Option<f64>| v.map_or("-".to_owned(), |v| format!("{:.1}", 100.0 * v));
        println!("{} ({}), threshold {:.3}", self.name, self.file.display(), self.threshold);
        if !self.scenes.is_empty() {
            println!(
                "{:16} {:>7} {:>7} {:>9} {:>7} {:>7}",
                "", "faces", "AP", "at 0.1", "recall", "wrong"
            );
        }
        for (name, f) in &self.scenes {
            println!(
                "{name:16} {:>7} {:>7} {:>9} {:>7} {:>7.3}",
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
                    "{source} {variant}: found {:.2} % of {}, {:.3} wrong a picture, landmarks off by {:.3}",
                    100.0 * v.found,
                    v.pictures,
                    v.wrong,
                    v.landmarks
                );
            }
        }
        if !self.failures.is_empty() {
            println!("{} pictures left out", self.failures.len());
        }
    }
}
