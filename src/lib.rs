//! Age and gender from faces.

#[doc(hidden)]
pub mod conv;
