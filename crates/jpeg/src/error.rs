//! The errors of a file.

use std::fmt;

/// The result of decoding.
pub type Result<T> = std::result::Result<T, Error>;

/// The kind, which says whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes are not a JPEG that follows the standard.
    Damaged,
    /// The file or its data end before every block has come.
    Truncated,
    /// The standard knows this kind of JPEG, but this decoder does not.
    Unsupported,
    /// Decoding would take more work than any sensible file of this size needs.
    Limit,
    /// There is not enough memory.
    OutOfMemory,
}

/// The reason why a JPEG cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: &'static str,
}

impl Error {
    /// The kind, which says whose fault it is.
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
            message: "the JPEG ends before all of its blocks have come",
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
        Self { kind: ErrorKind::OutOfMemory, message: "there is no memory for the picture" }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)
    }
}

impl std::error::Error for Error {}
