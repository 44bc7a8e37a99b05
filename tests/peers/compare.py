#!/usr/bin/env python3
"""Times hans against PyTorch doing the same work, in turn on the same machine, and compares the results.

    python3 tests/peers/compare.py --hans build/release/hans --data DIR [--rounds 3] [--threads 2]

Needs torch, numpy and safetensors (PyPI). DIR holds the four MNIST files. Nothing of hans needs this to build or test.
Prints the median of every figure and the ratio hans / PyTorch of the medians.
"""
import argparse, gzip, json, os, statistics, subprocess, tempfile, time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file


def idx(folder, name):
    path = os.path.join(folder, name)
    raw = gzip.open(path + ".gz").read() if os.path.exists(path + ".gz") else open(path, "rb").read()
    shape = [int.from_bytes(raw[4 + 4 * i:8 + 4 * i], "big") for i in range(raw[3])]
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(shape)


def mnist(folder, part):
    images = torch.tensor(idx(folder, f"{part}-images-idx3-ubyte")).float().div(255)[:, None]
    return images, torch.tensor(idx(folder, f"{part}-labels-idx1-ubyte")).long()


def v1():
    return nn.Sequential(nn.ZeroPad2d(3), nn.Conv2d(1, 64, 8, 2), nn.ReLU(), nn.Conv2d(64, 128, 6, 2), nn.ReLU(),
                         nn.Conv2d(128, 128, 5), nn.ReLU(), nn.Flatten(), nn.Linear(128, 10))


def with_weights_of(path):
    """v1 in PyTorch with the weights of a .hans file, whose layout is height x width x channels x filters."""
    stored = load_file(path)
    net = v1()
    with torch.no_grad():
        for place, name in ((1, "0"), (3, "2"), (5, "4"), (8, "7")):
            weight = stored[f"{name}.weight"]
            net[place].weight.copy_(weight.permute(3, 2, 0, 1) if weight.dim() == 4 else weight.T)
            net[place].bias.copy_(stored[f"{name}.bias"])
    return net.eval()


def seconds(work):
    begin = time.perf_counter()
    result = work()
    return time.perf_counter() - begin, result


def train_epoch(images, labels):
    net = v1()
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    order = torch.randperm(len(images))
    for first in range(0, len(images), 128):
        batch = order[first:first + 128]
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(net(images[batch]), labels[batch]).backward()
        optimizer.step()


def fgsm(net, images, labels, eps):
    """What `hans attack` does: attack what is right, then look at the result."""
    robust = 0
    for first in range(0, len(images), 256):
        x = images[first:first + 256].clone().requires_grad_()
        y = labels[first:first + 256]
        gradient, = torch.autograd.grad(F.cross_entropy(net(x), y, reduction="sum"), x)
        made = (x.detach() + eps * gradient.sign()).clamp(0, 1)
        with torch.inference_mode():
            robust += (net(made).argmax(1) == y).sum().item()
    return robust


