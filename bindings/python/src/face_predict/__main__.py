"""python -m face_predict [--json] [--cropped] [--box X,Y,W,H]... [--try-turns] [--model FILE]... IMAGE...

Without --box and --cropped the program searches the faces.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from typing import Any, Optional

from . import Face, FacePredictError, Model, library_version


def _box(text: str) -> tuple[float, ...]:
    numbers = tuple(float(n) for n in text.split(","))
    if len(numbers) != 4:
        raise ValueError
    return numbers


_box.__name__ = "box (wanted: X,Y,W,H)"


def _short(number: Optional[float]) -> Any:
    """Rounds to six digits, as the C example does."""
    return number if number is None or not math.isfinite(number) else float(f"{number:.6g}")


def _record(path: str, index: int, face: Face) -> dict[str, Any]:
    box = face.box
    return {
        "file": path,
        "face": index,
        "x": _short(box.x),
        "y": _short(box.y),
        "width": _short(box.width),
        "height": _short(box.height),
        "score": _short(face.score),
        "age": _short(face.age),
        "age_low": _short(face.age_low),
        "age_high": _short(face.age_high),
        "female_probability": _short(face.female_probability),
        "gender": face.gender or "undecided",
        "quality": list(face.quality),
        "yaw": _short(face.yaw),
        "pitch": _short(face.pitch),
        "roll": _short(face.roll),
    }


def _sentence(path: str, face: Face) -> str:
    box = face.box
    parts = []
    if face.age is not None:
        parts.append(f"{face.age:.0f} years ({face.age_low:.0f} to {face.age_high:.0f})")
    if face.female_probability is not None:
        share = 100 * (1 - face.female_probability if face.gender == "male" else face.female_probability)
        parts.append(f"{face.gender} ({share:.0f} %)" if face.gender else f"gender undecided (female {share:.0f} %)")
    place = f"{path}: face at {box.x:.0f},{box.y:.0f} of {box.width:.0f}x{box.height:.0f}"
    return f"{place}: {', '.join([*parts, *face.quality])}"


def main(arguments: Optional[list[str]] = None) -> int:
    """Returns 0 for a success, 1 if a picture failed, and 2 for wrong arguments."""
    parser = argparse.ArgumentParser(prog="python -m face_predict", description="Estimates the age and the gender of the faces in pictures.")
    parser.add_argument("images", nargs="*", metavar="IMAGE", help="a JPEG, PNG, WebP or BMP file")
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each face, and for each picture that failed")
    parser.add_argument("--cropped", action="store_true", help="take each picture as one face")
    parser.add_argument("--box", action="append", type=_box, metavar="X,Y,W,H", help="a face that was found already; without this option, the faces are searched")
    parser.add_argument("--try-turns", action="store_true", help="also search heads that lie on their side or stand upside down")
    parser.add_argument("--model", action="append", default=[], metavar="FILE", help="a model file to use instead of the built-in model")
    parser.add_argument("--version", action="store_true", help="print the version of the native library")
    given, unknown = parser.parse_known_intermixed_args(arguments)
    if unknown:
        parser.error(f"unknown option {unknown[0]}")
    if given.version:
        print(library_version())
        return 0
    if not given.images:
        parser.error("no picture")
    try:
        model = Model(*given.model)
    except FacePredictError as error:
        print(f"face_predict: {error}", file=sys.stderr)
        return 1
    failed = 0
    for path in given.images:
        try:
            faces = model.predict(path, boxes=given.box, cropped=given.cropped, try_turns=given.try_turns).faces
        except FacePredictError as error:
            failed = 1
            if given.json:
                print(json.dumps({"file": path, "error": str(error)}))
            else:
                print(f"face_predict: {error}", file=sys.stderr)
            continue
        if not faces and not given.json:
            print(f"{path}: no face")
        for index, face in enumerate(faces):
            print(json.dumps(_record(path, index, face)) if given.json else _sentence(path, face))
    return failed


if __name__ == "__main__":
    # A console or pipe of another encoding, as on Windows, must not end the program at the first name that it lacks.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(main())
