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
Quality = Literal["small", "blurred", "dark", "bright", "turned", "cut_off", "not_upright"]

_GENDERS: dict[int, Gender] = {1: "female", 2: "male"}


@dataclass(frozen=True)
class Network:
    """What the file of a network says about it."""

    name: str
    version: str
    license: str
    """The licence of the weights."""
    data: str
    """The data that the weights were trained on."""
    tasks: tuple[native.Task, ...]
    input_size: tuple[int, int]
    """The width and height of the network's input in pixels."""


@dataclass(frozen=True)
class Point:
    """A position in pixels of the upright picture."""

    x: float
    y: float


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels of the upright picture. It may reach beyond the picture."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Face:
    """One face. A value is `None` if it was not estimated, not given, or not decided."""

    box: Box
    landmarks: Optional[tuple[Point, ...]]
    """The left eye, right eye, nose, left and right corner of the mouth. Left and right are as seen in the picture."""
    score: Optional[float]
    """How sure the detector is that this is a face, from 0 to 1. None for a face that the caller gave."""
    age: Optional[float]
    """The estimated age in years: the median of the distribution."""
    age_low: Optional[float]
    """The lower end of the interval that holds the true age with the probability `age_coverage`."""
    age_high: Optional[float]
    """The upper end of that interval."""
    female_probability: Optional[float]
    """The calibrated probability of the label female, from 0 to 1."""
    gender: Optional[Gender]
    """The label that strangers would give. None if its probability is below the threshold."""
    quality: tuple[Quality, ...]
    """The reasons to trust this face less. It is empty if there is none. It does not say that a given box shows a
    face."""
    yaw: Optional[float]
    """The direction of the head in degrees, with an error of about ten. Positive means towards the right of the
    picture. It is None without landmarks."""
    pitch: Optional[float]
    """The tilt of the head in degrees. Positive means upwards."""
    roll: Optional[float]
    """The rotation of the head in the picture, in degrees. Positive means clockwise."""
    region_index: Optional[int]
    """The index of this face in `boxes`. None for a face that was found."""
    track_id: Optional[int]
    """A number that stays the same while a Tracker follows the face."""
    track_estimates: int
    """The number of estimates that the answer averages: one for each frame in which the Tracker estimated the face. 0
    without one."""
    age_distribution: tuple[float, ...] = field(repr=False)
    """The probabilities of the whole years from 0, which sum to 1. It is empty if the age was skipped."""

    def age_at_least(self, years: float) -> Optional[float]:
        """Returns the probability that the person has lived `years` or more. It is linear between whole years."""
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
    """The faces of a picture, with the largest first."""

    width: int
    """The width of the upright picture in pixels."""
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
    """Copies what a result holds."""
    width, height = c_uint32(), c_uint32()
    library.check(library.result_size(result, byref(width), byref(height)))
    faces = tuple(_face(library, result, index) for index in range(library.result_count(result)))
    return Prediction(width.value, height.value, faces)
