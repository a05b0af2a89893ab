"""Tests the job in local mode, with two workers, on a few hundred pictures."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image
from pyspark.sql import SparkSession

import face_predict

sys.path.insert(0, str(Path(__file__).parent))
import predict_faces  # noqa: E402

TOP = Path(__file__).resolve().parents[2]
COUNT = 400
# Java's own: Snappy's native library is the wrong one on a machine that has musl beside glibc.
CODEC = "gzip"
KILLS = 2


@pytest.fixture(scope="module")
def spark():
    # Workers import this module, and threads of other libraries must not take a second core.
    os.environ["PYTHONPATH"] = str(Path(__file__).parent)
    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "4")
        .config("spark.sql.parquet.compression.codec", CODEC)
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Writes crops of the portrait, each of another size, into two folders, and bad files among them."""
    out = tmp_path_factory.mktemp("photos")
    (out / "more").mkdir()
    face = Image.open(TOP / "examples/images/eileen_collins.png").convert("RGB").crop((144, 30, 304, 210))
    for i in range(COUNT):
        picture = face.resize((160 + i % 37, 180 + i % 41))
        picture.save(out / ("more" if i % 2 else ".") / f"face {i:03}.jpg", quality=90)
    face.save(out / "more" / "odd [1] {2} %20 ä.png")  # Its name has patterns and escapes.
    (out / "broken.jpg").write_bytes(b"no picture")
    (out / "more" / "other case.Jpg").write_bytes((out / "face 000.jpg").read_bytes())
    (out / "empty.png").write_bytes(b"")
    (out / "notes.txt").write_text("not looked at")
    return out


def table(spark, output):
    return {(row.path, row.face): row for row in spark.read.parquet(str(output)).collect()}


def test_the_job(spark, folder, tmp_path):
    output = tmp_path / "faces.parquet"
    # The first run warms up the workers, and its time is not printed.
    assert predict_faces.run(spark, str(folder), str(output), cropped=True) == COUNT + 4
    found = table(spark, output)
    assert len(found) == COUNT + 4
    bad = {Path(path).name: row.error for (path, _), row in found.items() if row.error}
    assert set(bad) == {"broken.jpg", "empty.png"} and all("no JPEG" in error for error in bad.values())
    model = face_predict.Model()
    for (path, index), row in list(found.items())[:20]:
        if row.error is None:
            face = model.predict(path.removeprefix("file:"), cropped=True).faces[index]
            assert row.age == pytest.approx(face.age, abs=1e-4)
            assert row.adult == pytest.approx(face.age_at_least(18), abs=1e-5)
            assert (row.gender, row.quality) == (face.gender, list(face.quality))

    # Nothing is left to do. Then only the new picture is.
    assert predict_faces.run(spark, str(folder), str(output), cropped=True) == 0
    (folder / "new.jpg").write_bytes((folder / "face 000.jpg").read_bytes())
    assert predict_faces.run(spark, str(folder), str(output), cropped=True) == 1
    assert len(table(spark, output)) == COUNT + 5
    (folder / "new.jpg").unlink()

    # This is a run that was stopped after its first batch.
    halves = tmp_path / "halves.parquet"
    frame, calls = type(spark.range(1)), []
    original = frame.mapInPandas

    def stop_at_the_second(self, *arguments, **more):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(self, *arguments, **more)

    frame.mapInPandas = stop_at_the_second
    try:
        with pytest.raises(KeyboardInterrupt):
            predict_faces.run(spark, str(folder), str(halves), batch=150, cropped=True)
    finally:
        frame.mapInPandas = original
    assert len(table(spark, halves)) == 150
    assert predict_faces.run(spark, str(folder), str(halves), batch=150, cropped=True) == COUNT + 4 - 150
    assert set(table(spark, halves)) == set(found)


def test_a_library_that_lacks_something_is_no_bad_picture(monkeypatch):
    class Lacking:
        def predict(self, *_, **__):
            raise face_predict.UnsupportedError("this build has no picture decoders")

    def unloadable():
        raise face_predict.UnsupportedError("this build has no built-in model")

    for lacking in (Lacking, unloadable):
        monkeypatch.setattr(predict_faces, "model", lacking)
        with pytest.raises(face_predict.UnsupportedError):
            list(predict_faces.rows("a.jpg", b"", None, True))


