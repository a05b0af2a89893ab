//! The rows that ingesting dropped, by rule, and the ages before any rule.

use std::collections::BTreeMap;

use serde::Serialize;

/// The number of faces by gender.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Count {
    /// Faces that are labelled male.
    pub male: usize,
    /// Faces that are labelled female.
    pub female: usize,
    /// Faces without a label.
    pub unknown: usize,
}

impl Count {
    /// Counts one face.
    pub fn add(&mut self, gender: &str) {
        match gender {
            "male" => self.male += 1,
            "female" => self.female += 1,
            _ => self.unknown += 1,
        }
    }

    fn all(&self) -> usize {
        self.male + self.female + self.unknown
    }
}

/// The rows that each rule dropped, in order. A row counts at the first rule that drops it.
#[derive(Debug, Default, Serialize)]
pub struct Funnel {
    /// The rows that were read.
    pub rows: Count,
    /// The rules, and the rows that each dropped.
    pub dropped: Vec<(String, Count)>,
    /// The rows that are left.
    pub kept: Count,
    /// Near-duplicates whose labels differ: the path and label of one, and those of the other.
    pub contradicting: Vec<[String; 4]>,
    /// The faces by whole year, before any rule dropped one.
    pub ages: BTreeMap<i64, Count>,
    /// The pictures that were left out: the path, the rule and the reason.
    pub left_out: Vec<[String; 3]>,
    /// The results of the search for faces, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<Search>,
}

/// The results of searching the pictures of faces without a box.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Search {
    /// The pictures that were searched.
    pub searched: usize,
    /// The pictures in which no face was found.
    pub not_found: usize,
    /// The pictures in which more than one face was found. The largest and surest was taken.
    pub several: usize,
    /// Of those, the pictures whose second face was at least half as large. The label may be that of the second.
    pub unclear: usize,
}

/// The lines of pictures that are shown for each rule.
const SHOWN: usize = 5;

impl Funnel {
    /// Makes a funnel with the rules that the data set has, in order.
    pub fn new(rules: &[&str]) -> Self {
        let dropped = rules.iter().map(|rule| ((*rule).to_owned(), Count::default())).collect();
        Self { dropped, ..Self::default() }
    }

    /// Counts a row that was read, with its age if that is known.
    pub fn read(&mut self, gender: &str, age: Option<f64>) {
        self.rows.add(gender);
        // Impossible dates give ages of thousands of years, which no histogram shows.
        if let Some(age) = age.filter(|age| (-1000.0..=1000.0).contains(age)) {
            self.ages.entry(age.floor() as i64).or_default().add(gender);
        }
    }

    /// Counts a row that `rule` drops.
    pub fn drop(&mut self, rule: &str, gender: &str) {
        match self.dropped.iter_mut().find(|(name, _)| name == rule) {
            Some((_, count)) => count.add(gender),
            None => {
                let mut count = Count::default();
                count.add(gender);
                self.dropped.push((rule.to_owned(), count));
            }
        }
    }

    /// Counts a picture that `rule` drops, and notes its name.
    pub fn leave_out(&mut self, rule: &str, gender: &str, path: &str, why: &str) {
        self.drop(rule, gender);
        self.left_out.push([path.to_owned(), rule.to_owned(), why.to_owned()]);
    }

    /// Returns the table, and the first pictures that each rule left out.
    pub fn print(&self) {
        let line = |name: &str, c: &Count| {
            println!("{name:44} {:>9} {:>9} {:>9} {:>9}", c.all(), c.male, c.female, c.unknown);
        };
        println!("{:44} {:>9} {:>9} {:>9} {:>9}", "", "all", "male", "female", "unknown");
        line("rows", &self.rows);
        for (rule, count) in &self.dropped {
            line(&format!("- {rule}"), count);
        }
        line("kept", &self.kept);
        let mut shown: BTreeMap<&str, usize> = BTreeMap::new();
        for [path, rule, why] in &self.left_out {
            let shown = shown.entry(rule).or_default();
            *shown += 1;
            if *shown <= SHOWN {
                let why = if why.is_empty() { String::new() } else { format!(": {why}") };
                eprintln!("left out, {rule}: {path}{why}");
            }
        }
        for (rule, count) in shown {
            if count > SHOWN {
                eprintln!("left out, {rule}: {} more; --funnel lists them all", count - SHOWN);
            }
        }
        if let Some(Search { searched, not_found, several, unclear }) = &self.search {
            println!(
                "{} of {searched} faces without a box were found; the other {not_found} are their whole pictures",
                searched - not_found
            );
            println!(
                "several faces in {several} pictures, of which the largest and surest was taken; in {unclear} a second one is \
                 at least half as large"
            );
        }
        let contradicting = self.contradicting.len();
        if contradicting > 0 {
            println!("{contradicting} near-duplicates have contradicting labels");
        }
        for [one, label, other, its] in self.contradicting.iter().take(SHOWN) {
            eprintln!("contradicting: {one} has {label:?}, and {other} has {its:?}");
        }
        if contradicting > SHOWN {
            eprintln!("contradicting: {} more; --funnel lists them all", contradicting - SHOWN);
        }
    }
}
