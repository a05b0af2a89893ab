//! Inspects every picture of a set once: whether it exists and is whole, its size, its face, and which others are like
//! it. An interrupted inspection can continue.

use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, bail};
use face_predict::{
    Affine, DecodeLimits, ErrorKind, Face, Image, Model, Options, Picture, Point, Predictions,
    Rect, Region, Warp, Workspace,
};

use super::manifest::Row;

/// The result of an inspection.
#[derive(Clone, Debug, PartialEq)]
pub enum Inspection {
    /// A picture.
    Whole(Facts),
    /// No picture, with the kind of problem and the reason.
    Left(Fault, String),
}

/// Why a picture is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is no such file.
    Missing,
    /// It is a folder, a pipe or a device, and reading it might never end.
    NoFile,
    /// The file is empty.
    Empty,
    /// The format cannot be read here.
    Unsupported,
    /// Something else keeps it from being decoded.
    Damaged,
}

impl Fault {
    /// Returns the words for counts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "picture missing",
            Self::NoFile => "picture is no regular file",
            Self::Empty => "picture empty",
            Self::Unsupported => "picture of an unsupported format",
            Self::Damaged => "picture damaged",
        }
    }
}

/// Returns what keeps `path` from being a picture, as far as that shows without reading it.
pub fn fault(path: &Path) -> Option<(Fault, String)> {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Some((Fault::Missing, String::new()))
        }
        Err(error) => Some((Fault::Damaged, error.to_string())),
        Ok(file) if !file.is_file() => {
            let what = if file.is_dir() { "a folder" } else { "a pipe or a device" };
            Some((Fault::NoFile, what.into()))
        }
        Ok(file) if file.len() == 0 => Some((Fault::Empty, String::new())),
        Ok(_) => None,
    }
}

/// Opens a picture, but no pipe and no device, because reading them might never end.
pub fn open(path: &Path) -> Result<Picture> {
    if let Some((fault, why)) = fault(path) {
        let why = if why.is_empty() { String::new() } else { format!(": {why}") };
        bail!("{}: {}{why}", path.display(), fault.name());
    }
    Ok(Picture::open(path, &DecodeLimits::default())?)
}

/// The contents of a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// Width of the upright picture.
    pub width: u32,
    /// Its height.
    pub height: u32,
    /// Perceptual hash.
    pub hash: u128,
    /// The face that a search found.
    pub face: Option<Region>,
    /// The number of faces that the search found, and the number of others that are at least half as large.
    pub faces: [usize; 2],
}

/// A picture, and whether it is searched.
type Key = (String, bool);

/// How to inspect pictures.
#[derive(Clone, Copy)]
pub struct Inspector<'a> {
    /// Folder that the rows' paths start from.
    pub root: &'a Path,
    /// The manifest for the rows. Notes lie beside it.
    pub out: &'a Path,
    /// Searches the pictures of faces without a box.
    pub search: Option<&'a Model>,
    /// Threads.
    pub workers: usize,
}

