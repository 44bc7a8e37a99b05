"""A headless Chromium, driven over --remote-debugging-pipe: what tests/nightly/page.py sees and presses."""
import fcntl, json, os, select, subprocess, sys, tempfile, time

SIZE = (1280, 900)

HELPERS = r"""
(() => {
const linear = (x) => (x /= 255) <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
const rgba = (css) => [...css.match(/[\d.]+/g).map(Number), 1].slice(0, 4);
const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3]));
const behind = (node) => over(rgba(getComputedStyle(node).backgroundColor), node.parentElement ? behind(node.parentElement) : [255, 255, 255]);
const words = (node) => /^(INPUT|SELECT)$/.test(node.tagName) ? 'control' :
  [...node.childNodes].filter((one) => one.nodeType === 3).map((one) => one.data).join('').trim();
const visible = () => [...document.querySelectorAll('body *')].filter((node) =>
  !/^(SCRIPT|STYLE|NOSCRIPT|OPTION)$/.test(node.tagName) && node.checkVisibility());
const seen = setInterval(() => {
  if (!/\d/.test(document.querySelector('#view-draw .result')?.textContent ?? '')) return;
  hansTest.first = performance.now() / 1000;
  clearInterval(seen);
}, 5);
window.hansTest = {
  /** Waits until the open view does nothing; false if that takes longer than `limit` ms. */
  async settled(limit) {
    for (let calm = 0, end = performance.now() + limit; calm < 5 && performance.now() < end;) {
      await new Promise((done) => setTimeout(done, 50));
      calm = app.current.parts && app.current.panel.getAttribute('aria-busy') !== 'true' ? calm + 1 : 0;
      if (calm === 5) return true;
    }
    return false;
  },
  answer: () => {
    const all = (what) => [...app.current.panel.querySelectorAll(what)].map((node) => node.textContent);
    const codes = all('.evidence code');
    return {id: app.current.id, live: all('.result[aria-live]').join(' '), command: codes[0] ?? '', hashes: codes.filter((one) => /^[0-9a-f]{64}$/.test(one)).length};
  },
  lowContrast: () => visible().filter(words).map((node) => {
    const style = getComputedStyle(node), ground = behind(node), ink = over(rgba(node.ownerSVGElement ? style.fill : style.color), ground);
    const [a, b] = [light(ink), light(ground)].sort((x, y) => y - x);
    return [(a + 0.05) / (b + 0.05), `${node.tagName} '${words(node).slice(0, 30)}'`];
  }).filter(([ratio]) => !(ratio >= 4.5)).map(([ratio, name]) => `contrast ${ratio.toFixed(2)}: ${name}`),
  wiring: () => {
    const wrong = [], all = (what) => [...document.querySelectorAll(what)], ids = all('[id]').map((node) => node.id), tabs = all('[role=tab]');
    const twice = ids.filter((id, i) => ids.indexOf(id) !== i), here = (tab) => tab.getAttribute('aria-selected') === 'true';
    if (twice.length) wrong.push(`ids are there twice: ${twice}`);
    if (all('[role=tablist]').length !== 1 || tabs.length !== 10 || all('[role=tabpanel]').length !== 10) wrong.push('not one tablist, ten tabs and panels');
    if (tabs.filter(here).length !== 1) wrong.push('not one tab is selected');
    for (const tab of tabs) {
      const panel = document.getElementById(tab.getAttribute('aria-controls'));
      if (panel?.getAttribute('role') !== 'tabpanel' || panel.getAttribute('aria-labelledby') !== tab.id || !tab.closest('[role=tablist]') ||
        panel.hidden === here(tab) || (tab.tabIndex === 0) !== here(tab)) wrong.push(`${tab.id} and its panel do not belong together`);
    }
    for (const id of all('label[for],output[for]').map((node) => node.getAttribute('for'))) if (!ids.includes(id)) wrong.push(`a label is for ${id}, which is not there`);
    return wrong;
  },
  /** What is not German where German is chosen: what fits an English text only, holes, keys without texts, points in numbers. */
  english: () => {
    const fits = (text) => new RegExp(`^${text.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{\w+\}/g, '.+')}$`);
    const wordy = Object.entries(TEXTS).filter(([, [en, de]]) => en !== de && /[a-z]{3}/i.test(en.replace(/\{\w+\}/g, '')));
    const english = wordy.map(([key, [en]]) => [key, fits(en)]), german = Object.values(TEXTS).map(([, de]) => fits(de)), found = new Set();
    for (const node of visible()) {
      for (const one of [words(node), node.getAttribute('aria-label')].filter((text) => text && text !== 'control')) {
        const same = english.find(([, fit]) => fit.test(one));
        if (same && !german.some((de) => de.test(one)) || /\{\w+\}/.test(one)) found.add(`${same?.[0] ?? 'a hole'}: '${one.slice(0, 60)}'`);
        if (/^\D?\s*-?(0?\.\d+|\d+\.(\d|\d\d|\d{4,}))\s*%?$/.test(one)) found.add(`a point: ${node.tagName} '${one}'`);
      }
      for (const key of [node.dataset?.text, node.dataset?.label]) if (key && !(key in TEXTS)) found.add(`no text for ${key}`);
    }
    return [...found].slice(0, 8).map((one) => `not German: ${one}`);
  },
  /** Mean darkness of each of 16 x 12 parts of a PNG, 0 to 255. */
  async grid(png) {
    const picture = await createImageBitmap(new Blob([hansTest.bytes(png)], {type: 'image/png'})), {width, height} = picture;
    const context = new OffscreenCanvas(width, height).getContext('2d'), sum = Array(192).fill(0);
    context.drawImage(picture, 0, 0);
    const {data} = context.getImageData(0, 0, width, height);
    for (let i = 0; i < width * height; ++i) {
      sum[16 * Math.floor(Math.floor(i / width) * 12 / height) + Math.floor(i % width * 16 / width)] += 255 - (data[4 * i] + data[4 * i + 1] + data[4 * i + 2]) / 3;
    }
    return sum.map((all) => all * 192 / width / height);
  },
  async timed(task, times) {
    let best = Infinity;
    for (let i = 0, start = performance.now(); i < times; ++i, start = performance.now()) {
      await task();
      best = Math.min(best, performance.now() - start);
    }
    return best / 1000;
  },
  bytes: (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0)),
  text: (bytes) => btoa(Array.from(bytes, (one) => String.fromCharCode(one)).join('')),
};
})();
"""
failed = 0