def jsma(net, image, target, gamma, probabilities):
    """One attempt of a plain loop: pairs, theta 1. Returns success and the number of features."""
    x = image.clone().flatten()
    n = x.numel()
    left = x < 1
    f = lambda z: net(z.view(1, 1, 28, 28)).softmax(1)[0] if probabilities else net(z.view(1, 1, 28, 28))[0]
    for step in range(int(n * gamma // 2) + 1):
        z = x.clone().requires_grad_()
        out = f(z)
        if out.argmax() == target:
            return True, 2 * step
        domain = left.nonzero().flatten()
        if step == int(n * gamma // 2) or len(domain) < 2:
            break
        a, = torch.autograd.grad(out[target], z, retain_graph=True)
        total, = torch.autograd.grad(out.sum(), z)
        b = total - a
        gain = a[domain][:, None] + a[domain][None]
        loss = b[domain][:, None] + b[domain][None]
        score = torch.where((gain > 0) & (loss < 0), -gain * loss, torch.zeros(())).fill_diagonal_(0)
        k = score.argmax()
        if score.flatten()[k] <= 0:
            break
        for i in (domain[k // len(domain)], domain[k % len(domain)]):
            x[i] = min(1, x[i] + 1)
            left[i] = False
    return False, 0


def jsma_loop(net, images, labels, count, of):
    """Each of the first images that is right to each other class: attempts, successes, features of the successes."""
    attempts, features = 0, []
    for image, label in zip(images[:count], labels[:count]):
        with torch.inference_mode():
            right = net(image[None]).argmax() == label
        for target in range(10):
            if target == label or not right:
                continue
            success, changed = jsma(net, image, target, 0.145, of == "probabilities")
            attempts += 1
            features += [changed] if success else []
    return attempts, len(features), features


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--hans", required=True, help="the hans command")
    arguments.add_argument("--data", required=True, help="folder with the MNIST files")
    arguments.add_argument("--model", help="a trained v1 for the attacks; default: the one trained here, one epoch")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--jsma", type=int, default=10, help="images for JSMA, each to nine targets; one round if above 10")
    given = arguments.parse_args()
    os.environ.pop("OPENBLAS_CORETYPE", None)
    torch.set_num_threads(given.threads)
    train, test = mnist(given.data, "train"), mnist(given.data, "t10k")
    folder = tempfile.mkdtemp()
    file = os.path.join(folder, "v1.hans")

    def hans(*words):
        done = subprocess.run([given.hans, *words, "--threads", str(given.threads), "--quiet", "--json", "-"],
                              check=True, capture_output=True, text=True)
        return json.loads(done.stdout)

    data = given.data if "/" in given.data else "./" + given.data
    figures = {}

    def note(name, value):
        figures.setdefault(name, []).append(value)

    for _ in range(given.rounds):
        t, _unused = seconds(lambda: hans("train", "--data", data, "--model", "v1", "--epochs", "1", "--out", file))
        note("train v1, images/s (hans: whole process)", (len(train[0]) / t, None))
        t, _unused = seconds(lambda: train_epoch(*train))
        note("train v1, images/s (hans: whole process)", (None, len(train[0]) / t))
    model = given.model or file
    net = with_weights_of(model)
    for _ in range(given.rounds):
        found = hans("attack", model, "--data", data + "/test", "--attack", "fgsm:eps=0.3")["attacks"][0]
        note("FGSM 0.3 crafted and judged, images/s", (found["attempts"] / found["seconds"], None))
        robust = found["robust_accuracy"] * len(test[0])
        t, peer = seconds(lambda: fgsm(net, *test, 0.3))
        note("FGSM 0.3 crafted and judged, images/s", (None, len(test[0]) / t))
    print(f"FGSM 0.3: robust of {len(test[0])}: hans {robust:.0f}, PyTorch {peer}")
    for of in ("probabilities", "logits"):
        for _ in range(given.rounds if given.jsma <= 10 else 1):
            found = hans("attack", model, "--data", data + "/test", "--attack", f"jsma:theta=1,gamma=0.145,of={of}",
                         "--targets", "all", "--limit", str(given.jsma))["attacks"][0]
            t, (attempts, successes, features) = seconds(lambda: jsma_loop(net, *test, given.jsma, of))
            note(f"JSMA on {of}, attempts/s", (found["attempts"] / found["seconds"], attempts / t))
        print(f"JSMA on {of}: hans {found['success_rate']:.4f} of {found['attempts']} "
              f"({found['distances']['l0']['mean'] / 784:.4f} of the features), "
              f"plain loop {successes / attempts:.4f} of {attempts} ({np.mean(features) / 784:.4f})")
    print(f"PyTorch {torch.__version__}, {given.threads} threads, {given.rounds} rounds, medians")
    for name, rows in figures.items():
        ours = statistics.median(a for a, _ in rows if a)
        theirs = statistics.median(b for _, b in rows if b)
        print(f"{name:45} hans {ours:10.1f}  PyTorch {theirs:10.1f}  ratio {ours / theirs:6.2f}")


if __name__ == "__main__":
    main()
