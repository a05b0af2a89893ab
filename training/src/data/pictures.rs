//! Looks at every picture of a set once: there, whole, how large, and like which others. Resumable.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use face_predict::{Affine, DecodeLimits, Picture, Warp};

/// What one look found.
#[derive(Clone, Debug, PartialEq)]
pub enum Look {
    /// Width, height and perceptual hash.
    Whole(u32, u32, u128),
    /// No such file.
    Missing,
    /// Why it could not be decoded.
    Damaged(String),
}

/// Looks at `paths` below `root`, in order. What was found is noted beside `out`, so that an interrupted run goes on
/// where it was; the notes go when `out` is written.
pub fn look(root: &Path, paths: &[String], out: &Path) -> Result<Vec<Look>> {
    let notes = notes(out);
    let mut known = HashMap::new();
    if let Ok(file) = std::fs::File::open(&notes) {
        // A line that a killed process left half-written ends without its mark.
        for line in BufReader::new(file).lines().map_while(std::result::Result::ok) {
            if let Some((path, look)) = parse(&line) {
                known.insert(path, look);
            }
        }
        if !known.is_empty() {
            eprintln!("going on after {} pictures seen before", known.len());
        }
    }
    if let Some(folder) = notes.parent().filter(|p| !p.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&notes)
        .with_context(|| format!("notes {}", notes.display()))?;
    if !known.is_empty() {
        writeln!(file)?;
    }
    let bar = indicatif::ProgressBar::new(paths.len() as u64);
    let mut found = Vec::with_capacity(paths.len());
    for path in paths {
        let look = match known.get(path) {
            Some(look) => look.clone(),
            None => {
                let look = one(&root.join(path));
                writeln!(file, "{}", line(path, &look))?;
                known.insert(path.clone(), look.clone());
                look
            }
        };
        found.push(look);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(found)
}

/// Forgets the notes: the manifest is written.
pub fn done(out: &Path) {
    // Left behind they do no harm.
    let _ = std::fs::remove_file(notes(out));
}

fn notes(out: &Path) -> PathBuf {
    let mut name = out.file_name().unwrap_or_default().to_owned();
    name.push(".seen");
    out.with_file_name(name)
}

fn line(path: &str, look: &Look) -> String {
    let flat = |text: &str| text.replace(['\t', '\n', '\r'], " ");
    match look {
        Look::Whole(width, height, hash) => format!("{path}\t{width}\t{height}\t{hash:x}\t."),
        Look::Missing => format!("{path}\tmissing\t."),
        Look::Damaged(why) => format!("{path}\tdamaged\t{}\t.", flat(why)),
    }
}

fn parse(line: &str) -> Option<(String, Look)> {
    let fields: Vec<&str> = line.split('\t').collect();
    let look = match fields[..] {
        [_, "missing", "."] => Look::Missing,
        [_, "damaged", why, "."] => Look::Damaged(why.to_owned()),
        [_, width, height, hash, "."] => Look::Whole(
            width.parse().ok()?,
            height.parse().ok()?,
            u128::from_str_radix(hash, 16).ok()?,
        ),
        _ => return None,
    };
    Some((fields[0].to_owned(), look))
}

fn one(path: &Path) -> Look {
    if !path.exists() {
        return Look::Missing;
    }
    let seen = || -> face_predict::Result<Look> {
        let picture = Picture::open(path, &DecodeLimits::default())?;
        let image = picture.image();
        let (width, height) = image.upright_size();
        // Brightness of 9 x 9 blocks; each bit says whether it rises to the right, or downwards.
        let map = Affine::scale(width as f32 / 9.0, height as f32 / 9.0);
        let mut grey = [0.0f32; 81];
        Warp::default().cut(&image, &map, 9, 9, |i, [r, g, b]| {
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
        Ok(Look::Whole(width as u32, height as u32, hash))
    };
    seen().unwrap_or_else(|error| Look::Damaged(error.to_string()))
}

/// Groups pictures whose hashes differ in at most `distance` bits, transitively: the number of a group for each
/// picture that has company.
pub fn alike(hashes: &[Option<u128>], distance: u32) -> Vec<Option<usize>> {
    let mut groups = Groups::new(hashes.len());
    // Of eight parts one must be the same when at most seven bits differ.
    for part in 0..8 {
        let mut buckets: HashMap<u16, Vec<usize>> = HashMap::new();
        for (i, hash) in hashes.iter().enumerate() {
            let Some(hash) = hash else { continue };
            let bucket = buckets.entry((hash >> (16 * part)) as u16).or_default();
            // A flat picture has company without end; the first thousand tie it well enough.
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

/// Sets that join (union-find).
pub struct Groups(Vec<usize>);

impl Groups {
    /// Each on its own.
    pub fn new(count: usize) -> Self {
        Self((0..count).collect())
    }

    /// The first of the set of `i`.
    pub fn root(&mut self, mut i: usize) -> usize {
        while self.0[i] != i {
            self.0[i] = self.0[self.0[i]];
            i = self.0[i];
        }
        i
    }

    /// Makes one set of two.
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
        for look in [Look::Whole(3, 4, 99), Look::Missing, Look::Damaged("a\tb".into())] {
            let line = line("x y.jpg", &look);
            assert!(parse(&line).is_some_and(|(path, _)| path == "x y.jpg"));
            assert!(parse(&line[..line.len() - 1]).is_none());
        }
    }
}
