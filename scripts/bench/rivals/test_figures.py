"""Tests the figures of estimators with made-up answers. `scripts/test.sh` runs this."""
import math
from types import SimpleNamespace

import numpy as np

import figures
import pictures


def row(bracket, female=True):
    return SimpleNamespace(age=None, bracket=bracket, female=female, race="")


def person(age, years=()):
    return SimpleNamespace(age=age, years=years, female=True)


def at(*years):
    return tuple(1 / len(years) if year in years else 0.0 for year in range(101))


def test_brackets_are_those_of_the_rows():
    two = [row((0, 17)), row((18, math.inf))]
    right = lambda ages: figures.estimates(list(zip(two, map(person, ages))))["bracket"]
    assert right([17.4, 18.0]) == 1
    assert right([17.5, 99.0]) == 0.5
    # With three brackets the same years mean other brackets.
    three = [*two[:1], row((18, 29)), row((30, math.inf))]
    assert figures.estimates([(r, person(30.0)) for r in three])["bracket"] == 1 / 3


def test_of_a_distribution_the_most_probability_counts():
    brackets = [(0, 17), (18, 29), (30, math.inf)]
    assert figures.bracket(person(20.0, at(3, 4, 20)), brackets) == (0, 17)
    assert figures.bracket(person(20.0, at(17, 18, 29)), brackets) == (18, 29)
    assert figures.bracket(person(20.0, at(29, 30, 100)), brackets) == (30, math.inf)


def test_children_and_adults_by_bracket_and_by_year():
    assert figures.under_10(row((3, 9))) and not figures.under_10(row((10, 19)))
    assert figures.over_18(row((20, 29))) and not figures.over_18(row((10, 19)))
    exact = lambda age: SimpleNamespace(age=age, bracket=None)
    assert figures.over_18(exact(18.0)) and not figures.over_18(exact(17.0))


def test_rows_of_a_manifest_have_their_brackets():
    record = {name: "1" for name in ("box_x", "box_y", "box_w", "box_h")}
    record |= {f"{point}_{axis}": "1" for point in pictures.POINTS for axis in "xy"}
    record |= {"path": "a", "gender": "male", "race": "", "age": "", "age_min": "70", "age_max": ""}
    assert pictures.known(record, "a", "set").bracket == (70, math.inf)
    assert pictures.known(record | {"age_max": "79"}, "a", "set").bracket == (70, 79)


def test_a_set_without_genders_has_ages_alone():
    rows = [SimpleNamespace(age=age, bracket=None, female=None, race="") for age in (20.0, 40.0)]
    made = figures.estimates(list(zip(rows, [person(23.0), None])))
    assert made["gender"] is None and made["age error"] == 3 and made["found"] == 0.5


def test_a_large_picture_is_shrunk_into_its_frame():
    image = np.zeros((960, 640, 3), np.uint8)
    image[480, 320] = 255
    landmarks = ((0.0, 0.0),) * 2 + ((320.5, 480.5),) + ((0.0, 0.0),) * 2
    row = pictures.Row("a", "a", "aaf", 20.0, None, None, "", (300.0, 460.0, 40.0, 40.0), landmarks)
    frame, moved = pictures.frame(image, row)
    # It takes 320 x 480 of 640 x 480.
    assert frame.shape == (480, 640, 3) and moved.box == (310.0, 230.0, 20.0, 20.0)
    x, y = moved.landmarks[2]
    assert frame[int(y), int(x)].max() == frame.max() > 0
