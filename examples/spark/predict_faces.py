#!/usr/bin/env python3
"""Estimates age and gender in a folder of any number of pictures, with Spark.

    spark-submit predict_faces.py --input /photos --output /faces.parquet [--cropped | --boxes boxes.csv] [--batch 20000]

It reads the pictures through `binaryFile` (local folders, HDFS, s3a://...), and predicts in `mapInPandas` with one
model for each worker process. It appends Parquet with a row for each face. A picture without a face is a row whose
`face` is null, and one that fails is a row with its `error`. A run that was stopped can continue, because pictures that
are in the output are not read again.

The faces are searched, unless --cropped says that each picture is one. A CSV of `path,x,y,width,height` may also give
the faces of each picture. Its paths are as Spark prints them, or relative to the input.

Spark leaves out files and folders whose names begin with `_` or `.`, such as a camera's _DSC0001.JPG. Rename them first.
"""

from __future__ import annotations

import argparse
import functools
import re
import time
from collections.abc import Iterator
from typing import Any, Optional
from urllib.parse import unquote

import pandas as pd
from pyspark.sql import DataFrame, SparkSession, functions
from pyspark.sql.utils import AnalysisException

SCHEMA = """
    path string, picture_width int, picture_height int, face int, x float, y float, width float, height float,
    score float, age float, age_low float, age_high float, adult float, female_probability float, gender string,
    quality array<string>, yaw float, pitch float, roll float, error string
"""
COLUMNS = [column.split()[0] for column in SCHEMA.replace("\n", " ").split(",")]
# Each letter in both cases, since Photo.Jpg is a picture, too.
PICTURES = "*.{%s}" % ",".join("".join(f"[{c}{c.upper()}]" for c in ending) for ending in ("jpg", "jpeg", "png", "webp", "bmp"))
ADULT = 18  # The years of a distribution.

_model: Any = None  # There is one in each worker process, which Spark keeps from task to task.


def model() -> Any:
    """Returns the model of this worker, which its first picture loads."""
    global _model
    if _model is None:
        import face_predict

        _model = face_predict.Model()
    return _model


def rows(path: str, content: Optional[bytes], boxes: Any, cropped: bool) -> Iterator[dict[str, Any]]:
    """Returns the faces of a picture, or the reason why there are none. There is always a row, which says that the
    picture is done."""
    import face_predict

    # If there is no model, no picture would succeed, so the job must fail.
    one = model()
    try:
        given = None if boxes is None else [list(map(float, box)) for box in boxes]
        answer = one.predict(bytes(content or b""), boxes=given, cropped=cropped)
    except face_predict.UnsupportedError:
        raise  # The same holds for a library without decoders or a detector.
    except face_predict.FacePredictError as error:
        yield {"path": path, "error": str(error)}
        return
    picture = {"path": path, "picture_width": answer.width, "picture_height": answer.height}
    if not answer.faces:
        yield picture
    for index, face in enumerate(answer.faces):
        yield {
            **picture,
            "face": index,
            "x": face.box.x,
            "y": face.box.y,
            "width": face.box.width,
            "height": face.box.height,
            "score": face.score,
            "age": face.age,
            "age_low": face.age_low,
            "age_high": face.age_high,
            "adult": face.age_at_least(ADULT),
            "female_probability": face.female_probability,
            "gender": face.gender,
            "quality": list(face.quality),
            "yaw": face.yaw,
            "pitch": face.pitch,
            "roll": face.roll,
        }


def predict(batches: Iterator[pd.DataFrame], cropped: bool = False) -> Iterator[pd.DataFrame]:
    """A function for mapInPandas, which gets `path`, `content` and perhaps `boxes`, and returns faces."""
    for batch in batches:
        boxes = batch["boxes"] if "boxes" in batch else [None] * len(batch)
        found = [row for one in zip(batch["path"], batch["content"], boxes) for row in rows(*one, cropped)]
        yield pd.DataFrame({column: pd.Series([row.get(column) for row in found], dtype=object) for column in COLUMNS})


def listing(spark: SparkSession, source: str) -> tuple[list[str], set[str]]:
    """Returns the paths of all pictures, and of the empty ones among them, which Spark's reader would silently leave
    out."""
    reader = spark.read.format("binaryFile").option("recursiveFileLookup", "true").option("pathGlobFilter", PICTURES)
    files = reader.load(source)
    # They are URLs here, but Hadoop's paths in the column.
    everything = [re.sub("^file:/+", "file:/", unquote(path)) for path in files.inputFiles()]
    filled = {row.path for row in files.select("path").collect()}  # Reads no content.
    return everything, set(everything) - filled


