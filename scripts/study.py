#!/usr/bin/env python3
"""The study's table in training/README.md, from files in training/study/ that this program writes.

    scripts/study.py collect NAME --run RUN --metrics metrics.json    a trained network: its log, and what evaluate measured
    scripts/study.py time --manifest utk.csv --root DATA              seconds a step of each network, in turns
    scripts/study.py [--check]                                        the table; --check fails where it is not what would be written

NAME is paper-age, paper-gender, paper-gender-plain (without augmentation), paper-multi or base-utk. FACE_TRAIN is the program, else
target/release/face-train.
"""
import argparse
import csv
import json
import os
import re
import statistics
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PLACE = os.path.join(ROOT, "training", "study")
README = os.path.join(ROOT, "training", "README.md")
FACE_TRAIN = os.path.abspath(os.environ.get("FACE_TRAIN", os.path.join(ROOT, "target", "release", "face-train")))
TITLES = {
    "paper-age": "`paper-age`",
    "paper-gender-plain": "`paper-gender`, no augmentation",
    "paper-gender": "`paper-gender`, augmented",
    "paper-multi": "`paper-multi`",
    "base-utk": "our `base`",
}
# What the study reports, on 52,566 pictures of IMDB-WIKI.
PUBLISHED = ["the study's age network, IMDB-WIKI", "20 at most", "about 1 h", "31,715,841", "11.65 (9.5 on its curve)", "9.43", "", ""], [
    "the study's gender network, IMDB-WIKI", "20 at most", "", "63,074,561", "", "", "", "84 to 85"]
KEPT = ["age_mae", "age_median", "age_std", "age_min", "age_q25", "age_q75", "age_max", "age_cs5", "gender_accuracy",
        "gender_recall_female", "gender_recall_male", "gender_auc"]


def write(name, what):
    os.makedirs(PLACE, exist_ok=True)
    with open(os.path.join(PLACE, name), "w", encoding="utf-8") as file:
        json.dump(what, file, indent=1)
        file.write("\n")


def read(name):
    path = os.path.join(PLACE, name)
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def parameters(arch):
    told = subprocess.run([FACE_TRAIN, "summary", "--arch", arch], check=True, capture_output=True, text=True).stdout
    return int(re.search(r"; trained ([\d,]+);", told).group(1).replace(",", ""))


