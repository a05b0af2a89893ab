"""Estimates age and gender from faces, and how sure each estimate is.

    import face_predict

    model = face_predict.Model()                      # one for all threads
    for face in model.predict("photo.jpg").faces:     # finds the faces
        print(face.age, face.age_low, face.age_high, face.female_probability, face.age_at_least(18))

Gender is the label that strangers would give the face, in two values. The answer must not decide alone about a person:
not as proof of age, and not for identification.
"""

from ._answers import Box, Face, Gender, Network, Point, Prediction, Quality
from ._errors import (
    ArgumentError,
    FacePredictError,
    FileError,
    ImageError,
    InternalError,
    LibraryError,
    LimitError,
    MemoryShortError,
    ModelError,
    UnsupportedError,
)
from ._model import Model, library_features, library_version
from ._native import Task
from ._pictures import Format, Yuv
from ._tracker import Tracker

__all__ = [
    "ArgumentError",
    "Box",
    "Face",
    "FacePredictError",
    "FileError",
    "Format",
    "Gender",
    "ImageError",
    "InternalError",
    "LibraryError",
    "LimitError",
    "MemoryShortError",
    "Model",
    "ModelError",
    "Network",
    "Point",
    "Prediction",
    "Quality",
    "Task",
    "Tracker",
    "UnsupportedError",
    "Yuv",
    "library_features",
    "library_version",
]
