"""Tracker: faces over the frames of a camera."""

from __future__ import annotations

import ctypes
import math
import os
import threading
from ctypes import byref, c_void_p
from types import TracebackType
from typing import Any, Optional

from . import _native as native
from ._answers import Prediction, read
from ._errors import ArgumentError
from ._model import Model, new_result
from ._options import Boxes, Landmarks, options, share, whole
from ._pictures import Format, Interpretation, Yuv, borrow


class Tracker:
    """Follows the faces of one camera. It gives each face a `track_id`, and averages its answers over `track_estimates`
    estimates.

    It keeps what it needs of the model, which may be closed. If several threads call it, one goes on, and the others
    wait. `close()` or a `with` block frees it early.
    """

    def __init__(
        self,
        model: Model,
        *,
        detect_every: int = 1,
        estimate_every: int = 1,
        memory_seconds: Optional[float] = None,
        lost_seconds: Optional[float] = None,
    ) -> None:
        """Makes a tracker.

        The detector runs on every `detect_every`-th frame. Between these frames each box moves on at its last speed. A
        face is estimated on every `estimate_every`-th frame in which it is found. The average over estimates has the
        time constant `memory_seconds` (2). A face that was not seen for `lost_seconds` (1) is forgotten.
        """
        self._handle: Optional[int] = None
        self._result: Optional[int] = None
        self._lock = threading.Lock()
        self._native = native.library()
        given = native.TrackerOptions(
            struct_size=ctypes.sizeof(native.TrackerOptions),
            detect_every=_from_one("detect_every", detect_every),
            estimate_every=_from_one("estimate_every", estimate_every),
            memory_seconds=share("memory_seconds", memory_seconds),
            lost_seconds=share("lost_seconds", lost_seconds),
        )
        out = c_void_p()
        handle = model._enter()
        try:
            self._native.check(self._native.tracker_new(handle, byref(given), byref(out)))
        finally:
            model._leave(None)
        self._handle = out.value
        self._result = new_result(self._native)

    def update(
        self,
        image: Any,
        time: float,
        *,
        boxes: Optional[Boxes] = None,
        landmarks: Optional[Landmarks] = None,
        cropped: bool = False,
        format: Optional[Format] = None,
        rotation: int = 0,
        mirrored: bool = False,
        yuv: Optional[Yuv] = None,
        max_faces: int = 0,
        age_coverage: Optional[float] = None,
        gender_threshold: Optional[float] = None,
        skip_age: bool = False,
        skip_gender: bool = False,
        min_face_size: int = 0,
        min_score: Optional[float] = None,
        crops: int = 1,
        try_turns: bool = False,
    ) -> Prediction:
        """Takes the next frame and returns the faces in it.

        `image` is an array, the bytes of a file (such as a camera's MJPEG), a list of planes or a PIL image.
        `Model.predict` explains these and the other arguments. `time` is in seconds from any start, and must not go
        back. Use `time.monotonic()`, or the frame's own time.
        """
        given = options(
            boxes, landmarks, cropped, max_faces, age_coverage, gender_threshold, skip_age, skip_gender, min_face_size, min_score,
            crops, False, try_turns,
        )
        if isinstance(image, (str, os.PathLike)):
            raise ArgumentError("a tracker takes frames in memory: an array, bytes of a file, a list of planes or a PIL image")
        if not math.isfinite(time) or abs(time) > 9e12:
            raise ArgumentError(f"time is {time}, seconds are wanted")
        with borrow(image, Interpretation(format, rotation, mirrored, yuv)) as c_image, self._lock:
            handle, result = self._open()
            microseconds = round(time * 1e6)
            self._native.check(self._native.tracker_update(handle, byref(c_image), microseconds, byref(given), result))
            return read(self._native, result)

    def reset(self) -> None:
        """Forgets all faces, for example after a jump in a video. Their numbers are not used again."""
        with self._lock:
            self._native.tracker_reset(self._open()[0])

    def close(self) -> None:
        """Frees the tracker, as soon as an update that runs in another thread has ended. It may be called twice."""
        with self._lock:
            handle, self._handle = self._handle, None
            result, self._result = self._result, None
        if handle is not None:
            self._native.tracker_free(handle)
        if result is not None:
            self._native.result_free(result)

    def __enter__(self) -> "Tracker":
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        value: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_native", None) is not None:
            self.close()

    def __repr__(self) -> str:
        return "<face_predict.Tracker, closed>" if self._handle is None else "<face_predict.Tracker>"

    def __reduce__(self) -> Any:
        raise TypeError("a Tracker cannot be pickled: make one in each process")

    def _open(self) -> tuple[int, int]:
        if self._handle is None or self._result is None:
            raise ArgumentError("the tracker is closed: make a new one")
        return self._handle, self._result


def _from_one(name: str, value: int) -> int:
    """0 means the default in C, so a given 0 is refused here."""
    number = whole(name, value, 32)
    if number == 0:
        raise ArgumentError(f"{name} is 0, but it must be 1 or more")
    return number
