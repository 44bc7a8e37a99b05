#!/usr/bin/env python3
"""Has another runtime compute the logits of exported networks, and the checker of the onnx package read their files.

    python3 tests/peers/onnx_export.py --tests build/test/tests/hans_tests [--write]

Needs onnx, onnxruntime and numpy (PyPI). Nothing of hans needs this to build or test. The test OnnxExports writes the file,
images and logits of each network in its table; --write keeps the hashes of the files in tests/golden/onnx_exports.txt, which
the tests compare, if all agree within 1e-5 of the largest logit.
"""
import argparse, glob, hashlib, os, subprocess, sys, tempfile

import numpy as np
import onnx
import onnxruntime

arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument("--tests", required=True, help="the test program")
arguments.add_argument("--write", action="store_true", help="write the hashes")
options = arguments.parse_args()

lines, wrong = [], 0
with tempfile.TemporaryDirectory() as folder:
    subprocess.run([options.tests, "--gtest_filter=*OnnxExports*"], env={**os.environ, "HANS_EXPORTS": folder}, check=False,
                   stdout=subprocess.DEVNULL)
    for path in sorted(glob.glob(folder + "/*.onnx")):
        name = os.path.basename(path)[:-len(".onnx")]
        wanted = np.load(path[:-len("onnx")] + "logits.npy")
        images = np.load(path[:-len("onnx")] + "images.npy").transpose(0, 3, 1, 2)
        try:
            onnx.checker.check_model(path, full_check=True)
            session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
            found = session.run(["logits"], {"images": np.ascontiguousarray(images)})[0]
            off = np.abs(found - wanted).max() / np.abs(wanted).max() if found.shape == wanted.shape else np.inf
            verdict = "passed" if off <= 1e-5 else "FAILED"
            print(f"{name:24} {verdict}  {off:.1e} off")
        except Exception as error:  # whatever the checker or the runtime throws
            verdict = "FAILED"
            print(f"{name:24} FAILED  {str(error).splitlines()[0][:150]}")
        wrong += verdict == "FAILED"
        with open(path, "rb") as file:
            lines.append(f"{name} {hashlib.sha256(file.read()).hexdigest()}\n")
print(f"{len(lines) - wrong} of {len(lines)} passed (onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__})")
if options.write and not wrong and lines:
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "../golden/onnx_exports.txt"), "w") as file:
        file.writelines(lines)
sys.exit(1 if wrong or not lines else 0)
