//! Faces with labels: the manifest that lists them, and the loader that streams them.

pub mod bands;
pub mod columns;
pub mod feed;
pub mod kept;
pub mod labels;
pub mod loader;
pub mod manifest;
pub mod matlab;
pub mod pictures;
pub mod records;
pub mod sampler;
pub mod split;
pub mod spoil;
pub mod stream;
pub mod versioned;
