#!/usr/bin/env python3
"""Mixes the average weights of two checkpoints of one network (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models").

    build/venv/bin/python scripts/models/mix_checkpoints.py BEFORE AFTER --share 0.7 --out runs/mixed

It writes runs/mixed/best.safetensors, of which SHARE is AFTER's and the rest BEFORE's. Everything else in it is
AFTER's. AFTER's training started from the checkpoint BEFORE. What BEFORE knew about its own sets comes back faster than
what AFTER learned gets lost.
"""
import argparse
import json
import os
import struct
import sys

import numpy

PREFIX = "average/"


def read(path):
    """Returns the header and the numbers of a safetensors file."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        return json.loads(file.read(length)), file.read()


def tensor(header, data, name):
    start, end = header[name]["data_offsets"]
    return numpy.frombuffer(data[start:end], "<f4")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before")
    parser.add_argument("after")
    parser.add_argument("--share", type=float, required=True, help="of AFTER, 0 to 1")
    parser.add_argument("--out", required=True, help="folder of a run")
    options = parser.parse_args()
    before, old = read(options.before)
    after, new = read(options.after)
    names = [name for name in after if name.startswith(PREFIX)]
    for name in names:
        alike = name in before and before[name]["shape"] == after[name]["shape"]
        if not alike or after[name]["dtype"] != "F32" or before[name]["dtype"] != "F32":
            sys.exit(f"{name} is not the same in both: the networks differ")
    if not names:
        sys.exit(f"{options.after} has no average weights")
    mixed = bytearray(new)
    for name in names:
        start, end = after[name]["data_offsets"]
        value = (1 - options.share) * tensor(before, old, name) + options.share * tensor(after, new, name)
        mixed[start:end] = value.astype("<f4").tobytes()
    header = json.dumps(after).encode()
    header += b" " * (-len(header) % 8)
    os.makedirs(options.out, exist_ok=True)
    path = os.path.join(options.out, "best.safetensors")
    with open(path + ".part", "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header + mixed)
    os.replace(path + ".part", path)
    print(f"{path}: {len(names)} tensors, {options.share:g} of them {options.after}")


if __name__ == "__main__":
    main()
