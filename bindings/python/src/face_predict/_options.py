"""Checks arguments, and writes them into structs of C."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable, Sequence
from typing import Any, Optional, Union

from . import _native as native
from ._answers import Box, Point
from ._errors import ArgumentError

Boxes = Iterable[Union[Box, Sequence[float]]]
Landmarks = Sequence[Optional[Sequence[Union[Point, Sequence[float]]]]]


def whole(name: str, value: Any, bits: int) -> int:
    try:
        number = value.__index__()
    except AttributeError:
        raise ArgumentError(f"{name} is {value!r}, a whole number is wanted") from None
    if not 0 <= number < 1 << bits:
        raise ArgumentError(f"{name} is {number}, but it must be 0 to {(1 << bits) - 1}")
    return int(number)


def share(name: str, value: Optional[float]) -> float:
    """0 means the default in C, so a given 0 is refused here."""
    if value is None:
        return 0.0
    number = float(value)
    if number == 0.0:
        raise ArgumentError(f"{name} is 0, but it must be above 0; None is the default")
    return number


def utf8(path: Union[str, "os.PathLike[str]", bytes]) -> bytes:
    name = os.fspath(path)
    try:
        data = name if isinstance(name, bytes) else name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise ArgumentError(f"path {name!r} is not UTF-8: {error.reason}") from None
    if b"\0" in data:
        raise ArgumentError(f"path {name!r} holds a NUL character")
    return data


def _regions(boxes: Any, landmarks: Any) -> tuple[Any, int]:
    """Returns the C array of given faces and their number, or None if they are to be searched."""
    if boxes is None:
        if landmarks is not None:
            raise ArgumentError("landmarks are given without boxes")
        return None, 0
    try:
        rows = [
            [float(n) for n in ((box.x, box.y, box.width, box.height) if isinstance(box, Box) else box)] for box in boxes
        ]
    except TypeError:
        rows = [[]]
    if any(len(row) != 4 for row in rows):
        raise ArgumentError(f"boxes are a sequence of (x, y, width, height), one for each face, not {boxes!r}")
    # An empty array still means that faces are given. Without it the picture would be searched.
    regions = (native.Region * max(len(rows), 1))()
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
    return regions, len(rows)


def options(
    boxes: Optional[Boxes],
    landmarks: Optional[Landmarks],
    cropped: bool,
    max_faces: int,
    age_coverage: Optional[float],
    gender_threshold: Optional[float],
    skip_age: bool,
    skip_gender: bool,
    min_face_size: int,
    min_score: Optional[float],
    crops: int,
    fast_search: bool = False,
    try_turns: bool = False,
) -> native.Options:
    """Makes the options of a prediction."""
    regions, count = _regions(boxes, landmarks)
    flags = (native.CROPPED if cropped else 0) | (native.SKIP_AGE if skip_age else 0)
    flags |= (native.SKIP_GENDER if skip_gender else 0) | (native.FAST_SEARCH if fast_search else 0)
    flags |= native.TRY_TURNS if try_turns else 0
    out = native.Options(
        struct_size=ctypes.sizeof(native.Options),
        flags=flags,
        max_faces=whole("max_faces", max_faces, 32),
        region_count=count,
        age_coverage=share("age_coverage", age_coverage),
        gender_threshold=share("gender_threshold", gender_threshold),
        min_face_size=whole("min_face_size", min_face_size, 32),
        min_score=share("min_score", min_score),
        crops=whole("crops", crops, 32),
        region_size=ctypes.sizeof(native.Region),
    )
    if regions is not None:
        out.regions = regions
    return out
