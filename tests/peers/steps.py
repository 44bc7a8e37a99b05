"""Whole steps of networks in PyTorch, and the same by `hans bench`: train, infer and xgrad, in turn."""
import os
import time
import warnings

import torch
import torch.nn as nn
import torch.nn.functional as F

IMAGES = 4096  # random ones; a step goes from batch to batch


def v1():
    return nn.Sequential(nn.ZeroPad2d(3), nn.Conv2d(1, 64, 8, 2), nn.ReLU(), nn.Conv2d(64, 128, 6, 2), nn.ReLU(),
                         nn.Conv2d(128, 128, 5), nn.ReLU(), nn.Flatten(), nn.Linear(128, 10))


def small():
    return nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(32, 64, 3), nn.ReLU(), nn.Conv2d(64, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Flatten(), nn.Linear(1024, 200), nn.ReLU(), nn.Dropout(0.5), nn.Linear(200, 200), nn.ReLU(),
                         nn.Linear(200, 10))


def madry():
    return nn.Sequential(nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 5, padding=2),
                         nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(3136, 1024), nn.ReLU(),
                         nn.Linear(1024, 10))


def mlp():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 1000), nn.ReLU(), nn.Linear(1000, 1000), nn.ReLU(),
                         nn.Linear(1000, 10))


def lenet():
    return nn.Sequential(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1),
                         nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(3136, 200), nn.ReLU(), nn.Linear(200, 10))


def stack(width):
    """Four layers of 3x3 windows."""
    layers = []
    for channels in (3, width, width, width):
        layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers, nn.MaxPool2d(4), nn.Flatten(), nn.Linear(64 * width, 10))


class Block(nn.Module):
    """A residual block with 3x3 windows (He 2016)."""

    def __init__(self, channels, width, stride):
        super().__init__()
        self.way = nn.Sequential(nn.Conv2d(channels, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
                                 nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width))
        self.beside = nn.Identity() if stride == 1 else nn.Sequential(
            nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x):
        return F.relu(self.way(x) + self.beside(x))


def resnet(blocks):
    """6 * blocks + 2 layers for 32x32x3 images, 16, 32 and 64 channels wide (He 2016)."""
    layers, channels = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()], 16
    for width in (16, 32, 64):
        for _ in range(blocks):
            layers.append(Block(channels, width, 1 if width == channels else 2))
            channels = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


# The built-in models, which hans names alike, and others, which hans reads from an ONNX file; and their images.
BUILT_IN = {"v1": v1, "small": small, "madry": madry, "mlp": mlp}
OTHERS = {"lenet": (lenet, (1, 28, 28)), "resnet8": (lambda: resnet(1), (3, 32, 32)),
          "resnet20": (lambda: resnet(3), (3, 32, 32)), "stack16": (lambda: stack(16), (3, 32, 32)),
          "stack64": (lambda: stack(64), (3, 32, 32))}
MODELS = {**{name: (make, (1, 28, 28)) for name, make in BUILT_IN.items()}, **OTHERS}


def export(model, folder):
    """The model as an ONNX file for a batch of any size, normalisations as they are in training."""
    make, shape = MODELS[model]
    torch.manual_seed(0)
    path = os.path.join(folder, model + ".onnx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(make().eval(), torch.rand(1, *shape), path, dynamo=False,
                          training=torch.onnx.TrainingMode.PRESERVE, input_names=["images"], output_names=["logits"],
                          dynamic_axes={"images": {0: "n"}, "logits": {0: "n"}})
    return path


class Runtime:
    """onnxruntime with an ONNX file: inference only."""

    def __init__(self, path, batch, threads):
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.batch = batch
        self.x = torch.rand(batch, *self.session.get_inputs()[0].shape[1:]).numpy()

    def rate(self, step, seconds):
        work = lambda: self.session.run(None, {"images": self.x})
        return rate_of(work, self.batch, seconds) if step == "infer" else None


def rate_of(work, batch, seconds):
    """Images a second, over at least so many seconds; what runs before the clock also compiles."""
    work()
    work()
    done, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        work()
        done += batch
    return done / (time.perf_counter() - begin)


class Mode:
    """A model in one of PyTorch's ways of running it: eager, channels_last or compile."""

    def __init__(self, model, mode, batch):
        torch.manual_seed(0)
        self.batch, self.at = batch, 0
        make, shape = MODELS[model]
        self.x, self.y = torch.rand(IMAGES, *shape), torch.randint(0, 10, (IMAGES,))
        self.net = make()
        if mode == "channels_last":
            self.net = self.net.to(memory_format=torch.channels_last)
            self.x = self.x.contiguous(memory_format=torch.channels_last)
        self.run = torch.compile(self.net, dynamic=False) if mode == "compile" else self.net
        self.optimizer = torch.optim.SGD(self.net.parameters(), 0.01)

    def next(self):
        self.at = self.at if self.at + self.batch <= IMAGES else 0
        part = slice(self.at, self.at + self.batch)
        self.at += self.batch
        return self.x[part], self.y[part]

    def train(self):
        x, y = self.next()
        self.optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(self.run(x), y).backward()
        self.optimizer.step()

    def infer(self):
        with torch.inference_mode():
            self.run(self.next()[0])

    def xgrad(self):
        x, y = self.next()
        x = x.clone().requires_grad_()
        torch.autograd.grad(F.cross_entropy(self.run(x), y, reduction="sum"), x)

    def rate(self, step, seconds):
        """Images a second of one step. Only training asks for gradients of weights, leaves units out and normalises by
        the batch."""
        for weight in self.net.parameters():
            weight.requires_grad_(step == "train")
        self.net.train(step == "train")
        return rate_of(getattr(self, step), self.batch, seconds)


def compare(hans, models, modes, rounds, seconds, threads, folder, note):
    """Calls note(name, "hans" or a peer, images a second) for every round. Of the models in OTHERS onnxruntime infers the
    file that hans has read, and no single images are timed."""
    for model in models:
        torch._dynamo.reset()
        for limit in ("recompile_limit", "accumulated_recompile_limit", "cache_size_limit"):
            if hasattr(torch._dynamo.config, limit):
                setattr(torch._dynamo.config, limit, 1000)  # otherwise a model too many runs eagerly, in silence
        file = export(model, folder) if model in OTHERS else None
        for batch, steps in ((128, ("train", "infer", "xgrad")), (1, ("infer",)))[:1 if file else 2]:
            ready = {"onnxruntime": Runtime(file, batch, threads)} if file else {}
            for mode in modes:
                try:
                    ready[mode] = Mode(model, mode, batch)
                    for step in steps:
                        ready[mode].rate(step, 0)
                except Exception as error:  # whatever a compiler may throw
                    ready.pop(mode, None)
                    print(f"{model}, batch {batch}: {mode} left out: {str(error).strip().splitlines()[0]}", flush=True)
            for _ in range(rounds):
                found = hans("bench", "--only", "steps", "--model", file or model, "--batch", str(batch), "--rounds", "1",
                             "--seconds", str(seconds))
                for figure in found["steps"]:
                    if figure["step"] in steps:
                        note(f"{model} {figure['step']}, batch {batch}, images/s", "hans",
                             figure["images_per_second"]["median"])
                for mode, runner in ready.items():
                    for step in steps:
                        rate = runner.rate(step, seconds)
                        if rate is not None:
                            note(f"{model} {step}, batch {batch}, images/s", mode, rate)
