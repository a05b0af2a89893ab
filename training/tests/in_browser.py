"""Opens pages that face-train wrote in Chromium, without a window, and checks what a reader would see.

    python training/tests/in_browser.py report.html faces.html

The pages are opened in light and dark, on a wide and on a narrow screen. Every figure and picture has a size and lies
inside the page. All parts of a figure lie inside it, and text has contrast with the paper. Nothing is written to the
console, and no request leaves the file. Each fault is printed on its own line, and then the status is 1.

This needs Debian's chromium, and websocket-client from PyPI, because the browser is driven by the DevTools protocol.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import websocket

SCREENS = [(1100, 900), (420, 800)]
SCHEMES = ["light", "dark"]
# A browser that has not answered by then will not answer.
SECONDS = 120

LOOK = r"""
(() => {
  const faults = [], page = document.documentElement;
  const fault = (what, of) => faults.push(what + ': ' + of);
  document.querySelectorAll('details').forEach(details => details.open = true);
  // Of a colour as computed: rgb(r, g, b), or rgba with a fourth number.
  const light = colour => {
    const [r, g, b] = colour.match(/[\d.]+/g).map(v => (v / 255 <= 0.04045) ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  const paper = getComputedStyle(document.body).backgroundColor;
  if (contrast(getComputedStyle(document.body).color, paper) < 4.5) fault('text is hard to read', document.title);
  if (page.scrollWidth > page.clientWidth) fault('the page is wider than the screen', page.scrollWidth);
  const visible = (element, least) => {
    const box = element.getBoundingClientRect();
    const inside = box.left >= 0 && box.right <= page.clientWidth && box.top + scrollY >= 0 && box.bottom + scrollY <= page.scrollHeight;
    return box.width >= least && box.height >= least && inside && element.checkVisibility({opacityProperty: true, visibilityProperty: true});
  };
  const figures = [...document.querySelectorAll('svg')];
  for (const svg of figures) {
    const name = svg.querySelector('title')?.textContent ?? 'a figure without a name', frame = svg.getBoundingClientRect();
    if (!visible(svg, 100)) { fault('figure not visible', name); continue; }
    const marks = [...svg.querySelectorAll('rect, circle, polyline')];
    const drawn = marks.filter(mark => { const b = mark.getBBox(); return b.width + b.height > 0; });
    if (!drawn.length) fault('figure without marks', name);
    for (const part of [...drawn, ...svg.querySelectorAll('text')]) {
      const box = part.getBoundingClientRect(), slack = 1;
      if (box.width + box.height === 0) continue;
      if (box.left < frame.left - slack || box.right > frame.right + slack || box.top < frame.top - slack || box.bottom > frame.bottom + slack)
        fault('part outside of its figure', name + ', ' + (part.textContent || part.outerHTML.slice(0, 90)));
    }
    for (const text of svg.querySelectorAll('text'))
      if (contrast(getComputedStyle(text).fill, paper) < 4.5) { fault('writing is hard to read', name); break; }
    for (const mark of drawn.slice(0, 50)) {
      const style = getComputedStyle(mark), colour = style.fill === 'none' ? style.stroke : style.fill;
      if (contrast(colour, paper) < 2) { fault('marks are hard to see', name); break; }
    }
  }
  const pictures = [...document.querySelectorAll('img')];
  for (const img of pictures)
    if (!img.complete || !img.naturalWidth || !visible(img, 50)) fault('picture not visible', img.alt);
  for (const table of document.querySelectorAll('table'))
    if (!table.rows.length || table.getBoundingClientRect().height < 10) fault('table not visible', table.textContent.slice(0, 60));
  return {faults, figures: figures.length, pictures: pictures.length, paper};
})()
"""


class Browser:
    """Chromium, with one page in it."""

    def __init__(self, profile, more=()):
        program = shutil.which("chromium") or sys.exit("no chromium: scripts/setup.sh installs it")
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
        flags += ["--remote-debugging-port=0", "--remote-allow-origins=*", f"--user-data-dir={profile}", *more]
        self.process = subprocess.Popen([program, *flags, "about:blank"], stderr=subprocess.PIPE, text=True)
        said = []
        for line in self.process.stderr:
            said.append(line)
            if line.startswith("DevTools listening on "):
                break
        else:
            sys.exit("chromium did not start:\n" + "".join(said))
        self.socket = websocket.create_connection(line.split()[-1], timeout=SECONDS)
        self.count, self.events, self.session = 0, [], None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network"]:
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        self.count += 1
        message = {"id": self.count, "method": method, "params": parameters}
        self.socket.send(json.dumps(message | ({"sessionId": self.session} if self.session else {})))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("id") == self.count:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def wait_for(self, method):
        while not any(event.get("method") == method for event in self.events):
            self.events.append(json.loads(self.socket.recv()))

    def close(self):
        self.call("Browser.close")
        self.process.wait(SECONDS)


def told(event):
    """Returns the fault that an event reports."""
    method, given = event.get("method"), event.get("params", {})
    if method == "Runtime.exceptionThrown":
        return "console: " + given["exceptionDetails"]["text"]
    if method == "Runtime.consoleAPICalled":
        return "console: " + " ".join(str(a.get("value")) for a in given["args"])
    if method == "Log.entryAdded":
        return "console: " + given["entry"]["text"]
    if method == "Network.requestWillBeSent":
        url = given["request"]["url"]
        if not url.startswith("data:") and given.get("type") != "Document":
            return "request: " + url
    return None


def look(browser, file):
    """Returns the faults of a page, and how much it shows."""
    faults, papers, seen = set(), [], {}
    for scheme in SCHEMES:
        browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        for width, height in SCREENS:
            browser.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
            browser.events.clear()
            browser.call("Page.navigate", url=file.resolve().as_uri())
            browser.wait_for("Page.loadEventFired")
            result = browser.call("Runtime.evaluate", expression=LOOK, returnByValue=True)
            if "exceptionDetails" in result:
                raise RuntimeError(result["exceptionDetails"])
            seen = result["result"]["value"]
            faults |= {f"{fault} ({scheme}, {width} pixels wide)" for fault in seen["faults"]}
            faults |= {fault for fault in map(told, browser.events) if fault}
        papers.append(seen["paper"])
    if len(set(papers)) != len(SCHEMES):
        faults.add(f"light and dark have the same paper: {papers}")
    return sorted(faults), seen


def main():
    bad = False
    with tempfile.TemporaryDirectory() as profile:
        browser = Browser(profile)
        for name in sys.argv[1:]:
            faults, seen = look(browser, pathlib.Path(name))
            print(f"{name}: {seen['figures']} figures, {seen['pictures']} pictures, {len(faults)} faults")
            for fault in faults:
                print(f"{name}: {fault}")
            bad |= bool(faults) or not seen["figures"]
        browser.close()
    sys.exit(bad)


if __name__ == "__main__":
    main()
