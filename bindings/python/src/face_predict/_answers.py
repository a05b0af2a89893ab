"""The dataclasses that answers consist of."""

from __future__ import annotations

import ctypes
import math
from ctypes import byref, c_float, c_size_t, c_uint32
from dataclasses import dataclass, field
from typing import Literal, Optional

from . import _native as native
from ._errors import ArgumentError

Gender = Literal["female", "male"]
Quality = Literal["small", "blurred", "dark", "bright", "turned", "cut_off"]

_GENDERS: dict[int, Gender] = {1: "female", 2: "male"}


@dataclass(frozen=True)
class Network:
    """What a network's file says of it."""

    name: str
    version: str
    license: str
    """Of the weights."""
    data: str
    """What it was trained on."""
    tasks: tuple[native.Task, ...]
    input_size: tuple[int, int]
    """Width and height, in pixels, of what it takes in."""


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
    yaw: Optional[float]
    """Where the head looks, in degrees, good to some ten: positive to the right of the picture. None without landmarks."""
    pitch: Optional[float]
    """Positive up."""
    roll: Optional[float]
    """Positive when tilted clockwise as seen."""
    region_index: Optional[int]
    """Which of the `boxes` it is; None for a face that was found."""
    track_id: Optional[int]
    """With a Tracker the same face has the same number."""
    track_estimates: int
    """Estimates that the answer averages, one for each frame in which a Tracker estimated the face; else 0."""
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


def _optional(number: float) -> Optional[float]:
    return None if math.isnan(number) else number


def _face(library: native.Library, result: int, index: int) -> Face:
    face = native.Face()
    library.check(library.result_face(result, index, byref(face), ctypes.sizeof(face)))
    count = c_size_t()
    years = library.result_age_distribution(result, index, byref(count))
    points = tuple(Point(p.x, p.y) for p in face.landmarks)
    return Face(
        box=Box(face.x, face.y, face.width, face.height),
        landmarks=None if math.isnan(points[0].x) else points,
        score=_optional(face.score),
        age=_optional(face.age),
        age_low=_optional(face.age_low),
        age_high=_optional(face.age_high),
        female_probability=_optional(face.female_probability),
        gender=_GENDERS.get(face.gender),
        quality=tuple(name for name, bit in native.QUALITY.items() if face.quality & bit),  # type: ignore[misc]
        yaw=_optional(face.yaw),
        pitch=_optional(face.pitch),
        roll=_optional(face.roll),
        region_index=None if face.region_index == native.NO_REGION else face.region_index,
        track_id=face.track_id or None,
        track_estimates=face.track_estimates,
        age_distribution=tuple((c_float * count.value).from_address(years)) if years else (),
    )


def read(library: native.Library, result: int) -> Prediction:
    """A copy of what a result holds."""
    width, height = c_uint32(), c_uint32()
    library.check(library.result_size(result, byref(width), byref(height)))
    faces = tuple(_face(library, result, index) for index in range(library.result_count(result)))
    return Prediction(width.value, height.value, faces)
