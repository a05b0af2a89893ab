"""Tests of the binding's own parts: conversions, errors, threads, the command line."""

import ctypes
import io
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import face_predict
from face_predict import _native

TOP = Path(__file__).resolve().parents[3]
PORTRAIT = TOP / "examples" / "images" / "eileen_collins.png"
CASES = TOP / "tests" / "cases"
BOX = (177, 66, 94, 122)


@pytest.fixture(scope="module")
def model():
    return face_predict.Model()


@pytest.fixture(scope="module")
def array():
    return np.asarray(Image.open(PORTRAIT).convert("RGB"))


@pytest.fixture(scope="module")
def right(model):
    return model.predict(PORTRAIT, boxes=[BOX])


def test_every_kind_of_picture_gives_the_same(model, array, right):
    buffer = bytearray(array.tobytes())
    padded = np.zeros((512, 600, 3), np.uint8)
    padded[:, 40:552] = array
    read_only = array.copy()
    read_only.flags.writeable = False
    for picture, more in [
        (str(PORTRAIT), {}),
        (PORTRAIT.read_bytes(), {}),
        (Image.open(PORTRAIT), {}),
        (Image.open(PORTRAIT).convert("RGBA"), {}),
        (array, {}),
        (read_only, {}),
        (padded[:, 40:552], {}),
        (memoryview(buffer).cast("B", (512, 512, 3)), {}),
        (np.dstack([array, array[:, :, :1]]), {}),
        (np.ascontiguousarray(array[..., ::-1]), {"format": "BGR"}),
    ]:
        assert model.predict(picture, boxes=[BOX], **more) == right
    # Sums are computed in another order here.
    for picture, more in [
        (np.ascontiguousarray(np.rot90(array)), {"rotation": 90}),
        (np.ascontiguousarray(array[:, ::-1]), {"mirrored": True}),
    ]:
        face = model.predict(picture, boxes=[BOX], **more).faces[0]
        assert face.age == pytest.approx(right.faces[0].age, abs=0.01)
    assert model.predict(PORTRAIT, boxes=np.array([BOX], np.float32)) == right
    assert model.predict(PORTRAIT, boxes=[face_predict.Box(*BOX)]) == right
    gray = model.predict(Image.open(PORTRAIT).convert("L"), boxes=[BOX])
    assert gray == model.predict(np.asarray(Image.open(PORTRAIT).convert("L"))[:, :, None], boxes=[BOX])


def test_pil_images_are_turned_by_their_exif(model):
    path = CASES / "pictures" / "face_exif6.jpg"
    answer = model.predict(Image.open(path), cropped=True)
    assert (answer.width, answer.height) == (96, 108)
    assert answer.faces[0].age == pytest.approx(model.predict(path, cropped=True).faces[0].age, abs=0.5)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_rotation_of_a_pil_image_comes_after_its_exif(model, array, orientation):
    image, exif = Image.fromarray(array), Image.Exif()
    exif[0x0112] = orientation
    stored = io.BytesIO()
    image.save(stored, "png", exif=exif)
    for rotation in (0, 90, 180, 270):
        for mirrored in (False, True):
            more = {"rotation": rotation, "mirrored": mirrored, "boxes": [BOX]}
            opened = Image.open(io.BytesIO(stored.getvalue()))
            right, answer = model.predict(stored.getvalue(), **more), model.predict(opened, **more)
            assert answer.faces[0].age == pytest.approx(right.faces[0].age, abs=0.01), more
    with pytest.raises(face_predict.ArgumentError, match="rotation is 45"):
        model.predict(Image.open(io.BytesIO(stored.getvalue())), rotation=45)


def test_arrays_are_read_where_they_are(model, array, monkeypatch):
    seen = []
    library = _native.library()
    predict = library.predict

    def spy(handle, image, *rest):
        seen.append(image._obj.planes[0])
        return predict(handle, image, *rest)

    monkeypatch.setattr(library, "predict", spy)
    part = array[10:, 20:]
    model.predict(part, boxes=[BOX])
    assert seen == [part.__array_interface__["data"][0]]


