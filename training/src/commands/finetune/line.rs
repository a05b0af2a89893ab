//! Command lines of this program, which are built up, printed and run.

use std::ffi::OsString;

use anyhow::Result;

/// Runs a command line of this program.
pub type Dispatch<'a> = &'a dyn Fn(Vec<OsString>) -> Result<()>;

/// A command line that is built up.
pub struct Line(Vec<OsString>);

impl Line {
    pub fn new(words: &[&str]) -> Self {
        let words = std::iter::once("face-train").chain(words.iter().copied());
        Self(words.map(OsString::from).collect())
    }

    pub fn with(self, flag: &str, value: impl Into<OsString>) -> Self {
        self.and(flag).and(value)
    }

    pub fn and(mut self, word: impl Into<OsString>) -> Self {
        self.0.push(word.into());
        self
    }

    /// Prints it and runs it.
    pub fn run(self, dispatch: Dispatch<'_>) -> Result<()> {
        let quoted = self.0.iter().map(|word| {
            let word = word.to_string_lossy();
            if word.contains(' ') { format!("'{word}'") } else { word.into_owned() }
        });
        println!("\n$ {}", quoted.collect::<Vec<_>>().join(" "));
        dispatch(self.0)
    }
}
