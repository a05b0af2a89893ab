//! The age bands of all tables are defined here. A data set's own brackets are in
//! [`metrics::brackets`](crate::metrics::brackets).

/// The first year of each band. Infants have their own, since they look like nobody else. The last is open.
const FIRST: [f32; 9] = [0.0, 3.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0];

const NAMES: [&str; FIRST.len()] =
    ["0-2", "3-9", "10-19", "20-29", "30-39", "40-49", "50-59", "60-69", "70+"];

/// Bands for sets that a network has not seen. Teenagers have their own, and the old share one.
const STRANGERS: [(f32, &str); 9] = [
    (0.0, "0-2"),
    (3.0, "3-9"),
    (10.0, "10-14"),
    (15.0, "15-19"),
    (20.0, "20-29"),
    (30.0, "30-39"),
    (40.0, "40-49"),
    (50.0, "50-59"),
    (60.0, "60+"),
];

/// Returns the number of the band of an age.
pub fn index(age: f32) -> usize {
    FIRST.iter().rposition(|first| age >= *first).unwrap_or(0)
}

/// Returns the name of the band of an age.
pub fn band(age: f32) -> &'static str {
    NAMES[index(age)]
}

/// Returns the name of the band of an age in tables about such sets.
pub fn stranger(age: f32) -> &'static str {
    STRANGERS.iter().rev().find(|(first, _)| age >= *first).map_or(STRANGERS[0].1, |(_, name)| name)
}

/// Returns the names of the bands of [`stranger`], in order.
pub fn strangers() -> impl Iterator<Item = &'static str> {
    STRANGERS.iter().map(|(_, name)| *name)
}

/// Where a group stands in a table: all faces first, then bands by their years, then the rest by name.
pub fn order(group: &str) -> (usize, &str) {
    let first = group.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    let place = match first.parse::<usize>() {
        _ if group == "all" => 0,
        Ok(year) => 1 + year,
        Err(_) => usize::MAX,
    };
    (place, group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_meet_at_their_first_years() {
        let ages = [0.0, 2.9, 3.0, 10.0, 19.9, 65.0, 70.0, 116.0];
        let bands = ages.map(band);
        assert_eq!(bands, ["0-2", "0-2", "3-9", "10-19", "10-19", "60-69", "70+", "70+"]);
        for (i, name) in NAMES.iter().enumerate() {
            let first = name.split(['-', '+']).next().expect("a year");
            assert_eq!(first.parse::<f32>().expect("a year"), FIRST[i]);
        }
        assert_eq!(ages.map(stranger)[4..], ["15-19", "60+", "60+", "60+"]);
    }

    #[test]
    fn groups_stand_by_age() {
        let mut groups =
            ["10-19", "3-9 / male", "70+", "White", "3-9", "all", "female / White", "0-2"];
        groups.sort_by_key(|group| order(group));
        let right = ["all", "0-2", "3-9", "3-9 / male", "10-19", "70+", "White", "female / White"];
        assert_eq!(groups, right);
    }
}
