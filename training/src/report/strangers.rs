//! The table about sets that a network has never seen, by age band.

use crate::data::bands;
use crate::metrics::cases::Case;
use crate::metrics::judged::Judged;

/// A network judged on a set, and the same set judged by a network that has seen it, if there is one.
pub struct Stranger<'a> {
    /// Name of the set.
    pub set: &'a str,
    /// The result of a network that has not seen it.
    pub unseen: &'a Judged,
    /// The result of one that was trained on its part train.
    pub seen: Option<&'a Judged>,
}

/// The means over some faces.
#[derive(Default)]
struct Means {
    faces: usize,
    bias: Option<f64>,
    error: Option<f64>,
    right: Option<f64>,
    covered: Option<f64>,
    gender: Option<f64>,
}

fn means(cases: &[&Case]) -> Means {
    let mean = |values: Vec<f64>| {
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    let share = |so: Vec<bool>| mean(so.into_iter().map(|so| f64::from(u8::from(so))).collect());
    Means {
        faces: cases.len(),
        bias: mean(cases.iter().filter_map(|c| c.error()).collect()),
        error: mean(cases.iter().filter_map(|c| c.error()).map(f64::abs).collect()),
        right: share(cases.iter().filter_map(|c| c.brackets).map(|b| b[0] == b[1]).collect()),
        covered: mean(cases.iter().filter_map(|c| c.covered).collect()),
        gender: share(cases.iter().filter_map(|c| Some(c.male? == (c.p_male? > 0.5))).collect()),
    }
}

/// Returns the bands of a set, in order, each with its faces. The last one has all.
fn by_band<'a>(judged: &'a Judged, set: &str) -> Vec<(String, Vec<&'a Case>)> {
    let of: Vec<&Case> =
        judged.cases.iter().map(|(_, case)| case).filter(|case| case.source == set).collect();
    let exact = bands::strangers().map(|name| {
        (name.to_owned(), of.iter().filter(|c| c.stranger == Some(name)).copied().collect())
    });
    let mut found: Vec<(String, Vec<&Case>)> = exact.collect();
    let names = judged.brackets.get(set).map(|brackets| brackets.names()).unwrap_or_default();
    for (i, name) in names.into_iter().enumerate() {
        let inside = |c: &&&Case| c.brackets.is_some_and(|b| b[0] == i);
        found.push((format!("{name} (bracket)"), of.iter().filter(inside).copied().collect()));
    }
    found.retain(|(_, cases)| !cases.is_empty());
    found.push(("all".into(), of));
    found
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or(String::new(), |value| format!("{value:.digits$}"))
}

fn percent(value: Option<f64>) -> String {
    // Adding zero avoids -0: a rounding error below 0 would be written so.
    value.map_or(String::new(), |value| format!("{:.0}", (value * 100.0).round() + 0.0))
}

/// Draws one table: each set as an unseen one, by band.
pub fn markdown(strangers: &[Stranger<'_>]) -> String {
    let mut head = String::from(
        "| set, never seen | band | faces | bias, years | error, years | bracket right, % | 80 % interval covers, % | gender, % |",
    );
    let with_seen = strangers.iter().any(|stranger| stranger.seen.is_some());
    if with_seen {
        head += " trained on: bias | error | covers, % | gender, % |";
    }
    let columns = head.matches('|').count() - 1;
    let mut out = format!("{head}\n|{}\n", " --- |".repeat(columns));
    for Stranger { set, unseen, seen } in strangers {
        let known = seen.map(|judged| by_band(judged, set)).unwrap_or_default();
        for (band, cases) in by_band(unseen, set) {
            let m = means(&cases);
            let bias = m.bias.map_or(String::new(), |bias| format!("{bias:+.1}"));
            let cells = [
                (*set).to_owned(),
                band.clone(),
                m.faces.to_string(),
                bias,
                number(m.error, 1),
                percent(m.right),
                percent(m.covered),
                percent(m.gender),
            ];
            out += &format!("| {} |", cells.join(" | "));
            if with_seen {
                let same = known.iter().find(|(name, _)| *name == band);
                let m = same.map_or_else(Means::default, |(_, cases)| means(cases));
                let bias = m.bias.map_or(String::new(), |bias| format!("{bias:+.1}"));
                let cells = [bias, number(m.error, 1), percent(m.covered), percent(m.gender)];
                out += &format!(" {} |", cells.join(" | "));
            }
            out.push('\n');
        }
    }
    out
}

/// Draws what each set brings to the others: each network without one of the sets, judged on all the others.
pub fn brings(all: &Judged, without: &[(String, &Judged)]) -> String {
    let sets: Vec<&String> = all.sources.keys().collect();
    let names: Vec<&str> = sets.iter().map(|set| set.as_str()).collect();
    let mut out = format!(
        "| trained without | {} |\n| --- |{}\n",
        names.join(" | "),
        " --- |".repeat(sets.len())
    );
    let cell = |judged: &Judged, set: &str| {
        let of = judged.cases.iter().map(|(_, case)| case).filter(|case| case.source == set);
        let m = means(&of.collect::<Vec<_>>());
        let age = match (m.error, m.right) {
            (Some(error), _) => format!("{error:.2} years"),
            (None, Some(right)) => format!("{:.1} % of brackets", right * 100.0),
            _ => String::new(),
        };
        let gender = m.gender.map_or(String::new(), |gender| format!("{:.1} %", gender * 100.0));
        let parts = [age, gender];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
    };
    let mut line = |name: &str, judged: &Judged| {
        let cells = sets.iter().map(|set| cell(judged, set)).collect::<Vec<_>>();
        out += &format!("| {name} | {} |\n", cells.join(" | "));
    };
    line("nothing", all);
    for (set, judged) in without {
        line(set, judged);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_whole_percents_and_nothing_is_nothing() {
        assert_eq!(
            [0.0, -1e-7, 0.005, 0.826, 1.0].map(|v| percent(Some(v))),
            ["0", "0", "1", "83", "100"]
        );
        assert_eq!(percent(None), "");
    }
}