def test_boxes(spark, folder, tmp_path):
    small = tmp_path / "two"
    small.mkdir()
    portrait = (TOP / "examples/images/eileen_collins.png").read_bytes()
    (small / "a.png").write_bytes(portrait)
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("path,x,y,width,height\na.png,177,66,94,122\na.png,10,10,50,50\n")
    assert predict_faces.run(spark, str(small), str(tmp_path / "out.parquet"), str(boxes)) == 1
    faces = sorted(spark.read.parquet(str(tmp_path / "out.parquet")).collect(), key=lambda row: row.face)
    right = face_predict.Model().predict(portrait, boxes=[(177, 66, 94, 122), (10, 10, 50, 50)]).faces
    assert [face.age for face in faces] == pytest.approx([face.age for face in right], abs=1e-4)
    # The folder may be named in other ways.
    for number, source in enumerate([os.path.relpath(small), f"file://{small}", f"{small}/"]):
        output = str(tmp_path / f"again{number}.parquet")
        assert predict_faces.run(spark, source, output, str(boxes)) == 1
        assert len(spark.read.parquet(output).where("face is not null").collect()) == 2, source
    # A wrong path must not pass for a picture without faces.
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("path,x,y,width,height\nphotos/a.png,177,66,94,122\n")
    with pytest.raises(ValueError, match="1 of 1 paths are no pictures of .*photos/a.png"):
        predict_faces.run(spark, str(small), str(tmp_path / "wrong.parquet"), str(wrong))


def test_searching(spark, folder, tmp_path):
    """The detector's own tests check what it finds. Here each picture must leave its faces, or one row without."""
    some = tmp_path / "some"
    some.mkdir()
    for name in ("face 000.jpg", "face 002.jpg", "broken.jpg"):
        os.link(folder / name, some / name)
    (some / "portrait.png").write_bytes((TOP / "examples/images/eileen_collins.png").read_bytes())
    output = tmp_path / "found.parquet"
    assert predict_faces.run(spark, str(some), str(output)) == 4
    found = table(spark, output)
    model = face_predict.Model()
    for picture in some.iterdir():
        mine = {index: row for (path, index), row in found.items() if Path(path).name == picture.name}
        if picture.name == "broken.jpg":
            assert set(mine) == {None} and mine[None].error
            continue
        faces = model.predict(picture).faces
        assert set(mine) == (set(range(len(faces))) or {None})
        for index, row in mine.items():
            assert row.error is None and row.picture_width > 0
            if index is not None:
                assert row.score == pytest.approx(faces[index].score, abs=1e-4)
                assert row.age == pytest.approx(faces[index].age, abs=1e-3)
    assert predict_faces.run(spark, str(some), str(output)) == 0
    # A list of boxes that names none of them searches nothing.
    boxes = tmp_path / "none.csv"
    boxes.write_text("path,x,y,width,height\n")
    assert predict_faces.run(spark, str(some), str(tmp_path / "none.parquet"), str(boxes)) == 4
    assert {index for _, index in table(spark, tmp_path / "none.parquet")} == {None}


def test_what_a_killed_job_left_is_not_committed(spark, folder, tmp_path):
    some = tmp_path / "some"
    some.mkdir()
    for name in ("face 000.jpg", "face 002.jpg"):
        os.link(folder / name, some / name)
    first, second = tmp_path / "first.parquet", tmp_path / "second.parquet"
    predict_faces.run(spark, str(some), str(first), cropped=True)
    # The job was killed while it moved its finished tasks into the output.
    task = second / "_temporary" / "0" / "task_202611290000000000000_0000_m_000000"
    task.mkdir(parents=True)
    for part in first.glob("part-*"):
        (task / f"old-{part.name}").write_bytes(part.read_bytes())
    predict_faces.run(spark, str(some), str(second), cropped=True)
    assert len(spark.read.parquet(str(second)).collect()) == 2


def killed_within_a_batch(command, output, environment, log):
    """Starts the job, and kills all its processes once it has committed more than was there and works on the next batch."""
    committed = lambda: len(list(output.glob("part-*")))  # noqa: E731
    before = committed()
    process = subprocess.Popen(command, env=environment, start_new_session=True, stdout=log, stderr=log)
    end = time.monotonic() + 600
    while time.monotonic() < end:
        assert process.poll() is None, "the job ended by itself"
        if committed() > before and list(output.glob("_temporary/**/part-*")):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return
        time.sleep(0.02)
    raise AssertionError("the job committed nothing within ten minutes")


def test_a_job_that_is_killed_loses_and_doubles_nothing(spark, folder, tmp_path):
    output = tmp_path / "killed.parquet"
    submit = f"--master local[2] --conf spark.sql.parquet.compression.codec={CODEC} --conf spark.ui.enabled=false pyspark-shell"
    environment = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_SUBMIT_ARGS": submit}
    command = [sys.executable, predict_faces.__file__, "--input", str(folder), "--output", str(output), "--cropped", "--batch", "60"]
    with open(tmp_path / "log", "w") as log:
        for _ in range(KILLS):
            killed_within_a_batch(command, output, environment, log)
            done = [row.path for row in spark.read.schema(predict_faces.SCHEMA).parquet(str(output)).collect()]
            assert 0 < len(done) == len(set(done)) < COUNT + 4
        subprocess.run(command, env=environment, check=True, stdout=log, stderr=log)
    # Not `table`, which would hide what is there twice.
    done = [row.path for row in spark.read.parquet(str(output)).collect()]
    pictures = [path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".png")]
    assert sorted(Path(path.removeprefix("file:")) for path in done) == sorted(pictures)
