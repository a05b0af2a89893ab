//! Describes a manifest as Markdown, with the figures that the study gives about its data.

use crate::data::manifest::Row;

/// Each row has ten years. The last two are those above the study's oldest.
const DECADES: [(i64, i64); 12] = [
    (0, 8),
    (9, 19),
    (20, 29),
    (30, 39),
    (40, 49),
    (50, 59),
    (60, 69),
    (70, 79),
    (80, 89),
    (90, 99),
    (100, 100),
    (101, 1000),
];

/// The counts of faces by whole year and gender (female, male, unknown). A funnel keeps them for all rows that were
/// read.
pub fn ages(funnel: &serde_json::Value) -> Vec<(i64, [u64; 3])> {
    let years = funnel["ages"].as_object().into_iter().flatten();
    let mut found: Vec<(i64, [u64; 3])> = years
        .filter_map(|(year, count)| {
            let of = |gender: &str| count[gender].as_u64().unwrap_or(0);
            Some((year.parse().ok()?, [of("female"), of("male"), of("unknown")]))
        })
        .collect();
    found.sort_unstable();
    found
}

/// Makes two tables: genders with their ages, and faces by decade before and after the filters.
pub fn markdown(rows: &[Row], funnel: Option<&serde_json::Value>) -> String {
    let genders = ["female", "male"];
    let mut out = String::from("| | female | male | all |\n| --- | --- | --- | --- |\n");
    let mut line = |name: &str, cells: [String; 3]| {
        out += &format!("| {name} | {} |\n", cells.join(" | "));
    };
    if let Some(funnel) = funnel {
        let count = |which: &serde_json::Value| {
            let of = |gender: &str| which[gender].as_u64().unwrap_or(0);
            let all = of("female") + of("male") + of("unknown");
            [of("female"), of("male"), all].map(|n| n.to_string())
        };
        line("rows", count(&funnel["rows"]));
        for rule in funnel["dropped"].as_array().into_iter().flatten() {
            let name = format!("dropped: {}", rule[0].as_str().unwrap_or_default());
            line(&name, count(&rule[1]));
        }
    }
    let of = |gender: Option<&str>| -> Vec<f32> {
        let wanted = rows.iter().filter(|row| gender.is_none_or(|gender| row.gender == gender));
        let mut ages: Vec<f32> = wanted.filter_map(Row::rough_age).collect();
        ages.sort_by(f32::total_cmp);
        ages
    };
    let kept = [of(Some(genders[0])), of(Some(genders[1])), of(None)];
    let mut each = |name: &str, value: &dyn Fn(&[f32]) -> String| {
        line(name, [value(&kept[0]), value(&kept[1]), value(&kept[2])]);
    };
    each("kept", &|ages| ages.len().to_string());
    each("mean age", &|ages| {
        let sum: f64 = ages.iter().map(|age| f64::from(*age)).sum();
        if ages.is_empty() { String::new() } else { format!("{:.1}", sum / ages.len() as f64) }
    });
    for (name, share) in [("lower quartile", 0.25), ("median", 0.5), ("upper quartile", 0.75)] {
        each(name, &|ages| {
            let place = (share * ages.len().saturating_sub(1) as f64).round() as usize;
            ages.get(place).map_or(String::new(), |age| format!("{age:.0}"))
        });
    }
    let before = funnel.map(ages).unwrap_or_default();
    out += "\n| years | all rows | kept | female, kept | male, kept |\n| --- | --- | --- | --- | --- |\n";
    for (first, last) in DECADES {
        let inside = |age: &i64| (first..=last).contains(age);
        let all: u64 =
            before.iter().filter(|(age, _)| inside(age)).flat_map(|(_, counts)| counts).sum();
        let count = |ages: &[f32]| ages.iter().filter(|age| inside(&(age.floor() as i64))).count();
        let [female, male, kept] = [count(&kept[0]), count(&kept[1]), count(&kept[2])];
        if all == 0 && kept == 0 {
            continue;
        }
        let name = match (first, last) {
            (first, last) if first == last => first.to_string(),
            (first, 1000) => format!("above {}", first - 1),
            _ => format!("{first} to {last}"),
        };
        let all = if funnel.is_some() { all.to_string() } else { String::new() };
        out += &format!("| {name} | {all} | {kept} | {female} | {male} |\n");
    }
    let below: u64 = before.iter().filter(|(age, _)| *age < 0).flat_map(|(_, counts)| counts).sum();
    if below > 0 {
        out += &format!("| below 0 | {below} | 0 | 0 | 0 |\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_before_and_after_the_filters() {
        let row = |age: f32, gender: &str| Row {
            age: Some(age),
            gender: gender.into(),
            ..Row::default()
        };
        let rows = [row(20.0, "male"), row(30.0, "male"), row(40.0, "male"), row(25.0, "female")];
        let funnel = serde_json::json!({
            "rows": {"male": 4, "female": 2, "unknown": 1},
            "dropped": [["age out of range", {"male": 1, "female": 1, "unknown": 0}]],
            "ages": {"-3": {"male": 1}, "5": {"female": 1}, "20": {"male": 1}, "25": {"female": 1},
                     "30": {"male": 1, "unknown": 1}, "40": {"male": 1}, "2000": {"male": 9}},
        });
        let text = markdown(&rows, Some(&funnel));
        for line in [
            "| rows | 2 | 4 | 7 |",
            "| dropped: age out of range | 1 | 1 | 2 |",
            "| kept | 1 | 3 | 4 |",
            "| mean age | 25.0 | 30.0 | 28.8 |",
            "| median | 25 | 30 | 30 |",
            "| 0 to 8 | 1 | 0 | 0 | 0 |",
            "| 20 to 29 | 2 | 2 | 1 | 1 |",
            "| 30 to 39 | 2 | 1 | 0 | 1 |",
            "| below 0 | 1 | 0 | 0 | 0 |",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }
}
