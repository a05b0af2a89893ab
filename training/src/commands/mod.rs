//! One file a command.

pub mod calibrate;
pub mod evaluate;
pub mod export;
pub mod ingest;
pub mod inspect;
pub mod summary;
pub mod train;