@pytest.mark.parametrize(
    ("picture", "more", "message"),
    [
        (np.zeros((8, 8, 3)), {}, "float64"),
        (np.zeros((8, 8, 3), np.int8), {}, "int8"),
        (np.zeros((8, 8, 3), np.uint16), {}, "uint16"),
        (np.zeros((1, 8, 8, 3), np.uint8), {}, "batch"),
        (np.zeros((3, 8, 8), np.uint8)[:, :, :2], {}, "shape"),
        (np.zeros(16, np.uint8)[::2], {}, "ascontiguousarray"),
        (bytearray(8), {"format": "RGB"}, "format is for arrays"),
        (b"", {"yuv": "BT601_FULL"}, "yuv is for arrays"),
        (Image.new("I", (8, 8)), {}, "mode I"),
        (Image.new("F", (8, 8)), {}, "mode F"),
        (np.zeros((8, 16, 3), np.uint8)[:, ::2], {}, "ascontiguousarray"),
        (np.zeros((3, 8, 8), np.uint8).transpose(1, 2, 0), {}, "ascontiguousarray"),
        (np.zeros((8, 8, 3), np.uint8)[..., ::-1], {}, "format='BGR'"),
        (np.zeros((0, 8, 3), np.uint8), {}, "8x0"),
        (np.zeros((8, 8, 3), np.uint8), {"format": "YUV"}, "YUV"),
        (np.zeros((8, 8, 3), np.uint8), {"format": "RGBA"}, "4"),
        (np.zeros((8, 8, 2), np.uint8), {}, "YUYV"),
        (np.zeros((8, 8, 3), np.uint8), {"format": "NV12"}, "height \\* 3 / 2"),
        (np.zeros((11, 8), np.uint8), {"format": "NV12"}, "height \\* 3 / 2"),
        (np.zeros((12, 7), np.uint8), {"format": "NV12"}, "even width"),
        (np.zeros((12, 16), np.uint8)[:, ::2], {"format": "NV12"}, "ascontiguousarray"),
        (np.zeros((12, 16), np.uint8)[:, :8], {"format": "I420"}, "without padding"),
        (np.zeros((12, 8), np.uint8), {"format": "P010"}, "uint8, P010 is of uint16"),
        (np.zeros((12, 8), ">u2"), {"format": "P010"}, "little-endian"),
        (np.zeros((12, 16), np.uint16)[:, ::2], {"format": "P010"}, "ascontiguousarray"),
        (np.zeros((11, 8), np.uint16), {"format": "P010"}, "height \\* 3 / 2"),
        ([np.zeros((8, 8), np.uint16), np.zeros((3, 4, 2), np.uint16)], {"format": "P010"}, "plane 1 has 48 bytes"),
        ([np.zeros((8, 8), np.uint16), np.zeros((4, 8), np.uint8)], {"format": "P010"}, "uint8"),
        (np.zeros((8, 8, 3), np.uint8), {"format": "YUYV"}, "3 channels"),
        ([np.zeros((8, 8), np.uint8)], {"format": "NV12"}, "2 planes, but 1 are given"),
        ([np.zeros((8, 8), np.uint8)] * 2, {}, "planes need format"),
        ([np.zeros((8, 8), np.uint8)] * 2, {"format": "RGB"}, "planes need format"),
        ([np.zeros((8, 8), np.uint8), np.zeros((4, 4), np.uint8)], {"format": "NV12"}, "stride 1 is 4"),
        ([np.zeros((8, 8), np.uint8), np.zeros((3, 4, 2), np.uint8)], {"format": "NV12"}, "plane 1 has 24 bytes"),
        ([np.zeros((8, 8), np.uint8), np.zeros((4, 4, 3), np.uint8)], {"format": "NV12"}, "rows, columns, 2"),
        ([np.zeros((8, 8), np.uint8), np.zeros((0, 8), np.uint8)], {"format": "NV12"}, "plane 1 is empty"),
        ([np.zeros((8, 8), np.uint8), np.zeros((4, 0, 2), np.uint8)], {"format": "NV12"}, "plane 1 is empty"),
        ([np.zeros((8, 8), np.uint8), np.zeros((4, 4), np.uint8), np.zeros((0, 4), np.uint8)], {"format": "I420"}, "plane 2 is empty"),
        ([np.zeros((8, 8)), np.zeros((4, 4, 2), np.uint8)], {"format": "NV12"}, "float64"),
        ([np.zeros((8, 8, 1), np.uint8), np.zeros((4, 4, 2), np.uint8)], {"format": "NV12"}, "plane 0"),
        ([np.zeros((8, 8), np.uint8), np.zeros((4, 8), np.uint8)[::-1]], {"format": "NV12"}, "top to bottom"),
        ([np.zeros((8, 8), np.uint8), np.zeros((4, 4), np.uint8), np.zeros((4, 8), np.uint8)[:, ::2]], {"format": "I420"}, "1 and 2"),
        ([np.zeros((8, 8), np.uint8), np.zeros((4, 4), np.uint8), None], {"format": "I420"}, "NoneType"),
        (np.zeros((8, 8, 3), np.uint8), {"yuv": "BT601_FULL"}, "RGB has none"),
        (np.zeros((8, 8, 2), np.uint8), {"format": "YUYV", "yuv": "BT2020"}, "BT2020"),
        (np.zeros((8, 8, 3), np.uint8), {"min_score": 1.5}, "min_score"),
        (np.zeros((8, 8, 3), np.uint8), {"min_face_size": 2.5}, "min_face_size"),
        (np.zeros((8, 8, 3), np.uint8), {"rotation": 45}, "45"),
        (np.zeros((8, 8, 3), np.uint8), {"rotation": "90"}, "rotation"),
        (np.zeros((8, 8, 3), np.uint8), {"cropped": False, "boxes": [(1, 2, 3)]}, "boxes"),
        (np.zeros((8, 8, 3), np.uint8), {"cropped": False, "boxes": (1, 2, 3, 4)}, "boxes"),
        (np.zeros((8, 8, 3), np.uint8), {"landmarks": [None]}, "without boxes"),
        (np.zeros((8, 8, 3), np.uint8), {"boxes": [BOX], "landmarks": []}, "boxes of 1"),
        (np.zeros((8, 8, 3), np.uint8), {"boxes": [BOX], "landmarks": [[(1, 2)]]}, "five"),
        (np.zeros((8, 8, 3), np.uint8), {"max_faces": -1}, "max_faces"),
        (np.zeros((8, 8, 3), np.uint8), {"age_coverage": 0}, "age_coverage"),
        (np.zeros((8, 8, 3), np.uint8), {"gender_threshold": 2.0}, "2"),
        (str(PORTRAIT), {"rotation": 90}, "arrays"),
        ("a\0b", {}, "NUL"),
        (None, {}, "NoneType"),
        ([[1, 2], [3, 4]], {}, "list"),
        (Image.new("RGB", (0, 8)), {}, "0x8"),
    ],
)
def test_wrong_arguments(model, picture, more, message):
    with pytest.raises(face_predict.ArgumentError, match=message):
        model.predict(picture, **{"cropped": True, **more})


