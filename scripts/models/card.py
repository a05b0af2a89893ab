#!/usr/bin/env python3
"""Writes models/NAME.md and two tables of docs/accuracy.md from what `face-train evaluate` and `evaluate-detector` measured.

    build/venv/bin/python scripts/models/card.py NAME [--check]

Reads models/NAME.onnx (metadata, size, checksum), models/NAME.metrics.json (by landmarks) and, where they exist,
models/NAME.picture.metrics.json (pictures taken as one face), models/NAME.search.metrics.json (faces that the library found
itself), models/NAME.{crops2,crops8}.metrics.json (several crops of each face), models/NAME.{small,blurred,dark,bright}.metrics.json (faces that were
degraded on purpose) and models/NAME.val.metrics.json (the validation part, on which the smallest accepted probability is chosen). For a
detector it reads only models/NAME.metrics.json and models/NAME.still.metrics.json. --check fails if a file differs from what would be
written. The words about data and use are in models/NAME.notes.md.
"""
import hashlib
import json
import math
import os
import re
import sys

import onnx

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
NAME = sys.argv[1]
CHECK = "--check" in sys.argv[2:]


def path(*parts):
    return os.path.join(ROOT, *parts)


def text(name):
    with open(path(name), encoding="utf-8") as file:
        return file.read()


def metrics(name):
    if not os.path.exists(path(name)):
        return None
    return json.loads(text(name))["models"][0]


def show(figures, name, percent):
    figure = figures.get(name)
    # With brackets alone this is the network's own estimate, and not a measurement.
    if not figure or (name == "coverage_80" and "age_mae" not in figures):
        return ""
    scale, digits = (100, 1) if percent else (1, 2)
    value, low, high = (figure[k] * scale for k in ("value", "low", "high"))
    return f"{value:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


COLUMNS = [
    ("age error, years", "age_mae", False),
    ("within 5 years, %", "age_cs5", True),
    ("bracket, %", "bracket_accuracy", True),
    ("in 80 % interval, %", "coverage_80", True),
    ("gender, %", "gender_accuracy", True),
]


# Estimates minus labels: above 0, the group is taken for too old.
BIAS = ("bias, years", "age_bias", False)


QUESTIONS = ["at least 18", "at least 21", "at least 25"]


def order(name):
    """Sorts age bands by age, then the rest by name."""
    start = re.match(r"\d+", name)
    return (0, int(start.group()), name) if start else (1, 0, name)