def expect(holds, line):
    global failed
    if not holds:
        failed += 1
        print(f"FAILED: {line}", flush=True)
    return holds


class Browser:
    """A page in a headless Chromium, over --remote-debugging-pipe. What the page must never do is a failure."""

    def __init__(self, program):
        from_here, self.to = os.pipe()
        self.of, from_there = os.pipe()
        self.waiting, self.number, self.page, self.workers = b"", 0, None, []
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)

        def child():  # Chromium reads 3 and writes 4
            for end, wanted in zip([fcntl.fcntl(from_here, fcntl.F_DUPFD, 10), fcntl.fcntl(from_there, fcntl.F_DUPFD, 10)], (3, 4)):
                os.dup2(end, wanted)

        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--lang=en-US", "--hide-scrollbars",
             f"--user-data-dir={self.folder.name}", "about:blank"],
            preexec_fn=child, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(from_here)
        os.close(from_there)
        target = next(one for one in self.call("Target.getTargets")["targetInfos"] if one["type"] == "page")
        self.page = self.call("Target.attachToTarget", {"targetId": target["targetId"], "flatten": True})["sessionId"]
        for domain in ("Runtime", "Log", "Network", "Page", "DOM", "Accessibility"):
            self.call(f"{domain}.enable")
        self.call("Target.setAutoAttach", {"autoAttach": True, "waitForDebuggerOnStart": False, "flatten": True})
        self.call("Emulation.setHardwareConcurrencyOverride", {"hardwareConcurrency": 2})
        self.call("Page.addScriptToEvaluateOnNewDocument", {"source": HELPERS})

    def send(self, method, values, session):
        self.number += 1
        data = json.dumps({"id": self.number, "method": method, "params": values, **({"sessionId": session} if session else {})}).encode() + b"\0"
        while data:
            data = data[os.write(self.to, data):]
        return self.number

    def call(self, method, values=None, session=None):
        number = self.send(method, values or {}, session or self.page)
        while True:
            while b"\0" not in self.waiting:
                more = os.read(self.of, 1 << 20) if select.select([self.of], [], [], 300)[0] else sys.exit(f"FAILED: no answer to {method}")
                self.waiting += more or sys.exit(f"FAILED: the browser ended in {method}")
            message, self.waiting = self.waiting.split(b"\0", 1)
            got = json.loads(message)
            if got.get("id") == number:
                return got["result"] if "result" in got else sys.exit(f"FAILED: {method}: {got['error']}")
            if "method" in got:
                self.note(got["method"], got["params"])

    def note(self, method, of):
        if method == "Target.attachedToTarget" and of["targetInfo"]["type"] == "worker":
            self.workers.append(of["sessionId"])
            for domain in ("Runtime", "Network", "Log"):
                self.send(f"{domain}.enable", {}, of["sessionId"])
        elif method == "Target.detachedFromTarget" and of["sessionId"] in self.workers:
            self.workers.remove(of["sessionId"])
        elif method == "Runtime.consoleAPICalled" and of["type"] in ("error", "assert"):
            expect(False, f"console.{of['type']}: {[one.get('value', one.get('description')) for one in of['args']]}")
        elif method == "Runtime.exceptionThrown":
            expect(False, f"exception: {of['exceptionDetails'].get('exception', {}).get('description', of['exceptionDetails'])}")
        elif method == "Log.entryAdded" and of["entry"]["level"] == "error":
            expect(False, f"log: {of['entry']['text'][:300]}")
        elif method == "Page.javascriptDialogOpening":
            expect(False, f"a dialog opened: {of['message']}")
            self.send("Page.handleJavaScriptDialog", {"accept": False}, self.page)
        elif method == "Network.requestWillBeSent" and not of["request"]["url"].startswith(("file:", "blob:", "data:")):
            expect(False, f"request: {of['request']['url']}")

    def js(self, code, session=None):
        result = self.call("Runtime.evaluate", {"expression": code, "awaitPromise": True, "returnByValue": True}, session)
        if "exceptionDetails" in result:
            sys.exit(f"FAILED: {result['exceptionDetails'].get('exception', {}).get('description', result)}\nin {code[:200]}")
        return result["result"].get("value")

    def open(self, page, size=SIZE, dark=False):
        """Opens the page anew and waits for its first answer and the golden hashes; gives the names of the views."""
        self.show(size, dark)
        self.call("Page.navigate", {"url": "about:blank"})
        self.call("Page.navigate", {"url": "file://" + os.path.abspath(page)})
        end = time.monotonic() + 120
        while not self.js("typeof app !== 'undefined' && app.trusted !== null") and time.monotonic() < end:
            time.sleep(0.05)
        expect(self.js("typeof app !== 'undefined' && app.trusted"), "the golden hashes are not identical") or sys.exit(1)
        self.settle("the page")
        return self.js("app.views.map((view) => view.id)")

    def show(self, size=SIZE, dark=False):
        self.call("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})
        self.call("Emulation.setDeviceMetricsOverride", {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False})

    def settle(self, what, limit=120):
        expect(self.js(f"hansTest.settled({1000 * limit})"), f"{what} is busy after {limit} s")

    def click(self, selector):
        x, y = self.js(f"""(() => {{ const node = document.querySelector({json.dumps(selector)}); node.scrollIntoView({{block: 'center'}});
            const box = node.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; }})()""")
        for kind, which in (("mouseMoved", "none"), ("mousePressed", "left"), ("mouseReleased", "left")):
            self.call("Input.dispatchMouseEvent", {"type": kind, "x": x, "y": y, "button": which, "clickCount": 1})

    def key(self, key, text=""):
        code = {"ArrowLeft": 37, "ArrowRight": 39, "Home": 36, "End": 35, "Tab": 9}.get(key, ord(key[0].upper()))
        for kind, typed in (("keyDown", text), ("keyUp", "")):
            self.call("Input.dispatchKeyEvent", {"type": kind, "key": key, "code": key, "text": typed, "windowsVirtualKeyCode": code})

    def picture(self, top, height):
        clip = {"x": 0, "y": top, "width": SIZE[0], "height": height, "scale": 1}
        return self.call("Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True, "clip": clip})["data"]
