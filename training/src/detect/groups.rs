//! Groups of faces in scenes, and their figures.

use std::collections::BTreeMap;

use face_predict::Rect;
use serde::Serialize;

use super::measure::{Answer, Judged, Truth};
use super::scene::{Mark, Scene};
use super::validation::WRONG_RATE;

/// Groups by the root of the box's area, in pixels.
const SIZES: [(&str, f32, f32); 4] =
    [("10-20", 10.0, 20.0), ("20-40", 20.0, 40.0), ("40-80", 40.0, 80.0), ("80+", 80.0, 1e9)];

/// The groups of uncovered faces are in pixels of the input, and those of clear faces in pixels of the picture.
const CLEAR: [(&str, f32, f32); 2] = [("20-40", 20.0, 40.0), ("40+", 40.0, 1e9)];

/// The figures of a group of faces.
#[derive(Serialize)]
pub struct Figures {
    /// The faces that count.
    pub faces: usize,
    /// Average precision, from 0 to 1.
    pub average_precision: Option<f64>,
    /// The recall at one wrong answer in ten pictures, and the score there.
    pub recall_at_a_tenth: Option<f64>,
    /// See `recall_at_a_tenth`.
    pub score_at_a_tenth: Option<f32>,
    /// The recall and the wrong answers for each picture, at the file's own threshold.
    pub recall: Option<f64>,
    /// See `recall`.
    pub wrong_a_picture: f64,
}

impl Figures {
    /// Takes the figures of judged answers, with those at the file's threshold.
    pub fn new(judged: &Judged, threshold: f32) -> Self {
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

/// Adds a scene to every group. A face that does not count in a group is neither right nor wrong there.
pub fn add(
    groups: &mut BTreeMap<String, Judged>,
    scene: &Scene,
    answers: &[Answer],
    scale: f32,
    graded: bool,
) {
    let mut judge = |name: String, counts: &dyn Fn(&Mark) -> bool| {
        let truths: Vec<Truth> =
            scene.marks.iter().map(|m| Truth { rect: m.rect, counts: counts(m) }).collect();
        groups.entry(name).or_default().add(&truths, answers);
    };
    let usual = |m: &Mark| if graded { m.parts[2] } else { !m.ignored };
    if graded {
        for (i, part) in ["easy", "medium", "hard"].into_iter().enumerate() {
            judge(part.to_owned(), &|m| m.parts[i]);
        }
    } else {
        judge("all".to_owned(), &usual);
    }
    let size = |rect: &Rect| rect.area().sqrt();
    for (name, least, most) in CLEAR {
        let counts =
            |m: &Mark| usual(m) && !m.covered && (least..most).contains(&(size(&m.rect) * scale));
        judge(format!("uncovered, input {name}"), &counts);
        let counts = |m: &Mark| {
            usual(m) && !m.covered && !m.blurred && (least..most).contains(&size(&m.rect))
        };
        judge(format!("clear, uncovered, picture {name}"), &counts);
    }
    for (name, least, most) in SIZES {
        let within = |size: f32| size >= least && size < most;
        judge(format!("input {name}"), &|m| usual(m) && within(size(&m.rect) * scale));
        judge(format!("picture {name}"), &|m| usual(m) && within(size(&m.rect)));
    }
}
