//! Writes logs that TensorBoard reads: records of protobuf events, each with its checksums.
//!
//! The code is our own, because the crates for it were last changed years ago, and the format fits on this page.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use prost::Message;

#[derive(Clone, PartialEq, Message)]
struct Event {
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
}

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Value>,
}

#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(float, optional, tag = "2")]
    simple_value: Option<f32>,
}

/// An event file, to which events are appended.
pub struct Events(File);

impl Events {
    /// Opens a new file in `folder`. TensorBoard joins all files there.
    pub fn create(folder: &Path) -> Result<Self> {
        let seconds = now();
        let path = folder.join(format!("events.out.tfevents.{seconds:.0}.face-train"));
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let mut events = Self(file.with_context(|| format!("{}", path.display()))?);
        let file_version = Some("brain.Event:2".into());
        events.write(&Event { wall_time: seconds, file_version, ..Event::default() })?;
        Ok(events)
    }

    /// Adds numbers at `step`.
    pub fn scalars(&mut self, step: usize, values: &[(String, f64)]) -> Result<()> {
        let value = values
            .iter()
            .map(|(tag, v)| Value { tag: tag.clone(), simple_value: Some(*v as f32) })
            .collect();
        self.write(&Event {
            wall_time: now(),
            step: step as i64,
            summary: Some(Summary { value }),
            file_version: None,
        })
    }

    fn write(&mut self, event: &Event) -> Result<()> {
        Ok(self.0.write_all(&record(&event.encode_to_vec()))?)
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |t| t.as_secs_f64())
}

/// A record has the length, its checksum, the bytes, and theirs (TFRecord).
fn record(bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u64).to_le_bytes();
    let mut out = length.to_vec();
    out.extend(masked(&length).to_le_bytes());
    out.extend(bytes);
    out.extend(masked(bytes).to_le_bytes());
    out
}

fn masked(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_as_tensorflow_writes_it() {
        // The first record of every event file, apart from its time: brain.Event:2 at time 0.
        let event = Event { file_version: Some("brain.Event:2".into()), ..Event::default() };
        let bytes = record(&event.encode_to_vec());
        assert_eq!(&bytes[..8], &15u64.to_le_bytes());
        assert_eq!(&bytes[12..14], &[0x1a, 13]);
        assert_eq!(bytes.len(), 8 + 4 + 15 + 4);
        // This is RFC 3720's example for the checksum, unmasked.
        assert_eq!(crc32c::crc32c(&[0; 32]), 0x8a91_36aa);
    }
}