def frame(format):
    """The portrait's brightness with gray colours, in every form that the binding takes."""
    y = np.asarray(Image.open(PORTRAIT).convert("L"))
    if format == "YUYV":
        return y, [np.dstack([y, np.full_like(y, 128)])]
    gray = np.full((256, 512), 128, np.uint8)
    whole = np.vstack([y, gray])
    if format == "P010":
        # The upper part of each number is used.
        y16, gray, whole = (plane.astype(np.uint16) << 8 | 0x40 for plane in (y, gray, whole))
    wide = np.full((768, 600), 7, whole.dtype)
    wide[:, 8:520] = whole
    if format == "I420":
        pairs = np.full((256, 520), 128, np.uint8)
        return y, [whole, [y, gray[:, :256], gray[:, 256:]], (wide[:512, 8:520], pairs[:, 1:513:2], pairs[:, 0:512:2])]
    return y, [whole, wide[:, 8:520], [y16 if format == "P010" else y, gray], (wide[:512, 8:520], gray.reshape(256, 256, 2))]


@pytest.mark.parametrize("format", ["NV12", "NV21", "I420", "YUYV", "P010"])
def test_camera_frames(model, format):
    y, pictures = frame(format)
    right = model.predict(y, boxes=[BOX]).faces[0]
    for picture in pictures:
        face = model.predict(picture, format=format, yuv="BT601_FULL", boxes=[BOX]).faces[0]
        assert face.age == pytest.approx(right.age, abs=0.02)
        assert model.predict(picture, format=format, rotation=90, boxes=[BOX]).faces


