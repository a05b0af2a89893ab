//! HTML pages that are one file each: no network, no script, light and dark.

pub mod evaluation;
pub mod page;
pub mod strangers;
pub mod summary;
pub mod svg;