impl Inspector<'_> {
    /// Inspects the pictures of `rows`, in order. The results are noted, so that an interrupted run can continue. The
    /// notes are removed when the manifest is written.
    pub fn inspect(&self, rows: &[Row]) -> Result<Vec<Inspection>> {
        let (known, notes) = self.notes()?;
        // A picture is searched if any of its rows lacks a box.
        let bare = rows.iter().filter(|row| self.search.is_some() && row.region().is_none());
        let bare: HashSet<&str> = bare.map(|row| row.path.as_str()).collect();
        let key = |path: &str| (path.to_owned(), bare.contains(path));
        if !known.is_empty() {
            eprintln!("continuing after {} pictures that were seen before", known.len());
        }
        let paths = rows.iter().map(|row| row.path.as_str());
        let mut left: Vec<&str> = paths.filter(|path| !known.contains_key(&key(path))).collect();
        let mut once = HashSet::new();
        left.retain(|path| once.insert(*path));
        let bar = indicatif::ProgressBar::new(left.len() as u64);
        let next = AtomicUsize::new(0);
        let found = Mutex::new((known, notes));
        let work = || -> Result<()> {
            let mut memory = (Warp::default(), Workspace::new(), Predictions::new());
            while let Some(path) = left.get(next.fetch_add(1, Ordering::Relaxed)) {
                let key = key(path);
                let inspection = self.one(&key, &mut memory);
                let mut found = found.lock().expect("no holder panics");
                // Missing pictures are looked for again, since they may have been added.
                if let Inspection::Whole(seen) = &inspection {
                    let path = notes_path(self.out);
                    let noted = writeln!(found.1, "{}", line(&key, seen));
                    noted.with_context(|| format!("notes {}", path.display()))?;
                }
                found.0.insert(key, inspection);
                bar.inc(1);
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..self.workers.max(1)).map(|_| scope.spawn(work)).collect();
            workers.into_iter().try_for_each(|worker| worker.join().expect("no worker panics"))
        })?;
        bar.finish_and_clear();
        let (found, _) = found.into_inner().expect("no holder panics");
        Ok(rows.iter().map(|row| found[&key(&row.path)].clone()).collect())
    }

    /// The results of earlier runs, and the file for further notes. Notes of another folder, or of a run that searched
    /// otherwise, do not count.
    fn notes(&self) -> Result<(HashMap<Key, Inspection>, File)> {
        let path = notes_path(self.out);
        let told = || format!("notes {}", path.display());
        let head = format!("{NOTES}\t{}\t{}", self.root.display(), self.search.is_some());
        let mut known = HashMap::new();
        if let Ok(file) = File::open(&path) {
            // A line that a killed process left half-written has no mark at its end.
            let mut lines = BufReader::new(file).lines().map_while(std::result::Result::ok);
            if lines.next().is_some_and(|first| first == head) {
                known.extend(lines.filter_map(|line| parse(&line)));
            }
        }
        if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).with_context(told)?;
        }
        let mut open = OpenOptions::new();
        let file = if known.is_empty() {
            let mut file = File::create(&path).with_context(told)?;
            writeln!(file, "{head}").with_context(told)?;
            file
        } else {
            let mut file = open.append(true).open(&path).with_context(told)?;
            writeln!(file).with_context(told)?;
            file
        };
        Ok((known, file))
    }

    fn one(
        &self,
        (path, searched): &Key,
        (warp, workspace, answers): &mut (Warp, Workspace, Predictions),
    ) -> Inspection {
        let path = self.root.join(path);
        if let Some((fault, why)) = fault(&path) {
            return Inspection::Left(fault, why);
        }
        let mut seen = || -> face_predict::Result<Inspection> {
            let picture = Picture::open(&path, &DecodeLimits::default())?;
            let image = picture.image();
            let (width, height) = image.upright_size();
            let hash = hash(&image, warp)?;
            let search = self.search.filter(|_| *searched);
            let found = search.map(|model| find(model, &image, workspace, answers)).transpose()?;
            let (face, faces) = found.unwrap_or_default();
            Ok(Inspection::Whole(Facts {
                width: width as u32,
                height: height as u32,
                hash,
                face,
                faces,
            }))
        };
        seen().unwrap_or_else(|error| {
            let unsupported = error.kind() == ErrorKind::Unsupported;
            let kind = if unsupported { Fault::Unsupported } else { Fault::Damaged };
            Inspection::Left(kind, error.to_string())
        })
    }
}

/// Forgets the notes, because the manifest is written.
pub fn done(out: &Path) {
    // If they stay, they do no harm.
    let _ = std::fs::remove_file(notes_path(out));
}

/// Starts the notes. Those of another version are not read.
const NOTES: &str = "# face-train notes 4";

fn notes_path(out: &Path) -> PathBuf {
    let mut name = out.file_name().unwrap_or_default().to_owned();
    name.push(".seen");
    out.with_file_name(name)
}

fn line((path, searched): &Key, seen: &Facts) -> String {
    let Facts { width, height, hash, face, faces: [all, large] } = seen;
    let numbers = face.iter().flat_map(|face| {
        let Rect { x, y, width, height } = face.rect;
        let points = face.landmarks.into_iter().flatten().flat_map(|p| [p.x, p.y]);
        [x, y, width, height].into_iter().chain(points)
    });
    let face: Vec<String> = numbers.map(|v| v.to_string()).collect();
    let face = face.join(" ");
    format!("{path}\t{searched}\t{width}\t{height}\t{hash:x}\t{all} {large}\t{face}\t.")
}

fn parse(line: &str) -> Option<(Key, Inspection)> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [path, searched, width, height, hash, faces, face, "."] = fields[..] else { return None };
    let (all, large) = faces.split_once(' ')?;
    let numbers = face.split_whitespace().map(str::parse);
    let numbers = numbers.collect::<std::result::Result<Vec<f32>, _>>().ok()?;
    let face = match numbers[..] {
        [] => None,
        [x, y, width, height, ref points @ ..] => {
            let points: Vec<Point> =
                points.chunks_exact(2).map(|p| Point::new(p[0], p[1])).collect();
            let landmarks = points.try_into().ok();
            Some(Region { rect: Rect::new(x, y, width, height), landmarks })
        }
        _ => return None,
    };
    let seen = Facts {
        width: width.parse().ok()?,
        height: height.parse().ok()?,
        hash: u128::from_str_radix(hash, 16).ok()?,
        face,
        faces: [all.parse().ok()?, large.parse().ok()?],
    };
    Some(((path.to_owned(), searched.parse().ok()?), Inspection::Whole(seen)))
}

