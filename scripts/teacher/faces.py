"""Faces of manifests: crops by their landmarks, disturbed copies, targets."""
import csv
import os

import cv2
import numpy as np

SIDE = 160
# Crops are kept with more around them than is shown, to be turned and moved.
KEPT = 208
ZOOM = 0.954
# Eyes, nose and corners of the mouth in a crop of 112 pixels: ArcFace's (Deng et al. 2019), which the network starts near.
TEMPLATE = np.float32([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]])
MARKS = ("eye_left", "eye_right", "nose", "mouth_left", "mouth_right")
BGR_MEAN = np.float32([103.939, 116.779, 123.68])
BRACKETS = [(0, 2), (3, 9), (10, 19), (20, 29), (30, 39), (40, 49), (50, 59), (60, 69), (70, 100)]
YEARS = np.arange(101, dtype=np.float32)


def similarity(source, target):
    """The least-squares similarity from one set of points to another, 2 x 3."""
    a, b = source - source.mean(0), target - target.mean(0)
    size = (a**2).sum()
    p, q = (a * b).sum() / size, (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / size
    turn = np.float64([[p, -q], [q, p]])
    return np.hstack([turn, (target.mean(0) - turn @ source.mean(0))[:, None]])


class Faces:
    """Rows of `manifests` in `splits` that have landmarks; their crops, kept in memory: 130 KB each."""

    def __init__(self, manifests, root, splits):
        self.rows = []
        for path in manifests:
            with open(path, newline="") as file:
                rows = csv.DictReader(line for line in file if not line.startswith("#"))
                self.rows += [row for row in rows if row["split"] in splits]
        column = lambda name, other: np.float32([row[name] or other for row in self.rows])
        self.validation = np.array([row["split"] == "val" for row in self.rows])
        self.exact = np.array([bool(row["age"]) for row in self.rows])
        self.bracket = np.array([bool(row["age_min"]) for row in self.rows])
        self.age, self.first, self.last = column("age", 0), column("age_min", 0), column("age_max", 100)
        self.has_gender = np.float32([row["gender"] in ("male", "female") for row in self.rows])
        self.male = np.float32([row["gender"] == "male" for row in self.rows])
        self.crops = np.empty((len(self.rows), KEPT, KEPT, 3), np.uint8)
        for number, row in enumerate(self.rows):
            self.crops[number] = self.kept(row, root)

    @staticmethod
    def kept(row, root):
        image = cv2.imread(os.path.join(root, row["path"]))
        if image is None:
            raise SystemExit(f"no picture {row['path']} below {root}")
        target = (TEMPLATE - 56) * ZOOM * SIDE / 112 + KEPT / 2
        if row["eye_left_x"]:
            source = np.float32([[row[mark + "_x"], row[mark + "_y"]] for mark in MARKS])
        else:
            # No landmarks were found: the picture is the face.
            side = min(image.shape[:2])
            source = (TEMPLATE - 56) * 0.7 * side / 112 + np.float32(image.shape[1::-1]) / 2
        return cv2.warpAffine(image, similarity(source, target), (KEPT, KEPT), flags=cv2.INTER_LINEAR)

    def targets(self, numbers):
        """A Gaussian around the year as face-train's loader has it, or 1 inside the bracket."""
        age, first, last = (column[numbers][:, None] for column in (self.age, self.first, self.last))
        bell = np.exp(-0.5 * ((YEARS - age) / np.clip(1 + 0.025 * age, 1, 3)) ** 2)
        inside = ((YEARS >= first) & (YEARS <= last)).astype(np.float32)
        return np.where(self.exact[numbers][:, None], bell / bell.sum(1, keepdims=True), inside)

    def images(self, numbers, flip=False, random=None):
        """Crops as the network takes them, N x 3 x SIDE x SIDE; disturbed where there is a source of random numbers."""
        out = np.empty((len(numbers), SIDE, SIDE, 3), np.float32)
        for place, number in enumerate(numbers):
            angle, scale, shift, flipped = 0.0, 1.0, np.zeros(2), flip
            if random is not None:
                angle, scale = np.deg2rad(random.normal(0, 4)), np.exp(random.normal(0, 0.05))
                shift, flipped = random.normal(0, 0.02 * SIDE, 2), random.random() < 0.5
            turn = scale * np.float64([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            move = np.hstack([turn, (SIDE / 2 + shift - turn @ [KEPT / 2, KEPT / 2])[:, None]])
            if flipped:
                move[0] = -move[0] + [0, 0, SIDE]
            image = cv2.warpAffine(self.crops[number], move, (SIDE, SIDE), flags=cv2.INTER_LINEAR)
            out[place] = image if random is None else disturb(image, random)
        return (out - BGR_MEAN).transpose(0, 3, 1, 2)


def disturb(image, random):
    """Fewer pixels, grey, other light, other colour, something in front."""
    if random.random() < 0.25:
        side = int(SIDE * random.uniform(0.3, 0.8))
        small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
        image = cv2.resize(small, (SIDE, SIDE))
    image = image.astype(np.float32)
    if random.random() < 0.15:
        image = np.repeat(image.mean(2, keepdims=True), 3, 2)
    if random.random() < 0.7:
        image = (image - 128) * random.uniform(0.7, 1.3) + 128 * random.uniform(0.75, 1.25)
    if random.random() < 0.3:
        image = image * random.uniform(0.85, 1.15, 3)
    image = np.clip(image, 0, 255)
    if random.random() < 0.2:
        x, y = random.integers(0, SIDE - 40, 2)
        width, height = random.integers(15, 60, 2)
        image[y : y + height, x : x + width] = random.integers(0, 255)
    return image
