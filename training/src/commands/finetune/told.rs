//! The comparison of a model before and after it was trained further, as the card shows it.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::data::bands::order;

/// The figures that are compared: the name in the metrics, the name for people, whether less is better, and the factor.
const FIGURES: [(&str, &str, bool, f64); 4] = [
    ("age_mae", "age error, years", true, 1.0),
    ("bracket_accuracy", "bracket, %", false, 100.0),
    ("gender_accuracy", "gender, %", false, 100.0),
    ("gender_undecided", "no gender named, %", true, 100.0),
];

/// The figures that need labels, by what they judge.
const JUDGED: [(&str, &[&str]); 2] =
    [("age", &["age_mae", "bracket_accuracy"]), ("gender", &["gender_accuracy"])];

/// Compares the first two models of an evaluation in a table, group by group, and says what became better and worse.
pub fn compare(metrics: &Value) -> Result<String> {
    let models = metrics["models"].as_array().context("no models in the metrics")?;
    let [before, after] = &models[..] else { bail!("{} models in the metrics", models.len()) };
    let mut text = String::from(
        "Both files were judged on the faces that were kept aside for it. Gender is the label that strangers give a face, in two values.\n\n\
         | group | figure | faces | before | after |\n| --- | --- | ---: | ---: | ---: |\n",
    );
    let (mut worse, mut better) = (Vec::new(), Vec::new());
    let sources = before["sources"].as_object().context("no sources in the metrics")?;
    let several = sources.len() > 1;
    let mut judged: Vec<&str> = Vec::new();
    for (source, groups) in sources {
        let mut groups: Vec<_> = groups.as_object().into_iter().flatten().collect();
        groups.sort_by_key(|(group, _)| order(group));
        for (group, figures) in groups {
            // With several sources, each has a group of all its faces.
            let shown = if several { format!("{source}: {group}") } else { group.clone() };
            for (name, called, less, factor) in FIGURES {
                let of = |figures: &Value| figures[name]["value"].as_f64().map(|v| factor * v);
                let new = &after["sources"][source.as_str()][group.as_str()];
                let (Some(old), Some(new)) = (of(figures), of(new)) else { continue };
                let faces = figures[name]["faces"].as_u64().unwrap_or(0);
                let digits = if factor == 1.0 { 2 } else { 1 };
                text += &format!(
                    "| {shown} | {called} | {faces} | {old:.digits$} | {new:.digits$} |\n"
                );
                judged.push(name);
                let gain = if less { old - new } else { new - old };
                let line = format!("{called} of {shown}: {old:.digits$} to {new:.digits$}");
                match (group == "all", gain > 0.0) {
                    (true, true) => better.push(line),
                    (_, false) if gain < 0.0 && faces >= 20 => worse.push(line),
                    _ => {}
                }
            }
        }
    }
    for (head, names) in JUDGED {
        if !names.iter().any(|name| judged.contains(name)) {
            text += &format!(
                "\nNo face that was kept aside has a label for {head}, so {head} was not judged.\n"
            );
        }
    }
    let list =
        |lines: &[String]| lines.iter().map(|line| format!("- {line}\n")).collect::<String>();
    if !better.is_empty() {
        text += &format!("\nThese figures of all faces became better:\n{}", list(&better));
    }
    if worse.is_empty() {
        text += "\nNo group of 20 faces or more became worse.\n";
    } else {
        text += &format!("\nThese groups of 20 faces or more became worse:\n{}", list(&worse));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn groups_that_lose_are_named() {
        let figure = |value: f64, faces: u64| json!({ "value": value, "faces": faces });
        let model = |all: f64, old: f64, few: f64| {
            json!({ "sources": { "ours": {
                "all": { "age_mae": figure(all, 200) },
                "60-69": { "age_mae": figure(old, 40) },
                "3-9": { "age_mae": figure(2.0, 30) },
                "10-19": { "age_mae": figure(3.0, 30) },
                "70-79": { "age_mae": figure(few, 5) },
            } } })
        };
        let metrics = json!({ "models": [model(6.0, 8.0, 9.0), model(4.5, 8.5, 10.0)] });
        let text = compare(&metrics).expect("two models");
        assert!(text.contains("| all | age error, years | 200 | 6.00 | 4.50 |"), "{text}");
        assert!(text.contains("- age error, years of all: 6.00 to 4.50"), "{text}");
        assert!(text.contains(
            "These groups of 20 faces or more became worse:\n- age error, years of 60-69: 8.00 to 8.50\n"
        ));
        assert!(!text.contains("of 70-79"), "{text}");
        // By age, not by letter.
        let rows = text.lines().filter_map(|line| line.strip_prefix("| "));
        let groups: Vec<&str> = rows.filter_map(|row| row.split(" |").next()).collect();
        assert_eq!(groups, ["group", "---", "all", "3-9", "10-19", "60-69", "70-79"]);
        assert!(compare(&json!({ "models": [] })).is_err());
        assert!(text.contains("has a label for gender"), "{text}");
        assert!(!text.contains("has a label for age"), "{text}");
    }

    #[test]
    fn sources_are_named_if_there_are_several() {
        let figure = |value: f64| json!({ "value": value, "faces": 40 });
        let all = |value: f64| json!({ "all": { "gender_accuracy": figure(value) } });
        let model = |a: f64, b: f64| json!({ "sources": { "a": all(a), "b": all(b) } });
        let text = compare(&json!({ "models": [model(0.9, 0.8), model(0.95, 0.7)] }));
        let text = text.expect("two models");
        assert!(text.contains("| a: all | gender, % | 40 | 90.0 | 95.0 |"), "{text}");
        assert!(text.contains("- gender, % of a: all: 90.0 to 95.0"), "{text}");
        assert!(text.contains("- gender, % of b: all: 80.0 to 70.0"), "{text}");
        assert!(text.contains("No face that was kept aside has a label for age"), "{text}");
    }
}
