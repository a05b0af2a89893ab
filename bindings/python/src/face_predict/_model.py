"""Model: loading, predicting, batches."""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ctypes import POINTER, byref, c_char_p, c_void_p
from types import TracebackType
from typing import Any, Optional, Union

from . import _native as native
from ._answers import Network, Prediction, read
from ._errors import ArgumentError, FacePredictError
from ._options import Boxes, Landmarks, options, utf8, whole
from ._pictures import Format, Interpretation, Yuv, borrow

_CHUNK = 32  # The pictures of a batch that are held, and predicted, at once.


def library_version() -> str:
    """Returns the version of the native library in use."""
    version: bytes = native.library().version_string()
    return version.decode()


def library_features() -> tuple[str, ...]:
    """Returns the features of the native library: "decode", "detector", "weights", "open_weights", "all_operators"."""
    features = native.library().features()
    return tuple(name for name, bit in native.FEATURES.items() if features & bit)


class Model:
    """Loaded networks. Loading is slow, so load once. All threads may use one model at the same time.

    Without a path the built-in model is loaded. Each path is a part (detector, age, gender or both). Parts that are not
    given come from the built-in model. `close()` or a `with` block frees it early.
    """

    def __init__(
        self,
        *paths: Union[str, "os.PathLike[str]", bytes],
        max_pixels: int = 0,
        plain_convolutions: bool = False,
    ) -> None:
        """Loads the built-in model, model files, or one model's `bytes`.

        `max_pixels` limits the size of pictures (0: 64 Mi). `plain_convolutions` is for comparison only. The weights
        that are built in by default are for non-commercial research. `license` returns the licences.
        """
        self._handle: Optional[int] = None
        self._lock = threading.Lock()
        self._users = 0
        self._closed = False
        self._spare: list[int] = []
        self._native = native.library()
        settings = native.ModelOptions(
            struct_size=ctypes.sizeof(native.ModelOptions),
            flags=native.PLAIN_CONVOLUTIONS if plain_convolutions else 0,
            max_pixels=whole("max_pixels", max_pixels, 64),
        )
        out = c_void_p()
        if not paths:
            status = self._native.model_load_default(byref(settings), byref(out))
        elif len(paths) == 1 and isinstance(paths[0], bytes):
            status = self._native.model_load_memory(paths[0], len(paths[0]), byref(settings), byref(out))
        else:
            if any(isinstance(path, bytes) for path in paths):
                raise ArgumentError("bytes of one model, or any number of paths, not both")
            names = (c_char_p * len(paths))(*(utf8(path) for path in paths))
            status = self._native.model_load_files(names, len(paths), byref(settings), byref(out))
        self._native.check(status)
        self._handle = out.value

    @property
    def name(self) -> str:
        """The name and version of the networks, for logs."""
        handle = self._enter()
        try:
            name: bytes = self._native.model_name(handle)
            return name.decode()
        finally:
            self._leave(None)

    @property
    def license(self) -> str:
        """The licences of the weights, each with the name of its network. This loads the detector, since its licence
        counts, too."""
        handle = self._enter()
        try:
            license: Optional[bytes] = self._native.model_license(handle)
            if license is None:
                raise MemoryError("there is no memory for the detector, whose licence counts, too")
            return license.decode()
        finally:
            self._leave(None)

    def network(self, task: native.Task) -> Network:
        """Returns the network that does a task: "age", "gender" or "detect". One network may do several."""
        if task not in native.TASKS:
            raise ArgumentError(f"task is {task!r}, but it must be one of {', '.join(native.TASKS)}")
        handle = self._enter()
        try:
            out = native.Network()
            self._native.check(self._native.model_network(handle, native.TASKS[task], byref(out), ctypes.sizeof(out)))
            told = (out.name, out.version, out.license, out.data)
            name, version, license, data = (text.decode() for text in told)
            tasks = tuple(name for name, bit in native.TASKS.items() if out.tasks & bit)
            return Network(name, version, license, data, tasks, (out.input_width, out.input_height))
        finally:
            self._leave(None)

    def warm_up(self, width: int, height: int, *, min_face_size: int = 0) -> None:
        """Prepares for pictures of this size, so that the first takes no longer than the others."""
        given = options(None, None, False, 0, None, None, False, False, min_face_size, None, 1)
        handle = self._enter()
        try:
            size = whole("width", width, 32), whole("height", height, 32)
            self._native.check(self._native.model_warm_up(handle, *size, byref(given)))
        finally:
            self._leave(None)

    def predict(
        self,
        image: Any,
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
        fast_search: bool = False,
        try_turns: bool = False,
    ) -> Prediction:
        """Finds the faces of a picture and estimates them.

        `image` is a path, the `bytes` of a JPEG, PNG, WebP or BMP file, an array of uint8, or a PIL image. The bytes of
        a file may also be a bytearray, a memoryview, or a uint8 array of one dimension. An array is numpy, or anything
        with the buffer protocol. Its rows may be padded and run upwards. Nothing is copied, and nothing may change
        meanwhile. The Exif orientation of a file or a PIL image is applied. Arrays are GRAY, RGB or RGBA unless
        `format` says otherwise (OpenCV: "BGR"). `rotation` (degrees clockwise) and `mirrored` make them upright.

        Frames of a camera may be "YUYV" and "UYVY" of (height, width, 2). "NV12", "NV21" and "I420" are (height * 3 /
        2, width) as in OpenCV, or a list of planes with any strides. The planes are Y of (height, width), then UV of
        (rows, columns, 2), or U and V of (rows, columns). "P010" is like "NV12", with uint16. `yuv` says how YUV is
        converted to colours ("BT601_LIMITED").

        `boxes` are the faces, if they were found already, as (x, y, width, height) from forehead to chin in pixels of
        the upright picture. Each may have five `landmarks`. A box of which no part lies in the picture is an error.
        `cropped` says that the picture is one face. Otherwise the faces are searched. `min_face_size` is the smallest
        face that is searched for, as the shorter side of its box in pixels of the picture. 0 means a fiftieth of the
        longer side, and at least 13 pixels; the smallest of these are often missed. A smaller number searches more
        closely, and each halving can take four times as long. `min_score` is the smallest score of a found face that is
        kept, below 1. None means the threshold of the model. `fast_search` searches as a tracker does, at one small
        scale in a fifth to a sixth of the time. Most faces below a sixteenth of the picture's longer side are then
        missed.
        `try_turns` searches upright and in the three other quarter turns, for pictures that may lie on a side. It takes
        four to five times as long. `crops` is the number of crops of each face whose answers are averaged, from 1 to 8.
        The second crop is mirrored, and further ones are also shifted a little. Each crop takes as much time as the first.
        `age_coverage` (0.8) is the probability that the true age lies between `age_low` and `age_high`.
        `gender_threshold` is the smallest probability for which a label is given.

        Other threads run meanwhile. A failure raises a FacePredictError.
        """
        given = options(
            boxes, landmarks, cropped, max_faces, age_coverage, gender_threshold, skip_age, skip_gender, min_face_size, min_score,
            crops, fast_search, try_turns,
        )
        return self._predict(image, given, Interpretation(format, rotation, mirrored, yuv))

    def predict_batch(
        self,
        images: Iterable[Any],
        *,
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
        fast_search: bool = False,
        try_turns: bool = False,
        threads: int = 1,
    ) -> list[Union[Prediction, FacePredictError]]:
        """Predicts many pictures on `threads` threads.

        `images` are pictures as for `predict`, which also explains the other arguments. They are taken from an iterator
        a few at a time. A picture that fails does not stop the rest: its exception stands in its place.
        """
        given = options(
            None, None, cropped, max_faces, age_coverage, gender_threshold, skip_age, skip_gender, min_face_size, min_score,
            crops, fast_search, try_turns,
        )
        meaning = Interpretation(format, rotation, mirrored, yuv)
        threads = whole("threads", threads, 32)
        if threads > 1024:
            raise ArgumentError(f"threads is {threads}, but it must be 0 to 1024")
        answers: list[Union[Prediction, FacePredictError]] = []
        iterator = iter(images)
        handle = self._enter()
        try:
            while some := list(itertools.islice(iterator, _CHUNK)):
                answers += self._some(handle, some, given, meaning, threads)
        finally:
            self._leave(None)
        return answers

    def close(self) -> None:
        """Frees the model, as soon as predictions that run in other threads have ended. It may be called twice."""
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

    def _enter(self, held: bool = False) -> int:
        """Returns the handle, which stays valid until `_leave`. A caller that holds it already may go on after `close()`."""
        with self._lock:
            if (self._closed and not held) or self._handle is None:
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

    def _predict(self, image: Any, given: native.Options, meaning: Interpretation, held: bool = False) -> Prediction:
        if isinstance(image, (str, os.PathLike)):
            meaning.refuse_for_files("rotation", "mirrored")
            path = utf8(image)
            return self._run(lambda handle, result: self._native.file(handle, path, byref(given), result), held)
        with borrow(image, meaning) as c_image:
            return self._run(lambda handle, result: self._native.predict(handle, byref(c_image), byref(given), result))

    def _run(self, call: Any, held: bool = False) -> Prediction:
        handle = self._enter(held)
        result: Optional[int] = None
        try:
            with self._lock:
                # Results are used again with their buffers. There are as many as threads ran at once.
                result = self._spare.pop() if self._spare else None
            if result is None:
                result = new_result(self._native)
            self._native.check(call(handle, result))
            return read(self._native, result)
        finally:
            self._leave(result)

    def _some(
        self, handle: int, images: Sequence[Any], given: native.Options, meaning: Interpretation, threads: int
    ) -> Sequence[Union[Prediction, FacePredictError]]:
        """Pixels and bytes go through the library's batch. It does not take paths, so these go through threads of our
        own."""
        answers: dict[int, Union[Prediction, FacePredictError]] = {}
        files = [i for i, image in enumerate(images) if isinstance(image, (str, os.PathLike))]

        def file(index: int) -> Union[Prediction, FacePredictError]:
            try:
                return self._predict(images[index], given, meaning, held=True)
            except FacePredictError as error:
                return error

        if len(files) > 1 and threads > 1:
            with ThreadPoolExecutor(threads) as pool:
                answers.update(zip(files, pool.map(file, files)))
        else:
            answers.update((index, file(index)) for index in files)
        with contextlib.ExitStack() as stack:
            borrowed = {}
            for index in sorted(set(range(len(images))) - set(files)):
                try:
                    borrowed[index] = stack.enter_context(borrow(images[index], meaning))
                except FacePredictError as error:
                    answers[index] = error
            answers.update(zip(borrowed, self._batch(handle, list(borrowed.values()), given, threads)))
        return [answers[index] for index in range(len(images))]

    def _batch(
        self, handle: int, images: Sequence[native.Image], given: native.Options, threads: int
    ) -> list[Union[Prediction, FacePredictError]]:
        library, count = self._native, len(images)
        results: list[int] = []
        try:
            for _ in images:
                results.append(new_result(library))
            pointers = (POINTER(native.Image) * count)(*map(ctypes.pointer, images))
            # Each result holds the error of its picture.
            library.batch(handle, pointers, count, byref(given), threads, (c_void_p * count)(*results))
            answers: list[Union[Prediction, FacePredictError]] = []
            for result in results:
                status = library.result_status(result)
                failed = status != 0
                answers.append(library.error(status, library.result_message(result)) if failed else read(library, result))
            return answers
        finally:
            for result in results:
                library.result_free(result)


def new_result(library: native.Library) -> int:
    result: Optional[int] = library.result_new()
    if not result:
        raise library.error(60)
    return result