def table(groups, names):
    columns = [c for c in [COLUMNS[0], BIAS, *COLUMNS[1:]] if any(show(groups[n], c[1], c[2]) for n in names)]
    lines = ["| | faces | " + " | ".join(c[0] for c in columns) + " |", "| --- " * (len(columns) + 2) + "|"]
    for name in names:
        faces = max(figure["faces"] for figure in groups[name].values())
        cells = [show(groups[name], key, percent) for _, key, percent in columns]
        lines.append(f"| {name} | {faces} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def overview(found, title):
    lines = [f"| {title} | faces | " + " | ".join(c[0] for c in COLUMNS) + " |", "| --- " * (len(COLUMNS) + 2) + "|"]
    for source, groups in sorted(found.items(), reverse=True):
        cells = [show(groups["all"], key, percent) for _, key, percent in COLUMNS]
        faces = max(figure["faces"] for figure in groups["all"].values())
        lines.append(f"| {source} | {faces} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def reliability(found):
    """Makes a table of the bins of each question: the share of faces for which the statement was true, and the number of faces."""
    lines = ["| stated probability, % | " + " | ".join(QUESTIONS) + " |", "| --- " * (len(QUESTIONS) + 1) + "|"]
    for tenth in range(10):
        cells = []
        for question in QUESTIONS:
            inside = [b for b in found[question] if tenth / 10 <= b[0] < (tenth + 1) / 10 or (tenth == 9 and b[0] == 1)]
            cells.append(f"{inside[0][1] * 100:.0f} of {inside[0][2]}" if inside else "")
        lines.append(f"| {tenth * 10} to {tenth * 10 + 10} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def diagram(found):
    """Draws the same as a picture. On the diagonal, the stated probability is true."""
    side, edge = 300, 56
    place = lambda x, y: (edge + x * side, 10 + (1 - y) * side)
    colours = dict(zip(QUESTIONS, ["#0072b2", "#d55e00", "#009e73"]))
    svg = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{side + edge + 140}" height="{side + 60}" '
           'font-family="sans-serif" font-size="12">',
           f'<rect width="100%" height="100%" fill="white"/><path d="M{edge} 10v{side}h{side}" fill="none" stroke="#888"/>',
           f'<path d="M{edge} {10 + side}L{edge + side} 10" stroke="#bbb" stroke-dasharray="4"/>']
    for tenth in range(0, 11, 2):
        x, y = place(tenth / 10, 0)
        svg.append(f'<text x="{x:.0f}" y="{y + 18:.0f}" text-anchor="middle">{tenth * 10}</text>')
        x, y = place(0, tenth / 10)
        svg.append(f'<text x="{x - 6:.0f}" y="{y + 4:.0f}" text-anchor="end">{tenth * 10}</text>')
    svg.append(f'<text x="{edge + side / 2:.0f}" y="{side + 48}" text-anchor="middle">stated probability, %</text>')
    svg.append(f'<text transform="translate(16 {10 + side / 2:.0f}) rotate(-90)" text-anchor="middle">faces for which it was true, %</text>')
    svg.append(f'<text x="{edge + side - 8}" y="{side - 12}" text-anchor="end" fill="#666">true less often than stated</text>')
    svg.append(f'<text x="{edge + 8}" y="26" fill="#666">true more often</text>')
    for row, question in enumerate(QUESTIONS):
        points = [place(b[0], b[1]) for b in found[question]]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        svg.append(f'<polyline points="{path}" fill="none" stroke="{colours[question]}" stroke-width="2"/>')
        svg += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colours[question]}"/>' for x, y in points]
        svg.append(f'<text x="{edge + side + 12}" y="{30 + 18 * row}" fill="{colours[question]}">{question}</text>')
    return "\n".join(svg) + "\n</svg>\n"


def least(demands):
    """Returns the smallest accepted probability that lets at most 1 % of the younger faces pass."""
    return next((d["demand"] for d in demands if d["younger_pass"] <= 0.01), None)


def at_most(share, count):
    """Returns the upper end of the 95 % interval of a share (Wilson 1927)."""
    z = 1.96
    middle = share + z * z / (2 * count)
    return (middle + z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))) / (1 + z * z / count)


DEMANDED = "| younger faces that pass, % | at most, % (95 % interval) | others that are refused, % |"


def results(demands, wanted):
    """Returns three cells with what a smallest accepted probability does to the faces of a test part."""
    at = next((d for d in demands if d["demand"] == wanted), None)
    if at is None:
        return ["none", "", ""]
    return [f"{at['younger_pass'] * 100:.1f} of {at['younger']:,}", f"{at_most(at['younger_pass'], at['younger']) * 100:.1f}",
            f"{at['older_refused'] * 100:.1f} of {at['older']:,}"]


def for_all(chosen, found, question):
    """Returns the sets with this question, the smallest accepted probability of each, and the largest of these."""
    sets = [s for s in sorted(found, reverse=True) if found[s].get(question) and chosen.get(s, {}).get(question)]
    own = {s: least(chosen[s][question]) for s in sets}
    return sets, own, max(own.values()) if own and all(own.values()) else None


def demanded(chosen, found):
    """Makes a table by set of the smallest accepted probability that lets at most 1 % of the younger faces of its validation part pass.
    It shows the results on the test part, and those of the largest of these probabilities."""
    lines = ["| question | set | accepted from | chosen on younger faces " + DEMANDED, "| --- " * 7 + "|"]
    for question in QUESTIONS:
        sets, own, largest = for_all(chosen, found, question)
        for s in sets:
            count = chosen[s][question][0]["younger"]
            lines.append(f"| {question} | {s} | {f'{own[s]:g}' if own[s] else 'none'} | {count} | " + " | ".join(results(found[s][question], own[s])) + " |")
        lines += [f"| {question} | {s}, by the largest | {largest:g} | | " + " | ".join(results(found[s][question], largest)) + " |"
                  for s in sets if largest and own[s] != largest]
    return "\n".join(lines)


