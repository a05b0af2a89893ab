//! The page of an evaluation.

use std::path::Path;

use super::page::{document, escape, table, thumbnail};
use super::svg::{Plot, histogram};
use crate::data::bands::order;
use crate::metrics::cases::Case;
use crate::metrics::judged::Judged;
use crate::metrics::scores::{Figure, NAMES};

/// The faces that are shown as the worst mistakes of each kind.
const WORST: usize = 16;

/// Draws several models side by side.
pub fn page(models: &[Judged], root: &Path, split: &str) -> String {
    let mut body = format!(
        "<p class='note'>Rows of split {}. Gender is a label given by strangers looking at a face, in two values. Age is \
         the median of the distribution. Ranges are 95 % bootstrap intervals. Of rows with a bracket \
         nobody knows the year: their share inside the 80 % interval is an estimate, the network's own probability of it, given \
         the bracket; the truth lies between the two lines below it. metrics.json has every figure of every group.</p>",
        escape(split)
    );
    let sources: std::collections::BTreeSet<&String> =
        models.iter().flat_map(|model| model.sources.keys()).collect();
    for source in sources {
        body += &format!("<h2>{}</h2>", escape(source));
        body += &overview(models, source);
        for model in models {
            let cases: Vec<&(String, Case)> =
                model.cases.iter().filter(|(_, case)| case.source == *source).collect();
            body += &format!("<h3>{}: {}</h3>", escape(source), escape(&model.name));
            body += &figures(model, source, &cases);
            body += &by_group(model, source);
            body += &worst(&cases, root);
        }
    }
    for model in models {
        if let Some(log) = &model.log {
            body += &format!("<h2>Learning curves: {}</h2>{}", escape(&model.name), curves(log));
        }
        if !model.failures.is_empty() {
            let rows: Vec<Vec<String>> =
                model.failures.iter().take(50).map(|(p, e)| vec![p.clone(), e.clone()]).collect();
            let count = model.failures.len();
            body += &format!("<h2>Pictures left out: {count}</h2>");
            body += &table(&["picture".into(), "why".into()], &rows);
        }
    }
    document("Evaluation", &body)
}

fn show(figure: Option<&Figure>) -> String {
    figure.map_or(String::new(), |f| {
        format!("{:.3} ({:.3} to {:.3}; {})", f.value, f.low, f.high, f.faces)
    })
}

fn overview(models: &[Judged], source: &str) -> String {
    let head = std::iter::once(String::new()).chain(models.iter().map(|m| m.name.clone()));
    let of = |model: &Judged, name: &str| {
        show(model.sources.get(source).and_then(|g| g.get("all")?.get(name)))
    };
    let rows = NAMES.iter().map(|(name, text)| {
        let cells = models.iter().map(|model| of(model, name));
        std::iter::once((*text).to_owned()).chain(cells).collect::<Vec<_>>()
    });
    let rows: Vec<_> = rows.filter(|row| row[1..].iter().any(|cell| !cell.is_empty())).collect();
    table(&head.collect::<Vec<_>>(), &rows)
}

