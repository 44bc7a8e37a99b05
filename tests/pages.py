"""Checks the pages: README.md has at most 10,240 bytes, every link to a file leads to one, and every line `hans ...` of a
shell block in four of them runs, one after the other. Networks that take a second stand in for those that the pages train.

  pages.py HANS FOLDER     the command, and a folder to work in
"""
import pathlib, re, shlex, shutil, subprocess, sys

hans, work = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
source = pathlib.Path(__file__).resolve().parent.parent
wrong = []

size = (source / "README.md").stat().st_size
if size > 10240:
    wrong.append(f"README.md has {size} bytes, 10240 are allowed")
for page in source.glob("**/*.md"):
    if page.relative_to(source).parts[0] == "build":
        continue
    for link in re.findall(r"\]\(([^)# ]+)", page.read_text()):
        if not link.startswith("http") and not (page.parent / link).exists():
            wrong.append(f"{page.relative_to(source)}: there is no {link}")


def run(words):
    done = subprocess.run([hans, *words], cwd=work, capture_output=True, text=True, timeout=120)
    if done.returncode not in (0, 3):  # 3: a verdict of UNRELIABLE, which a stand-in may get
        wrong.append(f"hans {shlex.join(words)}\n  exit code {done.returncode}: {done.stderr}")


shutil.rmtree(work, ignore_errors=True)
shutil.copytree(source / "tests/golden", work / "tests/golden")
small = "--data mnist-5k --epochs 1".split()
run(["train", *small, "--model", "linear", "--out", "v1.hans"])
run(["train", *small, "--model", "28x28x1;flatten;linear:units=50;relu;linear:units=10", "--out", "mlp.hans"])
run(["convert", "mlp.hans", "mlp.safetensors"])
for name in "net.onnx", "cnn.onnx":
    run(["convert", "v1.hans", name])

lines = 0
for page in "README.md", "apps/reporting.md", "nn/README.md", "attacks/README.md":
    for block in re.findall(r"```sh\n(.*?)```", (source / page).read_text(), re.S):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("hans "):
                line = line.replace("--model v1 --epochs 6", "--model linear --epochs 1")
                run(shlex.split(line, comments=True)[1:])
                lines += 1
if lines < 15:
    wrong.append(f"only {lines} lines `hans ...`")
print("\n".join(wrong) or f"{lines} lines ran")
sys.exit(bool(wrong))
