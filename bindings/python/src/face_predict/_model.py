"""Model, and the dataclasses that it answers with."""

from __future__ import annotations

import ctypes
import math
import os
import threading
from collections.abc import Iterable, Sequence
from ctypes import byref, c_char_p, c_float, c_size_t, c_uint32, c_void_p
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Optional, Union

from . import _native as native
from ._errors import ArgumentError

Gender = Literal["female", "male"]
Quality = Literal["small", "cut_off"]
Format = Literal["GRAY", "RGB", "BGR", "RGBA", "BGRA"]

_GENDERS: dict[int, Gender] = {1: "female", 2: "male"}


@dataclass(frozen=True)
class Point:
    """A place in upright pixels."""

    x: float
    y: float


@dataclass(frozen=True)
class Box:
    """A rectangle in upright pixels; may reach outside the picture."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Face:
    """One face. `None` stands where something was skipped, not given, or not decided."""

    box: Box
    landmarks: Optional[tuple[Point, ...]]
    """Left eye, right eye, nose, left and right mouth corner; left and right as seen."""
    score: Optional[float]
    """How sure that this is a face, 0 to 1; None for a face that was given."""
    age: Optional[float]
    """Years: the median of the distribution."""
    age_low: Optional[float]
    """Interval that holds the age with the probability `age_coverage`: its lower end."""
    age_high: Optional[float]
    """Its upper end."""
    female_probability: Optional[float]
    """Calibrated probability of the label female, 0 to 1."""
    gender: Optional[Gender]
    """The label that strangers would give; None where the probability is below the threshold."""
    quality: tuple[Quality, ...]
    """Reasons to trust the face less; empty when nothing speaks against it."""
    age_distribution: tuple[float, ...] = field(repr=False)
    """Probability of each whole year from 0, summing to 1; empty where the age was skipped."""

    def age_at_least(self, years: float) -> Optional[float]:
        """Probability that the person has lived `years` or more; linear between whole years."""
        if not self.age_distribution:
            return None
        if math.isnan(years):
            raise ArgumentError("years is not a number")

        def tail(first: float) -> float:
            start = int(min(max(first, 0.0), len(self.age_distribution)))
            return min(sum(self.age_distribution[start:]), 1.0)

        if math.isinf(years):
            return tail(years)
        whole = math.floor(years)
        return tail(whole) + (tail(whole + 1) - tail(whole)) * (years - whole)


@dataclass(frozen=True)
class Prediction:
    """The faces of a picture, the largest first."""

    width: int
    """Width of the upright picture in pixels."""
    height: int
    faces: tuple[Face, ...]


def library_version() -> str:
    """Version of the native library in use."""
    version: bytes = native.library().version_string()
    return version.decode()


def _optional(number: float) -> Optional[float]:
    return None if math.isnan(number) else number


def _regions(boxes: Any, landmarks: Any) -> Any:
    """The C array of faces found already."""
    if boxes is None:
        if landmarks is not None:
            raise ArgumentError("landmarks are given without boxes")
        return None
    try:
        rows = [
            [float(n) for n in ((box.x, box.y, box.width, box.height) if isinstance(box, Box) else box)] for box in boxes
        ]
    except TypeError:
        rows = [[]]
    if any(len(row) != 4 for row in rows):
        raise ArgumentError(f"boxes are a sequence of (x, y, width, height), one for each face, not {boxes!r}")
    regions = (native.Region * len(rows))()
    for region, row in zip(regions, rows):
        region.x, region.y, region.width, region.height = row
    if landmarks is not None:
        if len(landmarks) != len(rows):
            raise ArgumentError(f"landmarks of {len(landmarks)} faces are given, boxes of {len(rows)}")
        for region, points in zip(regions, landmarks):
            if points is None:
                continue
            pairs = [(p.x, p.y) if isinstance(p, Point) else tuple(p) for p in points]
            if len(pairs) != 5 or any(len(pair) != 2 for pair in pairs):
                raise ArgumentError("landmarks of a face are None or five (x, y): eyes, nose, mouth corners")
            for point, (x, y) in zip(region.landmarks, pairs):
                point.x, point.y = float(x), float(y)
    return regions


def _pixels(image: Any, view: native.Borrowed, format: Optional[str]) -> native.Image:
    """The C view of an array of rows, columns and channels, whose memory stays where it is."""
    what = f"array of shape {view.shape} and strides {view.strides}"
    if view.format.lstrip("@=<>!") != "B":
        kind = getattr(image, "dtype", view.format)
        raise ArgumentError(
            f"pixels are of type {kind}, uint8 from 0 to 255 is wanted: (image * 255).astype(np.uint8) if they run from 0 to 1"
        )
    channels = view.shape[2] if len(view.shape) == 3 else 1
    if len(view.shape) not in (2, 3) or channels not in (1, 3, 4):
        raise ArgumentError(f"{what}: (height, width), (height, width, 3) or (height, width, 4) is wanted, without a batch")
    if format is None:
        format = {1: "GRAY", 3: "RGB", 4: "RGBA"}[channels]
    if format not in native.FORMATS:
        raise ArgumentError(f"format is {format!r}, it must be one of {', '.join(native.FORMATS)}")
    if native.CHANNELS[format] != channels:
        raise ArgumentError(f"{what} has {channels} channels, format {format} has {native.CHANNELS[format]}")
    height, width = view.shape[:2]
    if len(view.shape) == 3 and channels > 1 and view.strides[2] == -1 and width:
        raise ArgumentError(f"{what} has its channels reversed: pass the array before [..., ::-1], with format='BGR' or 'RGB'")
    close = view.strides[1] == channels and (len(view.shape) == 2 or channels == 1 or view.strides[2] == 1)
    if height and width and ((not close and width > 1) or (view.strides[0] < width * channels and height > 1)):
        raise ArgumentError(f"{what}: pixels of a row must follow each other, rows from top to bottom; numpy.ascontiguousarray(image) copies them so")
    out = native.Image(struct_size=ctypes.sizeof(native.Image), format=native.FORMATS[format], width=width, height=height)
    stride = view.strides[0] if height > 1 else width * channels
    out.planes[0] = view.address
    out.strides[0] = stride
    out.sizes[0] = (height - 1) * stride + width * channels if height and width else 0
    return out


class Model:
    """Loaded networks. Loading is slow, so load once; all threads may use one model at the same time.

    Without a path the built-in model is loaded. Each path is a part (age, gender or both); parts that are not
    given come from the built-in model. `close()` or a `with` block frees it early.
    """

    def __init__(
        self,
        *paths: Union[str, "os.PathLike[str]", bytes],
        max_pixels: int = 0,
        plain_convolutions: bool = False,
    ) -> None:
        """Loads the built-in model, model files, or one model's `bytes`.

        `max_pixels` limits the size of pictures (0: 64 Mi). `plain_convolutions` is for comparison only.
        """
        self._handle: Optional[int] = None
        self._lock = threading.Lock()
        self._users = 0
        self._closed = False
        self._spare: list[int] = []
        self._native = native.library()
        flags = native.PLAIN_CONVOLUTIONS if plain_convolutions else 0
        options = native.ModelOptions(ctypes.sizeof(native.ModelOptions), flags, _whole("max_pixels", max_pixels, 64))
        out = c_void_p()
        if not paths:
            status = self._native.model_load_default(byref(options), byref(out))
        elif len(paths) == 1 and isinstance(paths[0], bytes):
            status = self._native.model_load_memory(paths[0], len(paths[0]), byref(options), byref(out))
        else:
            if any(isinstance(path, bytes) for path in paths):
                raise ArgumentError("bytes of one model, or any number of paths, not both")
            names = (c_char_p * len(paths))(*(_utf8(path) for path in paths))
            status = self._native.model_load_files(names, len(paths), byref(options), byref(out))
        self._native.check(status)
        self._handle = out.value

    @property
    def name(self) -> str:
        """Name and version of the networks, for logs."""
        handle = self._enter()
        try:
            name: bytes = self._native.model_name(handle)
            return name.decode()
        finally:
            self._leave(None)

    def predict(
        self,
        image: Any,
        *,
        boxes: Optional[Iterable[Union[Box, Sequence[float]]]] = None,
        landmarks: Optional[Sequence[Optional[Sequence[Union[Point, Sequence[float]]]]]] = None,
        cropped: bool = False,
        format: Optional[Format] = None,
        rotation: int = 0,
        mirrored: bool = False,
        max_faces: int = 0,
        age_coverage: Optional[float] = None,
        gender_threshold: Optional[float] = None,
        skip_age: bool = False,
        skip_gender: bool = False,
    ) -> Prediction:
        """Estimates the faces of a picture.

        `image` is a path, the `bytes` of a JPEG, PNG, WebP or BMP file, an array of uint8 (numpy or anything with the
        buffer protocol; rows may be padded, nothing is copied), or a PIL image. Files apply their Exif orientation;
        a PIL image's is applied too. Arrays are GRAY, RGB or RGBA unless `format` says otherwise (OpenCV: "BGR"), and
        `rotation` (degrees clockwise) and `mirrored` turn them upright.

        `boxes` are faces found already, (x, y, width, height) from forehead to chin in upright pixels, with five
        `landmarks` each where known; or `cropped` says that the picture is one face. `age_coverage` (0.8) is the
        probability inside `age_low` to `age_high`; `gender_threshold` is what a label needs.

        Other threads run meanwhile. Raises a FacePredictError.
        """
        regions = _regions(boxes, landmarks)
        flags = (native.CROPPED if cropped else 0) | (native.SKIP_AGE if skip_age else 0)
        flags |= native.SKIP_GENDER if skip_gender else 0
        options = native.Options(
            struct_size=ctypes.sizeof(native.Options),
            flags=flags,
            max_faces=_whole("max_faces", max_faces, 32),
            region_count=len(regions) if regions is not None else 0,
            age_coverage=_share("age_coverage", age_coverage),
            gender_threshold=_share("gender_threshold", gender_threshold),
        )
        if regions is not None:
            options.regions = regions
        turned = {"format": format, "rotation": rotation, "mirrored": mirrored}
        if isinstance(image, (str, os.PathLike)):
            _only_for_arrays(turned)
            path = _utf8(image)
            return self._run(lambda handle, result: self._native.file(handle, path, byref(options), result))
        if isinstance(image, bytes):
            _only_for_arrays(turned)
            data: bytes = image
            return self._run(
                lambda handle, result: self._native.encoded(handle, data, len(data), byref(options), result)
            )
        exif = 1
        if type(image).__module__.partition(".")[0] == "PIL":
            image, exif = _from_pil(image, turned)
        try:
            borrowed = native.Borrowed(image)
        except (TypeError, BufferError, ValueError) as error:
            raise ArgumentError(
                f"a picture is a path, bytes of a file, an array of uint8 or a PIL image, not {type(image).__name__} ({error})"
            ) from None
        with borrowed as view:
            c_image = _pixels(image, view, format)
            if exif != 1:
                self._native.check(self._native.image_set_exif(byref(c_image), exif))
            else:
                c_image.rotation = _whole("rotation", rotation, 32)
                c_image.mirrored = bool(mirrored)
            return self._run(
                lambda handle, result: self._native.predict(handle, byref(c_image), byref(options), result)
            )

    def close(self) -> None:
        """Frees the model, as soon as predictions that run in other threads have ended. May be called twice."""
        with self._lock:
            self._closed = True
            if self._users:
                return
            handle, self._handle = self._handle, None
            spare, self._spare = self._spare, []
        for result in spare:
            self._native.result_free(result)
        if handle is not None:
            self._native.model_free(handle)

    def __enter__(self) -> "Model":
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        value: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()

    def __del__(self) -> None:
        # A model whose library could not be loaded has nothing to free.
        if getattr(self, "_native", None) is not None:
            self.close()

    def __repr__(self) -> str:
        return "<face_predict.Model, closed>" if self._closed else f"<face_predict.Model {self.name}>"

    def __reduce__(self) -> Any:
        raise TypeError("a Model cannot be pickled: load one in each process")

    def _enter(self) -> int:
        with self._lock:
            if self._closed or self._handle is None:
                raise ArgumentError("the model is closed: load a new one")
            self._users += 1
            return self._handle

    def _leave(self, result: Optional[int]) -> None:
        with self._lock:
            self._users -= 1
            if result is not None:
                self._spare.append(result)
            last = self._closed and not self._users
        if last:
            self.close()

    def _run(self, call: Any) -> Prediction:
        handle = self._enter()
        result: Optional[int] = None
        try:
            with self._lock:
                # Reused with its buffers; as many as threads ran at once.
                result = self._spare.pop() if self._spare else None
            if result is None:
                result = self._native.result_new()
                if not result:
                    raise self._native.error(60)
            self._native.check(call(handle, result))
            return self._read(result)
        finally:
            self._leave(result)

    def _read(self, result: int) -> Prediction:
        width, height = c_uint32(), c_uint32()
        self._native.check(self._native.result_size(result, byref(width), byref(height)))
        faces = []
        for index in range(self._native.result_count(result)):
            face = native.Face()
            self._native.check(self._native.result_face(result, index, byref(face), ctypes.sizeof(face)))
            count = c_size_t()
            years = self._native.result_age_distribution(result, index, byref(count))
            distribution: tuple[float, ...] = ()
            if years:
                distribution = tuple((c_float * count.value).from_address(years))
            points = tuple(Point(p.x, p.y) for p in face.landmarks)
            faces.append(
                Face(
                    box=Box(face.x, face.y, face.width, face.height),
                    landmarks=None if math.isnan(points[0].x) else points,
                    score=_optional(face.score),
                    age=_optional(face.age),
                    age_low=_optional(face.age_low),
                    age_high=_optional(face.age_high),
                    female_probability=_optional(face.female_probability),
                    gender=_GENDERS.get(face.gender),
                    quality=tuple(name for name, bit in native.QUALITY.items() if face.quality & bit),  # type: ignore[misc]
                    age_distribution=distribution,
                )
            )
        return Prediction(width.value, height.value, tuple(faces))


def _whole(name: str, value: Any, bits: int) -> int:
    try:
        number = value.__index__()
    except AttributeError:
        raise ArgumentError(f"{name} is {value!r}, a whole number is wanted") from None
    if not 0 <= number < 1 << bits:
        raise ArgumentError(f"{name} is {number}, it must be 0 to {(1 << bits) - 1}")
    return int(number)


def _share(name: str, value: Optional[float]) -> float:
    """0 means the default in C, so a 0 that was given is refused here."""
    if value is None:
        return 0.0
    number = float(value)
    if number == 0.0:
        raise ArgumentError(f"{name} is 0, it must be above 0; None is the default")
    return number


def _utf8(path: Union[str, "os.PathLike[str]", bytes]) -> bytes:
    name = os.fspath(path)
    data = name if isinstance(name, bytes) else name.encode("utf-8", "surrogateescape")
    if b"\0" in data:
        raise ArgumentError(f"path {name!r} holds a NUL character")
    return data


def _only_for_arrays(turned: dict[str, Any]) -> None:
    given = [name for name, value in turned.items() if value]
    if given:
        raise ArgumentError(f"{given[0]} is for arrays; a file says it itself")


def _from_pil(image: Any, turned: dict[str, Any]) -> tuple[Any, int]:
    """The pixels of a PIL image, in memory of their own (PIL gives no access to its), and its Exif orientation."""
    if turned["format"]:
        raise ArgumentError("format is for arrays; a PIL image says it itself")
    mode = image.mode if image.mode in ("L", "RGB", "RGBA") else "RGB"
    pixels = image if image.mode == mode else image.convert(mode)
    shape = (image.height, image.width) if mode == "L" else (image.height, image.width, len(mode))
    if 0 in shape:
        raise ArgumentError(f"the PIL image has {image.width}x{image.height} pixels")
    given = turned["rotation"] or turned["mirrored"]
    orientation = 1 if given or not hasattr(image, "getexif") else image.getexif().get(0x0112, 1)
    return memoryview(pixels.tobytes()).cast("B", shape), orientation if orientation in range(1, 9) else 1
