//! Age and gender from faces.
