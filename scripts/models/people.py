#!/usr/bin/env python3
"""Measures how far people's guesses lie from the real ages of APPA-REAL's test part, and writes models/people.json.

    scripts/models/people.py --manifest appa.csv

The manifest comes from `face-train ingest table`. Its columns `apparent_age` and `apparent_std` are the mean and the standard deviation
of some 40 guesses for each picture. `scripts/models/card.py base` writes the table of docs/accuracy.md from the result.
"""
import argparse
import collections
import csv
import json
import math
import os

OUT = os.path.join(os.path.dirname(__file__), "..", "..", "models", "people.json")
BANDS = [(0, 2), (3, 9), (10, 19), (20, 29), (30, 39), (40, 49), (50, 59), (60, 69)]


def band(age):
    return next((f"{first}-{last}" for first, last in BANDS if first <= age < last + 1), "70+")


def one_guess(offset, spread):
    """Returns the mean error of a single guess: the mean of the folded normal distribution (Leone, Nelson and Nottingham 1961).

    If the mean guess is right and the guesses spread by 5 years, one guess errs by 5 * sqrt(2 / pi) = 4.0 years on average.
    """
    if spread == 0:
        return abs(offset)
    peak = spread * math.sqrt(2 / math.pi) * math.exp(-(offset**2) / (2 * spread**2))
    return peak + offset * math.erf(offset / (spread * math.sqrt(2)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--manifest", required=True)
    with open(parser.parse_args().manifest, encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(line for line in file if not line.startswith("#")) if row["split"] == "test" and row["apparent_age"]]
    if not rows:
        raise SystemExit("the manifest has no apparent ages in its test part")
    groups = collections.defaultdict(list)
    for row in rows:
        age, guess, spread = (float(row[key]) for key in ("age", "apparent_age", "apparent_std"))
        for name in ("all", band(age)):
            groups[name].append((guess - age, one_guess(guess - age, spread)))
    mean = lambda values: round(sum(values) / len(values), 3)
    found = {name: {"faces": len(of), "mean_bias": mean([o for o, _ in of]), "mean_mae": mean([abs(o) for o, _ in of]), "one_mae": mean([e for _, e in of])}
             for name, of in sorted(groups.items())}
    with open(OUT, "w", encoding="utf-8") as file:
        json.dump(found, file, indent=1)
        file.write("\n")


main()
