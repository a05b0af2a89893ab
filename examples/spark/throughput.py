#!/usr/bin/env python3
"""Compares the job on one core with one thread that does nothing else, on the same pictures in the same run.

    taskset -c 1 python examples/spark/throughput.py FOLDER [--cropped] [--copies 5] [--rounds 3]

Rounds of one thread and of the job with one worker take turns, after one of each to warm up. It counts the CPU time of
all processes of the job (driver, Java, worker), since other programs may use the core meanwhile. It also prints the
time on the clock.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import predict_faces
from pyspark.sql import SparkSession

import face_predict

TICK = os.sysconf("SC_CLK_TCK")


def cpu_of(process: int) -> float:
    """Returns the CPU seconds of a process and of all that it started, even those that have ended."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        children = [child for task in Path(f"/proc/{process}/task").iterdir() for child in (task / "children").read_text().split()]
    except FileNotFoundError:  # It has ended since it was listed.
        return 0
    return sum(map(int, fields[11:15])) / TICK + sum(cpu_of(int(child)) for child in children)


def timed(work, cpu) -> tuple[float, float]:
    """CPU and clock seconds."""
    began = cpu(), time.monotonic()
    work()
    return cpu() - began[0], time.monotonic() - began[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cropped", action="store_true", help="each picture is one face")
    parser.add_argument("--copies", type=int, default=1, help="how often each picture is used")
    parser.add_argument("--limit", type=int, help="of the folder's pictures")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    files = sorted(file for file in arguments.folder.rglob("*") if file.suffix.lower() in (".jpg", ".jpeg", ".png"))[: arguments.limit]
    os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parent)  # For the worker.
    os.environ["PYSPARK_PYTHON"] = sys.executable
    spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    model = face_predict.Model()
    with tempfile.TemporaryDirectory() as temp:
        many = Path(temp) / "many"
        many.mkdir()
        for copy in range(arguments.copies):
            for number, file in enumerate(files):
                (many / f"{copy} {number}{file.suffix.lower()}").symlink_to(file.resolve())
        pictures = sorted(many.iterdir())

        def alone() -> None:
            for picture in pictures:
                model.predict(picture.read_bytes(), cropped=arguments.cropped)

        def job() -> None:
            output = tempfile.mkdtemp(dir=temp) + "/faces.parquet"
            assert predict_faces.run(spark, str(many), output, cropped=arguments.cropped) == len(pictures)

        alone()
        job()
        rounds = [(timed(alone, time.process_time), timed(job, lambda: cpu_of(os.getpid()))) for _ in range(arguments.rounds)]
    spark.stop()
    for name, which in (("CPU second", 0), ("second", 1)):
        one, spread = (statistics.median(len(pictures) / r[i][which] for r in rounds) for i in (0, 1))
        print(f"{len(pictures)} pictures: one thread {one:.0f} a {name}, the job {spread:.0f}: {spread / one:.2f} of it")


if __name__ == "__main__":
    main()
