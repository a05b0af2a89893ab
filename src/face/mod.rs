//! Faces: where they are, how they are cropped, and what is estimated of them.

pub(crate) mod age;
pub(crate) mod answer;
pub(crate) mod candidate;
pub(crate) mod crop;
pub(crate) mod pose;
pub(crate) mod quality;
pub(crate) mod region;
