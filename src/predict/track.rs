//! Faces over the frames of a camera: stable numbers, and answers averaged over estimates.

use crate::error::{Error, Result};
use crate::face::answer::{Predictions, Track};
use crate::face::region::Region;
use crate::geometry::{Point, Rect};
use crate::model::{Estimate, Model};
use crate::picture::Image;
use crate::predict::options::Options;
use crate::predict::pipeline::{Candidate, Observation};

/// Faces that are followed at once; beyond, the one unseen for longest is forgotten.
const MAX_TRACKS: usize = 1024;

/// How to follow faces.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TrackerOptions {
    /// Searches each so many frames; in between faces keep moving as they did. At least 1.
    pub detect_every: u32,
    /// Estimates a face again each so many times that it is found. At least 1.
    pub estimate_every: u32,
    /// Time constant of the average over estimates, in seconds.
    pub memory_seconds: f32,
    /// Time after which an unseen face is forgotten, in seconds.
    pub lost_seconds: f32,
}

impl Default for TrackerOptions {
    fn default() -> Self {
        Self { detect_every: 1, estimate_every: 1, memory_seconds: 2.0, lost_seconds: 1.0 }
    }
}

impl TrackerOptions {
    fn check(&self) -> Result<()> {
        for (name, value) in
            [("detect_every", self.detect_every), ("estimate_every", self.estimate_every)]
        {
            if value == 0 {
                return Err(Error::invalid(format!("{name} is 0, it starts at 1")));
            }
        }
        for (name, value) in
            [("memory_seconds", self.memory_seconds), ("lost_seconds", self.lost_seconds)]
        {
            if !(value > 0.0 && value <= 3600.0) {
                return Err(Error::invalid(format!(
                    "{name} is {value}, it must be above 0 and at most 3600"
                )));
            }
        }
        Ok(())
    }
}

/// Follows the faces of one camera: gives each a number and averages its answers, so that numbers settle instead of
/// flickering. The same frames give the same answers.
///
/// ```
/// use face_predict::{Format, Image, Model, Options, Predictions, Tracker, TrackerOptions};
///
/// let mut tracker = Tracker::new(&Model::load_default()?, TrackerOptions::default())?;
/// let (frame, mut out) = (vec![128u8; 320 * 240], Predictions::new());
/// let image = Image::new(Format::Gray, 320, 240, &frame)?;
/// for time_us in [0, 33_000, 66_000] {
///     tracker.update(&image, time_us, &Options::new(), &mut out)?;
///     for face in out.faces() {
///         println!("{:?}", face.track());
///     }
/// }
/// # Ok::<(), face_predict::Error>(())
/// ```
#[derive(Debug)]
pub struct Tracker {
    model: Model,
    options: TrackerOptions,
    tracks: Vec<Followed>,
    last_id: u64,
    frame: u64,
    time_us: Option<i64>,
    /// When faces were last searched.
    searched_us: Option<i64>,
}

/// A face that is followed.
#[derive(Debug)]
struct Followed {
    id: u64,
    candidate: Candidate,
    observation: Observation,
    /// Pixels a second, of the box's centre.
    velocity: Point,
    seen_us: i64,
    times_found: u32,
    average: Average,
}

/// Answers averaged with weights that fade.
#[derive(Debug, Default)]
struct Average {
    years: Vec<f32>,
    years_weight: f32,
    logit: f32,
    logit_weight: f32,
    time_us: i64,
    estimates: u32,
}

impl Tracker {
    /// Follows nothing yet. Keeps what it needs of the model.
    pub fn new(model: &Model, options: TrackerOptions) -> Result<Self> {
        options.check()?;
        let model = model.clone();
        let (tracks, last_id, frame) = (Vec::new(), 0, 0);
        Ok(Self { model, options, tracks, last_id, frame, time_us: None, searched_us: None })
    }

    /// Takes the next frame, and fills `out` with the faces in it, the largest first. `time_us` is in microseconds from
    /// any start. Fails, and changes nothing, when it goes back.
    pub fn update(
        &mut self,
        image: &Image<'_>,
        time_us: i64,
        options: &Options<'_>,
        out: &mut Predictions,
    ) -> Result<()> {
        out.clear();
        let done = self.follow(image, time_us, options, out);
        if done.is_err() {
            out.clear();
        }
        done
    }

    /// Forgets all faces, as after a jump in the film. Their numbers are not used again.
    pub fn reset(&mut self) {
        self.tracks.clear();
        self.frame = 0;
        (self.time_us, self.searched_us) = (None, None);
    }