fn figures(model: &Judged, source: &str, cases: &[&(String, Case)]) -> String {
    let mut out = String::from("<div class='row'>");
    let pairs: Vec<(f64, f64)> = cases
        .iter()
        .filter_map(|(_, c)| Some((f64::from(c.age?), f64::from(c.predicted?))))
        .collect();
    if !pairs.is_empty() {
        // With every dot of a large set, the file would open slowly.
        let step = pairs.len().div_ceil(3000);
        let some: Vec<_> = pairs.iter().copied().step_by(step).collect();
        let mut plot = Plot::new((0.0, 100.0), (0.0, 100.0));
        plot.dots(0, &some, 1.3);
        plot.line(1, &[(0.0, 0.0), (100.0, 100.0)]);
        out += &plot.finish(
            "Estimated and labelled age",
            "labelled age, years",
            "estimated age, years",
            "Each dot is a face. On the line both ages are the same.",
        );
        let errors: Vec<f64> = cases.iter().filter_map(|(_, c)| c.error()).collect();
        let bars = histogram(&errors, -40.0, 40.0, 2.0);
        let top = bars.iter().fold(0.0, |m: f64, b| m.max(b.2));
        let mut plot = Plot::new((-40.0, 40.0), (0.0, top));
        plot.bars(0, &bars);
        out += &plot.finish(
            "Errors of age",
            "estimated minus labelled age, years",
            "number of faces",
            "Right of 0 people are taken for older than their label says. The outermost bars hold all larger errors.",
        );
    }
    for (question, bins) in model.reliability.get(source).into_iter().flatten() {
        if bins.is_empty() {
            continue;
        }
        let points: Vec<(f64, f64)> = bins.iter().map(|(p, so, _)| (*p, *so)).collect();
        let mut plot = Plot::new((0.0, 1.0), (0.0, 1.0));
        plot.line(1, &[(0.0, 0.0), (1.0, 1.0)]);
        plot.line(0, &points);
        plot.dots(0, &points, 3.0);
        let title = format!("Reliability of \"{question}\"");
        out += &plot.finish(
            &title,
            "stated probability",
            "share of faces for which it was true",
            "On the straight line a probability keeps its word. Below the line it was true less often than stated.",
        );
    }
    out += "</div>";
    let brackets: Vec<[usize; 3]> = cases.iter().filter_map(|(_, c)| c.brackets).collect();
    if let Some(known) = model.brackets.get(source).filter(|_| !brackets.is_empty()) {
        let names = known.names();
        let head = std::iter::once("label, then predicted, %".to_owned()).chain(names.clone());
        let rows: Vec<Vec<String>> = (0..known.len())
            .map(|want| {
                let of: Vec<_> = brackets.iter().filter(|b| b[0] == want).collect();
                let share = |got: usize| {
                    let n = of.iter().filter(|b| b[1] == got).count();
                    format!("{:.0}", 100.0 * n as f64 / of.len().max(1) as f64)
                };
                let cells = (0..known.len()).map(share);
                std::iter::once(format!("{} ({})", names[want], of.len())).chain(cells).collect()
            })
            .collect();
        out += "<h4>Confusion of brackets</h4>";
        out += &table(&head.collect::<Vec<_>>(), &rows);
    }
    let known: Vec<(bool, f32)> =
        cases.iter().filter_map(|(_, c)| Some((c.male?, c.p_male?))).collect();
    if !known.is_empty() {
        let count = |label: bool, said: bool| {
            known.iter().filter(|(m, p)| *m == label && (*p > 0.5) == said).count().to_string()
        };
        let head = ["label, then predicted", "female", "male"].map(str::to_owned);
        let row =
            |name: &str, label| vec![name.to_owned(), count(label, false), count(label, true)];
        out += "<h4>Confusion of gender</h4>";
        out += &table(&head, &[row("female", false), row("male", true)]);
    }
    out
}

fn by_group(model: &Judged, source: &str) -> String {
    const SHOWN: [&str; 9] = [
        "age_mae",
        "age_cs5",
        "bracket_accuracy",
        "bracket_one_off",
        "coverage_80",
        "gender_accuracy",
        "gender_auc",
        "gender_ece",
        "adult_18_ece",
    ];
    let text = |name: &str| NAMES.iter().find(|n| n.0 == name).map_or(name, |n| n.1).to_owned();
    let head = std::iter::once("group".to_owned()).chain(SHOWN.iter().map(|name| text(name)));
    let head: Vec<_> = head.collect();
    let mut groups: Vec<_> = model.sources.get(source).into_iter().flatten().collect();
    groups.sort_by_key(|(group, _)| order(group));
    let rows: Vec<Vec<String>> = groups
        .into_iter()
        .map(|(group, figures)| {
            let cells = SHOWN.iter().map(|name| show(figures.get(name)));
            std::iter::once(group.clone()).chain(cells).collect()
        })
        .collect();
    let table = table(&head, &rows);
    format!("<details><summary>By age band, gender and race</summary>{table}</details>")
}

