//! Networks: their files, what the files say of themselves, and running them.

mod metadata;

pub use metadata::{AgeSpec, CONTRACT, GenderSpec, InputSpec, Metadata, Positive, Task};
