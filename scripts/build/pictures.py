#!/usr/bin/env python3
"""Draws the pictures of README and docs/ from the portrait in examples/images, which is in the public domain.

    build/venv/bin/python scripts/build/pictures.py [ANNOTATE]     ANNOTATE: the built example (target/release/examples/annotate)

docs/pictures/portrait.jpg is the portrait with its answer. docs/pictures/doubts.jpg shows the same head three times: out of focus, in the
dark, and small. Each is predicted alone; the library says what speaks against the face.
"""
import os
import subprocess
import sys
import tempfile

from PIL import Image, ImageEnhance, ImageFilter

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ANNOTATE = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "target", "release", "examples", "annotate")
SIDE, GAP = 288, 8


def annotated(picture, folder):
    before, after = (os.path.join(folder, name) for name in ("before.png", "after.png"))
    picture.save(before)
    subprocess.run([ANNOTATE, before, after], check=True, stdout=subprocess.DEVNULL)
    return Image.open(after).convert("RGB")


def small(head):
    """The head in the middle of a large wall."""
    wall = Image.new("RGB", (SIDE, SIDE), (196, 190, 184))
    wall.paste(head.resize((88, 88), Image.Resampling.LANCZOS), ((SIDE - 88) // 2, SIDE - 88))
    return wall


def main():
    portrait = Image.open(os.path.join(ROOT, "examples", "images", "eileen_collins.png")).convert("RGB")
    head = portrait.crop((100, 0, 356, 256)).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    panels = [head.filter(ImageFilter.GaussianBlur(5)), ImageEnhance.Brightness(head).enhance(0.16), small(head)]
    sheet = Image.new("RGB", (len(panels) * (SIDE + GAP) - GAP, SIDE), (255, 255, 255))
    out = os.path.join(ROOT, "docs", "pictures")
    os.makedirs(out, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        annotated(portrait, folder).save(os.path.join(out, "portrait.jpg"), quality=88, optimize=True)
        for number, panel in enumerate(panels):
            sheet.paste(annotated(panel, folder), (number * (SIDE + GAP), 0))
    sheet.save(os.path.join(out, "doubts.jpg"), quality=88, optimize=True)


main()
