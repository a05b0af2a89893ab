//! What is wrong with a file.

use std::fmt;

/// The result of decoding.
pub type Result<T> = std::result::Result<T, Error>;

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes are no JPEG that follows the standard.
    Damaged,
    /// The file ends, or its data do, before every block is there.
    Truncated,
    /// The standard knows this kind of JPEG, this decoder does not.
    Unsupported,
    /// Decoding would take more work than any sensible file of this size needs.
    Limit,
    /// The memory is not there.
    OutOfMemory,
}

/// Why a JPEG cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: &'static str,
}

impl Error {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    #[cold]
    pub(crate) fn damaged(message: &'static str) -> Self {
        Self { kind: ErrorKind::Damaged, message }
    }

    #[cold]
    pub(crate) fn truncated() -> Self {
        Self {
            kind: ErrorKind::Truncated,
            message: "the JPEG ends before all of its blocks are there",
        }
    }

    #[cold]
    pub(crate) fn unsupported(message: &'static str) -> Self {
        Self { kind: ErrorKind::Unsupported, message }
    }

    #[cold]
    pub(crate) fn limit(message: &'static str) -> Self {
        Self { kind: ErrorKind::Limit, message }
    }

    #[cold]
    pub(crate) fn memory() -> Self {
        Self { kind: ErrorKind::OutOfMemory, message: "no memory for the picture" }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)
    }
}

impl std::error::Error for Error {}
