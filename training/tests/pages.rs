//! Opens the pages of `explore` and `evaluate` in a browser, and checks that faults of a broken page are found.

mod common;

use std::path::Path;
use std::process::Command;

use common::{faces, ok, picture};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Returns the browser's report on `pages`, and whether it found no fault.
fn browse(folder: &Path, pages: &[&str]) -> (bool, String) {
    let python = format!("{ROOT}/build/venv/bin/python");
    let script = format!("{ROOT}/training/tests/in_browser.py");
    let output = Command::new(&python).current_dir(folder).arg(script).args(pages).output();
    let output = output.unwrap_or_else(|e| panic!("{python}: {e}; scripts/setup.sh installs it"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout) + &text(&output.stderr))
}

/// Makes an own set with a copy that has another label, and its page.
fn explored(here: &Path) {
    for i in 0..40u32 {
        let gender = ["female", "male"][i as usize % 2];
        picture(&here.join(format!("own/{gender}/{}/a.png", i + 5)), i * 2, i % 2 == 0);
    }
    std::fs::create_dir_all(here.join("own/male/70")).expect("a folder");
    std::fs::copy(here.join("own/female/5/a.png"), here.join("own/male/70/a.png")).expect("a copy");
    ok(here, "ingest folder --images own --out own.csv --funnel funnel.json --distance 0");
    ok(here, "explore own.csv --root own --out faces.html --funnel funnel.json");
}

/// A run of two epochs and the shipped file are compared on exact ages and on brackets. One picture is missing.
fn evaluated(here: &Path) {
    faces(here, 60);
    let path = here.join("faces.csv");
    let text = std::fs::read_to_string(&path).expect("a manifest");
    let mut lines = text.lines();
    let mut head = || lines.next().expect("two lines of header");
    let mut table = format!("{}\n{},age_min,age_max\n", head(), head());
    for (i, line) in lines.enumerate() {
        let fields: Vec<&str> = line.split(',').collect();
        table += &match i % 4 {
            0 => {
                let first = fields[1].parse::<u32>().expect("an age") / 10 * 10;
                let rest =
                    [&fields[..1], &[""], &fields[2..5], &["brackets"], &fields[6..]].concat();
                format!("{},{first},{}\n", rest.join(","), first + 9)
            }
            _ => format!("{line},,\n"),
        };
    }
    std::fs::write(&path, table).expect("written");
    ok(
        here,
        "train --arch tiny --manifest faces.csv --root photos --run run --batch 8 --epochs 2 --threads 1",
    );
    ok(here, "calibrate --run run --manifest faces.csv --root photos");
    std::fs::remove_file(here.join("photos/face 1.png")).expect("removed");
    std::fs::write(here.join("photos/face 2.png"), "damaged").expect("written");
    let out = ok(
        here,
        &format!(
            "evaluate --model run {ROOT}/models/base.onnx --manifest faces.csv --root photos --out report --split all \
             --resamples 20"
        ),
    );
    assert_eq!(out.matches("2 pictures left out").count(), 2, "{out}");
}

#[test]
fn pages_are_whole_in_a_browser() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    explored(here);
    evaluated(here);
    let (good, said) = browse(here, &["faces.html", "report/report.html"]);
    assert!(good, "{said}");
    // The page has histograms of all faces, of the valid ones and by gender, a box plot, the genders and the sizes.
    assert!(said.contains("faces.html: 6 figures"), "{said}");

    let page = std::fs::read_to_string(here.join("report/report.html")).expect("a page");
    for part in [
        "Estimated and labelled age",
        "labelled age, years",
        "Each dot is a face.",
        "Errors of age",
        "Reliability of &quot;at least 18&quot;",
        "Reliability of &quot;at least 21&quot;",
        "Reliability of &quot;at least 25&quot;",
        "Reliability of &quot;male&quot;",
        "Confusion of brackets",
        "Confusion of gender",
        "Learning curves: tiny checkpoint",
        "Largest errors of age",
        "Surest wrong genders",
        "gender: calibration error",
        "gender: recall of women",
        "bracket: share right or next to it",
        "Pictures left out: 2",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let metrics = std::fs::read(here.join("report/metrics.json")).expect("figures");
    let metrics: serde_json::Value = serde_json::from_slice(&metrics).expect("JSON");
    for model in 0..2 {
        let sources = &metrics["models"][model]["sources"];
        let (exact, brackets) = (&sources["made"]["all"], &sources["brackets"]["all"]);
        for name in ["gender_ece", "gender_recall_male", "adult_21_ece", "age_q75", "coverage_80"] {
            assert!(exact[name]["value"].is_f64(), "{name}");
        }
        let value = |name: &str| brackets[name]["value"].as_f64().expect(name);
        assert!(value("coverage_80_least") <= value("coverage_80"));
        assert!(value("coverage_80") <= value("coverage_80_most"));
        assert!(exact.get("coverage_80_most").is_none());
    }

    // Each fault is found and named.
    let faults = [
        ("hidden", "<svg viewBox", "<svg style='display:none' viewBox", "figure not visible"),
        ("shrunk", "<svg viewBox", "<svg style='width:0;height:0' viewBox", "figure not visible"),
        (
            "picture",
            "data:image/jpeg;base64,",
            "data:image/jpeg;base64,AAAA",
            "picture not visible",
        ),
        ("number", "<rect class='s0' x='", "<rect class='s0' x='NaN", "console:"),
        (
            "outside",
            "<polyline class='l1' points='",
            "<polyline class='l1' points='-90,9 ",
            "part outside",
        ),
        ("wide", "<h1>", "<h1 style='width:3000px'>", "wider than the screen"),
        ("request", "<h1>", "<img alt='' src='https://example.org/x.png'><h1>", "console:"),
        ("dark", "@media(prefers-color-scheme:dark)", "@media(print)", "the same paper"),
    ];
    let mut names = Vec::new();
    for (name, from, to, _) in faults {
        assert!(page.contains(from), "{from}");
        std::fs::write(here.join(format!("{name}.html")), page.replacen(from, to, 1))
            .expect("written");
        names.push(format!("{name}.html"));
    }
    let (good, said) = browse(here, &names.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(!good);
    for (name, _, _, fault) in faults {
        let found = said.lines().any(|line| line.starts_with(name) && line.contains(fault));
        assert!(found, "{name}: {said}");
    }
}
