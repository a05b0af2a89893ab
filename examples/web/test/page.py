"""Tests the page of examples/web in Chromium: pictures, a camera from a file, and failures.

    scripts/build/web.sh build && build/venv/bin/python examples/web/test/page.py [--screenshots FOLDER]

It needs Debian's chromium, and websocket-client, numpy and Pillow from PyPI. A failure is an AssertionError.
"""

import argparse
import base64
import functools
import http.server
import json
import pathlib
import sys
import tempfile
import threading
import time

from PIL import Image

import fake_camera

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "training/tests"))
from in_browser import Browser  # noqa: E402

PORTRAIT = ROOT / "examples/images/eileen_collins.png"
SECONDS = 90
FLAGS = ["--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--use-fake-device-for-media-stream"]

# This is put before the worker's script, to make it fail as browsers and memory do.
BROKEN = {
    "no WebAssembly": "self.WebAssembly = undefined;",
    "no SIMD": "WebAssembly.validate = () => false;",
    "no memory": """
        const start = WebAssembly.instantiate;
        let exports = null;
        WebAssembly.instantiate = async (module) => {
          const instance = await start(module);
          exports ??= instance.exports;
          return instance;
        };
        let first = true;
        self.addEventListener('message', ({ data }) => {
          if (data.does !== 'predict' || !first) return;
          first = false;
          for (let pages = 16384; pages >= 1; pages >>= 1) try { for (;;) exports.memory.grow(pages); } catch {}
          for (let size = 1 << 30; size >= 16; size >>= 1) while (exports.face_predict_wasm_alloc(size));
        });""",
}


class Server(http.server.ThreadingHTTPServer):
    """Serves the page. `broken` names what its worker lacks, or "no file" for the module."""

    broken = None
    asked = None

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), functools.partial(Handler, directory=folder))
        self.asked = []
        self.origin = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        broken = self.server.broken
        self.server.asked.append(self.path)
        if broken == "no file" and self.path.endswith(".wasm"):
            self.send_error(404)
        elif broken in BROKEN and self.path == "/worker.js":
            text = (BROKEN[broken] + pathlib.Path(self.translate_path(self.path)).read_text()).encode()
            self.send_response(200)
            self.send_header("content-type", "text/javascript")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)
        else:
            super().do_GET()

    def end_headers(self):
        self.send_header("cache-control", "no-store")
        super().end_headers()

    def log_message(self, *_):
        pass


class Page:
    def __init__(self, browser, server):
        self.browser, self.server = browser, server

    def open(self, broken=None):
        self.server.broken = broken
        self.browser.events.clear()
        self.browser.call("Page.navigate", url=self.server.origin + "/")
        self.browser.wait_for("Page.loadEventFired")

    def run(self, expression):
        answer = self.browser.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, expression, why):
        end = time.monotonic() + SECONDS
        while not self.run(expression):
            assert time.monotonic() < end, f"{why}: {self.text()}"
            time.sleep(0.1)

    def text(self):
        return self.run("document.querySelector('main').innerText")

    def status(self, part):
        self.wait(f"document.getElementById('status').textContent.includes({json.dumps(part)})", f"no status “{part}”")

    def choose(self, *files):
        """Opens files as if they were chosen after a press of the button."""
        root = self.browser.call("DOM.getDocument")["root"]["nodeId"]
        node = self.browser.call("DOM.querySelector", nodeId=root, selector="#files")["nodeId"]
        self.browser.call("DOM.setFileInputFiles", nodeId=node, files=[str(file) for file in files])

    def press(self, key):
        text = {"text": "\r"} if key == "Enter" else {}
        code = {"Enter": 13, "Tab": 9}[key]
        for kind in ["keyDown", "keyUp"]:
            self.browser.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **(text if kind == "keyDown" else {}))

    def faults(self):
        """Returns the errors in the console and in the network log."""
        said = []
        for event in self.browser.events:
            given = event.get("params", {})
            if event["method"] == "Runtime.exceptionThrown":
                said.append(given["exceptionDetails"]["text"])
            if event["method"] == "Log.entryAdded" and given["entry"]["level"] == "error":
                said.append(given["entry"]["text"])
            if event["method"] == "Network.requestWillBeSent":
                url = given["request"]["url"]
                if not url.startswith((self.server.origin + "/", "data:", "blob:")):
                    said.append("request: " + url)
        return said