def test_searching(model, array):
    """The detector's own tests check what it finds. This one checks that a search runs and gives plausible faces."""
    for picture in (PORTRAIT, array):
        answer = model.predict(picture, min_face_size=40, min_score=0.01)
        assert (answer.width, answer.height) == (512, 512)
        for face in answer.faces:
            assert face.score >= 0.01 and len(face.landmarks) == 5 and face.yaw is not None
        assert len(model.predict(picture, min_score=0.01, max_faces=1).faces) <= 1
    assert model.predict(array, boxes=[]).faces == ()


def test_tracker(model, array):
    with face_predict.Tracker(model, estimate_every=2, lost_seconds=0.5) as tracker:
        first, second, third = (tracker.update(array, time, boxes=[BOX]).faces[0] for time in (0, 0.033, 0.066))
        assert first.track_id == second.track_id == third.track_id and first.track_id > 0
        assert [face.track_estimates for face in (first, second, third)] == [1, 1, 2]
        assert first.age == pytest.approx(third.age, abs=1e-3)
        with pytest.raises(ValueError, match="back from 66000 to 65000"):
            tracker.update(array, 0.065, boxes=[BOX])
        with pytest.raises(face_predict.ArgumentError, match="frames in memory"):
            tracker.update(PORTRAIT, 1)
        # This is a camera that gives MJPEG.
        assert tracker.update((CASES / "pictures" / "face.jpg").read_bytes(), 0.07).width == 96
        with pytest.raises(face_predict.ArgumentError, match="time is nan"):
            tracker.update(array, float("nan"))
        tracker.reset()
        again = tracker.update(array, 1, boxes=[BOX]).faces[0]
        assert again.track_id > first.track_id and again.track_estimates == 1
        assert tracker.update(Image.open(PORTRAIT), 2).width == 512
    for use in (lambda: tracker.update(array, 9), tracker.reset):
        with pytest.raises(face_predict.ArgumentError, match="tracker is closed"):
            use()
    tracker.close()
    for wrong, message in [({"detect_every": 0}, "detect_every is 0"), ({"lost_seconds": -1}, "lost_seconds is -1")]:
        with pytest.raises(face_predict.ArgumentError, match=message):
            face_predict.Tracker(model, **wrong)


def test_a_tracker_outlives_its_model(array):
    model = face_predict.Model()
    tracker = face_predict.Tracker(model)
    model.close()
    assert tracker.update(array, 0, boxes=[BOX]).faces
    with pytest.raises(face_predict.ArgumentError, match="model is closed"):
        face_predict.Tracker(model)