/// Takes the brightness of 9 x 9 blocks. Each bit says whether it rises to the right, or downwards.
fn hash(image: &Image<'_>, warp: &mut Warp) -> face_predict::Result<u128> {
    let (width, height) = image.upright_size();
    let map = Affine::scale(width as f32 / 9.0, height as f32 / 9.0);
    let mut grey = [0.0f32; 81];
    warp.cut(image, &map, 9, 9, |i, [r, g, b]| {
        grey[i] = 0.299 * r + 0.587 * g + 0.114 * b;
    })?;
    let mut hash = 0u128;
    for y in 0..8 {
        for x in 0..8 {
            let here = grey[y * 9 + x];
            hash = hash << 2
                | u128::from(grey[y * 9 + x + 1] > here) << 1
                | u128::from(grey[(y + 1) * 9 + x] > here);
        }
    }
    Ok(hash)
}

/// Returns the face of a picture with one label, which is large and has a high score. It also returns the number of all
/// faces, and of others at least half as large.
type Search = (Option<Region>, [usize; 2]);

fn find(
    model: &Model,
    image: &Image<'_>,
    workspace: &mut Workspace,
    answers: &mut Predictions,
) -> face_predict::Result<Search> {
    let options = Options::new().skip_age(true).skip_gender(true);
    model.predict_into(image, &options, workspace, answers)?;
    let area = |face: &Face<'_>| face.rect().width * face.rect().height;
    let weight = |face: &Face<'_>| area(face) * face.score().unwrap_or(0.0);
    let found = answers.faces().max_by(|a, b| weight(a).total_cmp(&weight(b)));
    let Some(face) = found else { return Ok((None, [0; 2])) };
    let large = answers.faces().filter(|other| area(other) >= area(&face) / 2.0).count() - 1;
    let region = Region { rect: face.rect(), landmarks: face.landmarks() };
    Ok((Some(region), [answers.faces().count(), large]))
}

/// Groups pictures whose hashes differ in at most `distance` bits, transitively. A picture with near-duplicates gets
/// the number of its group.
pub fn alike(hashes: &[Option<u128>], distance: u32) -> Vec<Option<usize>> {
    let mut groups = Groups::new(hashes.len());
    // If at most seven bits differ, one of eight parts must be the same.
    for part in 0..8 {
        let mut buckets: HashMap<u16, Vec<usize>> = HashMap::new();
        for (i, hash) in hashes.iter().enumerate() {
            let Some(hash) = hash else { continue };
            let bucket = buckets.entry((hash >> (16 * part)) as u16).or_default();
            // Flat pictures have too many near-duplicates. The first thousand are enough to group them.
            for &j in bucket.iter().take(1000) {
                if hashes[j].is_some_and(|other| (other ^ hash).count_ones() <= distance) {
                    groups.join(i, j);
                }
            }
            bucket.push(i);
        }
    }
    let roots: Vec<usize> = (0..hashes.len()).map(|i| groups.root(i)).collect();
    let mut sizes: HashMap<usize, usize> = HashMap::new();
    for root in &roots {
        *sizes.entry(*root).or_default() += 1;
    }
    roots.into_iter().map(|root| (sizes[&root] > 1).then_some(root)).collect()
}

/// Sets that can be joined (union-find).
pub struct Groups(Vec<usize>);

impl Groups {
    /// Each on its own.
    pub fn new(count: usize) -> Self {
        Self((0..count).collect())
    }

    /// Returns the first of the set of `i`.
    pub fn root(&mut self, mut i: usize) -> usize {
        while self.0[i] != i {
            self.0[i] = self.0[self.0[i]];
            i = self.0[i];
        }
        i
    }

    /// Joins two sets.
    pub fn join(&mut self, i: usize, j: usize) {
        let (a, b) = (self.root(i), self.root(j));
        self.0[a.max(b)] = a.min(b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_hashes_group_and_far_ones_do_not() {
        let found = alike(&[Some(0), Some(0b111), None, Some(u128::MAX), Some(0b11_1000)], 3);
        assert_eq!(found, [Some(0), Some(0), None, None, Some(0)]);
    }

    #[test]
    fn notes_survive_and_half_lines_are_dropped() {
        let rect = Rect::new(0.1, -2.0, 30.25, 1e-3);
        let landmarks = Some([Point::new(1.5, 2.0); 5]);
        for face in [None, Some(Region { rect, landmarks }), Some(Region::from_box(rect))] {
            let (hash, faces) = (u128::MAX - 9, [2, 1]);
            let seen = Facts { width: 3, height: 4, hash, face, faces };
            let key = ("x y.jpg".to_owned(), face.is_some());
            let line = line(&key, &seen);
            assert_eq!(parse(&line), Some((key, Inspection::Whole(seen))));
            assert!((0..line.len()).all(|end| parse(&line[..end]).is_none()));
        }
    }
}