def pictures(page, temp, shoot):
    page.open()
    page.status("Ready.")
    # With the keyboard alone, the first stop is the button, and Enter opens the file dialogue.
    page.press("Tab")
    assert page.run("document.activeElement.id") == "open"
    page.press("Tab")
    assert page.run("document.activeElement.id") == "camera"

    page.choose(PORTRAIT)
    page.status("One face in one picture.")
    text = page.text()
    assert "eileen_collins.png" in text and " years (" in text and "Nothing leaves this page." in text, text
    drawn = """(() => { const canvas = document.querySelector('figure canvas');
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      let white = 0; for (let i = 0; i < data.length; i += 4) white += data[i] === 255 && data[i + 1] === 255 && data[i + 2] === 255;
      return white; })()"""
    assert page.run(drawn) > 500, "no box is drawn"

    # There are several files, of which one is no picture, one is damaged, one is too large and one has no face.
    no_picture = temp / "notes.jpg"
    no_picture.write_text("no picture")
    damaged = temp / "damaged.png"
    damaged.write_bytes(PORTRAIT.read_bytes()[:5000])
    huge = temp / "huge.png"
    Image.new("1", (9000, 9000)).save(huge)
    small = temp / "small.jpg"
    Image.open(PORTRAIT).convert("RGB").resize((200, 200)).filter(__import__("PIL.ImageFilter").ImageFilter.GaussianBlur(3)).save(small)
    page.choose(no_picture, damaged, huge, small, ROOT / "tests/cases/pictures/gradient.png")
    page.status("3 files failed")
    text = page.text()
    for part in ["notes.jpg is no picture", "damaged.png is no picture", "huge.png is too large", "No face was found.", "Against it: ", "in 2 pictures"]:
        assert part in text, f"{part}: {text}"
    # The next picture works, too.
    page.choose(PORTRAIT)
    page.status("One face in one picture.")
    shoot("pictures")
    page.run("document.getElementById('clear').click()")
    assert page.run("document.querySelectorAll('figure').length") == 0

    # Browsers do not turn WebP files by their Exif orientation, so the answer must be about the upright pixels that are shown.
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = temp / "turned.webp"
    Image.open(PORTRAIT).convert("RGB").save(turned, lossless=True, exif=exif)
    page.choose(PORTRAIT, turned)
    page.status("2 faces in 2 pictures.")
    first, second = page.run("[...document.querySelectorAll('figcaption')].map((caption) => caption.innerText.split('\\n').slice(1).join())")
    assert first == second and " years (" in first, (first, second)
    page.run("document.getElementById('clear').click()")

    # Now files are dropped.
    page.run("""(async () => { const response = await fetch('/portrait.png'); const file = new File([await response.blob()], 'dropped.png');
      const given = new DataTransfer(); given.items.add(file);
      document.dispatchEvent(new DragEvent('dragover', { dataTransfer: given, bubbles: true, cancelable: true }));
      if (!document.documentElement.classList.contains('dropping')) throw new Error('no sign that it can be dropped');
      document.dispatchEvent(new DragEvent('drop', { dataTransfer: given, bubbles: true, cancelable: true })); })()""")
    page.status("One face in one picture.")
    assert "dropped.png" in page.text()
    assert not page.faults(), page.faults()


