//! Tests networks on sets that they have never seen, and an own set with brackets.

mod common;

use std::path::Path;

use common::{faces, fails, ok};

/// Makes faces in two sets: every third is in `other`, and the rest are in `made`.
fn two_sets(here: &Path) {
    faces(here, 60);
    let path = here.join("faces.csv");
    let text = std::fs::read_to_string(&path).expect("a manifest");
    let lines = text.lines().enumerate().map(|(i, line)| {
        let line =
            if i > 1 && i % 3 == 0 { line.replace(",made,", ",other,") } else { line.into() };
        line + "\n"
    });
    std::fs::write(&path, lines.collect::<String>()).expect("written");
}

#[test]
fn sets_are_left_out_in_turn() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    two_sets(here);
    let strangers = "strangers --manifest faces.csv --root photos --out out --resamples 2";
    let training = "-- --arch tiny --epochs 1 --batch 6 --threads 1";
    ok(here, &format!("{strangers} --with-all {training}"));
    let table = std::fs::read_to_string(here.join("out/strangers.md")).expect("a table");
    let rows: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    let row = |set: &str, band: &str| {
        let found = rows.iter().find(|row| row[0] == set && row.get(1) == Some(&band));
        found.unwrap_or_else(|| panic!("no row {set} {band}\n{table}")).clone()
    };
    let (made, other) = (row("made", "all"), row("other", "all"));
    // Twelve of sixty are for validation, and a third of these belong to the other set.
    assert_eq!((made[2], other[2]), ("8", "4"), "{table}");
    for row in [&made, &other] {
        assert!(row[3].starts_with(['+', '-']), "{row:?}");
        assert!(row[4].parse::<f64>().expect("an error") > 0.0, "{row:?}");
        assert!((0.0..=100.0).contains(&row[6].parse::<f64>().expect("a coverage")), "{row:?}");
        assert!(row[9].parse::<f64>().expect("the error of one that has seen it") > 0.0, "{row:?}");
    }
    let bands: usize = rows.iter().filter(|row| row[0] == "made" && row.len() > 4).count();
    assert!(bands > 4, "{table}");
    // The contribution of each set is measured with all sets, and without each of them.
    for name in ["nothing", "made", "other"] {
        assert!(table.contains(&format!("\n| {name} | ")), "{table}");
    }
    let kept = std::fs::read_to_string(here.join("out/without-other.csv")).expect("a manifest");
    assert!(!kept.contains(",other,") && !kept.contains(",test,"), "neither the set nor part test");

    // Finished steps are not repeated, and other arguments are refused.
    let again = std::time::Instant::now();
    ok(here, &format!("{strangers} --leave-out other {training}"));
    let weights = std::fs::metadata(here.join("out/without-other/best.safetensors"));
    let age = weights.expect("weights").modified().expect("a time").elapsed().expect("the past");
    assert!(age > again.elapsed(), "trained again");
    let error = fails(here, &format!("{strangers} --leave-out other {training} --seed 2"));
    assert!(error.contains("choose another --out"), "{error}");

    // So are other faces, even if there are as many, and other pictures.
    let path = here.join("faces.csv");
    let text = std::fs::read_to_string(&path).expect("a manifest");
    let other = text.replace("face 5.png,25,", "face 5.png,26,");
    assert_ne!(text, other);
    std::fs::write(&path, other).expect("written");
    let error = fails(here, &format!("{strangers} --leave-out other {training}"));
    assert!(error.contains("choose another --out"), "{error}");
    std::fs::write(&path, text).expect("written");
    std::fs::create_dir(here.join("elsewhere")).expect("a folder");
    let moved = strangers.replace("--root photos", "--root elsewhere");
    let error = fails(here, &format!("{moved} --leave-out other {training}"));
    assert!(error.contains("choose another --out"), "{error}");

    // The networks exist already.
    let base = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/base.onnx");
    let out = ok(here, &format!("{strangers} --run other={base} --run made=out/without-made"));
    assert!(out.contains("| other | all | 4 |") && out.contains("| made | all | 8 |"), "{out}");
    let error = fails(here, &format!("{strangers} --run other=nowhere"));
    assert!(error.contains("there is no nowhere"), "{error}");
    let error = fails(here, &format!("{strangers} --leave-out nobody {training}"));
    assert!(error.contains("the sets are"), "{error}");
}

#[test]
fn brackets_of_ones_own_are_judged_as_they_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    faces(here, 40);
    let text = std::fs::read_to_string(here.join("faces.csv")).expect("a manifest");
    let mut table = String::from("path,age_min,age_max,gender,split,source\n");
    for line in text.lines().skip(2) {
        let fields: Vec<&str> = line.split(',').collect();
        let age: u32 = fields[1].parse().expect("an age");
        let (first, last) = match age {
            0..18 => ("0", "17"),
            18..25 => ("18", "24"),
            25..50 => ("25", "49"),
            _ => ("50", ""),
        };
        table += &format!("{},{first},{last},{},test,own\n", fields[0], fields[2]);
    }
    std::fs::write(here.join("own.csv"), table).expect("written");
    ok(here, "ingest table --table own.csv --out own-manifest.csv");
    let base = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/base.onnx");
    ok(
        here,
        &format!(
            "evaluate --model {base} --manifest own-manifest.csv --root photos --out report --resamples 2"
        ),
    );
    let metrics = std::fs::read(here.join("report/metrics.json")).expect("figures");
    let metrics: serde_json::Value = serde_json::from_slice(&metrics).expect("JSON");
    let model = &metrics["models"][0];
    let expected = serde_json::json!([[0.0, 17.0], [18.0, 24.0], [25.0, 49.0], [50.0, 100.0]]);
    assert_eq!(model["brackets"]["own"], expected);
    assert_eq!(model["sources"]["own"]["all"]["bracket_accuracy"]["faces"], 40);
    let page = std::fs::read_to_string(here.join("report/report.html")).expect("a page");
    for name in ["18-24", "25-49", "50+"] {
        assert!(page.contains(&format!("<th>{name}</th>")), "{name}");
    }
    assert!(!page.contains("<th>10-19</th>"), "brackets of another set");
}
