"""The test pictures and the labels of their faces."""
import csv
import math
import os
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
EVAL = os.path.join(ROOT, "..", "shared", "data", "eval")
POINTS = ["eye_left", "eye_right", "nose", "mouth_left", "mouth_right"]

@dataclass(frozen=True)
class Row:
    """A picture of one face, which is a row of a manifest."""

    path: str
    file: str
    source: str
    age: float | None
    bracket: tuple | None
    female: bool | None
    race: str
    box: tuple
    landmarks: tuple

    def clipped(self, width, height):
        """Returns the part of the box that lies in the picture."""
        return clip(self.box, width, height)

    def moved(self, right, down, scale=1.0):
        """Returns the same face when its picture is scaled, and then lies in a larger one."""
        x, y, width, height = (scale * v for v in self.box)
        landmarks = tuple((scale * a + right, scale * b + down) for a, b in self.landmarks)
        return replace(self, box=(x + right, y + down, width, height), landmarks=landmarks)


def clip(box, width, height):
    x, y, w, h = box
    left, top = max(x, 0), max(y, 0)
    return left, top, max(min(x + w, width) - left, 0), max(min(y + h, height) - top, 0)


def overlap(a, b):
    """Returns the area that two boxes share, as a part of the area that they cover."""
    shared = clip((a[0] - b[0], a[1] - b[1], a[2], a[3]), b[2], b[3])
    both = shared[2] * shared[3]
    return both / max(a[2] * a[3] + b[2] * b[3] - both, 1e-9)


def holds(box, point):
    return box[0] <= point[0] <= box[0] + box[2] and box[1] <= point[1] <= box[1] + box[3]


def records(path):
    with open(path, encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def spread(items, count):
    """Returns `count` of the items, spread evenly."""
    if not count or len(items) <= count:
        return items
    return [items[i * len(items) // count] for i in range(count)]


def known(record, file, source):
    """Makes a row, or None if the face or its age is not known. Not every set has a gender."""
    if not (record["nose_x"] and (record.get("age") or record.get("age_min"))):
        return None
    if not float(record.get("score") or 1):
        return None
    return Row(
        path=record.get("path") or record["file"],
        file=file,
        source=record.get("source") or source,
        age=float(record["age"]) if record.get("age") else None,
        bracket=(float(record["age_min"]), float(record.get("age_max") or math.inf)) if record.get("age_min") else None,
        female=record["gender"] == "female" if record["gender"] else None,
        race=record["race"].replace("_", " "),
        box=tuple(float(record[f"box_{name}"]) for name in ("x", "y", "w", "h")),
        landmarks=tuple((float(record[f"{name}_x"]), float(record[f"{name}_y"])) for name in POINTS),
    )


def rows(manifests, root, count):
    """Returns the rows of the test parts by source, or those of shared/data/eval without a manifest."""
    if manifests:
        test = [r for manifest in manifests for r in records(manifest) if r["split"] == "test"]
        found = [known(r, os.path.join(root, r["path"]), r["source"]) for r in test]
    else:
        found = [
            known(r, os.path.join(EVAL, source, r["file"]), source)
            for source in ("utkface", "fairface")
            for r in records(os.path.join(EVAL, source + ".csv"))
        ]
    by_source = {}
    for row in found:
        if row:
            by_source.setdefault(row.source, []).append(row)
    return {source: spread(rows, count) for source, rows in by_source.items()}


def scenes(manifest, root, count):
    """Returns the paths of the test scenes, as in the manifest and as files."""
    paths = dict.fromkeys(r["path"] for r in records(manifest) if r["split"] == "test")
    return [(path, os.path.join(root, path)) for path in spread(list(paths), count)]


def pixels(file):
    """Returns RGB, upright. Every program gets the same pixels, and JPEG decoding is not timed."""
    with Image.open(file) as image:
        return np.ascontiguousarray(image.convert("RGB"))


def frame(image, row, width=640, height=480):
    """Returns a camera's frame of one colour with the picture in its middle, and its face there. A picture that is too
    large is shrunk first."""
    whole = Image.new("RGB", (width, height), tuple(int(v) for v in image.mean((0, 1))))
    picture = Image.fromarray(image)
    scale = min(width / picture.width, height / picture.height, 1.0)
    if scale < 1:
        picture = picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.BICUBIC)
    at = (width - picture.width) // 2, (height - picture.height) // 2
    whole.paste(picture, at)
    return np.ascontiguousarray(whole), row.moved(*at, scale)
