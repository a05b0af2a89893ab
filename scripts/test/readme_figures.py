#!/usr/bin/env python3
"""Checks that the figures in README's tables stand in docs/accuracy.md or docs/benchmarks.md, which the scripts write.

    scripts/test/readme_figures.py

A figure of README may be rounded. A figure that stands in neither page was typed by hand or is out of date, and ends the program with 1.
"""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NUMBER = re.compile(r"(?<![\w.])\d+\.\d+(?![\w.]*\d)")
SECTIONS = {"How good it is": "docs/accuracy.md", "How fast it is": "docs/benchmarks.md"}


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


def main():
    readme, wrong, count = read("README.md"), [], 0
    for section, page in SECTIONS.items():
        body = readme.split(f"## {section}\n")[1].split("\n## ")[0]
        known = [float(number) for number in NUMBER.findall(read(page))]
        for row in (line for line in body.split("\n") if line.startswith("|")):
            # Names in the first column may contain numbers, such as sizes of pictures.
            for number in NUMBER.findall(row.split("|", 2)[2]):
                count += 1
                half = 0.5 * 10 ** -len(number.split(".")[1])
                if not any(abs(float(number) - other) <= half + 1e-9 for other in known):
                    wrong.append(f"README.md, {section}: {number} does not stand in {page}")
    print(*wrong, f"{count} figures of README, {len(wrong)} wrong", sep="\n")
    return 1 if wrong or count < 10 else 0


sys.exit(main())
