"""Products of matrices by OpenBLAS's sgemm, and the same by `hans bench`, in turn."""
import ctypes
import ctypes.util
import time

import numpy as np

ROW_MAJOR, NO_TRANSPOSE = 101, 111


class OpenBlas:
    def __init__(self, path, threads):
        name = path or ctypes.util.find_library("openblas")
        if not name:
            raise OSError("no libopenblas found: install libopenblas0, or say where it is with --openblas")
        self.library = ctypes.CDLL(name)
        self.library.openblas_get_corename.restype = ctypes.c_char_p
        self.core = self.library.openblas_get_corename().decode()
        self.library.openblas_set_num_threads(threads)

    def gflops(self, m, n, k, seconds):
        rng = np.random.default_rng(0)
        a, b = rng.random((m, k), np.float32), rng.random((k, n), np.float32)
        c = np.empty((m, n), np.float32)
        pointer = [matrix.ctypes.data_as(ctypes.c_void_p) for matrix in (a, b, c)]
        one, none = ctypes.c_float(1), ctypes.c_float(0)

        def work():
            self.library.cblas_sgemm(ROW_MAJOR, NO_TRANSPOSE, NO_TRANSPOSE, m, n, k, one, pointer[0], k, pointer[1], n,
                                     none, pointer[2], n)

        work()
        assert np.allclose(c[0], a[0] @ b, rtol=1e-3)
        calls = 1
        while True:  # the loop's own clock is not read in each call: small products take microseconds
            begin = time.perf_counter()
            for _ in range(calls):
                work()
            taken = time.perf_counter() - begin
            if taken >= seconds:
                return 2e-9 * m * n * k * calls / taken
            calls = max(calls + 1, int(1.2 * calls * seconds / max(taken, seconds / 100)))


def compare(hans, blas, rounds, seconds, note):
    """Calls note(name, "hans" or "OpenBLAS", GFLOP/s) for every round."""
    for _ in range(rounds):
        for figure in hans("bench", "--only", "sgemm", "--rounds", "1", "--seconds", str(seconds))["sgemm"]:
            m, n, k = (figure[key] for key in "mnk")
            packed = figure["packed"].replace("_", " ")
            name = f"sgemm {m}x{n}x{k}, packed {packed}, GFLOP/s"
            note(name, "hans", figure["gflops"]["median"])
            if packed == "before":
                theirs = blas.gflops(m, n, k, seconds)
            note(name, "OpenBLAS", theirs)
