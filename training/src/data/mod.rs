//! Faces with labels: the manifest that lists them, and the loader that streams them.

pub mod loader;
pub mod manifest;
pub mod matlab;
pub mod pictures;
pub mod sampler;
pub mod split;
pub mod spoil;
pub mod stream;
pub mod teacher;
pub mod versioned;
