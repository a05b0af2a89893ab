"""Calls the C interface by ctypes, which releases the GIL during each call. It mirrors face_predict.h."""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from ctypes import POINTER, c_char_p, c_float, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from pathlib import Path
from typing import Any, Literal, Optional

from ._errors import BY_STATUS, FacePredictError, LibraryError

ABI_MAJOR = 0
"""The major version of the header that the structs below mirror. A library of another major version is refused."""

NAME = {"win32": "face_predict.dll", "darwin": "libface_predict.dylib"}.get(sys.platform, "libface_predict.so")

CROPPED, SKIP_AGE, SKIP_GENDER = 1 << 2, 1 << 0, 1 << 1
FAST_SEARCH, TRY_TURNS = 1 << 3, 1 << 4
PLAIN_CONVOLUTIONS = 1 << 0
FORMATS = {
    "GRAY": 1, "RGB": 2, "BGR": 3, "RGBA": 4, "BGRA": 5, "NV12": 6, "NV21": 7, "I420": 8, "YUYV": 9, "UYVY": 10,
    "ARGB": 11, "ABGR": 12, "P010": 13,
}
ENCODED = 14
CHANNELS = {"GRAY": 1, "RGB": 3, "BGR": 3, "RGBA": 4, "BGRA": 4, "ARGB": 4, "ABGR": 4, "YUYV": 2, "UYVY": 2}
PLANES = {"NV12": 2, "NV21": 2, "I420": 3, "P010": 2}
SAMPLE_BYTES = {"P010": 2}
Task = Literal["age", "gender", "detect"]
TASKS: dict[Task, int] = {"age": 1 << 0, "gender": 1 << 1, "detect": 1 << 2}
FEATURES = {"decode": 1 << 0, "detector": 1 << 1, "weights": 1 << 2, "open_weights": 1 << 3, "all_operators": 1 << 4}
NO_REGION = 0xFFFFFFFF
YUV = {"BT601_LIMITED": 0, "BT601_FULL": 1, "BT709_LIMITED": 2, "BT709_FULL": 3}
QUALITY = {
    "small": 1 << 0, "blurred": 1 << 1, "dark": 1 << 2, "bright": 1 << 3, "turned": 1 << 4, "cut_off": 1 << 5, "not_upright": 1 << 6,
}


class ModelOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("max_pixels", c_uint64),
    ]


class Image(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("format", c_uint32),
        ("width", c_uint32),
        ("height", c_uint32),
        ("planes", c_void_p * 3),
        ("strides", c_size_t * 3),
        ("sizes", c_size_t * 3),
        ("rotation", c_uint32),
        ("mirrored", c_uint32),
        ("chroma_step", c_uint32),
        ("yuv", c_uint32),
        ("bottom_up", c_uint32),
        ("reserved", c_uint32),
    ]


class Point(ctypes.Structure):
    _fields_ = [("x", c_float), ("y", c_float)]


class Region(ctypes.Structure):
    _fields_ = [("x", c_float), ("y", c_float), ("width", c_float), ("height", c_float), ("landmarks", Point * 5)]


class Options(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("max_faces", c_uint32),
        ("region_count", c_uint32),
        ("regions", POINTER(Region)),
        ("age_coverage", c_float),
        ("gender_threshold", c_float),
        ("min_face_size", c_uint32),
        ("min_score", c_float),
        ("crops", c_uint32),
        ("region_size", c_uint32),
    ]


class TrackerOptions(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("detect_every", c_uint32),
        ("estimate_every", c_uint32),
        ("memory_seconds", c_float),
        ("lost_seconds", c_float),
    ]