def test_batch(array, right):
    small = array[60:200, 160:290]
    alone = face_predict.Model()
    with face_predict.Model() as model:
        good = [small, memoryview(np.ascontiguousarray(small)), PORTRAIT, PORTRAIT.read_bytes(), Image.open(PORTRAIT)]
        right = [alone.predict(picture, cropped=True) for picture in good]
        bad = [np.zeros((8, 8)), "absent.jpg", b"no picture", np.zeros((0, 8), np.uint8)]
        answers = model.predict_batch(iter((good + bad) * 9), cropped=True, threads=2)
        assert len(answers) == 81 and answers[:5] == right and answers[-9:-4] == right
        assert [type(error) for error in answers[5:9]] == [
            face_predict.ArgumentError, face_predict.FileError, face_predict.ImageError, face_predict.ArgumentError
        ]
        assert "float64" in str(answers[5]) and "8x0" in str(answers[8])
        # These are failures of the library, and each has its message.
        first, second = model.predict_batch([np.zeros((1, 1, 3), np.uint8), small], gender_threshold=0.1)
        assert first.status == second.status == 2 and str(first) == str(second)
        assert model.predict_batch([]) == []
        planes = [np.zeros((8, 8), np.uint8), np.zeros((4, 8), np.uint8)]
        assert [len(answer.faces) for answer in model.predict_batch([planes, np.zeros((12, 8), np.uint8)], format="NV12", cropped=True)] == [1, 1]
        with pytest.raises(face_predict.ArgumentError, match="format"):
            raise model.predict_batch([small], format="YUV")[0]
    with pytest.raises(face_predict.ArgumentError, match="closed"):
        model.predict_batch([small])
    with pytest.raises(face_predict.ArgumentError, match="2000"):
        alone.predict_batch([small], threads=2000)


def test_errors_are_of_the_built_in_classes_too(model, tmp_path):
    with pytest.raises(OSError, match="absent.jpg") as error:
        model.predict("absent.jpg", cropped=True)
    assert (error.value.status, error.value.status_name) == (20, "FACE_PREDICT_ERROR_IO")
    with pytest.raises(ValueError, match="no JPEG"):
        model.predict(b"no picture", cropped=True)
    with pytest.raises(face_predict.ImageError):
        model.predict(b"", cropped=True)
    with pytest.raises(face_predict.LimitError, match="100"):
        face_predict.Model(max_pixels=100).predict(PORTRAIT, cropped=True)
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    with pytest.raises(face_predict.ModelError, match="bad.onnx"):
        face_predict.Model(tmp_path / "bad.onnx")
    with pytest.raises(face_predict.ModelError):
        face_predict.Model(b"no model")
    with pytest.raises(face_predict.FileError, match="absent.onnx"):
        face_predict.Model("absent.onnx")
    with pytest.raises(face_predict.ArgumentError, match="max_pixels"):
        face_predict.Model(max_pixels=-1)


def test_model_files_and_bytes(model):
    path = CASES / "untrained_gender.onnx"
    names = {face_predict.Model(path).name, face_predict.Model(str(path), str(path)).name, face_predict.Model(path.read_bytes()).name}
    assert names == {f"{model.name} + untrained-gender 0"}


def test_a_closed_model(array):
    with face_predict.Model() as model:
        assert model.predict(array, boxes=[BOX]).faces
    for use in (lambda: model.predict(array, boxes=[BOX]), lambda: model.name):
        with pytest.raises(face_predict.ArgumentError, match="closed"):
            use()
    model.close()
    assert "closed" in repr(model)
    with pytest.raises(TypeError, match="each process"):
        pickle.dumps(model)


def test_results_are_plain_data(right):
    assert pickle.loads(pickle.dumps(right)) == right
    face = right.faces[0]
    assert sum(face.age_distribution) == pytest.approx(1, abs=1e-4)
    assert face.age_low < face.age < face.age_high
    assert face.landmarks is None and face.score is None
    assert face.age_at_least(0) == pytest.approx(1, abs=1e-4)
    assert face.age_at_least(float("inf")) == 0 and face.age_at_least(-1e9) == pytest.approx(1, abs=1e-4)


def test_age_at_least_is_the_librarys(model, array):
    """The dataclass computes it itself, and the C function must agree."""
    library, handle = _native.library(), model._handle
    result = library.result_new()
    region = _native.Region(*map(float, BOX))
    options = _native.Options(ctypes.sizeof(_native.Options), 0, 0, 1, ctypes.pointer(region))
    data = PORTRAIT.read_bytes()
    library.check(library.encoded(handle, data, len(data), options, result))
    face = model.predict(data, boxes=[BOX]).faces[0]
    for years in (-1.5, 0, 12.25, 18, 18.5, 64.99, 99.5, 100, 101, 500):
        assert face.age_at_least(years) == pytest.approx(library.result_age_at_least(result, 0, years), abs=1e-5)
    library.result_free(result)


