//! Divides a set into parts, stratified, with each person and each group of near-duplicates in one part.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result, ensure};
use rand::seq::SliceRandom;

use super::manifest::{PARTS, Row};
use super::pictures::Groups;
use super::sampler::generator;

/// Reads `train=0.8,test=0.2`.
pub fn parts(text: &str) -> Result<Vec<(String, f64)>> {
    let part = |part: &str| -> Result<(String, f64)> {
        let (name, share) = part.split_once('=').context("a part must be NAME=SHARE")?;
        ensure!(PARTS.contains(&name), "{name:?} is not train, val or test");
        let share: f64 =
            share.parse().with_context(|| format!("the share {share:?} is not a number"))?;
        ensure!(share > 0.0 && share <= 1.0, "the share {share} is not within 0 to 1");
        Ok((name.to_owned(), share))
    };
    let parts: Vec<_> = text.split(',').map(part).collect::<Result<_>>()?;
    for (i, (name, _)) in parts.iter().enumerate() {
        ensure!(parts[..i].iter().all(|part| part.0 != *name), "the part {name} is named twice");
    }
    let sum: f64 = parts.iter().map(|p| p.1).sum();
    ensure!(
        (sum - 1.0).abs() < 1e-6,
        "the shares of {text:?} sum to {sum}, but they must sum to 1"
    );
    Ok(parts)
}

/// Fills the empty `split` fields. Rows that have one keep it, and rows of the same group follow.
pub fn split(rows: &mut [Row], parts: &[(String, f64)], seed: u64) {
    let mut groups = Groups::new(rows.len());
    let mut first: HashMap<(u8, &str), usize> = HashMap::new();
    for (i, row) in rows.iter().enumerate() {
        // Tables write 0 for "in no group". A person may have that number.
        let group = if row.group == "0" { "" } else { &row.group };
        for (kind, key) in [(0, row.person.as_str()), (1, group), (2, &row.path)] {
            if !key.is_empty() {
                let one = *first.entry((kind, key)).or_insert(i);
                groups.join(i, one);
            }
        }
    }
    let mut units: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for i in 0..rows.len() {
        units.entry(groups.root(i)).or_default().push(i);
    }
    let mut strata: BTreeMap<(i32, String), Vec<Vec<usize>>> = BTreeMap::new();
    for unit in units.into_values() {
        let given = unit.iter().map(|i| rows[*i].split.clone());
        let given = given.filter(|s| !s.is_empty() && s != "excluded").min();
        if let Some(given) = given {
            for i in unit {
                if rows[i].split.is_empty() {
                    rows[i].split.clone_from(&given);
                }
            }
            continue;
        }
        let row = &rows[unit[0]];
        let band = row.rough_age().map_or(-1, |age| age as i32 / 10);
        strata.entry((band, row.gender.clone())).or_default().push(unit);
    }
    // The rest of a part is carried to the next stratum, since shares cannot hold in strata of a few faces.
    let mut taken = vec![0.0; parts.len()];
    for (index, mut units) in strata.into_values().enumerate() {
        units.shuffle(&mut generator(seed, index as u64, 11));
        // The largest come first, so that the small ones even the shares out.
        units.sort_by_key(|unit| std::cmp::Reverse(unit.len()));
        for unit in units {
            let all = taken.iter().sum::<f64>() + unit.len() as f64;
            let lack = |i: &usize| parts[*i].1 * all - taken[*i];
            let part = (0..parts.len()).rev().max_by(|a, b| lack(a).total_cmp(&lack(b)));
            let part = part.unwrap_or(0);
            taken[part] += unit.len() as f64;
            for i in unit {
                if rows[i].split.is_empty() {
                    rows[i].split.clone_from(&parts[part].0);
                }
            }
        }
    }
}

/// The share of the part train that is kept aside if no row has split val, as after the published 80/20. Early stopping
/// by the part test would select by it.
const ASIDE: f64 = 0.1;

