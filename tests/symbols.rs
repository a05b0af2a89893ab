//! Tests which names the shared library exports to the linker.
#![cfg(target_os = "linux")]

use std::path::PathBuf;
use std::process::Command;

fn library() -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    // The library lies beside the test, because `cargo test` does not renew the library of `cargo build`.
    test.with_file_name("libface_predict.so")
}

fn output(tool: &str, arguments: &[&str]) -> String {
    let output = Command::new(tool)
        .args(arguments)
        .arg(library())
        .output()
        .unwrap_or_else(|e| panic!("{tool}, of binutils: {e}"));
    assert!(output.status.success(), "{tool}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// `UPDATE_SYMBOLS=1` writes the list again.
#[test]
fn exported_symbols_are_those_of_the_list() {
    let text = output("nm", &["-D", "--defined-only"]);
    let mut symbols: Vec<&str> = text.lines().filter_map(|l| l.split_whitespace().last()).collect();
    symbols.sort_unstable();
    let symbols: String = symbols.iter().map(|symbol| format!("{symbol}\n")).collect();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/symbols.txt");
    if std::env::var_os("UPDATE_SYMBOLS").is_some() {
        std::fs::write(path, &symbols).expect("tests is writable");
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(symbols, committed, "tests/symbols.txt is not what the library exports");
    let header = include_str!("../include/face_predict.h");
    for symbol in committed.lines() {
        assert!(header.contains(&format!("{symbol}(")), "{symbol} is not in the header");
    }
}

#[test]
fn the_soname_holds_the_major_version() {
    let text = output("readelf", &["--dynamic", "--wide"]);
    let soname = concat!("[libface_predict.so.", env!("CARGO_PKG_VERSION_MAJOR"), "]");
    let line = text.lines().find(|l| l.contains("(SONAME)")).expect("a soname");
    assert!(line.contains(soname), "{line}");
}

#[test]
fn no_executable_stack() {
    let text = output("readelf", &["--program-headers", "--wide"]);
    let line = text.lines().find(|l| l.contains("GNU_STACK")).expect("a stack header");
    let flags = line.split_whitespace().nth(6).expect("flags");
    assert_eq!(flags, "RW", "{line}");
}
