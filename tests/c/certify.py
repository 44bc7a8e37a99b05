"""Certificates through the C interface are those of the command, and `hans check` accepts their proofs.

    python3 certify.py build/release/libhans_c.so build/release/hans
"""
import ctypes
import json
import math
import os
import random
import struct
import subprocess
import sys
import tempfile
import zipfile
from ctypes import POINTER, byref, c_char_p, c_double, c_float, c_int32, c_size_t, c_uint32, c_uint64, c_void_p

from example import Hans

SIDE, CLASSES, COUNT = 6, 4, 60
VERDICTS = ["certified", "attacked", "unknown", "wrong"]
REASONS = ["nodes", "time", "rounding", "nan", "bound"]
METHODS = ["attack", "ibp", "crown", "alpha", "branching"]


class Options(ctypes.Structure):
    _fields_ = [("size", c_size_t), ("seed", c_uint64), ("nodes", c_uint64), ("seconds", c_double), ("attack", c_char_p),
                ("norm", c_int32), ("method", c_int32), ("first_index", c_uint32), ("box_lo", c_float), ("box_hi", c_float)]


class Certificate(ctypes.Structure):
    _fields_ = [(name, c_int32) for name in ("verdict", "doubt", "step", "prediction", "real", "float32", "proof",
                                             "runner_up")] + [("bound", c_double), ("nodes", c_uint64)]


def declare(hans):
    images, labels = POINTER(c_float), POINTER(c_int32)
    hans.declare("model_load", c_char_p, POINTER(c_void_p))
    hans.declare("model_save", c_void_p, c_char_p)
    hans.declare("certify", c_void_p, c_float, images, labels, c_size_t, POINTER(Options), POINTER(Certificate), images,
                 POINTER(c_void_p))
    hans.declare("proofs_count", c_void_p, POINTER(c_size_t))
    hans.declare("proofs_save", c_void_p, c_char_p, c_char_p)
    hans.library.hans_proofs_free.argtypes, hans.library.hans_proofs_free.restype = [c_void_p], None


def write_npz(path, images, labels):
    def npy(descr, shape, payload):
        header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"
        header += " " * (-(len(header) + 11) % 64) + "\n"
        return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + payload

    with zipfile.ZipFile(path, "w") as file:
        file.writestr("images.npy", npy("<f4", (COUNT, SIDE, SIDE, 1), bytes(images)))
        file.writestr("labels.npy", npy("<i8", (COUNT, ), struct.pack(f"<{COUNT}q", *labels)))


def make_model(hans, images, labels):
    model, trainer = c_void_p(), c_void_p()
    text = f"{SIDE}x{SIDE}x1;conv2d:filters=4,kernel=3;relu;flatten;linear:units=12;relu;linear:units={CLASSES}"
    hans.model_create(text.encode(), 1, byref(model))
    hans.trainer_create(model, b"adam:rate=0.01", None, None, byref(trainer))
    for _ in range(60):
        hans.trainer_step(trainer, images, labels, None, COUNT, None)
    hans.trainer_free(trainer)
    return model


def compare(found, rows):
    for one, row in zip(found, rows):
        verdict = VERDICTS[one.verdict]
        assert verdict == row["verdict"], (verdict, row)
        assert (REASONS[one.doubt] if one.doubt >= 0 else None) == row["reason"], row
        assert (METHODS[one.step] if one.step >= 0 else None) == row["method"], row
        assert one.prediction == row["prediction"] and one.nodes == row["nodes"], row
        assert (one.runner_up if one.runner_up >= 0 else None) == row["runner_up"], row
        assert (None if math.isnan(one.bound) else one.bound) == row["bound"], (one.bound, row)
        assert bool(one.real) == row["real"] and bool(one.float32) == row["float32"], row