    fn follow(
        &mut self,
        image: &Image<'_>,
        time_us: i64,
        options: &Options<'_>,
        out: &mut Predictions,
    ) -> Result<()> {
        if let Some(last) = self.time_us.filter(|last| time_us < *last) {
            return Err(Error::invalid(format!(
                "time goes back from {last} to {time_us} microseconds"
            )));
        }
        self.model.begin(image, options, out)?;
        let due = self.frame.is_multiple_of(u64::from(self.options.detect_every));
        let mut faces = std::mem::take(&mut out.work.faces);
        let found = if due || options.regions.is_some() || options.cropped {
            self.model.find(image, options, &mut out.work, &mut faces).map(|()| true)
        } else {
            Ok(false)
        };
        let done = found.and_then(|searched| {
            (self.frame, self.time_us) = (self.frame + 1, Some(time_us));
            if searched {
                self.take(image, &faces, time_us, options, out)
            } else {
                self.guess(time_us, options, out);
                Ok(())
            }
        });
        out.work.faces = faces;
        done
    }

    /// Gives each face that was found to the track it continues, or starts one.
    fn take(
        &mut self,
        image: &Image<'_>,
        faces: &[Candidate],
        time_us: i64,
        options: &Options<'_>,
        out: &mut Predictions,
    ) -> Result<()> {
        self.searched_us = Some(time_us);
        let lost = (f64::from(self.options.lost_seconds) * 1e6) as i64;
        self.tracks.retain(|track| time_us.saturating_sub(track.seen_us) <= lost);
        let owners = self.owners(faces, time_us);
        for (face, owner) in faces.iter().zip(owners) {
            let index = match owner {
                Some(index) => {
                    self.tracks[index].found(face, time_us);
                    index
                }
                None => {
                    self.last_id += 1;
                    self.tracks.push(Followed::new(self.last_id, *face, time_us));
                    self.tracks.len() - 1
                }
            };
            let track = &mut self.tracks[index];
            if (track.times_found - 1).is_multiple_of(self.options.estimate_every) {
                track.observation =
                    self.model.estimate_face(image, face, options, &mut out.work)?;
                track.average.add(&out.work.estimate, time_us, self.options.memory_seconds);
            } else {
                track.observation.place(face, image.upright_size());
            }
            self.report(index, face, options, out);
        }
        if self.tracks.len() > MAX_TRACKS {
            self.tracks.sort_by_key(|track| std::cmp::Reverse((track.seen_us, track.id)));
            self.tracks.truncate(MAX_TRACKS);
            self.tracks.sort_by_key(|track| track.id);
        }
        Ok(())
    }

    /// Between searches: the faces of the last one, moved on.
    fn guess(&self, time_us: i64, options: &Options<'_>, out: &mut Predictions) {
        let mut current: Vec<(usize, Candidate)> = self
            .tracks
            .iter()
            .enumerate()
            .filter(|(_, track)| Some(track.seen_us) == self.searched_us)
            .map(|(index, track)| (index, track.moved(time_us)))
            .collect();
        current.sort_by(|(_, a), (_, b)| b.region.rect.area().total_cmp(&a.region.rect.area()));
        for (index, candidate) in current {
            self.report(index, &candidate, options, out);
        }
    }

    fn report(&self, index: usize, face: &Candidate, options: &Options<'_>, out: &mut Predictions) {
        let Followed { id, average, observation, .. } = &self.tracks[index];
        let track = Track { id: *id, estimates: average.estimates };
        self.model.record(face, *observation, &average.answer(options), Some(track), options, out);
    }

    /// For each face the track that it continues: pairs that fit best first, each side once.
    fn owners(&self, faces: &[Candidate], time_us: i64) -> Vec<Option<usize>> {
        let mut pairs = Vec::new();
        for (index, track) in self.tracks.iter().enumerate() {
            let place = track.moved(time_us).region.rect;
            for (face, candidate) in faces.iter().enumerate() {
                if let Some(fit) = fit(&place, &candidate.region.rect, track.away(time_us)) {
                    pairs.push((fit, index, face));
                }
            }
        }
        // Ties go to the older track and the larger face, so that the same frames give the same numbers.
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
        let mut owners = vec![None; faces.len()];
        let mut taken = vec![false; self.tracks.len()];
        for (_, track, face) in pairs {
            if owners[face].is_none() && !taken[track] {
                owners[face] = Some(track);
                taken[track] = true;
            }
        }
        owners
    }
}

