"""Exceptions, with one class for each kind of failure. Each class is also a subclass of the fitting built-in
exception."""

from __future__ import annotations


class FacePredictError(Exception):
    """A failure of the library. `status` is its number, and `status_name` its constant in face_predict.h."""

    status: int = 0
    status_name: str = ""


class ArgumentError(FacePredictError, ValueError):
    """The call was wrong: a value is not valid. The message says which."""


class UnsupportedError(FacePredictError, NotImplementedError):
    """This build of the library lacks something that the call needs."""


class FileError(FacePredictError, OSError):
    """A file could not be read."""


class ImageError(FacePredictError, ValueError):
    """The bytes are not a picture that can be decoded."""


class LimitError(FacePredictError, ValueError):
    """The picture or file is larger than the limit (`Model(max_pixels=...)`)."""


class ModelError(FacePredictError, ValueError):
    """The model file is damaged, has an unknown version, or is for another task."""


class MemoryShortError(FacePredictError, MemoryError):
    """There is not enough memory."""


class InternalError(FacePredictError, RuntimeError):
    """The library caught a bug of its own. Please report the message."""


class LibraryError(FacePredictError, ImportError):
    """The native library is missing, or has another major version. The message says what to do."""


BY_STATUS: dict[int, type[FacePredictError]] = {
    1: ArgumentError,
    2: ArgumentError,
    3: ArgumentError,
    4: ArgumentError,
    5: UnsupportedError,
    20: FileError,
    21: ImageError,
    22: LimitError,
    40: ModelError,
    60: MemoryShortError,
    90: InternalError,
}