fn worst(cases: &[&(String, Case)], root: &Path) -> String {
    let mut out = String::new();
    let mut by_age: Vec<_> =
        cases.iter().filter_map(|(path, c)| Some((c.error()?, path, c))).collect();
    by_age.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()));
    if !by_age.is_empty() {
        out += "<h4>Largest errors of age</h4><div class='faces'>";
        for (_, path, case) in by_age.iter().take(WORST) {
            let (age, said) = (case.age.unwrap_or(0.0), case.predicted.unwrap_or(0.0));
            out += &thumbnail(&root.join(path), &format!("label {age:.0}, said {said:.0}: {path}"));
        }
        out += "</div>";
    }
    let wrong = |c: &Case| {
        let (male, p) = (c.male?, c.p_male?);
        Some(f64::from(if male { 1.0 - p } else { p })).filter(|w| *w > 0.5)
    };
    let mut by_gender: Vec<_> =
        cases.iter().filter_map(|(path, c)| Some((wrong(c)?, path, c))).collect();
    by_gender.sort_by(|a, b| b.0.total_cmp(&a.0));
    if !by_gender.is_empty() {
        out += "<h4>Surest wrong genders</h4><div class='faces'>";
        for (_, path, case) in by_gender.iter().take(WORST) {
            let (label, p) = (&case.cell[1], case.p_male.unwrap_or(0.0));
            let text = format!("label {label}, male {p:.2}: {path}");
            out += &thumbnail(&root.join(path), &text);
        }
        out += "</div>";
    }
    out
}

/// The prefix of the names of figures of training faces.
const WATCHED: &str = "train ";

/// Draws the log's columns over epochs: losses, and each figure of the validation part.
fn curves(log: &str) -> String {
    let mut reader = csv::Reader::from_reader(log.as_bytes());
    let heads: Vec<String> =
        reader.headers().map(|h| h.iter().map(str::to_owned).collect()).unwrap_or_default();
    let rows: Vec<Vec<f64>> = reader
        .records()
        .filter_map(std::result::Result::ok)
        .map(|r| r.iter().map(|v| v.parse().unwrap_or(f64::NAN)).collect())
        .collect();
    let column = |name: &str| -> Vec<(f64, f64)> {
        let Some(at) = heads.iter().position(|h| h == name) else { return Vec::new() };
        let points = rows.iter().filter_map(|r| Some((*r.first()?, *r.get(at)?)));
        points.filter(|(_, y)| y.is_finite()).collect()
    };
    let mut charts = vec![("Loss".to_owned(), vec!["loss".to_owned(), "val_score".to_owned()])];
    // Draws figures beside those of training faces. Where they part, the network overfits.
    let first = heads.iter().position(|head| head == "waiting").map_or(7, |at| at + 1);
    for head in heads.iter().skip(first).filter(|head| !head.starts_with(WATCHED)) {
        let watched = format!("{WATCHED}{head}");
        let lines = match heads.contains(&watched) {
            true => vec![watched, head.clone()],
            false => vec![head.clone()],
        };
        charts.push((head.replace('_', " "), lines));
    }
    let mut out = String::from("<div class='row'>");
    for (title, names) in charts {
        let lines: Vec<_> = names.iter().map(|name| column(name)).collect();
        let points = || lines.iter().flatten();
        if points().next().is_none() {
            continue;
        }
        let bound = |f: fn(f64, f64) -> f64, start| points().map(|p| p.1).fold(start, f);
        let last = points().map(|p| p.0).fold(1.0, f64::max);
        let (low, high) = (bound(f64::min, f64::INFINITY), bound(f64::max, f64::NEG_INFINITY));
        let mut plot = Plot::new((1.0, last), (low, high));
        for (i, line) in lines.iter().enumerate() {
            plot.line(i, line);
            if lines.len() > 1 {
                plot.series(["training", "validation"][i.min(1)]);
            }
        }
        let name = names.last().map_or("", String::as_str);
        let meaning = NAMES.iter().find(|known| known.0 == name).map_or("", |known| known.1);
        let unit = match name {
            "val_score" => "loss, score",
            "age_cs5" => "share",
            _ if name.starts_with("age_") => "years",
            _ if meaning.contains("share") => "share",
            _ => "value",
        };
        let note = match lines.len() {
            1 => "Measured on faces of the validation part, which are not trained on.",
            _ => {
                "Where validation becomes worse while training improves, the network only remembers faces."
            }
        };
        let caption = if meaning.is_empty() {
            note.to_owned()
        } else {
            format!("The figure is \"{meaning}\". {note}")
        };
        out += &plot.finish(&title, "epoch", unit, &caption);
    }
    out + "</div>"
}
