//! Follows faces over the frames of a camera: the numbers are stable, and the answers are averages over estimates.

use super::average::Average;
use super::estimate::estimate_face;
use super::options::Options;
use super::pipeline;
use super::search::find_faces;
use super::source::{Input, Source};
use super::workspace::Workspace;
use crate::error::{Error, Result};
use crate::face::answer::{Predictions, Track};
use crate::face::candidate::{Candidate, Observation};
use crate::face::region::Region;
use crate::geometry::{Point, Rect};
use crate::memory::{list, reserve};
use crate::model::Model;
use crate::picture::Image;

/// The largest number of faces that are followed. If there are more, the one that was not seen for the longest time is
/// forgotten. Of those that were last seen in one frame, the newest is forgotten.
const MAX_TRACKS: usize = 1024;

/// A speed is measured over at least this time, in seconds. Boxes tremble by a pixel or two. Between two frames that are
/// a millisecond apart, that would be a speed that no face has.
const SHORTEST: f32 = 0.008;

/// Options of a tracker.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TrackerOptions {
    /// The detector runs on every n-th frame, and on each frame of another size than the one before. On the frames in
    /// between, each box moves on with its last speed, which decreases from frame to frame. Faces keep their numbers if
    /// the size changes and the shape does not. If the shape changes, all faces get new numbers. The number is at least 1.
    pub detect_every: u32,
    /// A face is estimated on every n-th frame in which the detector finds it. The number is at least 1.
    pub estimate_every: u32,
    /// The time constant of the average over estimates, in seconds.
    pub memory_seconds: f32,
    /// The time after which a face that is no longer found is forgotten, in seconds. A face is never forgotten before a
    /// second search has missed it.
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
                return Err(Error::invalid(format!("{name} is 0, but it must be 1 or more")));
            }
        }
        for (name, value) in
            [("memory_seconds", self.memory_seconds), ("lost_seconds", self.lost_seconds)]
        {
            if !(value > 0.0 && value <= 3600.0) {
                return Err(Error::invalid(format!(
                    "{name} is {value}, but it must be above 0 and at most 3600"
                )));
            }
        }
        Ok(())
    }
}

/// Follows the faces of one camera. It gives each face a number, and averages its estimates, so that the numbers settle
/// and do not flicker. The same frames give the same answers.
///
/// ```
/// use face_predict::{
///     Format, Image, Model, Options, Predictions, Tracker, TrackerOptions, Workspace,
/// };
///
/// let mut tracker = Tracker::new(&Model::load_default()?, TrackerOptions::default())?;
/// let (mut workspace, mut out) = (Workspace::new(), Predictions::new());
/// let frame = vec![128u8; 320 * 240];
/// let image = Image::new(Format::Gray, 320, 240, &frame)?;
/// for time_us in [0, 33_000, 66_000] {
///     tracker.update(&image, time_us, &Options::new(), &mut workspace, &mut out)?;
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
    /// The number of frames so far.
    frames: u64,
    /// The number of searches so far. Times cannot tell which search found a face, since those of two frames may be
    /// equal.
    searches: u64,
    time_us: Option<i64>,
    /// The width and height of the last frame.
    size: (usize, usize),
}

/// A face that is followed.
#[derive(Debug)]
struct Followed {
    id: u64,
    /// The place where it was last found.
    candidate: Candidate,
    observation: Observation,
    /// The speed of the box's centre, in pixels a second.
    velocity: Point,
    /// The number of the last search that found it.
    found_by: u64,
    found_us: i64,
    times_found: u32,
    average: Average,
}

