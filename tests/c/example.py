"""hans from Python, with nothing but the standard library: trains a small classifier, attacks it, says what came of it.

    python3 example.py build/release/libhans_c.so
"""
import ctypes
import random
import sys
from ctypes import POINTER, byref, c_char_p, c_double, c_float, c_int32, c_size_t, c_uint32, c_uint64, c_void_p


class AttackOptions(ctypes.Structure):
    _fields_ = [("size", c_size_t), ("seed", c_uint64), ("first_index", c_uint32), ("box_lo", c_float), ("box_hi", c_float)]


class AttackResult(ctypes.Structure):
    _fields_ = [(name, c_int32) for name in ("success", "evades", "prediction", "reason")] + [
        (name, c_double) for name in ("linf", "l2", "l1")] + [("l0", c_uint64)]


class Hans:
    """The functions of hans.h under their names without hans_; what fails becomes a RuntimeError."""

    ABI_VERSION = 1

    def __init__(self, path):
        self.library = ctypes.CDLL(path)
        self.library.hans_last_error.restype = self.library.hans_version.restype = c_char_p
        if self.library.hans_abi_version() != self.ABI_VERSION:
            raise RuntimeError(f"{path} has version {self.library.hans_abi_version()} of the interface")
        images, labels, count = POINTER(c_float), POINTER(c_int32), c_size_t
        self.declare("model_create", c_char_p, c_uint64, POINTER(c_void_p))
        self.declare("trainer_create", c_void_p, c_char_p, c_char_p, c_void_p, POINTER(c_void_p))
        self.declare("trainer_step", c_void_p, images, labels, POINTER(c_uint32), count, POINTER(c_double))
        self.declare("predict", c_void_p, images, count, labels)
        self.declare("attack", c_void_p, c_char_p, images, labels, labels, count, POINTER(AttackOptions), images,
                     POINTER(AttackResult))
        for name in ("model_free", "trainer_free"):
            function = getattr(self.library, "hans_" + name)
            function.restype, function.argtypes = None, [c_void_p]
            setattr(self, name, function)

    def declare(self, name, *arguments):
        function = getattr(self.library, "hans_" + name)
        function.restype, function.argtypes = c_int32, arguments

        def call(*values):
            if function(*values) != 0:
                raise RuntimeError(self.library.hans_last_error().decode())

        setattr(self, name, call)


def make_data(count, side=8, classes=3):
    """Noise with one bright band for each class."""
    numbers = random.Random(1)
    labels = [i % classes for i in range(count)]
    images = [numbers.random() * 0.5 + (0.4 if row * classes // side == label else 0.0)
              for label in labels for row in range(side) for _ in range(side)]
    return (c_float * len(images))(*images), (c_int32 * count)(*labels)


def main():
    hans = Hans(sys.argv[1])
    count = 60
    images, labels = make_data(count)
    model, trainer, loss = c_void_p(), c_void_p(), c_double()
    hans.model_create(b"8x8x1;flatten;linear:units=3", 1, byref(model))
    hans.trainer_create(model, b"adam:rate=0.02", None, None, byref(trainer))
    for _ in range(30):
        hans.trainer_step(trainer, images, labels, None, count, byref(loss))
    hans.trainer_free(trainer)

    predictions = (c_int32 * count)()
    hans.predict(model, images, count, predictions)
    right = sum(p == label for p, label in zip(predictions, labels))

    adversarial, results = (c_float * len(images))(), (AttackResult * count)()
    options = AttackOptions(size=ctypes.sizeof(AttackOptions), box_hi=1.0)
    hans.attack(model, b"fgsm:eps=0.2", images, labels, None, count, byref(options), adversarial, results)
    robust = sum(p == label and not r.evades for p, label, r in zip(predictions, labels, results))
    print(f"hans {hans.library.hans_version().decode()}: loss {loss.value:.4f}, {right} of {count} right, "
          f"{robust} still right under fgsm:eps=0.2, largest change {max(r.linf for r in results):.4f}")
    if right < 0.9 * count or robust > 0.5 * right:
        sys.exit("the model should have learnt its classes, and the attack should have fooled it")
    try:
        hans.attack(model, b"fgsm", images, labels, None, count, None, adversarial, results)
        sys.exit("an attack without a budget should be refused")
    except RuntimeError as error:
        print("as it should be:", error)
    hans.model_free(model)


if __name__ == "__main__":
    main()
