//! One file a command.

pub mod ingest;
pub mod train;