def test_threads_overlap(model, array):
    """While one thread is inside the library, another one gets there, too, so nobody holds the GIL."""
    spans = []

    def work():
        start = time.monotonic()
        model.predict(array, boxes=[BOX] * 1500)
        spans.append((start, time.monotonic()))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (a, b), (c, d) = spans
    shared = min(b, d) - max(a, c)
    assert shared > 0.5 * min(b - a, d - c), f"{shared:.3f} s of {b - a:.3f} and {d - c:.3f} s"


def test_closing_waits_for_other_threads(array):
    model = face_predict.Model()
    answers = []
    thread = threading.Thread(target=lambda: answers.append(model.predict(array, boxes=[BOX] * 500)))
    thread.start()
    while not model._users:
        time.sleep(0.0005)
    model.close()
    thread.join()
    assert len(answers[0].faces) == 500
    assert model._handle is None and not model._spare


def test_closing_waits_for_a_batch_of_paths():
    model = face_predict.Model()

    def pictures():
        for index in range(40):
            if index == 35:
                model.close()
            yield PORTRAIT

    answers = model.predict_batch(pictures(), cropped=True)
    assert [type(answer) for answer in answers] == [face_predict.Prediction] * 40
    assert model._handle is None and not model._spare


def test_a_path_that_is_no_text_does_not_end_a_batch(model):
    bad, good = model.predict_batch(["a\ud800.png", PORTRAIT], cropped=True)
    assert isinstance(bad, face_predict.ArgumentError) and "not UTF-8" in str(bad)
    assert len(good.faces) == 1


def python(*arguments, **environment):
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env={**_clean(), **environment})


def _clean():
    import os

    return dict(os.environ)


def test_a_name_that_the_output_cannot_write(tmp_path):
    for name in ("顔.png", "b.png"):
        shutil.copy(PORTRAIT, tmp_path / name)
    run = python("-m", "face_predict", "--cropped", str(tmp_path / "顔.png"), str(tmp_path / "b.png"), PYTHONIOENCODING="cp1252")
    assert run.returncode == 0 and run.stdout.count(" years (") == 2, run.stderr


def test_a_kiosk_ends_with_an_error_when_its_camera_is_gone(tmp_path):
    # In place of OpenCV: a camera that gives one frame, and then none.
    (tmp_path / "cv2.py").write_text(
        "import numpy\n"
        "CAP_PROP_FPS = 5\n"
        "class VideoCapture:\n"
        "    def __init__(self, source): self.left = 1\n"
        "    def isOpened(self): return True\n"
        "    def get(self, what): return 30.0\n"
        "    def read(self):\n"
        "        self.left -= 1\n"
        "        return self.left >= 0, numpy.zeros((48, 64, 3), numpy.uint8)\n"
    )
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    run = python(str(TOP / "examples" / "kiosk" / "kiosk.py"), PYTHONPATH=path)
    assert run.returncode == 1 and "camera 0 gives no more frames" in run.stderr, run.stderr


def test_command_line(right):
    run = python("-m", "face_predict", str(PORTRAIT), "absent.jpg", "--json", "--box", "177,66,94,122")
    assert run.returncode == 1, run.stderr
    face, error = map(json.loads, run.stdout.splitlines())
    assert face["age"] == pytest.approx(right.faces[0].age, abs=1e-3)
    assert "absent.jpg" in error["error"]
    assert face["yaw"] is None and face["quality"] == []
    assert "years" in python("-m", "face_predict", str(PORTRAIT), "--cropped").stdout
    run = python("-m", "face_predict", str(PORTRAIT), "--json")
    assert run.returncode == 0, run.stderr
    assert all(line["score"] > 0 for line in map(json.loads, run.stdout.splitlines()))
    run = python("-m", "face_predict", str(CASES / "pictures" / "gradient.png"))
    assert run.returncode == 0 and run.stdout, run.stderr
    assert python("-m", "face_predict", str(PORTRAIT), "--box", "1,2").returncode == 2
    assert python("-m", "face_predict", "--version").stdout.strip() == face_predict.library_version()