impl Tracker {
    /// Makes a tracker that follows no face yet. It keeps what it needs of the model. Fails with
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) if an option is out of its range.
    pub fn new(model: &Model, options: TrackerOptions) -> Result<Self> {
        options.check()?;
        Ok(Self {
            model: model.clone(),
            options,
            tracks: Vec::new(),
            last_id: 0,
            frames: 0,
            searches: 0,
            time_us: None,
            size: (0, 0),
        })
    }

    /// Takes the next frame, which is searched fast ([`Options::fast_search`]), and fills `out` with its faces, the
    /// largest first. `time_us` is in microseconds from any start, and may equal that of the frame before. If it is smaller, the call fails and changes nothing. Other
    /// failures are those of [`Model::predict_into`].
    pub fn update(
        &mut self,
        image: &Image<'_>,
        time_us: i64,
        options: &Options<'_>,
        workspace: &mut Workspace,
        out: &mut Predictions,
    ) -> Result<()> {
        self.update_input(image.into(), time_us, options, workspace, out)
    }

    /// Does the same for a frame that may be encoded, such as a JPEG of a webcam. Other failures are those of
    /// [`Model::predict_encoded`].
    pub fn update_input(
        &mut self,
        input: Input<'_>,
        time_us: i64,
        options: &Options<'_>,
        workspace: &mut Workspace,
        out: &mut Predictions,
    ) -> Result<()> {
        out.refill(|out| self.follow(input, time_us, options, workspace, out))
    }

    /// Returns the number of faces that are followed. Faces that the last search missed are included.
    pub fn followed(&self) -> usize {
        self.tracks.len()
    }

    /// Forgets all faces, for example after a jump in a video. Their numbers are not used again.
    pub fn reset(&mut self) {
        self.tracks.clear();
        (self.frames, self.time_us) = (0, None);
    }

    /// An example: `detect_every` is 2, and a frame comes every 100 ms. Centres are given as x in pixels.
    ///
    /// | frame | what happens | what is reported |
    /// | --- | --- | --- |
    /// | 0 ms | search 1 finds a face at 100: track 1 starts | track 1 at 100 |
    /// | 100 ms | no search; no speed is known yet | track 1 at 100 |
    /// | 200 ms | search 2 finds a face at 120, near 100: track 1 goes on, at half of 20 pixels in 0.2 s: 50 a second | track 1 at 120 |
    /// | 300 ms | no search; speed fades, 120 + 50 * 0.3 * (1 - exp(-0.1 / 0.3)) | track 1 at 124.3 |
    /// | 400 ms | search 3 finds nothing | nothing; track 1 is kept |
    /// | 500 ms | no search; search 3 did not find track 1 | nothing |
    /// | 600 ms | search 4 finds a face at 130, near 127 where track 1 is expected | track 1 at 130 |
    fn follow(
        &mut self,
        input: Input<'_>,
        time_us: i64,
        options: &Options<'_>,
        workspace: &mut Workspace,
        out: &mut Predictions,
    ) -> Result<()> {
        if let Some(last) = self.time_us.filter(|last| time_us < *last) {
            return Err(Error::invalid(format!(
                "the time goes back from {last} to {time_us} microseconds"
            )));
        }
        let options = &options.fast_search(true);
        let mut source = pipeline::open(&self.model, input, options, out)?;
        let is_resized = source.size() != self.size;
        let is_due = self.frames.is_multiple_of(u64::from(self.options.detect_every));
        let searches = is_due || is_resized || !options.searches();
        if searches {
            find_faces(&self.model, &source, options, workspace)?;
            pipeline::refine(&self.model, &mut source, options, &workspace.candidates)?;
        }
        if is_resized {
            self.resize(source.size());
        }
        (self.frames, self.time_us) = (self.frames + 1, Some(time_us));
        if searches {
            self.searches += 1;
            self.report_found(&source, time_us, options, workspace, out)
        } else {
            self.report_expected(time_us, options, workspace, out)
        }
    }

    /// Carries the faces over to frames of another size. A frame of another shape shows another part of the scene, so
    /// the faces are forgotten then.
    fn resize(&mut self, size: (usize, usize)) {
        let scale = |now: usize, before: usize| now as f32 / before.max(1) as f32;
        let (x, y) = (scale(size.0, self.size.0), scale(size.1, self.size.1));
        self.size = size;
        if (0.95..=1.05).contains(&(x / y)) {
            self.tracks.iter_mut().for_each(|track| track.resize(x, y));
        } else {
            self.tracks.clear();
        }
    }

    /// Reports after a search: each face that was found continues a track, or starts one.
    fn report_found(
        &mut self,
        source: &Source<'_>,
        time_us: i64,
        options: &Options<'_>,
        workspace: &mut Workspace,
        out: &mut Predictions,
    ) -> Result<()> {
        let owners = self.owners(&workspace.candidates, time_us)?;
        reserve(&mut self.tracks, owners.len())?;
        for (face, owner) in owners.into_iter().enumerate() {
            let face = workspace.candidates[face];
            let index = owner.unwrap_or(self.tracks.len());
            if owner.is_some() {
                self.tracks[index].found(&face, self.searches, time_us);
            } else {
                self.last_id += 1;
                self.tracks.push(Followed::new(self.last_id, face, self.searches, time_us));
            }
            let track = &mut self.tracks[index];
            if (track.times_found - 1).is_multiple_of(self.options.estimate_every) {
                track.observation = estimate_face(&self.model, source, &face, options, workspace)?;
                track.average.add(&workspace.estimate, time_us, self.options.memory_seconds)?;
            } else {
                track.observation.observe_place(&face, source.size());
            }
            self.report(index, &face, options, workspace, out)?;
        }
        self.forget(time_us);
        Ok(())
    }

    /// Reports between searches: the faces of the last one, moved on.
    fn report_expected(
        &self,
        time_us: i64,
        options: &Options<'_>,
        workspace: &mut Workspace,
        out: &mut Predictions,
    ) -> Result<()> {
        let mut current = Vec::<(usize, Candidate)>::new();
        reserve(&mut current, self.tracks.len())?;
        let found = self.tracks.iter().enumerate();
        let found = found.filter(|(_, track)| track.found_by == self.searches);
        current.extend(found.map(|(index, track)| (index, track.expected(time_us))));
        // A stable sort would take memory, and the process ends if there is none.
        current.sort_unstable_by(|(first, a), (second, b)| {
            b.region.rect.area().total_cmp(&a.region.rect.area()).then(first.cmp(second))
        });
        if options.max_faces > 0 {
            current.truncate(options.max_faces);
        }
        for (index, face) in current {
            self.report(index, &face, options, workspace, out)?;
        }
        Ok(())
    }

    fn report(
        &self,
        index: usize,
        face: &Candidate,
        options: &Options<'_>,
        workspace: &mut Workspace,
        out: &mut Predictions,
    ) -> Result<()> {
        let Followed { id, average, observation, .. } = &self.tracks[index];
        let track = Track { id: *id, estimates: average.estimates() };
        average.read(options, &mut workspace.estimate)?;
        let estimate = &workspace.estimate;
        pipeline::record(&self.model, face, *observation, estimate, Some(track), options, out)
    }

    /// Forgets faces that were not found for too long. A search does not prove that a face is gone. So each track lives
    /// at least until the search after the one that missed it, even if searches are far apart.
    fn forget(&mut self, time_us: i64) {
        let lost_us = (f64::from(self.options.lost_seconds) * 1e6) as i64;
        let searches = self.searches;
        self.tracks.retain(|track| {
            let missed = searches - track.found_by;
            missed < 2 || time_us.saturating_sub(track.found_us) <= lost_us
        });
        if self.tracks.len() > MAX_TRACKS {
            self.tracks.sort_unstable_by_key(|track| (std::cmp::Reverse(track.found_by), track.id));
            self.tracks.truncate(MAX_TRACKS);
            self.tracks.sort_unstable_by_key(|track| track.id);
        }
    }

    /// Returns for each face the track that it continues. Pairs that fit best come first, and each side is used once.
    fn owners(&self, faces: &[Candidate], time_us: i64) -> Result<Vec<Option<usize>>> {
        let mut pairs = Vec::new();
        for (index, track) in self.tracks.iter().enumerate() {
            let place = track.expected(time_us).region.rect;
            for (face, candidate) in faces.iter().enumerate() {
                if let Some(fit) = fit(&place, &candidate.region.rect, track.away(time_us)) {
                    reserve(&mut pairs, 1)?;
                    pairs.push((fit, index, face));
                }
            }
        }
        // Ties go to the older track and the larger face, so that the same frames give the same numbers.
        pairs.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
        let mut owners = list(faces.len(), || None)?;
        let mut taken = list(self.tracks.len(), || false)?;
        for (_, track, face) in pairs {
            if owners[face].is_none() && !taken[track] {
                owners[face] = Some(track);
                taken[track] = true;
            }
        }
        Ok(owners)
    }
}

