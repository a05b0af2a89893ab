//! The manifest: one CSV format for every data set, with one row for each face.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, bail};
use face_predict::{Point, Rect, Region};
use serde::{Deserialize, Serialize};

use super::versioned::Kind;

/// The last year of a bracket that is open at the top.
pub const OPEN: f32 = 100.0;

/// The names of the parts that are used.
pub const PARTS: [&str; 3] = ["train", "val", "test"];

const KIND: Kind = Kind { word: "manifest", called: "manifest", version: 1 };

/// A face: the place of its picture, and what is known about it. Empty fields are unknown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Row {
    /// The picture, relative to the root folder, with `/` between folders.
    pub path: String,
    /// The age in whole years, if the exact number is known.
    pub age: Option<f32>,
    /// The mean of the ages that many strangers guessed.
    pub apparent_age: Option<f32>,
    /// Standard deviation of the guesses.
    pub apparent_std: Option<f32>,
    /// The first year of a bracket, if only that is known.
    pub age_min: Option<f32>,
    /// Last year of a bracket; 100 for an open one.
    pub age_max: Option<f32>,
    /// `female` or `male`, as somebody labelled the face.
    pub gender: String,
    /// The data set's own group.
    pub race: String,
    /// The person. All rows of one person stay in one part of a split.
    pub person: String,
    /// Near-duplicates share a group, and stay in one part of a split.
    pub group: String,
    /// `train`, `val`, `test` or `excluded`.
    pub split: String,
    /// Name of the data set.
    pub source: String,
    /// Picture width in pixels.
    pub width: Option<u32>,
    /// Picture height in pixels.
    pub height: Option<u32>,
    /// Face box in upright pixels: left edge.
    pub box_x: Option<f32>,
    /// Top edge.
    pub box_y: Option<f32>,
    /// Width.
    pub box_w: Option<f32>,
    /// Height.
    pub box_h: Option<f32>,
    /// Left eye (as seen), x.
    pub eye_left_x: Option<f32>,
    /// Left eye, y.
    pub eye_left_y: Option<f32>,
    /// Right eye, x.
    pub eye_right_x: Option<f32>,
    /// Right eye, y.
    pub eye_right_y: Option<f32>,
    /// Nose, x.
    pub nose_x: Option<f32>,
    /// Nose, y.
    pub nose_y: Option<f32>,
    /// Left mouth corner, x.
    pub mouth_left_x: Option<f32>,
    /// Left mouth corner, y.
    pub mouth_left_y: Option<f32>,
    /// Right mouth corner, x.
    pub mouth_right_x: Option<f32>,
    /// Right mouth corner, y.
    pub mouth_right_y: Option<f32>,
    /// The weight of the row in training. Empty means 1.
    pub weight: Option<f32>,
}

impl Row {
    /// Returns the face's place, if a box is known.
    pub fn region(&self) -> Option<Region> {
        let rect = Rect::new(self.box_x?, self.box_y?, self.box_w?, self.box_h?);
        let landmarks = || {
            Some([
                Point::new(self.eye_left_x?, self.eye_left_y?),
                Point::new(self.eye_right_x?, self.eye_right_y?),
                Point::new(self.nose_x?, self.nose_y?),
                Point::new(self.mouth_left_x?, self.mouth_left_y?),
                Point::new(self.mouth_right_x?, self.mouth_right_y?),
            ])
        };
        Some(Region { rect, landmarks: landmarks() })
    }

    /// Forgets the face's place.
    pub fn clear_region(&mut self) {
        (self.box_x, self.box_y, self.box_w, self.box_h) = (None, None, None, None);
    }