/// How well a face continues a track expected at `place`, the larger the better; `None` where it cannot. A track
/// unseen for a while may have moved further.
fn fit(place: &Rect, face: &Rect, away_seconds: f32) -> Option<f32> {
    let side = |rect: &Rect| rect.area().max(1e-6).sqrt();
    let (expected, found) = (side(place), side(face));
    if !(0.5..=2.0).contains(&(found / expected)) {
        return None;
    }
    let (a, b) = (place.center(), face.center());
    let apart = (a.x - b.x).hypot(a.y - b.y) / expected.max(found);
    let reach = 0.7 + 1.5 * away_seconds.min(1.0);
    (apart < reach).then(|| place.overlap(face) - apart)
}

impl Followed {
    fn new(id: u64, candidate: Candidate, time_us: i64) -> Self {
        Self {
            id,
            candidate,
            observation: Observation::default(),
            velocity: Point::default(),
            seen_us: time_us,
            times_found: 1,
            average: Average::default(),
        }
    }

    fn away(&self, time_us: i64) -> f32 {
        (time_us.saturating_sub(self.seen_us) as f64 * 1e-6) as f32
    }

    /// Where the face should be by now. Faces do not keep their speed for long.
    fn moved(&self, time_us: i64) -> Candidate {
        const KEPT: f32 = 0.3;
        let seconds = KEPT * (1.0 - (-self.away(time_us) / KEPT).exp());
        let (dx, dy) = (self.velocity.x * seconds, self.velocity.y * seconds);
        let Region { rect, landmarks } = self.candidate.region;
        let region = Region {
            rect: Rect { x: rect.x + dx, y: rect.y + dy, ..rect },
            landmarks: landmarks.map(|points| points.map(|p| Point::new(p.x + dx, p.y + dy))),
        };
        Candidate { region, ..self.candidate }
    }

    fn found(&mut self, face: &Candidate, time_us: i64) {
        let seconds = self.away(time_us);
        if seconds > 0.0 {
            let (from, to) = (self.candidate.region.rect.center(), face.region.rect.center());
            let now = Point::new((to.x - from.x) / seconds, (to.y - from.y) / seconds);
            // Half the old speed: boxes tremble.
            self.velocity =
                Point::new((self.velocity.x + now.x) / 2.0, (self.velocity.y + now.y) / 2.0);
        }
        self.candidate = *face;
        self.seen_us = time_us;
        self.times_found = self.times_found.wrapping_add(1).max(1);
    }
}

impl Average {
    /// Adds an estimate. A surer one, of less variance, weighs more; what is older fades. A mean of distributions is never
    /// surer than its parts, and estimates at one face err alike, so that it must not be.
    fn add(&mut self, estimate: &Estimate, time_us: i64, memory_seconds: f32) {
        let seconds = (time_us.saturating_sub(self.time_us) as f64 * 1e-6) as f32;
        let fade = if self.estimates == 0 { 0.0 } else { (-seconds / memory_seconds).exp() };
        self.years_weight *= fade;
        self.logit_weight *= fade;
        (self.time_us, self.estimates) = (time_us, self.estimates.saturating_add(1));
        if !estimate.years.is_empty() {
            let age = crate::face::age::AgeDistribution::new(&estimate.years);
            let weight = 1.0 / (age.variance() + 1.0);
            self.years.resize(estimate.years.len(), 0.0);
            let total = self.years_weight + weight;
            for (mean, value) in self.years.iter_mut().zip(&estimate.years) {
                *mean += (value - *mean) * weight / total;
            }
            self.years_weight = total;
        }
        if let Some(female) = estimate.female {
            let female = female.clamp(1e-6, 1.0 - 1e-6);
            let logit = (female / (1.0 - female)).ln();
            // The mean of logits: an unsure estimate, near 0, moves it little.
            self.logit_weight += 1.0;
            self.logit += (logit - self.logit) / self.logit_weight;
        }
    }

    fn answer(&self, options: &Options<'_>) -> Estimate {
        let (years, logit) = (self.years_weight > 0.0, self.logit_weight > 0.0);
        Estimate {
            years: if years && !options.skip_age { self.years.clone() } else { Vec::new() },
            female: (logit && !options.skip_gender).then(|| 1.0 / (1.0 + (-self.logit).exp())),
        }
    }
}