def done(spark: SparkSession, output: str) -> Optional[DataFrame]:
    """Returns the paths that are in the output, or None before the first run."""
    try:
        return spark.read.schema(SCHEMA).parquet(output).select("path").distinct()
    except AnalysisException as error:
        if "PATH_NOT_FOUND" in str(error):
            return None
        raise


def forget_unfinished(spark: SparkSession, output: str) -> None:
    """Deletes what a killed job left beside its output. Spark would commit the tasks that it had finished with the next batch, in which
    their pictures are again."""
    place = spark._jvm.org.apache.hadoop.fs.Path(output, "_temporary")
    place.getFileSystem(spark._jsc.hadoopConfiguration()).delete(place, True)


def qualified(spark: SparkSession, path: str) -> str:
    """Returns a path as Hadoop writes it: `photos` becomes `file:/home/anna/photos`, or `hdfs://host/user/anna/photos`."""
    place = spark._jvm.org.apache.hadoop.fs.Path(path)
    return str(place.getFileSystem(spark._jsc.hadoopConfiguration()).makeQualified(place).toString())


def boxes_by_path(spark: SparkSession, file: str, source: str, pictures: list[str]) -> DataFrame:
    """Returns a list of boxes for each path. Paths without a scheme start from `source`. Fails if they name no picture."""
    given = spark.read.csv(file, header=True, schema="path string, x float, y float, width float, height float")
    path = functions.regexp_replace("path", "^file:/+", "file:/")
    root = functions.lit(qualified(spark, source).rstrip("/") + "/")
    full = functions.when(path.rlike("^[a-z0-9]+:/"), path).otherwise(functions.concat(root, path))
    box = functions.array("x", "y", "width", "height")
    boxes = given.select(full.alias("path"), box.alias("box")).groupBy("path").agg(functions.collect_list("box").alias("boxes")).cache()
    named = {row.path for row in boxes.select("path").collect()}
    unknown = sorted(named - set(pictures))
    if unknown:
        told = f"{file}: {len(unknown)} of {len(named)} paths are no pictures of {source}, such as {unknown[0]}"
        if len(unknown) == len(named):
            raise ValueError(told)
        print(told, flush=True)
    return boxes


def run(
    spark: SparkSession, source: str, output: str, boxes: Optional[str] = None, batch: int = 20000, cropped: bool = False
) -> int:
    """Predicts the pictures that are left, a batch of pictures in each commit. Returns the number of pictures."""
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "64")  # The number of pictures in a worker's memory at once.
    # Otherwise a task of its own would look up each path of a batch.
    spark.conf.set("spark.sql.sources.parallelPartitionDiscovery.parallelism", str(4 * spark.sparkContext.defaultParallelism))
    everything, empty = listing(spark, source)
    forget_unfinished(spark, output)
    old = done(spark, output)
    finished = {row.path for row in old.collect()} if old is not None else set()
    paths = [path for path in everything if path not in finished]
    given = boxes_by_path(spark, boxes, source, everything) if boxes else None
    for start in range(0, len(paths), batch):
        some = paths[start : start + batch]
        began = time.monotonic()
        hollow = [(path, bytearray()) for path in some if path in empty]
        pictures = spark.createDataFrame(hollow, "path string, content binary")
        filled = [re.sub(r"([*?{}\[\]\\])", r"\\\1", path) for path in some if path not in empty]  # They are patterns.
        if filled:
            read = spark.read.format("binaryFile").load(filled).select("path", "content")
            pictures = read.unionByName(pictures) if hollow else read
        if given is not None:
            pictures = pictures.join(functions.broadcast(given), "path", "left").withColumn(
                "boxes", functions.coalesce("boxes", functions.array().cast("array<array<float>>"))
            )
        # Files are packed into few tasks by size. With some hundred pictures in a task, every core is busy to the end.
        tasks = max(spark.sparkContext.defaultParallelism, len(some) // 500)
        pictures.repartition(tasks).mapInPandas(functools.partial(predict, cropped=cropped), SCHEMA).write.mode("append").parquet(output)
        rate = len(some) / (time.monotonic() - began)
        print(f"{min(start + batch, len(paths))} of {len(paths)} pictures, {rate:.0f} a second", flush=True)
    return len(paths)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", required=True, help="folder of pictures, with those below it")
    parser.add_argument("--output", required=True, help="Parquet, appended to")
    faces = parser.add_mutually_exclusive_group()
    faces.add_argument("--boxes", help="CSV of path,x,y,width,height, instead of a search")
    faces.add_argument("--cropped", action="store_true", help="each picture is one face")
    parser.add_argument("--batch", type=int, default=20000, help="pictures between two commits (20000)")
    arguments = parser.parse_args()
    spark = SparkSession.builder.appName("face_predict").getOrCreate()
    run(spark, arguments.input, arguments.output, arguments.boxes, arguments.batch, arguments.cropped)
    spark.stop()


if __name__ == "__main__":
    main()