class Face(ctypes.Structure):
    _fields_ = [
        ("x", c_float),
        ("y", c_float),
        ("width", c_float),
        ("height", c_float),
        ("landmarks", Point * 5),
        ("score", c_float),
        ("age", c_float),
        ("age_low", c_float),
        ("age_high", c_float),
        ("female_probability", c_float),
        ("gender", c_uint32),
        ("quality", c_uint32),
        ("yaw", c_float),
        ("pitch", c_float),
        ("roll", c_float),
        ("track_estimates", c_uint32),
        ("region_index", c_uint32),
        ("track_id", c_uint64),
    ]


class Network(ctypes.Structure):
    _fields_ = [
        ("name", c_char_p),
        ("version", c_char_p),
        ("license", c_char_p),
        ("data", c_char_p),
        ("tasks", c_uint32),
        ("input_width", c_uint32),
        ("input_height", c_uint32),
        ("reserved", c_uint32),
    ]


_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "last_error": (c_char_p, []),
    "status_name": (c_char_p, [c_int32]),
    "version": (c_uint32, []),
    "version_string": (c_char_p, []),
    "model_load_default": (c_int32, [POINTER(ModelOptions), POINTER(c_void_p)]),
    "model_load_memory": (c_int32, [c_void_p, c_size_t, POINTER(ModelOptions), POINTER(c_void_p)]),
    "model_load_files": (c_int32, [POINTER(c_char_p), c_size_t, POINTER(ModelOptions), POINTER(c_void_p)]),
    "features": (c_uint32, []),
    "model_name": (c_char_p, [c_void_p]),
    "model_license": (c_char_p, [c_void_p]),
    "model_network": (c_int32, [c_void_p, c_uint32, POINTER(Network), c_size_t]),
    "model_warm_up": (c_int32, [c_void_p, c_uint32, c_uint32, POINTER(Options)]),
    "model_free": (None, [c_void_p]),
    "": (c_int32, [c_void_p, POINTER(Image), POINTER(Options), c_void_p]),
    "image_set_exif": (c_int32, [POINTER(Image), c_uint32]),
    "file": (c_int32, [c_void_p, c_char_p, POINTER(Options), c_void_p]),
    "encoded": (c_int32, [c_void_p, c_void_p, c_size_t, POINTER(Options), c_void_p]),
    "batch": (c_int32, [c_void_p, POINTER(POINTER(Image)), c_size_t, POINTER(Options), c_uint32, POINTER(c_void_p)]),
    "tracker_new": (c_int32, [c_void_p, POINTER(TrackerOptions), POINTER(c_void_p)]),
    "tracker_update": (c_int32, [c_void_p, POINTER(Image), c_int64, POINTER(Options), c_void_p]),
    "tracker_reset": (None, [c_void_p]),
    "tracker_free": (None, [c_void_p]),
    "result_new": (c_void_p, []),
    "result_free": (None, [c_void_p]),
    "result_count": (c_size_t, [c_void_p]),
    "result_status": (c_int32, [c_void_p]),
    "result_message": (c_char_p, [c_void_p]),
    "result_size": (c_int32, [c_void_p, POINTER(c_uint32), POINTER(c_uint32)]),
    "result_face": (c_int32, [c_void_p, c_size_t, POINTER(Face), c_size_t]),
    "result_age_at_least": (c_float, [c_void_p, c_size_t, c_float]),
    "result_age_distribution": (c_void_p, [c_void_p, c_size_t, POINTER(c_size_t)]),
}