def adults(chosen, found):
    """Makes the table of docs/howto/choose-thresholds.md: one probability for all sets, and what it does to each."""
    question = QUESTIONS[0]
    sets, _, largest = for_all(chosen, found, question)
    lines = ["| accepted from | set " + DEMANDED, "| --- " * 5 + "|"]
    for wanted in sorted({0.9, 0.95, 0.98, *([largest] if largest else [])}):
        lines += [f"| {wanted:g} | {s} | " + " | ".join(results(found[s][question], wanted)) + " |" for s in sets]
    return "\n".join(lines)


FAULTS = {"small": "10 to 40 pixels in the crop", "blurred": "blurred", "dark": "under-exposed", "bright": "over-exposed"}


def faults(spoiled):
    columns = [("marked, %", "marked", True)] + [c for c in COLUMNS if c[1] != "age_cs5"]
    columns += [("no gender given, %", "gender_undecided", True), ("right among given genders, %", "gender_accuracy_named", True)]
    lines = ["| | " + " | ".join(c[0] for c in columns) + " |", "| --- " * (len(columns) + 1) + "|"]
    for source in ("utkface", "fairface"):
        for fault, title in FAULTS.items():
            groups = spoiled[fault]["sources"].get(source)
            if groups:
                cells = [show(groups["all"], key, percent) for _, key, percent in columns]
                lines.append(f"| {source}, {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def put(name, wanted):
    current = text(name) if os.path.exists(path(name)) else ""
    if current == wanted:
        return
    if CHECK:
        sys.exit(f"{name} is not what scripts/models/card.py {NAME} writes")
    with open(path(name), "w", encoding="utf-8") as file:
        file.write(wanted)


def fill(name, mark, lines):
    """Replaces the block of a page between its mark and the end."""
    block = re.compile(rf"(<!-- {mark} -->\n).*?(<!-- end -->)", re.S)
    wanted, number = block.subn(lambda m: m.group(1) + lines + "\n" + m.group(2), text(name))
    if number != 1:
        sys.exit(f"{name} has no <!-- {mark} --> block")
    put(name, wanted)


def facts(meta, data):
    rows = [("name, version", f"{meta['name']} {meta['version']}"), ("data", meta["data"]),
            ("licence of the weights", meta["license"]), ("git revision", meta["revision"]),
            ("file", f"`models/{NAME}.onnx`, {len(data):,} bytes"), ("SHA-256", f"`{hashlib.sha256(data).hexdigest()}`")]
    rows += [(key, f"`{meta[key]}`") for key in ("input", "age", "gender", "detect") if key in meta]
    lines = "\n".join(f"| {key} | {value} |" for key, value in rows)
    return f"# {NAME}\n\n| | |\n| --- | --- |\n{lines}\n"


def estimator(judged):
    """Returns the figures of a network that estimates age and gender."""
    found = judged["sources"]
    as_picture = metrics(f"models/{NAME}.picture.metrics.json")
    as_found = metrics(f"models/{NAME}.search.metrics.json")
    validation = metrics(f"models/{NAME}.val.metrics.json")
    parts = ["## Figures\n\nAll figures are of the test parts, measured through the library. The ranges in brackets are 95 % bootstrap intervals. "
             "Gender is a label that strangers gave a face, in two values. The age is the median of the distribution. FairFace has "
             "age brackets only; the bracket with the highest probability counts.\n",
             overview(found, "faces placed by landmarks") + "\n"]
    if as_picture:
        parts.append(overview(as_picture["sources"], "picture taken as one face") + "\n")
    if as_found:
        missed = sum("not found" in why for why in as_found["failures"].values())
        unplaced = len(as_found["failures"]) - missed
        parts.append(overview(as_found["sources"], "found in a frame of 640 x 480") + "\n")
        parts.append(f"The built-in detector did not find the face in {missed:,} of the frames. For {unplaced:,} others the data set has no box to compare "
                     "the found faces with. All of these are left out.\n")
    crops = {f"{count} crops": metrics(f"models/{NAME}.crops{count}.metrics.json") for count in (2, 8)}
    if all(crops.values()):
        parts.append("### Several crops\n\nThe option `crops` averages the answers to several crops of each face. Each crop takes as much time as the "
                     "first.\n\n" + beside({"1 crop": judged} | crops) + "\n")
    spoiled = {fault: metrics(f"models/{NAME}.{fault}.metrics.json") for fault in FAULTS}
    if all(spoiled.values()):
        parts.append("### Degraded faces\n\nThe same faces were degraded on purpose, from just noticeable to bad (`evaluate --fault`). A face is `marked` if the "
                     "library gave a reason to trust it less.\n\n" + faults(spoiled) + "\n")
    exact = judged["reliability"].get("utkface", {})
    if all(exact.get(question) for question in QUESTIONS):
        put(f"models/{NAME}.reliability.svg", diagram(exact))
        parts.append("### `age_at_least`\n\nThe faces of UTKFace are grouped by the probability that the network states. Each cell has the percentage "
                     "of these faces for which the statement was true, and the number of faces:\n\n"
                     f"{reliability(exact)}\n\n![Stated probability against the share of faces for which it was true]({NAME}.reliability.svg)\n\n"
                     "On the dashed line, the statement was true as often as stated. Below it, it was true less often.\n")
        demands = validation and validation.get("demands")
        if demands and judged.get("demands"):
            # A bracket such as 10 to 19 is neither younger nor older than 18, so its set would look better than it is.
            exact = {s: d for s, d in judged["demands"].items() if "age_mae" in found[s]["all"]}
            parts.append("A program can accept only answers from some probability on. The table has the smallest such probability by set that lets at most "
                         "1 % of the younger faces of its validation part pass. The other figures are of the test part. The sets need different "
                         "probabilities, and the largest of them refuses more adults. It was chosen on few faces, so a test part may let more "
                         "than 1 % pass. Sets with brackets are left out, because no bracket ends at these ages. "
                         "Faces of minors can look like those of adults, so nobody should rely on this alone.\n\n"
                         f"{demanded(demands, exact)}\n")
            if NAME == "base":
                fill("docs/howto/choose-thresholds.md", "adults", adults(demands, exact))
    for source, groups in sorted(found.items(), reverse=True):
        single = sorted((n for n in groups if " / " not in n and n != "all"), key=order)
        parts.append(f"### {source} by age, gender and race label\n\n{gaps(groups, single)}{table(groups, single)}\n")
    if NAME == "base":
        fill("docs/accuracy.md", "figures", overview(found, "test parts, by landmarks"))
        fill("docs/accuracy.md", "people", people(found["appa"]))
    return parts


def people(groups):
    """Makes a table of the errors on APPA-REAL beside those of the people who guessed these ages."""
    guesses = json.loads(text("models/people.json"))
    lines = ["| age | faces | `base`: error, years | bias | the mean of 40 guesses: error, years | bias | one guess: error, years |",
             "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for name in sorted(guesses, key=order):
        g, of = guesses[name], groups[name]
        if g["faces"] != of["age_mae"]["faces"]:
            sys.exit(f"models/people.json has other faces than the figures of {NAME}, at {name}")
        lines.append(f"| {name} | {g['faces']:,} | {of['age_mae']['value']:.1f} | {of['age_bias']['value']:+.1f} | {g['mean_mae']:.1f} | "
                     f"{g['mean_bias']:+.1f} | {g['one_mae']:.1f} |")
    return "\n".join(lines)


def gaps(groups, names):
    """Names the worst and the best group by age, by gender and by race label."""
    bands = [n for n in names if n[0].isdigit()]
    genders = [n for n in names if n in ("female", "male")]
    lines = []
    for title, key, percent in COLUMNS:
        scale, digits = (100, 1) if percent else (1, 2)
        pairs = []
        for kind in (bands, genders, [n for n in names if n not in bands + genders]):
            values = {n: groups[n][key]["value"] * scale for n in kind if show(groups[n], key, percent) and groups[n][key]["faces"] >= 100}
            if len(values) < 2:
                continue
            low, high = (pick(values, key=values.get) for pick in (min, max))
            if key == "coverage_80":
                # Intervals that cover more than they promise are wrong, too.
                best, worst = (pick(values, key=lambda n: abs(values[n] - 80)) for pick in (min, max))
            else:
                worst, best = (high, low) if key == "age_mae" else (low, high)
            pairs.append(f"{worst} {values[worst]:.{digits}f}, {best} {values[best]:.{digits}f}")
        if pairs:
            lines.append(f"- {title}: {'; '.join(pairs)}")
    return "These are the widest gaps between groups of at least 100 faces, with the worse group first:\n\n" + "\n".join(lines) + "\n\n"


SCENES = [("easy", "easy"), ("medium", "medium"), ("hard", "hard"), ("input 10-20", "10 to 20 pixels of the input"),
          ("input 20-40", "20 to 40"), ("input 40-80", "40 to 80"), ("input 80+", "80 and more"),
          ("uncovered, input 20-40", "20 to 40, uncovered"), ("uncovered, input 40+", "40 and more, uncovered")]


def detector(judged):
    """Returns the figures of a network that finds faces."""
    percent = lambda value: f"{100 * value:.1f}"
    lines = ["| WIDER FACE val | faces | average precision, % | recall at one wrong answer in ten pictures, % | at the threshold, % |",
             "| --- | ---: | ---: | ---: | ---: |"]
    for group, title in SCENES:
        f = judged["scenes"][group]
        cells = [percent(f[k]) for k in ("average_precision", "recall_at_a_tenth", "recall")]
        lines.append(f"| {title} | {f['faces']:,} | " + " | ".join(cells) + " |")
    wrong, empty = judged["scenes"]["hard"]["wrong_a_picture"], judged["without_faces"]
    parts = [f"## Figures\n\nAll figures were measured through the library, at the detector's own input size. The {judged['pictures']:,} scenes were "
             f"neither trained on nor used for choices. At the threshold there are {wrong:.2f} wrong answers for each picture. In {empty['parts']:,} quarters "
             f"of these pictures no face is labelled. The detector finds one in {percent(empty['wrong'])} % of them, and some of these are real.\n", "\n".join(lines) + "\n"]
    for source, portraits in judged["portraits"].items():
        rows = [f"| {source}, pictures of one face | pictures | found, % | wrong answers in each picture | error of the landmarks, % of the eye distance |",
                "| --- | ---: | ---: | ---: | ---: |"]
        rows += [f"| {name} | {v['pictures']:,} | {percent(v['found'])} | {v['wrong']:.3f} | {percent(v['landmarks'])} |"
                 for name, v in portraits["variants"].items()]
        parts.append("\n".join(rows) + "\n")
    return parts


STILL = [("clear, uncovered, picture 20-40", "20 to 40 pixels of the picture, in focus and uncovered"),
         ("clear, uncovered, picture 40+", "40 and more, in focus and uncovered"),
         ("picture 20-40", "20 to 40, all"), ("picture 40-80", "40 to 80, all"), ("picture 80+", "80 and more, all")]


def still(judged, frame):
    """Returns the figures of the search of still pictures, beside those of a tracker's frames if there are any."""
    percent = lambda value: f"{100 * value:.1f}"
    lines = ["| WIDER FACE val, pictures of 1,024 pixels | faces | found, % | recall at one wrong answer in ten pictures, % | a frame's search finds, % |",
             "| --- | ---: | ---: | ---: | ---: |"]
    for group, title in STILL:
        f, other = judged["scenes"][group], frame["scenes"].get(group)
        lines.append(f"| {title} | {f['faces']:,} | {percent(f['recall'])} | {percent(f['recall_at_a_tenth'])} | {percent(other['recall']) if other else ''} |")
    wrong, empty = judged["scenes"]["hard"]["wrong_a_picture"], judged["without_faces"]
    parts = [f"## Still pictures\n\nThe {judged['pictures']:,} scenes were searched at two scales ([DESIGN.md](../DESIGN.md)). At the threshold for still pictures, "
             f"{judged['threshold']:.3f}, there are {wrong:.2f} wrong answers in each picture. In {percent(empty['wrong'])} % of {empty['parts']:,} quarters without a marked face, it finds one.\n",
             "\n".join(lines) + "\n"]
    found = [f"FairFace's portraits ({name})" if source == "fairface" else f"{source} ({name})" for source in judged["portraits"] for name in ("plain",)]
    shares = [percent(judged["portraits"][source]["variants"]["plain"]["found"]) for source in judged["portraits"]]
    if found:
        parts.append("It finds " + ", ".join(f"{share} % of {name}" for name, share in zip(found, shares)) + ".\n")
    if judged.get("kinds"):
        rows = ["| faces of 40 pixels and more, in focus | faces | found, % | of these marked `turned`, % |", "| --- | ---: | ---: | ---: |"]
        for name, k in judged["kinds"].items():
            rows.append(f"| {name} | {k['faces']:,} | {percent(k['found'] / max(k['faces'], 1))} | {percent(k['turned'] / max(k['found'], 1))} |")
        parts.append("The set itself marks profiles and other heads that look aside (\"atypical pose\"), and faces behind masks, hands or others (\"covered\"). "
                     "The library has no mark for a covered face in `quality`.\n\n" + "\n".join(rows) + "\n")
    return parts


def beside(models):
    """Makes a table of the figures of all faces, by source, for several answers to them."""
    lines = ["| | " + " | ".join(c[0] for c in COLUMNS) + " |", "| --- " * (len(COLUMNS) + 1) + "|"]
    # Only what was measured for all of them can be compared.
    in_all = set.intersection(*(set(found["sources"]) for found in models.values()))
    for source in sorted(in_all, reverse=True):
        for name, found in models.items():
            cells = [show(found["sources"][source]["all"], key, percent) for _, key, percent in COLUMNS]
            lines.append(f"| {source}, {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def price(judged, other):
    """Compares with the network that is built in by default, on the same faces."""
    lines = ["The table compares it with [base](base.md) on the same faces:\n"] if "sources" in judged else ["The table compares it with [detector](detector.md):\n"]
    if "sources" in judged:
        lines.append(beside({NAME: judged, "base": other}))
    else:
        rows = [(title, lambda j, g=group: j["scenes"][g]["average_precision"]) for group, title in SCENES]
        rows += [(f"{source} {name}: found", lambda j, s=source, n=name: j["portraits"][s]["variants"][n]["found"])
                 for source, p in judged["portraits"].items() for name in p["variants"]]
        lines.append(f"| average precision, then share found, % | {NAME} | detector |\n| --- | ---: | ---: |")
        lines += [f"| {title} | {100 * of(judged):.1f} | {100 * of(other):.1f} |" for title, of in rows]
    return "## Comparison with the default\n\n" + "\n".join(lines) + "\n"


def main():
    with open(path(f"models/{NAME}.onnx"), "rb") as file:
        data = file.read()
    model = onnx.load_from_string(data)
    meta = {p.key.removeprefix("face_predict."): p.value for p in model.metadata_props}
    judged = metrics(f"models/{NAME}.metrics.json")
    if judged is None:
        sys.exit(f"models/{NAME}.metrics.json: run face-train evaluate first")
    figures = detector(judged) if "detect" in meta else estimator(judged)
    if (of_still := metrics(f"models/{NAME}.still.metrics.json")) is not None:
        figures += still(of_still, judged)
    if NAME.endswith("-open"):
        figures.insert(0, price(judged, metrics(f"models/{NAME.removesuffix('-open')}.metrics.json")))
    put(f"models/{NAME}.md", "\n".join([facts(meta, data), text(f"models/{NAME}.notes.md").strip() + "\n", *figures]))


main()
