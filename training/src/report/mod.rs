//! HTML pages of one file each, without network access or scripts, in light and dark.

pub mod evaluation;
pub mod page;
pub mod strangers;
pub mod summary;
pub mod svg;
