#!/usr/bin/env python3
"""The study's table in training/README.md, from files in training/study/ that this program writes.

    scripts/models/study.py run --manifest utk.csv --root DATA --runs runs/study    trains each network with three seeds, judges, collects;
                                                                     goes on where it was, so it may be stopped at any time
    scripts/models/study.py collect NAME --run RUN --metrics metrics.json    a trained network: its log, and what evaluate measured
    scripts/models/study.py wiki --mat wiki.mat                              the figures of the study's own data, from its labels alone
    scripts/models/study.py time --manifest utk.csv --root DATA              seconds a step of each network, in turns
    scripts/models/study.py [--check]                                        the table; --check fails where it is not what would be written

NAME is paper-age, paper-gender, paper-gender-plain (without augmentation), paper-multi or base-utk. FACE_TRAIN is the program, else
target/release/face-train. A network trained with several seeds has a file for each, NAME.SEED.json; its row has the mean, and the least
and the most.
"""
import argparse
import csv
import glob
import json
import os
import re
import statistics
import subprocess
import tempfile
import time
import tomllib

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
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
# The figures of the study, on 52,566 pictures of IMDB-WIKI.
PUBLISHED = ["the study's age network, IMDB-WIKI", "20 at most", "about 1 h", "31,715,841", "11.65 (9.5 on its curve)", "", "9.43", "",
             "", ""], [
    "the study's gender network, IMDB-WIKI", "20 at most", "", "63,074,561", "", "", "", "", "84 to 85", ""]
