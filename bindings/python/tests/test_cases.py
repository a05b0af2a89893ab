"""Runs the list of cases to which every binding must answer alike."""

import json
from pathlib import Path

import numpy as np
import pytest

import face_predict

FOLDER = Path(__file__).resolve().parents[3] / "tests" / "cases"
LIST = json.loads((FOLDER / "cases.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def model():
    return face_predict.Model()


def arguments(case):
    boxes = case.get("boxes")
    out = {
        key: case[key]
        for key in ("cropped", "skip_age", "skip_gender", "fast_search", "try_turns", "max_faces", "age_coverage", "gender_threshold", "min_face_size", "min_score", "crops")
        if key in case
    }
    if boxes is not None:
        out["boxes"] = [boxes[i : i + 4] for i in range(0, len(boxes), 4)]
    if "landmarks" in case:
        flat = case["landmarks"]
        points = [(flat[i], flat[i + 1]) for i in range(0, len(flat), 2)]
        out["landmarks"] = [points[i : i + 5] for i in range(0, len(points), 5)]
    return out


def pixels(case):
    """Makes a view of the bytes with their strides: one array, or one for each plane."""
    raw = np.fromfile(FOLDER / case["picture"], np.uint8)
    format, width, height, strides = case["format"], case["width"], case["height"], case.get("strides", [])

    def view(array, shape, stride, step=1):
        strides = (stride or shape[1] * step, step, 1)[: len(shape)]
        return np.lib.stride_tricks.as_strided(array, shape, strides, writeable=False)

    if format == "P010":
        y, uv = np.split(raw.view("<u2"), [width * height])
        return [y.reshape(height, width), uv.reshape(height // 2, width // 2, 2)]
    columns, rows, step = (width + 1) // 2, (height + 1) // 2, case.get("chroma_step", 1)
    if format in ("NV12", "NV21", "I420"):
        packed = {0: width * height, 1: columns * rows}
        offsets = case.get("offsets") or ([0, packed[0], packed[0] + packed[1]] if format == "I420" else [0, packed[0]])
        # Colours have the padding of the brightness unless they have their own.
        inherited = (strides or [0])[0] // (2 if format == "I420" else 1)
        strides = [*strides, inherited, inherited] if len(strides) < 2 else strides
        strides = strides if strides[0] else [0, 0, 0]
        if "offsets" not in case and strides[0]:
            offsets = [0, strides[0] * height, strides[0] * height + strides[1] * rows]
        planes = [view(raw, (height, width), strides[0])]
        if format == "I420":
            return planes + [view(raw[o:], (rows, columns), s, step) for o, s in zip(offsets[1:], strides[1:])]
        return planes + [view(raw[offsets[1] :], (rows, columns, 2), strides[1], 2)]
    channels = {"GRAY": 1, "RGB": 3, "BGR": 3, "RGBA": 4, "BGRA": 4, "ARGB": 4, "YUYV": 2, "UYVY": 2}[format]
    picture = view(raw, (height, width, channels), strides[0] if strides else 0, channels)
    return picture[::-1] if case.get("bottom_up") else picture


def predict(model, case):
    path = FOLDER / case["picture"]
    if case["input"] == "file":
        return model.predict(path, **arguments(case))
    if case["input"] == "encoded":
        return model.predict(path.read_bytes(), **arguments(case))
    turned = {key: case[key] for key in ("format", "rotation", "mirrored", "yuv") if key in case}
    return model.predict(pixels(case), **turned, **arguments(case))


def test_the_answers_are_of_this_model(model):
    assert model.name == LIST["model"]


@pytest.mark.parametrize("case", LIST["cases"], ids=lambda case: case["name"])
def test_case(model, case):
    if case["status"]:
        if case["input"] == "pixels" and case["status"] == 4:
            pytest.skip("an array cannot be too small for its own shape")
        with pytest.raises(face_predict.FacePredictError) as error:
            predict(model, case)
        if error.value.status:  # The library refuses it, and not the binding.
            assert error.value.status == case["status"]
            assert case["message"] in str(error.value)
        else:
            assert case["input"] == "pixels" and isinstance(error.value, face_predict.ArgumentError)
        return
    answer = predict(model, case)
    assert [answer.width, answer.height] == case["size"]
    assert len(answer.faces) == len(case["faces"])
    years, share = LIST["tolerance"]["years"], LIST["tolerance"]["probability"]

    def same(right, got, tolerance):
        assert (got is None) if right is None else got == pytest.approx(right, abs=tolerance)

    for right, face in zip(case["faces"], answer.faces):
        same(right["age"], face.age, years)
        same(right["age_low"], face.age_low, years)
        same(right["age_high"], face.age_high, years)
        same(right["adult"], face.age_at_least(18), share)
        same(right["female_probability"], face.female_probability, share)
        assert (face.gender or "undecided") == right["gender"]
        assert list(face.quality) == right["quality"]
        same(right["score"], face.score, share)
        for axis, angle in enumerate((face.yaw, face.pitch, face.roll)):
            same(right["pose"] and right["pose"][axis], angle, LIST["tolerance"]["degrees"])
        assert face.track_id is None and face.track_estimates == 0
        box = [face.box.x, face.box.y, face.box.width, face.box.height]
        assert box == pytest.approx(right["box"], abs=LIST["tolerance"]["pixels"])
