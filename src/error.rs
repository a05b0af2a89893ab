//! The error type: its kind says who must act, and its message names the argument and the numbers.

use std::any::Any;
use std::error::Error as StdError;
use std::fmt;

/// The kind of an [`Error`]. Each kind is one status of the C interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A required pointer is null (C interface only).
    NullArgument,
    /// A value is not valid.
    InvalidArgument,
    /// An index is not smaller than the count.
    OutOfRange,
    /// A plane has fewer bytes than the picture needs.
    BufferTooSmall,
    /// The call needs a newer version, or something that this build lacks.
    Unsupported,
    /// A file could not be read.
    Io,
    /// The bytes are not a picture that can be decoded.
    Image,
    /// The picture or the file is larger than the limit.
    Limit,
    /// The model file is damaged, has an unknown version, or does not fit its own description.
    Model,
    /// There is not enough memory.
    OutOfMemory,
    /// The library caught a bug of its own. Please report the message.
    Internal,
}

/// A failure, with a message that names the argument and the numbers.
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// A result with this library's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    pub(crate) fn with_source(
        kind: ErrorKind,
        message: impl Into<String>,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self { kind, message: message.into(), source: Some(source.into()) }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidArgument, message)
    }

    pub(crate) fn model(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Model, message)
    }

    /// Makes an error of a panic that was caught, with the panic's message.
    pub(crate) fn caught(kind: ErrorKind, what: &str, panic: &(dyn Any + Send)) -> Self {
        let message = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no message");
        Self::new(kind, format!("{what}: {message}"))
    }

    /// Returns the same error with `context` in front of the message, such as the name of the file.
    #[must_use]
    pub(crate) fn context(mut self, context: impl fmt::Display) -> Self {
        self.message = format!("{context}: {}", self.message);
        self
    }

    /// Returns the kind, which says who must act: the caller, the source of the input, or the machine.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        // The C interface has room for one string, so the causes belong into it.
        let mut cause = self.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.kind)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| &**source as &(dyn StdError + 'static))
    }
}
