#![no_main]

#[path = "../../training/src/files.rs"]
#[allow(dead_code)]
mod files;

#[path = "../../training/src/data/columns.rs"]
#[allow(dead_code)]
mod columns;

#[path = "../../training/src/data/manifest.rs"]
#[allow(dead_code)]
mod manifest;

#[path = "../../training/src/data/versioned.rs"]
#[allow(dead_code)]
mod versioned;

use std::io::Write;

const FIRST_LINE: &[u8] = b"# face-train manifest 1 | fuzz\n";

// Any bytes as a manifest give an error that names the line, or plausible rows. It is read by path.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let path = std::env::temp_dir().join(format!("manifest-{}.csv", std::process::id()));
    let mut file = std::fs::File::create(&path).expect("a temporary file");
    // Most of the time the first line is right.
    if data.first().is_none_or(|byte| byte % 8 != 0) {
        file.write_all(FIRST_LINE).expect("a temporary file");
    }
    file.write_all(data).expect("a temporary file");
    drop(file);
    let Ok(rows) = manifest::read(&path) else { return };
    for row in rows {
        let bracket = row.age_min.unwrap_or(0.0)..=row.age_max.unwrap_or(manifest::OPEN);
        assert!(*bracket.start() >= 0.0 && bracket.end() <= &manifest::OPEN);
        let _ = (row.region(), row.is_male(), row.has_age(), row.rough_age());
    }
});
