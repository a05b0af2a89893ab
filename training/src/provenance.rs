//! The origin of a run, which is enough to repeat it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::checkpoint::weights_in;

/// Folder of the manifests' copies.
const MANIFESTS: &str = "manifests";

/// A file that a run used.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Used {
    /// The path as it was given.
    pub path: PathBuf,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Its copy in the run's folder. It is empty if there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub copy: String,
}

/// The origin of a run, which is enough to repeat it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Name and version of this program.
    pub program: String,
    /// The git revision of the current folder, with `+` if files were changed. It is empty if there is none.
    pub revision: String,
    /// The time when it started, in seconds since 1970.
    pub started: u64,
    /// Manifests of faces.
    pub manifests: Vec<Used>,
    /// Manifests of scenes.
    pub scenes: Vec<Used>,
    /// The weights that it started from, and its teachers.
    pub weights: Vec<Used>,
}

impl Provenance {
    /// Returns the origin of a run that starts now, with its manifests of faces and scenes, and its files of weights.
    pub fn now(faces: &[PathBuf], scenes: &[PathBuf], weights: &[PathBuf]) -> Result<Self> {
        let copied = |kind: &str, files: &[PathBuf]| -> Result<Vec<Used>> {
            let used = files.iter().enumerate().map(|(index, path)| {
                let copy = format!("{MANIFESTS}/{kind}{index}.csv");
                Ok(Used { path: path.clone(), sha256: sha256(path)?, copy })
            });
            used.collect()
        };
        let weights = weights.iter().map(|path| {
            let sha256 = sha256(&weights_in(path))?;
            Ok(Used { path: path.clone(), sha256, copy: String::new() })
        });
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Ok(Self {
            program: concat!("face-train ", env!("CARGO_PKG_VERSION")).into(),
            revision: revision(),
            started: since.map_or(0, |since| since.as_secs()),
            manifests: copied("faces", faces)?,
            scenes: copied("scenes", scenes)?,
            weights: weights.collect::<Result<_>>()?,
        })
    }

    /// Returns the settings that name manifests, with the copies in the run's `folder`. It fails if a file has changed
    /// since. A run that is continued does not need the weights that it started from.
    pub fn copies(
        &self,
        folder: &Path,
        continued: bool,
    ) -> Result<Vec<(&'static str, Vec<PathBuf>)>> {
        let checked = |used: &Used, path: PathBuf| {
            let is = sha256(&weights_in(&path))?;
            ensure!(
                is == used.sha256,
                "{} is not what the run used: its SHA-256 is {is}, it was {}",
                path.display(),
                used.sha256
            );
            Ok(path)
        };
        if !continued {
            for used in &self.weights {
                checked(used, used.path.clone())?;
            }
        }
        let of = |files: &[Used]| -> Result<Vec<PathBuf>> {
            files.iter().map(|used| checked(used, folder.join(&used.copy))).collect()
        };
        Ok(vec![("manifest", of(&self.manifests)?), ("scenes", of(&self.scenes)?)])
    }
}

/// SHA-256 of a file.
pub fn sha256(path: &Path) -> Result<String> {
    let told = || format!("{}", path.display());
    let mut file = File::open(path).with_context(told)?;
    let (mut hash, mut bytes) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        let count = file.read(&mut bytes).with_context(told)?;
        if count == 0 {
            return Ok(hex(&hash.finalize()));
        }
        hash.update(&bytes[..count]);
    }
}

/// Bytes as text.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The current folder's git revision, or nothing.
pub fn revision() -> String {
    let git = |arguments: &[&str]| {
        let output = std::process::Command::new("git").args(arguments).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        output.status.success().then_some(text)
    };
    let Some(revision) = git(&["rev-parse", "--short=12", "HEAD"]) else { return String::new() };
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]);
    let mark = if changed.is_some_and(|text| !text.is_empty()) { "+" } else { "" };
    format!("{revision}{mark}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_sha256sum() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("abc");
        std::fs::write(&file, "abc").expect("written");
        let wanted = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(&file).expect("read"), wanted);
    }
}