    /// Notes the face's place.
    pub fn set_region(&mut self, region: &Region) {
        let Rect { x, y, width, height } = region.rect;
        (self.box_x, self.box_y) = (Some(x), Some(y));
        (self.box_w, self.box_h) = (Some(width), Some(height));
        let [left, right, nose, mouth_left, mouth_right] =
            region.landmarks.map_or([None; 5], |points| points.map(Some));
        let set = |(x, y): (&mut Option<f32>, &mut Option<f32>), point: Option<Point>| {
            (*x, *y) = (point.map(|p| p.x), point.map(|p| p.y));
        };
        set((&mut self.eye_left_x, &mut self.eye_left_y), left);
        set((&mut self.eye_right_x, &mut self.eye_right_y), right);
        set((&mut self.nose_x, &mut self.nose_y), nose);
        set((&mut self.mouth_left_x, &mut self.mouth_left_y), mouth_left);
        set((&mut self.mouth_right_x, &mut self.mouth_right_y), mouth_right);
    }

    /// Returns whether the face is labelled male, if it is labelled.
    pub fn is_male(&self) -> Option<bool> {
        match self.gender.as_str() {
            "male" => Some(true),
            "female" => Some(false),
            _ => None,
        }
    }

    /// Returns what is wrong with the row, if anything.
    fn fault(&self) -> Option<String> {
        if self.path.is_empty() {
            return Some("no path".into());
        }
        let years = [("age", self.age), ("apparent_age", self.apparent_age)];
        for (name, value) in years {
            if let Some(value) = value.filter(|v| !(0.0..=150.0).contains(v)) {
                return Some(format!("{name} is {value}, but it must be 0 to 150"));
            }
        }
        // A mistyped label would count as unknown, without a word.
        if self.is_male().is_none() && !self.gender.is_empty() {
            return Some(format!("gender is {:?}, but it must be female or male", self.gender));
        }
        if let Some(fault) = part_fault(&self.split) {
            return Some(fault);
        }
        if self.weight.is_some_and(|w| !(w >= 0.0 && w.is_finite())) {
            return Some("weight is not a number of 0 or more".into());
        }
        None
    }

    /// Returns whether the exact age has a fraction, as one that was computed from dates.
    pub fn has_fraction(&self) -> bool {
        self.age.is_some_and(|age| age.fract() != 0.0)
    }

    /// Opens a bracket with one end at the other, and makes years whole: a label of n years means n to n + 1. Returns the
    /// rule that the row's ages break.
    pub fn settle(&mut self) -> Result<(), &'static str> {
        let odd = |age: &f32| !(0.0..=130.0).contains(age);
        if self.age.is_some_and(|age| odd(&age)) {
            return Err("age not within 0 to 130");
        }
        self.age = self.age.map(f32::floor);
        let apparent = self.apparent_age.is_some_and(|age| odd(&age));
        if apparent || self.apparent_std.is_some_and(|std| !(0.0..=130.0).contains(&std)) {
            return Err("apparent age not within 0 to 130");
        }
        let (first, last) = match (self.age_min, self.age_max) {
            (None, None) => return Ok(()),
            (first, last) => {
                (first.unwrap_or(0.0), last.unwrap_or(f32::max(OPEN, first.unwrap_or(0.0))))
            }
        };
        if first > last {
            return Err("bracket with its first year above its last");
        }
        if !((0.0..=OPEN).contains(&first) && last <= 150.0) {
            return Err("bracket not within 0 to 100");
        }
        // A bracket without a whole year, as of months, would hold no year of a network. Networks know years up to 100, so
        // a bracket that reaches further is open.
        let (first, last) = (first.floor(), last.floor().min(OPEN));
        // An exact age above 100 lies in an open bracket.
        if self.age.is_some_and(|age| age < first || age.min(OPEN) > last) {
            return Err("age outside its own bracket");
        }
        (self.age_min, self.age_max) = (Some(first), Some(last));
        Ok(())
    }

    /// Returns whether a year or a bracket is known.
    pub fn has_age(&self) -> bool {
        self.rough_age().is_some()
    }

    /// Returns the exact age, or the middle of the bracket. It is good only for sorting into bands.
    pub fn rough_age(&self) -> Option<f32> {
        self.age.or_else(|| Some((self.age_min? + self.age_max?) / 2.0))
    }
}