def test_a_missing_library():
    run = python("-c", "import face_predict; face_predict.Model()", FACE_PREDICT_LIBRARY="/nowhere/lib.so")
    assert run.returncode == 1 and "LibraryError" in run.stderr and "cargo build --release" in run.stderr


def test_a_file_that_is_no_library(tmp_path):
    (tmp_path / "lib.so").write_text("no library")
    run = python("-c", "import face_predict; face_predict.Model()", FACE_PREDICT_LIBRARY=str(tmp_path / "lib.so"))
    assert run.returncode == 1 and "cannot be loaded" in run.stderr


def compile_c(*arguments):
    """Runs the C compiler. If there is none, the test is skipped, but never in CI."""
    if shutil.which("cc") is None:
        assert "CI" not in os.environ, "no C compiler"
        pytest.skip("no C compiler")
    subprocess.run(["cc", *map(str, arguments)], check=True)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        # A library of another major version need not have any other function.
        ("unsigned face_predict_version(void) { return 3u << 16 | 1; }", "is version 3.0.1.*major version 0.*install"),
        ("unsigned face_predict_version(void) { return 1; }", "no function face_predict_.*install both of one version"),
        ("int other;", "is no face_predict library: set FACE_PREDICT_LIBRARY"),
    ],
)
def test_another_library(tmp_path, source, message):
    (tmp_path / "other.c").write_text(source + "\n")
    library = tmp_path / "libother.so"
    compile_c("-shared", "-fPIC", tmp_path / "other.c", "-o", library)
    run = python("-c", "import face_predict; face_predict.Model()", FACE_PREDICT_LIBRARY=str(library))
    assert run.returncode == 1 and "LibraryError" in run.stderr
    assert re.search(message, run.stderr), run.stderr


def test_structs_are_those_of_the_header(tmp_path):
    """The sizes and offsets are those that tests/c/layout.c prints, and no field is left out."""
    structs = {
        "model_options": "ModelOptions",
        "image": "Image",
        "point": "Point",
        "region": "Region",
        "options": "Options",
        "face": "Face",
        "network": "Network",
        "tracker_options": "TrackerOptions",
    }
    compile_c(f"-I{TOP / 'include'}", TOP / "tests" / "c" / "layout.c", "-o", tmp_path / "layout")
    right, constants = {}, {}
    for line in subprocess.run([tmp_path / "layout"], capture_output=True, text=True, check=True).stdout.splitlines():
        kind, name, number = line.split()
        if kind == "constant":
            constants[name.replace("FACE_PREDICT_", "")] = int(number)
        elif name.partition(".")[0] in structs:
            right[kind, name] = int(number)
    ours = {}
    for name, ctype in structs.items():
        struct = getattr(_native, ctype)
        ours["size", name] = ctypes.sizeof(struct)
        for field, *_ in struct._fields_:
            ours["offset", f"{name}.{field}"] = getattr(struct, field).offset
    assert ours == right
    for prefix, numbers in [
        ("FORMAT", _native.FORMATS), ("YUV", _native.YUV), ("QUALITY", _native.QUALITY), ("TASK", _native.TASKS),
        ("FEATURE", _native.FEATURES),
    ]:
        assert {name: constants[f"{prefix}_{name.upper()}"] for name in numbers} == numbers
    assert (constants["FORMAT_ENCODED"], constants["NO_REGION"]) == (_native.ENCODED, _native.NO_REGION)