def looks(page, shoot):
    papers = []
    for scheme in ["light", "dark"]:
        page.browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        for width in [1100, 390]:
            page.browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500)
            time.sleep(0.3)
            wide = page.run("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{wide} pixels wider than the screen of {width}"
            contrasts = page.run("""(() => { const light = (colour) => { const [r, g, b] = colour.match(/[\\d.]+/g).map((v) => v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
              return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
              const contrast = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
              const paper = getComputedStyle(document.body).backgroundColor;
              return [paper, ...[...document.querySelectorAll('h1, p, li, span, button')].filter((e) => e.checkVisibility()).map((e) => {
                const own = getComputedStyle(e), behind = own.backgroundColor === 'rgba(0, 0, 0, 0)' ? paper : own.backgroundColor;
                return [contrast(own.color, behind), e.textContent.slice(0, 40)]; })]; })()""")
            papers.append(contrasts[0])
            for contrast, what in contrasts[1:]:
                assert contrast >= 4.5, f"{what}: contrast {contrast:.1f} in {scheme}"
            small = page.run("[...document.querySelectorAll('button')].filter((b) => b.checkVisibility() && b.getBoundingClientRect().height < 40).length")
            assert small == 0, "buttons are too small for a finger"
            shoot(f"{scheme}-{width}")
    assert len(set(papers)) == 2, papers
    page.browser.call("Emulation.setEmulatedMedia", features=[])
    page.browser.call("Emulation.clearDeviceMetricsOverride")


def permission(page, setting):
    page.browser.call("Browser.setPermission", permission={"name": "camera"}, setting=setting, origin=page.server.origin)


def camera(page, shoot):
    page.open()
    page.status("Ready.")
    permission(page, "denied")
    page.run("document.getElementById('camera').focus()")
    page.press("Enter")
    page.status("The camera was refused.")
    permission(page, "granted")
    # It is kept, so that it can be unplugged.
    page.run("""(() => { const devices = navigator.mediaDevices, real = devices.getUserMedia.bind(devices);
      devices.getUserMedia = async (asked) => window.taken = await real(asked); })()""")
    page.press("Enter")
    page.status("The camera runs.")
    page.wait("/Camera, 640 x 480: \\d+ ms a frame/.test(document.querySelector('main').innerText)", "no frames")
    page.wait("document.querySelector('figure').innerText.includes('One face:')", "no face of the camera")
    assert page.run("document.getElementById('camera').getAttribute('aria-pressed')") == "true"
    shoot("camera")
    # A picture is opened meanwhile.
    page.choose(PORTRAIT)
    page.wait("document.querySelector('main').innerText.includes('eileen_collins.png')", "no picture beside the camera")
    page.run("document.getElementById('camera').focus()")
    page.press("Enter")
    page.status("The camera is off.")
    assert page.run("taken.getTracks().every((track) => track.readyState === 'ended')"), "the camera is still on"
    page.press("Enter")
    page.status("The camera runs.")
    page.run("taken.getVideoTracks()[0].dispatchEvent(new Event('ended'))")
    page.status("The camera has gone")
    page.press("Enter")
    page.status("The camera runs.")
    page.press("Enter")
    page.status("The camera is off.")
    page.run("""navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotFoundError'); }""")
    page.press("Enter")
    page.status("There is no camera.")
    assert not page.faults(), page.faults()


def faults(page):
    for broken, part in [("no WebAssembly", "has no WebAssembly"), ("no SIMD", "has no SIMD"), ("no file", "404")]:
        page.open(broken)
        page.status(part)
        assert page.run("document.getElementById('open').disabled")
    page.open("no memory")
    page.status("Ready.")
    page.choose(PORTRAIT)
    page.wait("document.querySelector('main').innerText.includes('There is not enough memory for eileen_collins.png.')", "no sentence of memory")
    page.choose(PORTRAIT)
    page.status("One face in one picture.")


def sources(page):
    """The binding itself runs on the page's own thread. Pictures of every kind must be answered alike."""
    page.open()
    page.status("Ready.")
    answers = page.run("""(async () => {
      const { FacePredict, ImageError, ArgumentError } = await import('./face-predict/index.js');
      const model = await FacePredict.load();
      const blob = await (await fetch('/portrait.png')).blob();
      const img = Object.assign(new Image(), { src: URL.createObjectURL(blob) });
      await img.decode();
      const bitmap = await createImageBitmap(blob);
      const canvas = Object.assign(document.createElement('canvas'), { width: 512, height: 512 });
      const context = canvas.getContext('2d');
      context.drawImage(img, 0, 0);
      const off = new OffscreenCanvas(512, 512);
      off.getContext('2d').drawImage(img, 0, 0);
      const video = Object.assign(document.createElement('video'), { srcObject: canvas.captureStream(), muted: true });
      context.drawImage(img, 0, 0);
      await video.play();
      const turned = new OffscreenCanvas(512, 512);
      const tc = turned.getContext('2d');
      tc.translate(512, 0); tc.rotate(Math.PI / 2); tc.drawImage(img, 0, 0);
      const all = { blob, bytes: await blob.arrayBuffer(), img, bitmap, canvas, off, data: context.getImageData(0, 0, 512, 512),
        frame: new VideoFrame(canvas, { timestamp: 0 }), video };
      const answers = {};
      for (const [name, source] of Object.entries(all)) {
        const { width, height, faces } = await model.predict(source);
        answers[name] = [width, height, faces.length, faces[0]?.age];
      }
      const back = await model.predict(turned, { rotation: 270 });
      answers.turned = [back.width, back.height, back.faces.length, back.faces[0]?.age];
      // A GIF, which only the browser decodes, beside a PNG of the same grays.
      for (const name of ['gray.png', 'gray.gif']) {
        const gray = await model.predict(await (await fetch('/' + name)).blob());
        answers[name] = [gray.width, gray.height, gray.faces.length, gray.faces[0]?.age];
      }
      for (const [source, kind] of [[new Image(), ImageError], [document.createElement('video'), ArgumentError], [new OffscreenCanvas(0, 0), ArgumentError], [document, ArgumentError]])
        await model.predict(source).then(() => { throw new Error('taken'); }, (error) => { if (!(error instanceof kind)) throw error; });
      return answers;
    })()""")
    right = answers["blob"]
    gray = answers.pop("gray.png")
    assert abs(gray[3] - answers["gray.gif"][3]) < 0.05, f"{gray}, {answers.pop('gray.gif')}"
    del answers["gray.gif"]
    for name, answer in answers.items():
        # A film stores the colours of the same picture as other numbers.
        near = 3 if name in ["video", "frame"] else 0.05
        assert answer[:3] == right[:3] == [512, 512, 1] and abs(answer[3] - right[3]) <= near, f"{name}: {answer}, not {right}"
    print("sources:", ", ".join(f"{name} {answer[3]:.2f}" for name, answer in answers.items()))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--screenshots", type=pathlib.Path)
    folder = parser.parse_args().screenshots
    with tempfile.TemporaryDirectory() as name:
        temp = pathlib.Path(name)
        film = temp / "camera.y4m"
        fake_camera.write(PORTRAIT, film)
        served = temp / "served"
        served.mkdir()
        for file in (ROOT / "build/web").iterdir():
            (served / file.name).symlink_to(file)
        (served / "portrait.png").symlink_to(PORTRAIT)
        for name in ["gray.png", "gray.gif"]:
            Image.open(PORTRAIT).convert("L").save(served / name)
        server = Server(str(served))
        browser = Browser(temp / "profile", [*FLAGS, f"--use-file-for-fake-video-capture={film}"])
        page = Page(browser, server)

        def shoot(name):
            if folder:
                folder.mkdir(parents=True, exist_ok=True)
                picture = browser.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
                (folder / f"{name}.png").write_bytes(base64.b64decode(picture))

        try:
            pictures(page, temp, shoot)
            looks(page, shoot)
            camera(page, shoot)
            faults(page)
            sources(page)
            browser.close()
        finally:
            browser.process.kill()
            browser.process.wait()
    print("page: good")


if __name__ == "__main__":
    main()