/// Returns what is wrong with the name of a part, if anything. A row with a mistyped one would never be used, without a
/// word.
pub fn part_fault(split: &str) -> Option<String> {
    // The empty name means that a row is in none yet.
    let known = PARTS.contains(&split) || ["excluded", ""].contains(&split);
    (!known).then(|| format!("split is {split:?}, but it must be train, val, test or excluded"))
}

/// Reads a manifest. A missing version, or another one, is an error that names both. Rows with impossible brackets are
/// left out and reported.
pub fn read(path: &Path) -> Result<Vec<Row>> {
    let mut left_out: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let (mut rows, mut fractions) = (Vec::new(), 0);
    for (line, mut row) in KIND.read_named::<Row>(path)? {
        if let Some(fault) = row.fault() {
            bail!("{} line {line}: {fault}", path.display());
        }
        let fraction = row.has_fraction();
        match row.settle() {
            Ok(()) => {
                fractions += usize::from(fraction);
                rows.push(row);
            }
            Err(rule) => left_out.entry(rule).or_insert((0, line)).0 += 1,
        }
    }
    if fractions > 0 {
        eprintln!("{}: {}", path.display(), floored(fractions));
    }
    for (rule, (count, line)) in left_out {
        eprintln!("{}: {count} rows left out, {rule}; the first is line {line}", path.display());
    }
    Ok(rows)
}

/// Says that ages were made whole.
pub fn floored(count: usize) -> String {
    format!("{count} ages with a fraction are rounded down, since n years means n to n + 1")
}

/// Writes a manifest, to a temporary name first, with `command` in the header comment.
pub fn write(path: &Path, command: &str, rows: &[Row]) -> Result<()> {
    KIND.write(path, command, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bracket(first: Option<f32>, last: Option<f32>) -> Row {
        Row { path: "x".into(), age_min: first, age_max: last, ..Row::default() }
    }

    #[test]
    fn brackets_are_opened_or_refused() {
        let settled = |first, last| {
            let mut row = bracket(first, last);
            row.settle().map(|()| (row.age_min, row.age_max))
        };
        assert_eq!(settled(Some(20.0), Some(29.0)), Ok((Some(20.0), Some(29.0))));
        assert_eq!(settled(Some(70.0), None), Ok((Some(70.0), Some(100.0))));
        assert_eq!(settled(None, Some(2.0)), Ok((Some(0.0), Some(2.0))));
        assert_eq!(settled(Some(70.0), Some(120.0)), Ok((Some(70.0), Some(100.0))));
        assert_eq!(settled(None, None), Ok((None, None)));
        assert_eq!(
            settled(Some(40.0), Some(30.0)),
            Err("bracket with its first year above its last")
        );
        for (first, last) in [(-5.0, 3.0), (110.0, 120.0), (5.0, 1e6), (f32::NAN, 3.0)] {
            let error = settled(Some(first), Some(last));
            assert_eq!(error, Err("bracket not within 0 to 100"), "{first} {last}");
        }
        // Brackets of months lie in a year.
        assert_eq!(settled(Some(0.25), Some(0.75)), Ok((Some(0.0), Some(0.0))));
        assert_eq!(settled(Some(19.5), Some(29.5)), Ok((Some(19.0), Some(29.0))));
        let mut exact = Row { age: Some(34.6), apparent_age: Some(31.4), ..Row::default() };
        assert!(exact.has_fraction());
        assert_eq!(exact.settle(), Ok(()));
        assert_eq!((exact.age, exact.apparent_age), (Some(34.0), Some(31.4)));
        let mut row = Row { age: Some(35.0), ..bracket(Some(20.0), Some(29.0)) };
        assert_eq!(row.settle(), Err("age outside its own bracket"));
        let mut old = Row { age: Some(104.0), ..bracket(Some(70.0), None) };
        assert_eq!(old.settle(), Ok(()));
    }
}
