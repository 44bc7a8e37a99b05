#!/usr/bin/env python3
"""Drives hans.html in a headless Chromium from a file:// URL, as a reader would, and wants what the page promises.

    tests/nightly/page.py PAGE [--chromium CHROMIUM] [--screenshots FOLDER] [--v1 FILE] [--parts PART,...] [--fingerprints]

Parts: views (by pointer, in light and dark, wide and narrow, in English and German), keys (by keyboard), prove (files that
are wrong), figures (seconds and bytes, with and without the network in FILE), selftest. Without --parts all of them.
--fingerprints stores in this file how the views look now. One line for each failed expectation; exit code 0, 1 if one
failed, 2 if called wrongly, 77 without a Chromium.
"""
import argparse, base64, io, json, os, re, shutil, struct, subprocess, sys, tempfile, time, zipfile, zlib

import browser as driven
from browser import Browser, SIZE, expect

ALIKE = 0.2  # the most that a view may differ from its fingerprint: 0 if equal, 1 if one of them is empty
SLACK = 3    # a figure fails at so many times its limit, because machines differ

# What is pressed in a view, after it opened, for it to hold all it can show.
PRESSED = {
    "few": ["#view-few .controls button:nth-of-type(2)"],
    "defend": ["#view-defend button.main"],
    "trap": ["#view-trap button.main", "#view-trap .controls button:not(.main)"],
    "certify": ["#view-certify button.main"],
    "train": ["#view-train button.main"],
    "prove": ["#view-prove .controls button", "#view-prove button.main"],
}


