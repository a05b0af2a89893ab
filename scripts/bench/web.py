"""Ours beside @vladmandic/face-api's WebAssembly in Chromium, on one core: a frame of 640 x 480 with one face, in turns in one page.

    scripts/build/web.sh build && build/venv/bin/python scripts/bench/web.py [--rounds 40] [--core 0]

Wants the packages that scripts/bench/rivals.sh installs in build/rivals/node. Each number is the median (minimum) of the CPU time of the page's main
thread, which does all the work, as the browser tells it; other programs of the machine count for nothing in it but for what they take of caches.
"""

import argparse
import functools
import http.server
import os
import pathlib
import statistics
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "training/tests"))
from in_browser import Browser  # noqa: E402

RIVAL = ROOT / "build/rivals/node/node_modules/@vladmandic/face-api"
BACKEND = ROOT / "build/rivals/node/node_modules/@tensorflow/tfjs-backend-wasm/dist"

PREPARE = """(async () => {
  const { FacePredict } = await import('/ours/index.js');
  const model = await FacePredict.load();
  const faceapi = await import('/face-api/dist/face-api.esm.js');
  const { tf } = faceapi;
  tf.setWasmPaths('/backend/', true);
  await tf.setBackend('wasm');
  await tf.ready();
  for (const name of ['tinyFaceDetector', 'faceLandmark68Net', 'ageGenderNet']) await faceapi.nets[name].loadFromUri('/face-api/model');
  const blob = await (await fetch('/portrait.png')).blob();
  const bitmap = await createImageBitmap(blob);
  const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 480 });
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.fillStyle = '#555';
  context.fillRect(0, 0, 640, 480);
  context.drawImage(bitmap, 80, 0, 480, 480);
  const data = context.getImageData(0, 0, 640, 480);
  const tensor = tf.browser.fromPixels(data);
  const tracker = model.track();
  let time = 0;
  window.works = {
    ours: async () => (await model.predict(data)).faces.map((face) => face.age),
    'ours, from a canvas': async () => (await model.predict(canvas)).faces.map((face) => face.age),
    'ours, tracker': async () => (await tracker.update(data, (time += 33000))).faces.map((face) => face.age),
    'face-api': async () => (await faceapi.detectAllFaces(tensor, new faceapi.TinyFaceDetectorOptions()).withFaceLandmarks().withAgeAndGender()).map((face) => face.age),
  };
  return { names: Object.keys(works), backend: tf.getBackend(), model: model.name, version: faceapi.version?.faceapi ?? faceapi.version };
})()"""


class Handler(http.server.SimpleHTTPRequestHandler):
    extensions_map = {".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm", "": "application/octet-stream"}

    def log_message(self, *_):
        pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--core", type=int, default=0)
    given = parser.parse_args()
    if not RIVAL.is_dir():
        sys.exit("no face-api: scripts/bench/rivals.sh installs it")
    os.sched_setaffinity(0, {given.core})
    with tempfile.TemporaryDirectory() as name:
        temp = pathlib.Path(name)
        served = temp / "served"
        served.mkdir()
        for link, to in {"ours": ROOT / "build/web/face-predict", "face-api": RIVAL, "backend": BACKEND, "portrait.png": ROOT / "examples/images/eileen_collins.png"}.items():
            (served / link).symlink_to(to)
        (served / "index.html").write_text("<!doctype html><title>bench</title>")
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(served)))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = Browser(temp / "profile", ["--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"])
        browser.call("Performance.enable", timeDomain="threadTicks")
        browser.call("Page.navigate", url=f"http://127.0.0.1:{server.server_port}/")
        browser.wait_for("Page.loadEventFired")

        def run(expression):
            answer = browser.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
            if "exceptionDetails" in answer:
                sys.exit(str(answer["exceptionDetails"]))
            return answer["result"].get("value")

        def cpu():
            return next(m["value"] for m in browser.call("Performance.getMetrics")["metrics"] if m["name"] == "ThreadTime") * 1000

        about = run(PREPARE)
        times, walls, ages = ({name: [] for name in about["names"]} for _ in range(3))
        for i in range(given.rounds + 5):
            for name in about["names"]:
                start = cpu()
                wall, found = run(f"(async () => {{ const start = performance.now(); const found = await works[{name!r}](); return [performance.now() - start, found]; }})()")
                used = cpu() - start
                ages[name] = found
                # The first rounds compile.
                if i >= 5:
                    times[name].append(used)
                    walls[name].append(wall)
        browser.close()
        print(f"{about['model']}; face-api {about['version']}, backend {about['backend']}; {given.rounds} rounds, core {given.core}")
        print("| 640 x 480, one face, Chromium, one core | CPU ms, median (minimum) | wall ms, median (minimum) | ages |\n| --- | ---: | ---: | --- |")
        for name in about["names"]:
            cell = " | ".join(f"{statistics.median(values):.1f} ({min(values):.1f})" for values in [times[name], walls[name]])
            print(f"| {name} | {cell} | {', '.join(f'{age:.1f}' for age in ages[name])} |")


if __name__ == "__main__":
    main()