def main():
    hans, command = Hans(sys.argv[1]), os.path.abspath(sys.argv[2])
    declare(hans)
    numbers = random.Random(2)
    labels = [i % CLASSES for i in range(COUNT)]
    pixels = [numbers.random() * 0.6 + (0.35 if row * CLASSES // SIDE == label else 0.0)
              for label in labels for row in range(SIDE) for _ in range(SIDE)]
    images, labels = (c_float * len(pixels))(*pixels), (c_int32 * COUNT)(*labels)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)

        def run(*words):
            done = subprocess.run([command, *words], capture_output=True, text=True, check=False)
            return done.returncode, done.stdout + done.stderr

        write_npz("data.npz", images, labels)
        made = make_model(hans, images, labels)
        hans.model_save(made, b"m.hans")
        hans.model_free(made)
        model = c_void_p()
        hans.model_load(b"m.hans", byref(model))

        seen = set()
        for norm, method, eps, nodes, attack in ((0, 0, 0.06, 400, None), (0, 4, 0.09, 4, None), (0, 1, 0.03, 1, "none"),
                                                 (0, 3, 0.06, 1, "fgsm"), (1, 0, 0.15, 1, None), (2, 2, 0.4, 1, "none")):
            words = ["certify", "m.hans", "--data", "data.npz", "--eps", repr(eps), "--nodes", str(nodes), "--norm",
                     ("linf", "l2", "l1")[norm], "--method", ("auto", "ibp", "crown", "alpha", "complete")[method],
                     "--per-sample", "--json", "c.json", "--quiet"] + (["--attack", attack] if attack else [])
            code, said = run(*words)
            assert code == 0, said
            options = Options(ctypes.sizeof(Options), 0, nodes, 0.0, attack.encode() if attack else None, norm, method, 0,
                              0.0, 1.0)
            found = (Certificate * COUNT)()
            hans.certify(model, eps, images, labels, COUNT, byref(options), found, None, None)
            with open("c.json", encoding="utf-8") as file:
                compare(found, json.load(file)["certify"][0]["samples"])
            seen.update((VERDICTS[one.verdict], METHODS[one.step]) for one in found)
        assert len(seen) >= 6, seen

        found, proofs, count = (Certificate * COUNT)(), c_void_p(), c_size_t()
        hans.certify(model, 0.06, images, labels, COUNT, None, found, None, byref(proofs))
        hans.proofs_count(proofs, byref(count))
        hans.proofs_save(proofs, b"theirs.npz", None)
        hans.library.hans_proofs_free(proofs)
        assert count.value == sum(one.proof for one in found) > 0
        code, said = run("check", "theirs.npz", "--model", "m.hans", "--data", "data.npz", "--json", "k.json")
        assert code == 0, said
        with open("k.json", encoding="utf-8") as file:
            checked = json.load(file)
        assert checked["proved"] == count.value and checked["rejected"] == [], checked
        code, said = run("certify", "m.hans", "--data", "data.npz", "--eps", "0.06", "--out", "ours.npz", "--quiet")
        assert code == 0, said
        with open("ours.npz", "rb") as ours, open("theirs.npz", "rb") as theirs:
            assert ours.read() == theirs.read(), "the files of proofs differ"

        # A part of the data set, with its hash; with any other hash the proofs are about other data.
        first, size = 20, 10
        options = Options(ctypes.sizeof(Options), 0, 80000, 0.0, None, 0, 0, first, 0.0, 1.0)
        part = (c_float * (size * SIDE * SIDE)).from_buffer(images, first * SIDE * SIDE * 4)
        some = (c_int32 * size).from_buffer(labels, first * 4)
        hans.certify(model, 0.06, part, some, size, byref(options), found, None, byref(proofs))
        hans.proofs_save(proofs, b"part.npz", checked["data_sha256"].encode())
        code, said = run("check", "part.npz", "--model", "m.hans", "--data", "data.npz")
        assert code == 0, said
        hans.proofs_save(proofs, b"part.npz", b"0" * 64)
        code, said = run("check", "part.npz", "--model", "m.hans", "--data", "data.npz")
        assert code == 1 and "is about data" in said, said
        hans.library.hans_proofs_free(proofs)
        hans.model_free(model)
    print(f"{count.value} proofs hold; decided:", sorted(seen))


if __name__ == "__main__":
    main()
