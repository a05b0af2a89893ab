#!/usr/bin/env python3
"""Measures what a process holds after it has loaded the built-in model, and the CPU time of loading.

    PYTHONPATH=bindings/python/src FACE_PREDICT_LIBRARY=target/release/deps/libface_predict.so scripts/bench/memory.py

Own memory is Linux's RssAnon. Pages of the library's file are its RssFile; the system can drop them and read them again.
"""
import os
import subprocess
import sys
import time

import face_predict


def resident():
    with open("/proc/self/status", encoding="ascii") as file:
        lines = dict(line.split(":", 1) for line in file)
    return [int(lines[key].split()[0]) / 1000 for key in ("RssAnon", "RssFile")]


def measure(plain):
    before, start = resident(), time.process_time()
    model = face_predict.Model(plain_convolutions=plain)
    spent = (time.process_time() - start) * 1000
    own, file = (after - b for after, b in zip(resident(), before))
    print(f"{model.name}{', plain convolutions' if plain else ''}: {own:.0f} MB of its own, {file:.0f} MB of the library's file, {spent:.0f} ms")


# Each case needs a fresh process.
if len(sys.argv) > 1:
    measure(sys.argv[1] == "plain")
else:
    for case in ("default", "plain"):
        subprocess.run([sys.executable, os.path.abspath(__file__), case], check=True)