/// Moves a tenth of the part train, drawn as [`split`] draws, to the part val.
pub fn keep_aside(rows: &mut [Row], seed: u64) {
    let places: Vec<usize> = (0..rows.len()).filter(|i| rows[*i].split == "train").collect();
    // It is drawn alone, because rows of the same group as the part test would follow it.
    let mut train: Vec<Row> = places.iter().map(|i| std::mem::take(&mut rows[*i])).collect();
    train.iter_mut().for_each(|row| row.split.clear());
    split(&mut train, &[("train".into(), 1.0 - ASIDE), ("val".into(), ASIDE)], seed);
    for (i, row) in places.into_iter().zip(train) {
        rows[i] = row;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_hold_in_every_stratum_and_nobody_is_parted() {
        let mut rows: Vec<Row> = (0..1000)
            .map(|i| Row {
                path: format!("{i}.jpg"),
                age: Some((i % 80) as f32),
                gender: ["male", "female"][i % 2].into(),
                person: if i % 5 == 0 { format!("p{}", i / 50) } else { String::new() },
                ..Row::default()
            })
            .collect();
        rows[3].split = "val".into();
        rows[7].split = "excluded".into();
        let mut again = rows.clone();
        let parts = parts("train=0.8,test=0.2").expect("good");
        split(&mut rows, &parts, 4);
        split(&mut again, &parts, 4);
        assert_eq!(rows, again);
        assert_eq!((rows[3].split.as_str(), rows[7].split.as_str()), ("val", "excluded"));
        let mut of: HashMap<&str, &str> = HashMap::new();
        for row in rows.iter().filter(|row| !row.person.is_empty()) {
            assert_eq!(*of.entry(&row.person).or_insert(&row.split), row.split);
        }
        let test = rows.iter().filter(|row| row.split == "test").count();
        assert!((180..=220).contains(&test), "{test}");
    }

    #[test]
    fn a_tenth_of_train_is_kept_aside_in_small_strata_too() {
        let row = |i: usize| Row {
            path: format!("{i}.jpg"),
            age: Some((i * 7 % 90) as f32),
            gender: ["male", "female"][i % 2].into(),
            person: if i < 8 { "anna".into() } else { String::new() },
            split: if i % 5 == 4 { "test".into() } else { "train".into() },
            ..Row::default()
        };
        let before: Vec<Row> = (0..60).map(row).collect();
        let mut rows = before.clone();
        keep_aside(&mut rows, 3);
        let val = rows.iter().filter(|row| row.split == "val").count();
        assert!((4..=6).contains(&val), "{val} of 48");
        for (old, new) in before.iter().zip(&rows) {
            assert_eq!((old.split == "test"), (new.split == "test"));
            assert_eq!(old.path, new.path);
        }
        let anna = |row: &&Row| row.person == "anna" && row.split != "test";
        let parts: Vec<_> = rows.iter().filter(anna).map(|row| &row.split).collect();
        assert!(parts.len() > 1 && parts.iter().all(|part| *part == parts[0]), "{parts:?}");
        let mut again = before;
        keep_aside(&mut again, 3);
        assert_eq!(rows, again);
    }

    #[test]
    fn a_person_may_be_called_0_but_no_group_is() {
        let row = |i: usize, person: &str, group: &str| Row {
            path: format!("{i}.jpg"),
            age: Some(30.0),
            person: person.into(),
            group: group.into(),
            ..Row::default()
        };
        let parts = parts("train=0.5,test=0.5").expect("good");
        let of = |person: &str, group: &str| {
            let mut rows: Vec<Row> = (0..20).map(|i| row(i, person, group)).collect();
            split(&mut rows, &parts, 4);
            rows.iter().filter(|row| row.split == "train").count()
        };
        assert!([0, 20].contains(&of("0", "")), "one person is not parted");
        assert_eq!(of("", "0"), 10);
        assert!([0, 20].contains(&of("", "1")));
    }

    #[test]
    fn shares_must_sum_to_one() {
        assert!(parts("train=0.8,test=0.3").is_err());
        assert!(parts("train=0.8").is_err());
        assert!(parts("train=0.8,best=0.2").is_err());
        assert!(parts("train=0.8,train=0.2").is_err());
    }
}
