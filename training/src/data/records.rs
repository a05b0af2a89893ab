//! Records of one length in a file, found by their key. What takes long to make is made once, by the first run.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Context, Result, ensure};

/// The key of a record.
pub type Key = [u8; 16];

const MAGIC: &[u8; 24] = b"face-train records 1    ";
/// The magic and the length of a record.
const HEAD: u64 = 32;

/// A file of records. One process at a time appends to it. Others read what was there when they opened it.
pub struct Records {
    file: File,
    path: PathBuf,
    length: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    places: HashMap<Key, u64>,
    end: u64,
    writable: bool,
}

impl Records {
    /// Opens or makes the file for records of `length` bytes.
    pub fn open(path: &Path, length: usize) -> Result<Self> {
        let told = || format!("kept records {}", path.display());
        if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).with_context(told)?;
        }
        let mut open = OpenOptions::new();
        let file = open.read(true).write(true).create(true).truncate(false).open(path);
        let file = file.with_context(told)?;
        let writable = file.try_lock().is_ok();
        let size = file.metadata().with_context(told)?.len();
        let mut head = [0; HEAD as usize];
        if size < HEAD {
            head[..24].copy_from_slice(MAGIC);
            head[24..].copy_from_slice(&(length as u64).to_le_bytes());
            file.write_all_at(&head, 0).with_context(told)?;
        } else {
            file.read_exact_at(&mut head, 0).with_context(told)?;
            ensure!(
                &head[..24] == MAGIC && head[24..] == (length as u64).to_le_bytes(),
                "{} is of another version: delete it",
                told()
            );
        }
        let mut records =
            Self { file, path: path.to_owned(), length, state: Mutex::new(State::default()) };
        // A killed process may have left a part of the last record, or an empty key before whole ones.
        let count = size.saturating_sub(HEAD) / records.step();
        let mut places = HashMap::with_capacity(count as usize);
        let mut key = Key::default();
        for place in 0..count {
            records
                .file
                .read_exact_at(&mut key, HEAD + place * records.step())
                .with_context(told)?;
            if key != Key::default() {
                places.insert(key, place);
            }
        }
        records.state = Mutex::new(State { places, end: count, writable });
        Ok(records)
    }

    fn step(&self) -> u64 {
        self.length as u64 + size_of::<Key>() as u64
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns whether records can be added. They cannot while another process, or another opening of the file in this
    /// one, adds some.
    pub fn writable(&self) -> bool {
        self.state.lock().expect("no holder panics").writable
    }

    /// Adds no more records, so that another process may.
    pub fn close(&self) {
        let mut state = self.state.lock().expect("no holder panics");
        if std::mem::take(&mut state.writable) {
            // An error leaves the lock until the file is closed, which does no harm.
            let _ = self.file.unlock();
        }
    }

    /// Returns the record of `key`.
    pub fn get(&self, key: &Key) -> Option<Vec<u8>> {
        let place = *self.state.lock().expect("no holder panics").places.get(key)?;
        let mut bytes = vec![0; self.length];
        let start = HEAD + place * self.step() + size_of::<Key>() as u64;
        self.file.read_exact_at(&mut bytes, start).ok()?;
        Some(bytes)
    }

    /// Returns whether there is a record of `key`.
    pub fn has(&self, key: &Key) -> bool {
        self.state.lock().expect("no holder panics").places.contains_key(key)
    }

    /// Keeps a record. If that fails, as on a full disk, it says so once, and keeps nothing more.
    pub fn put(&self, key: &Key, bytes: &[u8]) {
        debug_assert_eq!(bytes.len(), self.length);
        let mut state = self.state.lock().expect("no holder panics");
        if !state.writable || state.places.contains_key(key) {
            return;
        }
        let place = state.end;
        state.end += 1;
        drop(state);
        let start = HEAD + place * self.step();
        // The key comes last. Without it there is no record.
        let written = self
            .file
            .write_all_at(bytes, start + size_of::<Key>() as u64)
            .and_then(|()| self.file.write_all_at(key, start));
        let mut state = self.state.lock().expect("no holder panics");
        match written {
            Ok(()) => {
                state.places.insert(*key, place);
            }
            Err(error) => {
                if std::mem::take(&mut state.writable) {
                    eprintln!("{} is not kept any further: {error}", self.path.display());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_survive_and_halves_are_forgotten() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("kept/a.bin");
        let (one, two) = ([1; 16], [2; 16]);
        let records = Records::open(&path, 3).expect("made");
        records.put(&one, b"abc");
        // The lock is held, so another process only reads.
        let other = Records::open(&path, 3).expect("opens");
        other.put(&two, b"def");
        assert_eq!(other.get(&one).as_deref(), Some(&b"abc"[..]));
        assert!(!other.has(&two) && records.writable() && !other.writable());
        // The first one says that it is done.
        records.close();
        records.put(&two, b"def");
        assert!(!records.writable() && !records.has(&two));
        assert!(Records::open(&path, 3).expect("opens").writable());
        drop((records, other));
        let file = OpenOptions::new().append(true).open(&path).expect("there");
        // A record without its key, then half of one.
        let rest = [&[0; 16][..], b"xyz", &[3; 16], b"z"].concat();
        std::io::Write::write_all(&mut &file, &rest).expect("written");
        let records = Records::open(&path, 3).expect("opens");
        records.put(&two, b"def");
        assert_eq!(records.get(&one).as_deref(), Some(&b"abc"[..]));
        assert_eq!(records.get(&two).as_deref(), Some(&b"def"[..]));
        assert!(!records.has(&[3; 16]) && !records.has(&[0; 16]));
        drop(records);
        assert!(Records::open(&path, 4).is_err());
    }
}
