"""Whole steps of the built-in models in PyTorch, and the same by `hans bench`: train, infer and xgrad, in turn."""
import time

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


MODELS = {"v1": v1, "small": small, "madry": madry, "mlp": mlp}


class Mode:
    """A model in one of PyTorch's ways of running it: eager, channels_last or compile."""

    def __init__(self, model, mode, batch):
        torch.manual_seed(0)
        self.batch, self.at = batch, 0
        self.x, self.y = torch.rand(IMAGES, 1, 28, 28), torch.randint(0, 10, (IMAGES,))
        self.net = MODELS[model]()
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
        """Images a second of one step, over at least so many seconds. Only training asks for gradients of weights,
        only inference leaves dropout out: what runs before the clock also compiles."""
        for weight in self.net.parameters():
            weight.requires_grad_(step == "train")
        self.net.train(step == "train")
        work = getattr(self, step)
        work()
        work()
        done, begin = 0, time.perf_counter()
        while time.perf_counter() - begin < seconds:
            work()
            done += self.batch
        return done / (time.perf_counter() - begin)


def compare(hans, models, modes, rounds, seconds, note):
    """Calls note(name, "hans" or a mode, images a second) for every round."""
    for model in models:
        torch._dynamo.reset()
        for limit in ("recompile_limit", "accumulated_recompile_limit", "cache_size_limit"):
            if hasattr(torch._dynamo.config, limit):
                setattr(torch._dynamo.config, limit, 1000)  # otherwise a model too many runs eagerly, in silence
        for batch, steps in ((128, ("train", "infer", "xgrad")), (1, ("infer",))):
            ready = {}
            for mode in modes:
                try:
                    ready[mode] = Mode(model, mode, batch)
                    for step in steps:
                        ready[mode].rate(step, 0)
                except Exception as error:  # whatever a compiler may throw
                    ready.pop(mode, None)
                    print(f"{model}, batch {batch}: {mode} left out: {str(error).strip().splitlines()[0]}", flush=True)
            for _ in range(rounds):
                found = hans("bench", "--only", "steps", "--model", model, "--batch", str(batch), "--rounds", "1",
                             "--seconds", str(seconds))
                for figure in found["steps"]:
                    if figure["step"] in steps:
                        note(f"{model} {figure['step']}, batch {batch}, images/s", "hans",
                             figure["images_per_second"]["median"])
                for mode, runner in ready.items():
                    for step in steps:
                        note(f"{model} {step}, batch {batch}, images/s", mode, runner.rate(step, seconds))