class Library:
    """The functions of face_predict.h without their prefix. `face_predict` itself is `predict`."""

    def __init__(self, path: Path) -> None:
        try:
            native = ctypes.CDLL(str(path))
        except OSError as error:
            raise LibraryError(
                f"the native library {path} cannot be loaded ({error}): build it for this platform with "
                "`cargo build --release`, and name it in FACE_PREDICT_LIBRARY or install the package again"
            ) from error
        # The version is checked first, since a library of another major version may lack a function.
        try:
            number = native.face_predict_version()
        except AttributeError:
            raise LibraryError(
                f"{path} is no face_predict library: set FACE_PREDICT_LIBRARY to a {NAME} that `cargo build --release` made, or unset it"
            ) from None
        if number >> 16 != ABI_MAJOR:
            raise LibraryError(
                f"{path} is version {number >> 16}.{number >> 8 & 255}.{number & 255}, this package needs major version "
                f"{ABI_MAJOR}: install package and library of one major version, or unset FACE_PREDICT_LIBRARY"
            )
        for name, (result, arguments) in _FUNCTIONS.items():
            full = f"face_predict_{name}".rstrip("_")
            try:
                function = getattr(native, full)
            except AttributeError:
                raise LibraryError(
                    f"{path} has no function {full}, so it is older than this package: install both of one version"
                ) from None
            function.restype, function.argtypes = result, arguments
            setattr(self, name or "predict", function)
        self.path = path

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)

    def check(self, status: int) -> None:
        """Raises the exception for a status. Its message is that of the calling thread."""
        if status != 0:
            raise self.error(status)

    def error(self, status: int, message: Optional[bytes] = None) -> FacePredictError:
        """Makes the exception for a status. Its message is that of a result, or of the calling thread's last failed
        call."""
        text = self.last_error() if message is None else message
        error = BY_STATUS.get(status, FacePredictError)(text.decode("utf-8", "replace"))
        error.status = status
        error.status_name = self.status_name(status).decode()
        return error


def library_path() -> Path:
    """Returns the library that FACE_PREDICT_LIBRARY names, or the one in this package."""
    given = os.environ.get("FACE_PREDICT_LIBRARY")
    path = Path(given) if given else Path(__file__).resolve().parent / NAME
    if not path.is_file():
        why = "FACE_PREDICT_LIBRARY names it" if given else "the package was installed without it"
        raise LibraryError(
            f"the native library {path} is missing ({why}): install the package with `pip install ./bindings/python`, or "
            f"set FACE_PREDICT_LIBRARY to a {NAME} that `cargo build --release` made"
        )
    return path


@functools.lru_cache(maxsize=None)
def _load(path: Path) -> Library:
    return Library(path)


def library() -> Library:
    """Returns the library, which the first caller loads."""
    return _load(library_path())


class _PyBuffer(ctypes.Structure):
    """This is Py_buffer. It is the same in every CPython 3, and part of its stable ABI."""

    _fields_ = [
        ("buf", c_void_p),
        ("obj", ctypes.py_object),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", c_char_p),
        ("shape", POINTER(ctypes.c_ssize_t)),
        ("strides", POINTER(ctypes.c_ssize_t)),
        ("suboffsets", POINTER(ctypes.c_ssize_t)),
        ("internal", c_void_p),
    ]


class Borrowed:
    """The memory of an object with the buffer protocol, which stays in place while this is open. It may be
    read-only."""

    _GET_STRIDED_READ_ONLY = 0x0010 | 0x0008 | 0x0004  # PyBUF_STRIDES (which has ND) and PyBUF_FORMAT

    def __init__(self, owner: Any) -> None:
        self._view = _PyBuffer()
        get = ctypes.pythonapi.PyObject_GetBuffer
        get.argtypes, get.restype = [ctypes.py_object, POINTER(_PyBuffer), ctypes.c_int], ctypes.c_int
        get(owner, self._view, self._GET_STRIDED_READ_ONLY)
        view = self._view
        self.address: int = view.buf or 0
        self.format = (view.format or b"B").decode()
        self.shape = tuple(view.shape[i] for i in range(view.ndim))
        self.strides = tuple(view.strides[i] for i in range(view.ndim))
        self.bytes: int = view.len

    @property
    def what(self) -> str:
        return f"array of shape {self.shape} and strides {self.strides}"

    def __enter__(self) -> "Borrowed":
        return self

    def __exit__(self, *_: object) -> None:
        release = ctypes.pythonapi.PyBuffer_Release
        release.argtypes, release.restype = [POINTER(_PyBuffer)], None
        release(self._view)
