"""Computes the figures of estimators and detectors from their answers."""
import math
from statistics import mean, median

from pictures import clip, holds, overlap


def chosen(people, row):
    """Returns the answer for the face of the row, whose box contains the nose, or None if there is none."""
    near = [p for p in people if holds(p.box, row.landmarks[2])]
    return max(near, key=lambda p: overlap(p.box, row.box), default=None)


def share(truths):
    truths = list(truths)
    return mean(truths) if truths else None


def bracket(person, brackets):
    """Returns the most probable of `brackets`. For a program without probabilities it is the one of its rounded
    year."""
    if person.years:
        return max(brackets, key=lambda b: sum(person.years[int(b[0]):None if math.isinf(b[1]) else int(b[1]) + 1]))
    return max((b for b in brackets if b[0] <= max(math.floor(person.age + 0.5), 0)), default=brackets[0])


def estimates(pairs):
    """Computes the figures from rows and their answers, which are None if the face was not found."""
    seen = [(row, person) for row, person in pairs if person]
    aged = [abs(row.age - person.age) for row, person in seen if row.age is not None]
    labelled = [(row, person) for row, person in seen if row.female is not None]
    right = lambda keep: share(row.female == person.female for row, person in labelled if keep(row))
    figures = {
        "pictures": len(pairs),
        "found": share(person is not None for _, person in pairs),
        "gender": right(lambda row: True),
        "gender under 10": right(under_10),
        "gender over 18": right(over_18),
    }
    if aged:
        figures["age error"] = mean(aged)
        figures["within 5"] = share(error <= 5 for error in aged)
    else:
        # The brackets are those of the rows, since each set has its own.
        brackets = sorted({row.bracket for row, _ in pairs})
        figures["bracket"] = share(row.bracket == bracket(person, brackets) for row, person in seen)
    for race in sorted({row.race for row, _ in pairs}):
        figures["gender " + race] = right(lambda row: row.race == race)
    return figures


def under_10(row):
    return row.bracket[1] < 10 if row.age is None else row.age < 10


def over_18(row):
    """A bracket that lies on both sides of 18 is left out."""
    return row.bracket[0] >= 18 if row.age is None else row.age >= 18


def found(answers, row, width, height):
    """Returns whether an answer contains the nose, and whether one covers the box by half, as far as boxes lie in the
    picture."""
    boxes = [clip(answer[:4], width, height) for answer in answers]
    return (
        any(holds(box, row.landmarks[2]) for box in boxes),
        any(overlap(box, row.clipped(width, height)) >= 0.5 for box in boxes),
    )


def usual(milliseconds, warm=5):
    """Returns the median without the first calls, which set things up."""
    return median(milliseconds[warm:] or milliseconds)