def difference(one, other):
    """0 where two grids are equal, 1 where one of them is empty; blurred, so that a line of text may move a little."""
    def blurred(grid):
        near = lambda at: [grid[16 * j + i] for j in range(max(0, at // 16 - 1), min(12, at // 16 + 2))
                           for i in range(max(0, at % 16 - 1), min(16, at % 16 + 2))]
        return [sum(near(at)) / len(near(at)) for at in range(192)]
    a, b = blurred(one), blurred(other)
    return sum(abs(x - y) for x, y in zip(a, b)) / max(1e-9, sum(a) + sum(b))


def store_fingerprints(grids):
    """A view's name, then 192 characters: the square root of a part's darkness in steps of a quarter, from '0' on."""
    table = "".join(f"{name} {''.join(chr(48 + round(4 * cell ** 0.5)) for cell in grid)}\n" for name, grid in grids.items())
    with open(__file__, "r+", encoding="utf-8") as file:
        source = file.read()
        file.seek(0)
        file.write(re.sub(r'(?<=\nFINGERPRINTS = r"""\n).*?(?=""")', lambda _: table, source, flags=re.S))
        file.truncate()


def check_answer(browser, view, how):
    browser.settle(f"{view} ({how})")
    found = browser.js("hansTest.answer()")
    expect(found["id"] == view, f"{view} ({how}) does not open: {found['id']} is open")
    expect(found["live"].strip() and not re.search("did not work|ging nicht", found["live"]), f"{view} ({how}): answers '{found['live']}'")
    expect(found["command"].startswith("hans ") and found["hashes"], f"{view} ({how}): {found['hashes']} hashes, command '{found['command']}'")


def check_looks(browser, view, how):
    width, inner = browser.js("[document.documentElement.scrollWidth, innerWidth]")
    expect(width <= inner, f"{view} ({how}): {width} pixels wide")
    for line in browser.js("[...hansTest.lowContrast(), ...hansTest.wiring()]"):
        expect(False, f"{view} ({how}): {line}")
    for node in browser.call("Accessibility.getFullAXTree")["nodes"]:
        role = node.get("role", {}).get("value")
        focusable = any(one["name"] == "focusable" and one["value"]["value"] for one in node.get("properties", []))
        control = role in ("image", "img", "navigation", "progressbar", "ProgressIndicator", "tablist", "tabpanel") or focusable
        if control and not node.get("ignored") and role not in ("RootWebArea", "main"):
            expect(node.get("name", {}).get("value", "").strip(), f"{view} ({how}): a {role} has no name")


def check_views(browser, options):
    views = browser.open(options.page)
    expect(len(views) == 10, f"{len(views)} views")
    expect(browser.js("missingTexts()") == [], "a text is missing")
    stored, grids = dict(line.split() for line in FINGERPRINTS.splitlines() if line), {}
    for view in views:
        browser.click(f"#tab-{view}")
        check_answer(browser, view, "pointer")
        for control in PRESSED.get(view, []):
            browser.click(control)
            check_answer(browser, view, "pressed")
        check_looks(browser, view, "light")
        top, height = browser.js(f"scrollTo(0, 0), [document.getElementById('view-{view}').getBoundingClientRect().y, document.body.scrollHeight]")
        grids[view] = browser.js(f"hansTest.grid('{browser.picture(top, 960)}')")
        if options.screenshots:
            with open(os.path.join(options.screenshots, f"{view}.png"), "wb") as file:
                file.write(base64.b64decode(browser.picture(0, height)))
        if not options.fingerprints:
            apart = difference(grids[view], [((ord(one) - 48) / 4) ** 2 for one in stored.get(view, "0" * 192)])
            print(f"{view}: {apart:.3f} from its fingerprint, limit {ALIKE}")
            expect(apart <= ALIKE, f"{view} looks different: {apart:.3f} from its fingerprint")
    if options.fingerprints:
        store_fingerprints(grids)
    heaps = [browser.call("Runtime.getHeapUsage", session=one)["usedSize"] / 1e6 for one in [None, *browser.workers]]
    wasm = [browser.js("opened.then((one) => one.module.shared().memory.buffer.byteLength / 1e6)", one) for one in browser.workers]
    print(f"JS heaps of the page and its workers, MB: {heaps}; WebAssembly memories, as the workers report: {wasm}")
    figure("memory after all views", sum(heaps) + sum(wasm), 300, "MB")
    for how, size, dark in (("dark", SIZE, True), ("320 pixels", (320, 800), False)):
        browser.show(size, dark)
        for view in views:
            browser.click(f"#tab-{view}")
            browser.settle(view)
            check_looks(browser, view, how)
    browser.show()
    browser.js("document.getElementById('language').focus()")
    browser.key("d", "d")
    expect(browser.js("document.documentElement.lang") == "de", "German cannot be chosen by keyboard")
    for view in views:
        browser.click(f"#tab-{view}")
        check_answer(browser, view, "German")
        for line in browser.js("hansTest.english()"):
            expect(False, f"{view}: {line}")


def check_keys(browser, options):
    views, here = browser.open(options.page, (320, 800), True), lambda: browser.js("document.activeElement.id")
    for _ in range(20):
        if not here().startswith("tab-"):
            browser.key("Tab")
    keys = ["", *["ArrowRight"] * 10, "ArrowLeft", "Home", "End", "ArrowLeft"]
    for key, view in zip(keys, [*views, views[0], views[-1], views[0], views[-1], views[-2]]):
        if key:
            browser.key(key)
        expect(here() == f"tab-{view}", f"{key or 'Tab'} leads to '{here()}', not to {view}")
        check_answer(browser, view, "keyboard")
        check_looks(browser, view, "keyboard, dark, 320 pixels")


def png(width, height):
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(bytes((width + 1) * height))) + chunk(b"IEND", b""))