/// How well a face continues a track that is expected at `place`. Larger is better, and `None` means that it cannot. A
/// face that was unseen for a while may have moved further.
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
    fn new(id: u64, candidate: Candidate, search: u64, time_us: i64) -> Self {
        Self {
            id,
            candidate,
            observation: Observation::default(),
            velocity: Point::default(),
            found_by: search,
            found_us: time_us,
            times_found: 1,
            average: Average::default(),
        }
    }

    /// The seconds since it was last found.
    fn away(&self, time_us: i64) -> f32 {
        (time_us.saturating_sub(self.found_us) as f64 * 1e-6) as f32
    }

    /// The place where the face should be now. Faces do not keep their speed for long.
    fn expected(&self, time_us: i64) -> Candidate {
        const KEPT: f32 = 0.3;
        let seconds = KEPT * (1.0 - (-self.away(time_us) / KEPT).exp());
        let (dx, dy) = (self.velocity.x * seconds, self.velocity.y * seconds);
        let Region { rect, landmarks } = self.candidate.region;
        let region = Region {
            rect: Rect { x: rect.x + dx, y: rect.y + dy, ..rect },
            landmarks: landmarks.map(|points| points.map(|p| Point::new(p.x + dx, p.y + dy))),
        };
        // It is none of this frame's regions.
        Candidate { region, region_index: None, ..self.candidate }
    }

    /// Multiplies all places by these scales.
    fn resize(&mut self, x: f32, y: f32) {
        let scaled = |p: Point| Point::new(x * p.x, y * p.y);
        let Region { rect, landmarks } = self.candidate.region;
        self.candidate.region = Region {
            rect: Rect::new(x * rect.x, y * rect.y, x * rect.width, y * rect.height),
            landmarks: landmarks.map(|points| points.map(scaled)),
        };
        self.velocity = scaled(self.velocity);
    }

    fn found(&mut self, face: &Candidate, search: u64, time_us: i64) {
        let seconds = self.away(time_us);
        if seconds > 0.0 {
            let (from, to) = (self.candidate.region.rect.center(), face.region.rect.center());
            let seconds = seconds.max(SHORTEST);
            let now = Point::new((to.x - from.x) / seconds, (to.y - from.y) / seconds);
            // Half of the old speed is kept, because boxes tremble.
            self.velocity =
                Point::new((self.velocity.x + now.x) / 2.0, (self.velocity.y + now.y) / 2.0);
        }
        self.candidate = *face;
        (self.found_by, self.found_us) = (search, time_us);
        self.times_found = self.times_found.wrapping_add(1).max(1);
    }
}
