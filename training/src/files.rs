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

/// Does what [`replace`] does, for code that opens its file itself. A device or a pipe is written to. A rename would put
/// a file in its place: as root, `--out /dev/null` would take /dev/null away from all programs.
pub fn replace_named(path: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    if std::fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        return write(path).with_context(|| format!("writing {}", path.display()));
    }
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

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::FileTypeExt;

    use super::*;

    #[test]
    fn a_pipe_is_written_to_and_stays_a_pipe() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
        assert!(made.success());
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || std::fs::read(pipe).expect("what was written")
        });
        replace_bytes(&pipe, b"one table").expect("written");
        // This comes before the join, since the reader of a pipe that was replaced would wait without end.
        assert!(std::fs::metadata(&pipe).expect("it is there").file_type().is_fifo());
        assert_eq!(reader.join().expect("a reader"), b"one table");
    }
}
