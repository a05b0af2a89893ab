//! Writes files that appear whole or not at all.

use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result};

/// Writes to a temporary name beside `path`, then renames. A killed process or a full disk leaves the old file as it
/// was.
pub fn replace(path: &Path, write: impl FnOnce(&File) -> Result<()>) -> Result<()> {
    replace_named(path, |part| write(&File::create(part)?))
}

/// Does what [`replace`] does, with bytes.
pub fn replace_bytes(path: &Path, bytes: &[u8]) -> Result<()> {
    use std::io::Write;
    replace(path, |mut file| Ok(file.write_all(bytes)?))
}

/// Does what [`replace`] does, for code that opens its file itself.
pub fn replace_named(path: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let mut name = path.file_name().context("a path without a file name")?.to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).with_context(|| format!("folder {}", folder.display()))?;
    }
    let written = write(&part).and_then(|()| Ok(File::open(&part)?.sync_all()?));
    if let Err(error) = written {
        // The first error is the one that matters.
        let _ = std::fs::remove_file(&part);
        return Err(error.context(format!("writing {}", path.display())));
    }
    std::fs::rename(&part, path).with_context(|| format!("renaming to {}", path.display()))
}
