#!/usr/bin/env python3
"""Trains each network in the box again by its recipe, and wants the same weights.

    tests/nightly/nets.py HANS [NAME ...]        without names all of them

Each run is killed twice; the first stretch uses the portable kernels. Looks for MNIST where `hans` does ($HANS_DATA).
"""
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time


def listed(hans):
    shown = subprocess.run([hans, "list", "models", "--quiet", "--json", "-"], check=True, capture_output=True).stdout
    return {model["name"]: model for model in json.loads(shown)["models"] if "recipe" in model}


def train(hans, recipe, folder):
    words = [hans, *shlex.split(recipe)[1:], "--checkpoint", "run.ckpt", "--resume", "--json", "run.json", "--quiet"]
    stretches = [(30, {"HANS_KERNELS": "portable"}), (120, {}), (None, {})]  # seconds until a kill
    for seconds, more in stretches:
        run = subprocess.Popen(words, cwd=folder, env={**os.environ, **more})
        try:
            if run.wait(seconds) != 0:
                sys.exit(f"hans train ended with {run.returncode}")
            break
        except subprocess.TimeoutExpired:
            run.kill()
            run.wait()
    with open(os.path.join(folder, "run.json"), encoding="utf-8") as file:
        return json.load(file)["weights_sha256"]


def main():
    hans = os.path.abspath(sys.argv[1])
    known = listed(hans)
    wrong = 0
    for name in sys.argv[2:] or known:
        begun = time.time()
        with tempfile.TemporaryDirectory() as folder:
            weights = train(hans, known[name]["recipe"], folder)
        same = weights == known[name]["weights_sha256"]
        wrong += not same
        print(f"{name}: {'the same weights' if same else 'OTHER WEIGHTS ' + weights} in {time.time() - begun:.0f} s", flush=True)
    sys.exit(wrong > 0)


main()
