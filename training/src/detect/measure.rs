//! Measures how well faces are found: average precision and recall, as WIDER FACE (Yang et al. 2016) defines them.

use face_predict::Rect;

/// A labelled face.
#[derive(Clone, Debug)]
pub struct Truth {
    /// Its box.
    pub rect: Rect,
    /// Whether finding it counts. Otherwise it is neither right nor wrong.
    pub counts: bool,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its box.
    pub rect: Rect,
    /// The score.
    pub score: f32,
}

/// The overlap that makes an answer right.
pub const RIGHT: f32 = 0.5;

/// The judgement of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Right,
    Wrong,
    Neither,
}

/// Answers over many pictures, judged.
#[derive(Debug, Default)]
pub struct Judged {
    answers: Vec<(f32, Kind)>,
    faces: usize,
    pictures: usize,
}

impl Judged {
    /// Adds a picture. The answer with the highest score that overlaps a face gets it. A further one for the same face
    /// is wrong, and so is one that overlaps none.
    pub fn add(&mut self, truths: &[Truth], answers: &[Answer]) {
        self.pictures += 1;
        self.faces += truths.iter().filter(|t| t.counts).count();
        let mut order: Vec<&Answer> = answers.iter().collect();
        order.sort_by(|a, b| b.score.total_cmp(&a.score));
        let mut taken = vec![false; truths.len()];
        for answer in order {
            let best = truths
                .iter()
                .map(|truth| truth.rect.overlap(&answer.rect))
                .enumerate()
                .max_by(|a, b| a.1.total_cmp(&b.1))
                .filter(|(_, overlap)| *overlap >= RIGHT);
            let kind = match best {
                Some((i, _)) if !truths[i].counts => Kind::Neither,
                Some((i, _)) if !taken[i] => {
                    taken[i] = true;
                    Kind::Right
                }
                _ => Kind::Wrong,
            };
            self.answers.push((answer.score, kind));
        }
    }

    /// Returns the number of faces that count.
    pub fn faces(&self) -> usize {
        self.faces
    }

    fn sorted(&self) -> Vec<(f32, Kind)> {
        let mut answers: Vec<_> =
            self.answers.iter().copied().filter(|(_, kind)| *kind != Kind::Neither).collect();
        answers.sort_by(|a, b| b.0.total_cmp(&a.0));
        answers
    }

    /// Returns the area below the curve of precision over recall. The precision at a recall is the best at that recall
    /// or above.
    pub fn average_precision(&self) -> Option<f64> {
        if self.faces == 0 {
            return None;
        }
        let (mut right, mut curve) = (0usize, Vec::new());
        for (i, (_, kind)) in self.sorted().into_iter().enumerate() {
            if kind == Kind::Right {
                right += 1;
                curve.push(right as f64 / (i + 1) as f64);
            }
        }
        let mut best = 0f64;
        let area: f64 = curve
            .iter()
            .rev()
            .map(|precision| {
                best = best.max(*precision);
                best
            })
            .sum();
        // The sum of nothing is -0.
        Some(area.abs() / self.faces as f64)
    }

    /// Returns the recall at `rate` wrong answers in each picture, and the score there.
    pub fn at_wrong_rate(&self, rate: f64) -> Option<(f64, f32)> {
        if self.faces == 0 {
            return None;
        }
        let most = (rate * self.pictures as f64) as usize;
        let (mut right, mut wrong, mut score) = (0usize, 0usize, 1f32);
        for (s, kind) in self.sorted() {
            match kind {
                Kind::Right => right += 1,
                _ => wrong += 1,
            }
            if wrong > most {
                break;
            }
            score = s;
        }
        Some((right as f64 / self.faces as f64, score))
    }

    /// Returns the share of the faces that an answer of at least `score` finds.
    pub fn recall(&self, score: f32) -> Option<f64> {
        let right = self.answers.iter().filter(|(s, k)| *s >= score && *k == Kind::Right).count();
        (self.faces > 0).then(|| right as f64 / self.faces as f64)
    }

    /// Returns the wrong answers of at least `score` in each picture.
    pub fn wrong_rate(&self, score: f32) -> f64 {
        let wrong = self.answers.iter().filter(|(s, k)| *s >= score && *k == Kind::Wrong).count();
        wrong as f64 / self.pictures.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn truth(x: f32, counts: bool) -> Truth {
        Truth { rect: Rect::new(x, 0.0, 10.0, 10.0), counts }
    }

    fn answer(x: f32, score: f32) -> Answer {
        Answer { rect: Rect::new(x, 0.0, 10.0, 10.0), score }
    }

    #[test]
    fn average_precision_is_the_area_that_one_draws_by_hand() {
        let mut judged = Judged::default();
        // The answers are: 0.9 right, 0.8 wrong, 0.7 neither, 0.6 a second answer to the same face, 0.5 right. One face
        // is missed.
        judged.add(
            &[truth(0.0, true), truth(100.0, true), truth(200.0, false), truth(300.0, true)],
            &[
                answer(1.0, 0.9),
                answer(50.0, 0.8),
                answer(200.0, 0.7),
                answer(-2.0, 0.6),
                answer(101.0, 0.5),
            ],
        );
        // The precision is 1 up to a recall of 1/3, then 2/4 up to 2/3.
        let ap = judged.average_precision().expect("faces");
        assert!((ap - (1.0 + 0.5) / 3.0).abs() < 1e-9, "{ap}");
        assert_eq!(judged.recall(0.55), Some(1.0 / 3.0));
        assert_eq!(judged.wrong_rate(0.55), 2.0);
        assert_eq!(judged.at_wrong_rate(0.0), Some((1.0 / 3.0, 0.9)));
        assert_eq!(judged.at_wrong_rate(2.0), Some((2.0 / 3.0, 0.5)));
    }

    #[test]
    fn no_faces_give_no_figure() {
        let mut judged = Judged::default();
        judged.add(&[truth(0.0, false)], &[answer(0.0, 0.9)]);
        assert_eq!(judged.average_precision(), None);
        assert_eq!(judged.at_wrong_rate(0.1), None);
    }
}
