#!/usr/bin/env python3
"""A kiosk, which follows the faces in front of a camera, and says which screen to show.

    kiosk.py                     the first camera (needs OpenCV: pip install opencv-python-headless)
    kiosk.py --video FILE        a film instead of the camera (needs OpenCV, too)
    kiosk.py --pictures FILE...  each picture as one second of a camera; needs face_predict alone

It prints a line whenever the screen changes. It keeps no picture, and writes nothing else.
"""
import argparse
import time

import face_predict

# How often a picture is shown, and the rate of a film that does not state its own.
FRAMES_A_SECOND = 30
# A first estimate may be wrong by ten years. The mean of ten is steadier.
ENOUGH_ESTIMATES = 10
# Both limits have a margin. In between, everybody sees the neutral screen. docs/howto/choose-thresholds.md has the
# shares of minors and adults for some limits.
SURELY_ADULT = 0.98
SURELY_YOUNGER = 0.20
# The screen changes only if the choice stays the same for so many seconds.
STEADY_SECONDS = 0.5


def choose(faces):
    """Returns the screen for these faces. The largest one is taken as the visitor."""
    if not faces:
        return "nobody"
    face = faces[0]
    if face.track_estimates < ENOUGH_ESTIMATES or face.quality:
        return "neutral"
    adult = face.age_at_least(18)
    if adult >= SURELY_ADULT:
        return "adults"
    return "children" if adult <= SURELY_YOUNGER else "neutral"


def describe(faces):
    """Describes what the choice is based on, for the person who sets the kiosk up."""
    if not faces:
        return ""
    face = faces[0]
    return ", ".join([f"{face.age:.0f} years ({face.age_low:.0f} to {face.age_high:.0f})", f"18 or older with {face.age_at_least(18):.0%}",
                      f"{face.track_estimates} estimates", *face.quality])


def pictures(files):
    """Yields the time, and each file's bytes as often as a camera would see it in a second."""
    for second, file in enumerate(files):
        try:
            with open(file, "rb") as opened:
                data = opened.read()
        except OSError as error:
            raise SystemExit(f"kiosk: {file} cannot be read: {error.strerror}") from None
        for frame in range(FRAMES_A_SECOND):
            yield second + frame / FRAMES_A_SECOND, data, {}


def film(source):
    """Yields the time and the frame of a camera (by its number) or of a file, as OpenCV gives them."""
    try:
        import cv2
    except ImportError:
        raise SystemExit("kiosk: a camera or a film needs OpenCV: pip install opencv-python-headless, or use --pictures FILE") from None

    capture = cv2.VideoCapture(source)
    if not capture.isOpened():
        raise SystemExit(f"kiosk: {source!r} cannot be opened as a camera or film")
    # A camera has a clock, but a film counts its frames.
    rate = capture.get(cv2.CAP_PROP_FPS) or FRAMES_A_SECOND
    start, number = time.monotonic(), 0
    while True:
        good, frame = capture.read()
        if not good:
            # A film may end. A camera that is gone is a failure, which the system's journal should show.
            if isinstance(source, int):
                raise SystemExit(f"kiosk: camera {source} gives no more frames")
            return
        yield time.monotonic() - start if isinstance(source, int) else number / rate, frame, {"format": "BGR"}
        number += 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--camera", type=int, default=0, help="number of the camera (0)")
    parser.add_argument("--video", help="a film instead of the camera")
    parser.add_argument("--pictures", nargs="+", help="pictures instead of the camera")
    options = parser.parse_args()

    frames = pictures(options.pictures) if options.pictures else film(options.video if options.video is not None else options.camera)
    shown, wanted, since = None, None, 0.0
    with face_predict.Model() as model:
        tracker = face_predict.Tracker(model)
        for now, frame, how in frames:
            try:
                faces = tracker.update(frame, now, **how).faces
            except face_predict.ImageError as error:
                # Only pictures are decoded here.
                raise SystemExit(f"kiosk: {options.pictures[int(now)]} cannot be decoded: {error}") from None
            choice = choose(faces)
            if choice != wanted:
                wanted, since = choice, now
            if choice != shown and now - since >= STEADY_SECONDS:
                shown = choice
                print(f"{now:6.1f} s  show {shown:8}  {describe(faces)}".rstrip(), flush=True)


main()
