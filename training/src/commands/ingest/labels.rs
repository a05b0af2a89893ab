//! Labels as people write them: years, brackets, genders, parts.

/// The last year of a bracket that is open at the top.
pub use crate::data::manifest::OPEN;

/// Returns the first and the last year of a bracket, or of one year.
pub fn years(text: &str) -> Option<(f32, f32)> {
    let text = text.trim();
    if let Some(from) = text.strip_prefix("more than ") {
        return Some((from.trim().parse().ok()?, OPEN));
    }
    if let Some(from) = text.strip_suffix('+') {
        return Some((from.trim().parse().ok()?, OPEN));
    }
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    // Spreadsheets turn 3-9 into a date.
    let (from, to): (f32, f32) = match (from, to) {
        ("9", "Mar") | ("Mar", "9") => (3.0, 9.0),
        ("19", "Oct") | ("Oct", "19") => (10.0, 19.0),
        ("2", "Jan") => return None,
        _ => (from.trim().parse().ok()?, to.trim().parse().ok()?),
    };
    (from >= 0.0 && from <= to && to <= 130.0).then_some((from, to))
}

/// Returns `male` or `female`, or nothing if the text says neither.
pub fn gender(text: &str) -> &'static str {
    match text.trim().to_lowercase().as_str() {
        "male" | "m" | "man" | "men" | "boy" => "male",
        "female" | "f" | "woman" | "women" | "girl" => "female",
        _ => "",
    }
}

/// Returns whether the text says that nothing is known.
pub fn is_unknown(text: &str) -> bool {
    let text = text.trim().to_lowercase();
    ["", "na", "n/a", "nan", "none", "null", "unknown", "?", "-"].contains(&text.as_str())
}

/// Returns the name of a part. It also knows the names that other sets use.
pub fn part(text: &str) -> Option<&'static str> {
    Some(match text.trim().to_lowercase().as_str() {
        // A face without a label can learn from the answer of a teacher.
        "train" | "training" | "unlabelled" | "unlabeled" => "train",
        "val" | "valid" | "validation" | "dev" => "val",
        "test" | "testing" => "test",
        "excluded" => "excluded",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_every_spelling() {
        assert_eq!(years("0-2"), Some((0.0, 2.0)));
        assert_eq!(years("more than 70"), Some((70.0, 100.0)));
        assert_eq!(years("70+"), Some((70.0, 100.0)));
        assert_eq!(years("34"), Some((34.0, 34.0)));
        assert_eq!(years("9-Mar"), Some((3.0, 9.0)));
        assert_eq!(years("30-20"), None);
        assert_eq!(years("NaN"), None);
    }

    #[test]
    fn what_says_nothing_is_unknown_and_what_says_something_is_not() {
        assert!(["", " ", "NaN", "n/a", "Unknown"].into_iter().all(is_unknown));
        assert!(["0", "1", "-1", "other"].into_iter().all(|text| !is_unknown(text)));
        assert_eq!([gender(" Male"), gender("F"), gender("0")], ["male", "female", ""]);
        assert_eq!([part("Validation"), part("fold 3")], [Some("val"), None]);
    }
}
