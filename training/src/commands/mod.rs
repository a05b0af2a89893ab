//! One file a command.

pub mod calibrate;
pub mod export;
pub mod ingest;
pub mod summary;
pub mod train;