def collect(options):
    with open(os.path.join(options.run, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    with open(os.path.join(options.run, "log.csv"), encoding="utf-8") as file:
        log = list(csv.DictReader(file))
    with open(options.metrics, encoding="utf-8") as file:
        model = json.load(file)["models"][0]
    scores = [float(row["val_score"]) for row in log]
    best = scores.index(min(scores))
    ended = len(log) == config["epochs"] or len(log) - 1 - best >= config["patience"]
    figures = model["sources"]["utkface"]["all"]
    write(f"{options.name}.json", {
        "arch": config["arch"],
        "half": config["half"],
        "augmented": config["augment"]["turn"] > 0,
        "parameters": parameters(config["arch"]),
        "faces": config["epoch_size"],
        "epochs": len(log),
        "best_epoch": best + 1,
        "ended": ended,
        "seconds_an_epoch": round(statistics.median(config["epoch_size"] / float(row["faces_per_second"]) for row in log)),
        "validation_scores": scores,
        "test": {key: figures[key] for key in KEPT if key in figures},
    })


def seconds(options, arch, steps):
    with tempfile.TemporaryDirectory() as folder:
        command = [FACE_TRAIN, "train", "--arch", arch, "--half", "--manifest", options.manifest, "--root", options.root,
                   "--run", os.path.join(folder, "run"), "--threads", "1", "--workers", "1", "--stop-after", str(steps)]
        start = time.monotonic()
        subprocess.run(command, capture_output=True, check=False)
        return time.monotonic() - start


def measure(options):
    """What a step takes is the difference of a long and a short run: both start alike, and end with a checkpoint."""
    times = {arch: [] for arch in ("paper-age", "paper-gender", "paper-multi", "base")}
    for turn in range(options.repeat):
        for arch, found in times.items():
            found.append((seconds(options, arch, 5 + options.steps) - seconds(options, arch, 5)) / options.steps)
            print(f"turn {turn + 1}: {arch} {found[-1]:.3f} s a step", flush=True)
    write("times.json", {"steps": options.steps, "seconds_a_step": {arch: round(min(t), 4) for arch, t in times.items()},
                         "batch": {"paper-age": 32, "paper-gender": 32, "paper-multi": 32, "base": 96}})


def shown(figure, scale, digits):
    if figure is None:
        return ""
    value, low, high = (figure[key] * scale for key in ("value", "low", "high"))
    return f"{value:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def table():
    head = ["network", "epochs (best)", "time an epoch", "parameters", "age error, years", "median", "within 5 years, %", "gender, %"]
    rows = [list(row) for row in PUBLISHED]
    running = False
    for name, title in TITLES.items():
        found = read(f"{name}.json")
        if found is None:
            continue
        test = found["test"]
        running |= not found["ended"]
        epochs = f"{found['epochs']} ({found['best_epoch']})" + ("" if found["ended"] else " so far")
        minutes, rest = divmod(found["seconds_an_epoch"], 60)
        rows.append([title, epochs, f"{minutes} min {rest:02} s", f"{found['parameters']:,}", shown(test.get("age_mae"), 1, 2),
                     shown(test.get("age_median"), 1, 2), shown(test.get("age_cs5"), 100, 1), shown(test.get("gender_accuracy"), 100, 1)])
    lines = ["| " + " | ".join(head) + " |", "| --- " * len(head) + "|"] + ["| " + " | ".join(row) + " |" for row in rows]
    text = "\n".join(lines)
    if running:
        text += "\n\nA run marked \"so far\" was ended from outside, neither by its patience nor after its last epoch; its figures are those of its best weights."
    times = read("times.json")
    if times:
        step = times["seconds_a_step"]
        age, gender, multi = (step[f"paper-{name}"] for name in ("age", "gender", "multi"))
        text += (f"\n\nThe study says that an epoch of the multi-task form takes five times as long as one of a single task. Measured in turns "
                 f"here, a step of 32 faces takes {age:.2f} s for age, {gender:.2f} s for gender and {multi:.2f} s for both: "
                 f"{multi / age:.1f} times as long as age alone and {multi / gender:.1f} times gender alone, and "
                 f"{100 * (1 - multi / (age + gender)):.0f} % less than the two one after the other. A face of `base` takes "
                 f"{step['base'] / times['batch']['base'] / (multi / 32):.2f} of the time that one of `paper-multi` takes.")
    return text + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    commands = parser.add_subparsers(dest="command")
    part = commands.add_parser("collect")
    part.add_argument("name", choices=TITLES)
    part.add_argument("--run", required=True)
    part.add_argument("--metrics", required=True)
    part = commands.add_parser("time")
    part.add_argument("--manifest", required=True)
    part.add_argument("--root", required=True)
    part.add_argument("--steps", type=int, default=30)
    part.add_argument("--repeat", type=int, default=2)
    options = parser.parse_args()
    if options.command:
        {"collect": collect, "time": measure}[options.command](options)
    with open(README, encoding="utf-8") as file:
        current = file.read()
    wanted, number = re.subn(r"(<!-- study -->\n).*?(<!-- end -->)", lambda m: m.group(1) + table() + m.group(2), current, flags=re.S)
    if number != 1:
        raise SystemExit("training/README.md has no <!-- study --> block")
    if options.check and wanted != current:
        raise SystemExit("training/README.md is not what scripts/study.py writes")
    if wanted != current:
        with open(README, "w", encoding="utf-8") as file:
            file.write(wanted)


main()