# The arguments of train for each. The study augmented only its gender network.
ARGUMENTS = {
    "paper-age": ["--arch", "paper-age"],
    "paper-gender-plain": ["--arch", "paper-gender", "--augment", "none"],
    "paper-gender": ["--arch", "paper-gender"],
    "paper-multi": ["--arch", "paper-multi"],
}
KEPT = ["age_mae_raw", "age_median_raw", "age_mae", "age_median", "age_std", "age_min", "age_q25", "age_q75", "age_max", "age_cs5", "gender_accuracy",
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
    with open(os.path.join(options.run, "config.toml"), "rb") as file:
        config = tomllib.load(file)
    with open(os.path.join(options.run, "log.csv"), encoding="utf-8") as file:
        log = list(csv.DictReader(file))
    with open(options.metrics, encoding="utf-8") as file:
        model = json.load(file)["models"][0]
    faces = config["epoch_size"] or options.faces
    scores = [float(row["val_score"]) for row in log]
    best = scores.index(min(scores))
    ended = len(log) == config["epochs"] or len(log) - 1 - best >= config["patience"]
    figures = model["sources"]["utkface"]["all"]
    seed = f".{options.seed}" if options.seed else ""
    watched = {key: float(log[best][f"train utkface_{key}"]) for key in ("mae", "gender") if log[best].get(f"train utkface_{key}")}
    write(f"{options.name}{seed}.json", {
        "arch": config["arch"],
        "half": config["bf16"],
        "augmented": config["augment"]["turn"] > 0,
        "parameters": parameters(config["arch"]),
        "faces": faces,
        "epochs": len(log),
        "best_epoch": best + 1,
        "ended": ended,
        # The rest of an epoch that was stopped at its end takes no time.
        "seconds_an_epoch": round(statistics.median(faces / rate for row in log if (rate := float(row["faces_per_second"])) > 0)),
        "validation_scores": scores,
        "training_figures": watched,
        "test": {key: figures[key] for key in KEPT if key in figures},
    })


def run(options):
    """A step is skipped if its result is there, and a training that was stopped is resumed."""
    unknown = set(options.names) - set(ARGUMENTS)
    if unknown:
        raise SystemExit(f"{', '.join(unknown)}: the networks are {', '.join(ARGUMENTS)}")
    with open(options.manifest, encoding="utf-8") as file:
        file.readline()
        faces = sum(row["split"] == "train" for row in csv.DictReader(file))
    common = ["--manifest", options.manifest, "--root", options.root]

    def face_train(*arguments):
        print("face-train", *arguments, flush=True)
        subprocess.run([FACE_TRAIN, *arguments], check=True)

    for seed in options.seeds:
        for name in options.names or ARGUMENTS:
            folder = os.path.join(options.runs, f"{name}-{seed}")
            done, metrics = os.path.join(folder, "trained"), os.path.join(folder, "test", "metrics.json")
            if not os.path.exists(done):
                resume = ["--resume"] if os.path.exists(os.path.join(folder, "last.safetensors")) else []
                face_train("train", *ARGUMENTS[name], *common, "--run", folder, "--seed", str(seed), *options.more, *resume)
                open(done, "w", encoding="utf-8").close()
            if not os.path.exists(os.path.join(folder, "calibration.json")):
                face_train("calibrate", "--run", folder, *common)
            if not os.path.exists(metrics):
                # The published crops are resized, without a search and without boxes.
                face_train("evaluate", "--model", folder, *common, "--placement", "picture", "--out", os.path.dirname(metrics))
            collect(argparse.Namespace(name=name, seed=seed, run=folder, metrics=metrics, faces=faces))


def wiki(options):
    """Ingests the labels by the study's rules, and writes the figures of explore into training/README.md."""
    with tempfile.TemporaryDirectory() as folder:
        def path(name):
            return os.path.join(folder, name)

        for command in (["ingest", "imdb-wiki", "--mat", options.mat, "--images", folder, "--trust", "--out", path("wiki.csv"),
                         "--funnel", path("funnel.json")],
                        ["explore", path("wiki.csv"), "--no-pictures", "--funnel", path("funnel.json"), "--out", path("wiki.html"),
                         "--summary", path("summary.md")]):
            subprocess.run([FACE_TRAIN, *command], check=True)
        with open(path("summary.md"), encoding="utf-8") as file:
            block("wiki", file.read())


def block(name, text, check=False):
    """Writes `text` between the marks of a block of training/README.md, or checks whether it is there."""
    with open(README, encoding="utf-8") as file:
        current = file.read()
    wanted, number = re.subn(rf"(<!-- {name} -->\n).*?(<!-- end -->)", lambda m: m.group(1) + text + m.group(2), current, flags=re.S)
    if number != 1:
        raise SystemExit(f"training/README.md has no <!-- {name} --> block")
    if wanted != current and check:
        raise SystemExit("training/README.md is not what scripts/models/study.py writes")
    if wanted != current:
        with open(README, "w", encoding="utf-8") as file:
            file.write(wanted)


def seconds(options, arch, steps):
    with tempfile.TemporaryDirectory() as folder:
        command = [FACE_TRAIN, "train", "--arch", arch, "--half", "--manifest", options.manifest, "--root", options.root,
                   "--run", os.path.join(folder, "run"), "--threads", "1", "--workers", "1", "--stop-after", str(steps)]
        start = time.monotonic()
        ended = subprocess.run(command, capture_output=True, check=False, text=True)
        if "interrupted" not in ended.stderr:
            raise SystemExit(f"{' '.join(command)}: {ended.stderr}")
        return time.monotonic() - start


def measure(options):
    """The time of a step is the difference of a long and a short run, since both start alike, and end with a
    checkpoint."""
    times = {arch: [] for arch in ("paper-age", "paper-gender", "paper-multi", "base")}
    for turn in range(options.repeat):
        for arch, found in times.items():
            found.append((seconds(options, arch, 5 + options.steps) - seconds(options, arch, 5)) / options.steps)
            print(f"turn {turn + 1}: {arch} {found[-1]:.3f} s a step", flush=True)
    write("times.json", {"steps": options.steps, "seconds_a_step": {arch: round(min(t), 4) for arch, t in times.items()},
                         "batch": {"paper-age": 32, "paper-gender": 32, "paper-multi": 32, "base": 96}})


def shown(runs, key, scale, digits):
    """Returns a figure with its 95 % interval. For several seeds it is the mean, with the smallest and the largest."""
    figures = [found["test"][key] for found in runs if key in found["test"]]
    if not figures:
        return ""
    values = [figure["value"] * scale for figure in figures]
    low, high = (min(values), max(values)) if len(values) > 1 else (figures[0]["low"] * scale, figures[0]["high"] * scale)
    return f"{statistics.mean(values):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def found_runs(name):
    """Returns the runs of a network: one for each seed, or the one that was collected without a seed."""
    seeds = sorted(os.path.basename(path) for path in glob.glob(os.path.join(PLACE, f"{name}.*.json")))
    return [read(file) for file in seeds] or [found for found in [read(f"{name}.json")] if found]


def table():
    head = ["network", "epochs (best)", "time an epoch", "parameters", "age error, years", "raw output", "median", "within 5 years, %",
            "gender, %", "the same on faces trained on"]
    rows = [list(row) for row in PUBLISHED]
    running = False
    for name, title in TITLES.items():
        runs = found_runs(name)
        if not runs:
            continue
        first = runs[0]
        running |= not all(found["ended"] for found in runs)
        notes = ["augmented"] if first["augmented"] and name in ("paper-age", "paper-multi") else []
        notes += ["bf16"] if first["half"] else []
        notes += [f"{len(runs)} seeds"] if len(runs) > 1 else []
        epochs = ", ".join(f"{found['epochs']} ({found['best_epoch']})" + ("" if found["ended"] else " so far") for found in runs)
        minutes, rest = divmod(round(statistics.median(found["seconds_an_epoch"] for found in runs)), 60)
        watched = [found.get("training_figures", {}) for found in runs]
        said = [f"{statistics.mean(w['mae'] for w in watched):.2f} years"] if all("mae" in w for w in watched) else []
        said += [f"{100 * statistics.mean(w['gender'] for w in watched):.1f} %"] if all("gender" in w for w in watched) else []
        rows.append([", ".join([title, *notes]), epochs, f"{minutes} min {rest:02} s", f"{first['parameters']:,}", shown(runs, "age_mae", 1, 2),
                     shown(runs, "age_mae_raw", 1, 2), shown(runs, "age_median", 1, 2), shown(runs, "age_cs5", 100, 1),
                     shown(runs, "gender_accuracy", 100, 1), ", ".join(said)])
    lines = ["| " + " | ".join(head) + " |", "| --- " * len(head) + "|"] + ["| " + " | ".join(row) + " |" for row in rows]
    text = "\n".join(lines)
    if running:
        text += "\n\nA run marked \"so far\" was ended from outside, neither by its patience nor after its last epoch. Its figures are those of its best weights."
    times = read("times.json")
    if times:
        step = times["seconds_a_step"]
        age, gender, multi = (step[f"paper-{name}"] for name in ("age", "gender", "multi"))
        text += (f"\n\nThe study says that an epoch of the multi-task form takes five times as long as one of a single task. Here the times were "
                 f"measured in turns, in bf16: a step of 32 faces takes {age:.2f} s for age, {gender:.2f} s for gender and {multi:.2f} s for both. "
                 f"Both take {multi / age:.1f} times as long as age alone, and {multi / gender:.1f} times as long as gender alone. That is "
                 f"{100 * (1 - multi / (age + gender)):.0f} % less than one after the other. A face of `base` takes "
                 f"{step['base'] / times['batch']['base'] / (multi / 32):.2f} of the time of one of `paper-multi`.")
    return text + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    commands = parser.add_subparsers(dest="command")
    part = commands.add_parser("collect")
    part.add_argument("name", choices=TITLES)
    part.add_argument("--run", required=True)
    part.add_argument("--metrics", required=True)
    part.add_argument("--seed", type=int, help="the run is one of several seeds")
    part.add_argument("--faces", type=int, help="faces an epoch, where the run's config.toml has 0")
    part = commands.add_parser("run")
    part.add_argument("names", nargs="*", metavar="NAME", help=f"which networks of {', '.join(ARGUMENTS)}; all unless given")
    part.add_argument("--manifest", required=True)
    part.add_argument("--root", required=True)
    part.add_argument("--runs", required=True)
    part.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    part.add_argument("--more", nargs=argparse.REMAINDER, default=[], help="further arguments of train")
    part = commands.add_parser("wiki")
    part.add_argument("--mat", required=True)
    part = commands.add_parser("time")
    part.add_argument("--manifest", required=True)
    part.add_argument("--root", required=True)
    part.add_argument("--steps", type=int, default=30)
    part.add_argument("--repeat", type=int, default=2)
    options = parser.parse_args()
    if options.command:
        {"collect": collect, "time": measure, "run": run, "wiki": wiki}[options.command](options)
    block("study", table(), options.check)


main()
