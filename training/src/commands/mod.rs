//! Each command has its own file.

pub mod calibrate;
pub mod evaluate;
pub mod evaluate_detector;
pub mod explore;
pub mod export;
pub mod finetune;
pub mod frames;
pub mod given;
pub mod ingest;
pub mod inspect;
pub mod loader;
pub mod shake;
pub mod small_faces;
pub mod split;
pub mod strangers;
pub mod summary;
pub mod train;