def test_bytes_of_a_file_in_any_buffer(model, right):
    data = PORTRAIT.read_bytes()
    jpeg = (CASES / "pictures" / "face_exif6.jpg").read_bytes()
    for buffer in (data, bytearray(data), memoryview(data), np.frombuffer(data, np.uint8)):
        assert model.predict(buffer, boxes=[BOX]) == right
        assert model.predict_batch([buffer], cropped=True) == [model.predict(data, cropped=True)]
    # The rotation of a camera's frame comes after that of the file.
    assert model.predict(jpeg, cropped=True).width == 96
    assert model.predict(jpeg, cropped=True, rotation=90).width == 108
    with pytest.raises(face_predict.ImageError, match="3 bytes are no JPEG"):
        model.predict(bytearray(3))


def test_rows_from_the_lowest_one_up(model, array):
    right = model.predict(array, boxes=[BOX]).faces[0].age
    flipped = np.ascontiguousarray(array[::-1])
    assert model.predict(flipped[::-1], boxes=[BOX]).faces[0].age == pytest.approx(right, abs=0.01)


def test_planes_from_the_lowest_row_up(model, array):
    y = array[:, :, 1].copy()
    u, v = (array[::2, ::2, channel].copy() for channel in (0, 2))
    up = [np.ascontiguousarray(plane[::-1])[::-1] for plane in (y, u, v)]
    ages = [model.predict(planes, format="I420", boxes=[BOX]).faces[0].age for planes in ([y, u, v], up)]
    assert ages[1] == pytest.approx(ages[0], abs=0.01)
    # Colours of another direction would belong to other pixels.
    with pytest.raises(face_predict.ArgumentError, match="in all planes, or in none"):
        model.predict([up[0], u, v], format="I420", boxes=[BOX])


def test_pil_images_of_other_modes(model, tmp_path):
    """Numbers of 16 bits are scaled as the library scales them, and not cut off at 255."""
    gray = np.asarray(Image.open(PORTRAIT).convert("L")).astype(np.uint16)
    path = tmp_path / "gray16.png"
    Image.fromarray((gray * 257 - (gray > 0) * 100).astype(np.uint16)).save(path)
    with Image.open(path) as image:
        assert image.mode.startswith("I")
        by_path, by_pil = model.predict(path), model.predict(image)
    assert len(by_pil.faces) == len(by_path.faces) == 1
    assert by_pil.faces[0].age == pytest.approx(by_path.faces[0].age, abs=0.1)
    portrait = Image.open(PORTRAIT)
    want = model.predict(portrait.convert("L"), boxes=[BOX]).faces[0].age
    for mode in ("LA", "P", "CMYK", "1"):
        face = model.predict(portrait.convert("L").convert(mode), boxes=[BOX]).faces[0]
        assert mode == "1" or face.age == pytest.approx(want, abs=2), mode


def test_a_pil_image_that_cannot_be_read(model, tmp_path):
    (tmp_path / "cut.png").write_bytes(PORTRAIT.read_bytes()[:20000])
    with Image.open(tmp_path / "cut.png") as cut:
        good, bad = model.predict_batch([Image.open(PORTRAIT), cut])
        assert isinstance(bad, face_predict.ImageError) and "cannot be read" in str(bad)
        assert len(good.faces) == 1
        with pytest.raises(face_predict.ImageError):
            model.predict(cut)


def test_boxes_come_back_with_their_index(model, array):
    faces = model.predict(array, boxes=[(177, 66, 20, 26), BOX]).faces
    assert [face.region_index for face in faces] == [1, 0]
    assert model.predict(array, cropped=True).faces[0].region_index is None


def test_what_is_inside(model):
    assert "non-commercial research" in model.license
    detector = model.network("detect")
    assert (detector.name, detector.tasks) == ("detector", ("detect",)) and "WIDER FACE" in detector.license
    assert model.network("age").tasks == ("age", "gender")
    with pytest.raises(face_predict.ArgumentError, match="task is 'smile'"):
        model.network("smile")
    assert {"decode", "detector", "weights"} <= set(face_predict.library_features())
    model.warm_up(320, 240)
    with pytest.raises(face_predict.ArgumentError, match="picture size 0x1"):
        model.warm_up(0, 1)
