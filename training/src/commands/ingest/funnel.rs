//! What ingesting dropped, by rule, and which ages it saw before any rule.

use std::collections::BTreeMap;

use serde::Serialize;

/// Faces by gender.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Count {
    /// Labelled male.
    pub male: usize,
    /// Labelled female.
    pub female: usize,
    /// Without a label.
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

/// What each rule dropped, in order; a row counts at the first rule that drops it.
#[derive(Debug, Default, Serialize)]
pub struct Funnel {
    /// Every row that was read.
    pub rows: Count,
    /// Rules, and what each dropped.
    pub dropped: Vec<(String, Count)>,
    /// What is left.
    pub kept: Count,
    /// Near-duplicates whose labels differ: path, label, and the same of the other.
    pub contradicting: Vec<[String; 4]>,
    /// Faces by whole year, before any rule dropped one.
    pub ages: BTreeMap<i64, Count>,
    /// Pictures that were left out: path, rule, and why.
    pub left_out: Vec<[String; 3]>,
    /// What the search for faces found, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<Search>,
}

/// What searching the pictures of faces without a box found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Search {
    /// Pictures that were searched.
    pub searched: usize,
    /// No face was found in these.
    pub not_found: usize,
    /// More than one face was found in these; the largest and surest was taken.
    pub several: usize,
    /// Of those, a second face was at least half as large: the label may be its.
    pub unclear: usize,
}

/// Lines of pictures that are shown of each rule.
const SHOWN: usize = 5;

impl Funnel {
    /// With the rules that the data set has, in order.
    pub fn new(rules: &[&str]) -> Self {
        let dropped = rules.iter().map(|rule| ((*rule).to_owned(), Count::default())).collect();
        Self { dropped, ..Self::default() }
    }

    /// Counts a row that was read, with its age where that is known.
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

    /// The table, and the first pictures that each rule left out.
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
        if !self.contradicting.is_empty() {
            println!("{} near-duplicates contradict each other", self.contradicting.len());
        }
    }
}