def with_better_bounds(proofs):
    """The same archive, but each bound claims more than was proved; its checksums are right."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(proofs)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            start = 10 + struct.unpack("<H", data[8:10])[0]
            new.writestr(name, data[:start] + struct.pack("<f", 1e6) * ((len(data) - start) // 4) if name == "bound.npy" else data)
    return made.getvalue()


def check_prove(browser, options):
    browser.open(options.page)
    browser.click("#tab-prove")
    result = lambda: browser.settle("prove") or browser.js("document.querySelector('#view-prove .result').textContent")
    for kind, wanted in (("embedded", "Identical: "), ("proofs", r"Proofs that hold: [1-9]\d*; rejected: 0\."), ("images", "Adversarial images confirmed: [1-9]")):
        browser.js(f"document.querySelector('#view-prove select').value = '{kind}'")
        said = [browser.click(control) or result() for control in PRESSED["prove"]]
        print(f"{kind} of the page: {' | '.join(said)}")
        expect(re.match(wanted, said[-1]), f"{kind} of the page: {said}")
    made = lambda words, out: base64.b64decode(browser.js(f"""(async () => {{ const row = modelRow(), name = fileOf(row);
        const ran = await app.pool.command([{words!r}.split(' ')[0], name, ...{words!r}.split(' ').slice(1), '--data', 'mnist-5k', '--out', '{out}'],
          {{files: {{[name]: row.bytes}}, outputs: ['{out}']}}); return hansTest.text(ran.files['{out}']); }})()"""))
    manifest = made("benchmark --limit 10 --attack pgd:eps=0.1 --probes 0", "out.json")
    proofs = made("certify --limit 3 --eps 0.02 --nodes 50", "out.npz")
    other = base64.b64decode(browser.js("hansTest.text(modelRow('fgsm.hans').bytes)"))
    edited = re.sub(rb'("robust_accuracy": )[\d.]+', rb"\g<1>0.7654", manifest, count=1)
    at = proofs.index(b"bound.npy") + 140  # among the array's numbers
    cases = [  # what is wrong, files, what the page says when it takes or verifies them
        ("no manifest", {"letter.json": b'{"greeting": 1}'}, ".*one is no manifest"),
        ("no JSON", {"broken.json": b'{"manifest": '}, ".*not valid JSON"),
        ("bytes", {"junk.bin": bytes(range(256))}, ".*one is no manifest"),
        ("markup", {"<img src=x onerror=alert(1)>.json": b'{"manifest": 2, "result": {"model_sha256": "<b>x</b>"}}'}, ".*SHA-256 <b>x</b>"),
        ("edited manifest", {"edited.json": edited}, "(Different|Refused): "),
        ("cut proofs", {"cut.npz": proofs[:len(proofs) // 2]}, "Refused: .*cut short"),
        ("damaged proofs", {"bad.npz": proofs[:at] + bytes([proofs[at] ^ 1]) + proofs[at + 1:]}, "Refused: .*checksum"),
        ("proofs of too much", {"more.npz": with_better_bounds(proofs)}, "Rejected proofs: [1-9]"),
        ("70 MB", {"large.npz": bytes(70 << 20)}, "large.npz .* 70 MB"),
        ("size of a PNG", {"odd.png": png(30, 28)}, "odd.png .* 30 x 28 pixels"),
        ("cut PNG", {"bad.png": png(28, 28)[:40]}, "bad.png was not taken: "),
        ("wrong net for a manifest", {"right.json": manifest, "other.hans": other}, "Refused: .*sha256"),
        ("wrong net for proofs", {"right.npz": proofs, "other.hans": other}, "Refused: .*sha256"),
        ("empty net", {"empty.hans": b""}, "empty.hans was not taken: ")]
    with tempfile.TemporaryDirectory() as folder:
        def give(files):
            browser.click("#view-prove .controls button:nth-of-type(3)")  # removes those before
            browser.settle("prove")
            for name, data in files.items():
                with open(os.path.join(folder, name), "wb") as file:
                    file.write(data)
            root = browser.call("DOM.getDocument")["root"]["nodeId"]
            chosen = browser.call("DOM.querySelector", {"nodeId": root, "selector": "#view-prove input[type=file]"})["nodeId"]
            browser.call("DOM.setFileInputFiles", {"nodeId": chosen, "files": [os.path.join(folder, name) for name in files]})
            return [result(), browser.click("#view-prove button.main") or result()]

        for what, files, wanted in cases:
            said = give(files)
            print(f"{what}: {' | '.join(said)}")
            expect(any(re.match(wanted, one) for one in said) and "Identical" not in said[1], f"{what}: {said}")
            expect(all(0 < len(one) < 450 and "\n" not in one for one in said), f"{what}: not a sentence: {said}")
            expect(browser.js("!document.querySelector('main img, main b')"), f"{what}: text became markup")
            said = give({"right.json": manifest})
            expect(said[1].startswith("Identical: all 10"), f"after {what}, a right manifest: {said}")


def figure(name, value, limit, unit="s"):
    print(f"{name}: {value:.3g} {unit}, limit {limit} {unit}{'' if value <= limit else ', MISSED'}", flush=True)
    expect(value <= SLACK * limit, f"{name}: {value:.3g} {unit} is more than {SLACK} times {limit} {unit}")


def check_figures(browser, options):
    browser.open(options.page)
    figure("first digit classified", browser.js("hansTest.first"), 1)
    print(f"kernel {browser.js('app.pool.kernel')}, {browser.js('app.pool.members.length')} workers")
    if options.v1:
        with open(options.v1, "rb") as file:
            browser.js(f"app.pool.addModel('v1.hans', hansTest.bytes('{base64.b64encode(file.read()).decode()}')).then(() => 0)")
    browser.js("""Object.assign(window, {images: app.pool.digits.images.slice(0, 78400), labels: app.pool.digits.labels.slice(0, 100)});
        Object.assign(window, {one: images.slice(0, 784), label: labels.slice(0, 1), other: Int32Array.of((labels[0] + 1) % 10),
            points: Float32Array.from({length: 3600 * 784}, (_, i) => images[i % 784] * (i % 3600) / 3600)}); 0""")
    for name in ["plain.hans", *["v1.hans"] * bool(options.v1)]:
        for what, call, limit in (
                ("PGD-40 on a digit", "attack(name, 'pgd:eps=0.1,steps=40', one, label)", 0.25),
                ("JSMA to a target", "attack(name, 'jsma:gamma=0.1', one, label, {targets: other})", 0.5),
                ("slice of 3,600 points", "logits(name, points)", 1.5),
                ("certifying a digit", "certify(name, 0.02, one, label)", 1)):
            figure(f"{what}, {name}", browser.js(f"(async (name) => hansTest.timed(() => app.pool.{call}, 3))('{name}')"), limit)
        figure(f"8 radii of PGD-40 on 100 digits, {name}", browser.js(f"""hansTest.timed(async () => {{
            for (const eps of [0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3]) await app.pool.attack('{name}', `pgd:eps=${{eps}},steps=40`, images, labels); }}, 1)"""), 15)


def check_selftest(program, page):
    for flags, kernel, limit in (([], "relaxed", 170), (["--js-flags=--no-enable-fma3"], "simd128", 400)):
        start, out = time.monotonic(), ""
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            words = [program, "--headless", "--no-sandbox", f"--user-data-dir={folder}", "--virtual-time-budget=120000",
                     f"--timeout={1000 * limit + 10000}", *flags, "--dump-dom", f"file://{os.path.abspath(page)}#selftest"]
            try:
                out = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=limit).stdout.decode()
            except subprocess.TimeoutExpired:
                pass
        found = re.search(r'<pre id="selftest">(.*?)</pre>', out)
        print(f"selftest {' '.join(flags)}: {found and found[1]} after {time.monotonic() - start:.0f} s, limit {limit} s")
        wanted = {"kernel": kernel, "golden": "identical", "manifest": "identical", "proof": "confirmed"}
        expect(found and wanted.items() <= json.loads(found[1]).items(), f"selftest {' '.join(flags)}: not {wanted}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page")
    for name in ("--chromium", "--screenshots", "--v1"):
        parser.add_argument(name)
    parser.add_argument("--parts", default="views,keys,prove,figures,selftest")
    parser.add_argument("--fingerprints", action="store_true")
    options = parser.parse_args()
    checks = {"views": check_views, "keys": check_keys, "prove": check_prove, "figures": check_figures}
    parts = options.parts.split(",")
    if not os.path.isfile(options.page) or not set(parts) <= {*checks, "selftest"}:
        parser.error(f"no file {options.page}, or no such part: {options.parts}")
    program = options.chromium or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not program or not shutil.which(program):
        print("skipped: there is no chromium; install it, or name it with --chromium")
        sys.exit(77)
    if options.screenshots:
        os.makedirs(options.screenshots, exist_ok=True)
    for part in parts:
        print(f"---- {part}", flush=True)
        if part == "selftest":
            check_selftest(program, options.page)
            continue
        browser = Browser(program)
        try:
            checks[part](browser, options)
        finally:
            browser.process.terminate()
            browser.process.wait()
            browser.folder.cleanup()
    print(f"failed expectations: {driven.failed}")
    sys.exit(1 if driven.failed else 0)


FINGERPRINTS = r"""
draw CHHHGGFE?0000000FMM=9:0000000000AGG?>?;000000000ZjjjjQJLHB?00000^n]\mR:;;8A00000^[kl\R9;;8@00000^\jh_R:;;8A00000]mkknQ7886<00000==>>>60000000000<@@@@?0000000000S`]]^^]_`]^]]]`0S_]]]]\_^]ZQQPQ0
push BFJEFFGFGI600000>A878<@@;A@@?7=3<=>>>????=;03461OYYNXXKDHDXXP000^ce_dcXXWOhc^000]ef_eeVRYQfj[000MWTMXTIIECXVN0000100107=96;90000@HGGA=E:87;600008;;;7A<;;:>900009;::6@?<::>800009;;;7AFJB:B90000
few CHFFHEEHEIFI0000;=C@@=7>9=700000<?==>?>>56400000ZhiMDFNie[jf^000]`bPCGPbbZdcY000[efNBEPfdZgf]000==0>EA;C=7IF30003009>;0003:00000@LD9;?00000000008><:7?0000000000:?;;7A00000000008<::6>0000000000
nearest BEHDFHFGGGHEH?00=A?@>@C@@:000000<@@?@=>>=?=10000Zhi[hgSEFC000000]`b_aaUFI@000000[ef]feTCE@000000==0>D<;F?800000078CJK@;:000000009:=T[IA9000000009<>EZH>8000000009<ACWE:5000000009:::UD0000000000
black CGFCIHFFEFHEHB00=@?;:?>879=CC@=5>?@@??=>>?;00063>?>>600000000000VeeWccRVUJCA55:2^_b_a`Y]^M=?:9?4^hi`hgVNYH;;;:A4?A;?F?=G?;:::9>30000005:57CG=8A45<:;;:;;;:3200000:33333338;200001;33333333680000
defend CHFIEI<000000000;><::::::::::::0>==?=?=533333333IS?<AAAAA>333332<==>>>?>500000005>A?><;7333200000:85384:833200001;3;33;5;33200001;3693397:3200000<=9<;>9?AA?000006@C:000000000007:>>700000000000
trap @IEHEF0000000000=A@??HL=<0000000:?>>?CF>><=<=<60=?@A@?0000000000<?@<<;0000000000@?4?BBCD90000000@CE=:59920000000=>=?=?DCC@?CCB@0<B700;@500;B>000:?7009>0009?8000<@?337;633333332:=:>?;:99:9:::96
certify CGFCIFF000000000><87:GRS90000000?DBDD@>==?500000:?>>>=>>>0000000[hiMD0A;C0000000]abN?:@:<0000000ZdeJ000000000000BE?@>000000000006::::99600000000>CBAAA90000000008?4B?=90000000008>5@?=:000000000
train CGHEHGIFJFH<0000<@>9==99:B976:N5;>CCCCC@513016C3@CDCDCD>>>900000099333333332000009:5333333320000093<3333333200000;38<933333200000866:9><>==;000006===600008700005;333333333200000:7<;;;;<;<80000
prove AFG3000000000000:;9:::::::999::58?<55555555555568FDA>;;;;;;;;;;55@ABB>0000000005:<<8887655555554CIAA=<=:00000000GJBBECCCCC>400006999999777777774?FGGGFE@A?<<<<<8=@@5555555555553:85B>==>>;99:9:6
"""

if __name__ == "__main__":
    main()
