//! The names of columns, as people write them.

/// Returns the manifest's name for a column.
pub fn folded(name: &str) -> String {
    let name = name.trim().to_lowercase().replace([' ', '-'], "_");
    match name.as_str() {
        "file" | "filename" | "file_name" | "image" | "picture" | "full_path" => "path".into(),
        "sex" => "gender".into(),
        "identity" => "person".into(),
        _ => name,
    }
}

/// Returns the columns that are none of `known`, each with the known name that may have been meant.
pub fn ignored<'a>(columns: impl Iterator<Item = &'a str>, known: &[&str]) -> Vec<String> {
    let unknown = columns.filter(|name| !name.trim().is_empty() && !known.contains(name));
    unknown
        .map(|name| match meant(name, known) {
            Some(meant) => format!("{name} (did you mean {meant}?)"),
            None => name.to_owned(),
        })
        .collect()
}

fn meant<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let folded = match folded(name).as_str() {
        "year" | "years" => "age".to_owned(),
        "family" => "group".to_owned(),
        "set" | "dataset" | "data_set" => "source".to_owned(),
        "part" | "fold" | "subset" => "split".to_owned(),
        other => other.to_owned(),
    };
    let near = |known: &str| strsim::jaro_winkler(known, &folded);
    let best = known.iter().copied().max_by(|a, b| near(a).total_cmp(&near(b)));
    best.filter(|best| near(best) > 0.8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_without_a_meaning_are_named_with_what_was_meant() {
        let known = ["path", "age", "gender", "split", "apparent_age"];
        let columns = ["path", "years", "Gender", "aparent age", "mood", ""];
        let expected = [
            "years (did you mean age?)",
            "Gender (did you mean gender?)",
            "aparent age (did you mean apparent_age?)",
            "mood",
        ];
        assert_eq!(ignored(columns.into_iter(), &known), expected);
        assert!(ignored(known.into_iter(), &known).is_empty());
    }
}
