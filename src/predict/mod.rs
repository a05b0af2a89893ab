//! From a picture to its answers: search, crops, networks, tracks.

pub(crate) mod batch;
pub(crate) mod crops;
mod encoded;
pub(crate) mod options;
pub(crate) mod pipeline;
pub(crate) mod search;
pub(crate) mod track;
