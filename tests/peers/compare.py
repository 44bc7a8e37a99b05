#!/usr/bin/env python3
"""Times hans against PyTorch and OpenBLAS doing the same work, in turn on the same machine, and compares the results.

    python3 tests/peers/compare.py --hans build/release/hans --data DIR [--rounds 3] [--threads 2]

Needs torch, numpy and safetensors (PyPI), for nets that are not built in onnx and onnxruntime, and for the products
libopenblas. DIR holds the four MNIST files. Nothing of hans needs this to build or test. Prints the median of every figure and the ratio hans / peer of the medians; where
PyTorch runs in several modes (eager, channels_last, torch.compile) its best median counts. Three parts:
  steps    train, infer and xgrad of networks, whole steps on random images: v1, small, madry and mlp; and read from ONNX
           files, beside onnxruntime, lenet, resnet8, resnet20, stack16 and stack64
  sgemm    products of matrices
  attacks  an epoch of training as a whole process, FGSM, and JSMA against a plain loop
Run it on an idle machine.
"""
import argparse, gzip, json, math, os, statistics, subprocess, tempfile, time

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

import gemm, steps


def idx(folder, name):
    path = os.path.join(folder, name)
    raw = gzip.open(path + ".gz").read() if os.path.exists(path + ".gz") else open(path, "rb").read()
    shape = [int.from_bytes(raw[4 + 4 * i:8 + 4 * i], "big") for i in range(raw[3])]
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(shape)


def mnist(folder, part):
    images = torch.tensor(idx(folder, f"{part}-images-idx3-ubyte")).float().div(255)[:, None]
    return images, torch.tensor(idx(folder, f"{part}-labels-idx1-ubyte")).long()


def with_weights_of(path):
    """v1 in PyTorch with the weights of a .hans file, whose layout is height x width x channels x filters."""
    stored = load_file(path)
    net = steps.v1()
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
    net = steps.v1()
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


def compare_attacks(hans, given, note):
    train, test = mnist(given.data, "train"), mnist(given.data, "t10k")
    file = os.path.join(tempfile.mkdtemp(), "v1.hans")
    data = given.data if "/" in given.data else "./" + given.data
    name = "train v1, images/s (hans: whole process)"
    for _ in range(given.rounds):
        t, _unused = seconds(lambda: hans("train", "--data", data, "--model", "v1", "--epochs", "1", "--out", file))
        note(name, "hans", len(train[0]) / t)
        t, _unused = seconds(lambda: train_epoch(*train))
        note(name, "PyTorch", len(train[0]) / t)
    model = given.model or file
    net = with_weights_of(model)
    name = "FGSM 0.3 crafted and judged, images/s"
    for _ in range(given.rounds):
        found = hans("attack", model, "--data", data + "/test", "--attack", "fgsm:eps=0.3")["attacks"][0]
        note(name, "hans", found["attempts"] / found["seconds"])
        robust = found["robust_accuracy"] * len(test[0])
        t, peer = seconds(lambda: fgsm(net, *test, 0.3))
        note(name, "PyTorch", len(test[0]) / t)
    print(f"FGSM 0.3: robust of {len(test[0])}: hans {robust:.0f}, PyTorch {peer}")
    for of in ("probabilities", "logits"):
        for _ in range(given.rounds if given.jsma <= 10 else 1):
            found = hans("attack", model, "--data", data + "/test", "--attack", f"jsma:theta=1,gamma=0.145,of={of}",
                         "--targets", "all", "--limit", str(given.jsma))["attacks"][0]
            t, (attempts, successes, features) = seconds(lambda: jsma_loop(net, *test, given.jsma, of))
            note(f"JSMA on {of}, attempts/s", "hans", found["attempts"] / found["seconds"])
            note(f"JSMA on {of}, attempts/s", "plain loop", attempts / t)
        print(f"JSMA on {of}: hans {found['success_rate']:.4f} of {found['attempts']} "
              f"({found['distances']['l0']['mean'] / 784:.4f} of the features), "
              f"plain loop {successes / attempts:.4f} of {attempts} ({np.mean(features) / 784:.4f})")


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def report(figures):
    """Medians and ratios; the geometric means of those that belong together."""
    means = {}
    for name, row in figures.items():
        medians = {who: statistics.median(values) for who, values in row.items()}
        ours = medians.pop("hans")
        best = max(medians, key=medians.get)
        ratio = ours / medians[best]
        others = ", ".join(f"{who} {value:.1f}" for who, value in medians.items() if who != best)
        print(f"{name:48} hans {ours:10.1f}   {best:13} {medians[best]:10.1f}   ratio {ratio:6.2f}   {others}".rstrip())
        if ", batch 128," in name:
            means.setdefault("steps at batch 128", []).append(ratio)
        if name.startswith("sgemm"):
            means.setdefault(f"sgemm, {name.split(', ')[1]}", []).append(ratio)
    for group, ratios in means.items():
        print(f"geometric mean of {len(ratios)} ratios, {group}: {geometric_mean(ratios):.2f}")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--hans", required=True, help="the hans command")
    arguments.add_argument("--data", help="folder with the MNIST files, for the attacks")
    arguments.add_argument("--only", default="steps,sgemm,attacks", help="parts joined by commas; default: all")
    arguments.add_argument("--nets", default=",".join(steps.MODELS), help="models for the steps, joined by commas")
    arguments.add_argument("--model", help="a trained v1 for the attacks; default: the one trained here, one epoch")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--seconds", type=float, default=0.5, help="of each figure of steps and sgemm in a round")
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    arguments.add_argument("--openblas", help="the OpenBLAS library; default: the system's")
    arguments.add_argument("--jsma", type=int, default=10,
                           help="images for JSMA, each to nine targets; one round if above 10")
    given = arguments.parse_args()
    parts, nets = given.only.split(","), given.nets.split(",")
    for words, known in ((parts, ("steps", "sgemm", "attacks")), (nets, steps.MODELS)):
        for word in words:
            if word not in known:
                arguments.error(f"{word} is none of {', '.join(known)}")
    if "attacks" in parts and not given.data:
        arguments.error("the attacks need --data; without them: --only steps,sgemm")
    os.environ.pop("OPENBLAS_CORETYPE", None)
    torch.set_num_threads(given.threads)

    def hans(*words):
        time.sleep(0.05)  # a peer's threads may still be waiting for work, awake
        done = subprocess.run([given.hans, *words, "--threads", str(given.threads), "--quiet", "--json", "-"],
                              check=True, stdout=subprocess.PIPE, text=True)
        return json.loads(done.stdout)

    figures = {}

    def note(name, who, value):
        figures.setdefault(name, {}).setdefault(who, []).append(value)

    print(f"PyTorch {torch.__version__}, {given.threads} threads, {given.rounds} rounds, medians", flush=True)
    if "steps" in parts:
        modes = ["eager", "channels_last"] + ([] if given.no_compile else ["compile"])
        steps.compare(hans, nets, modes, given.rounds, given.seconds, given.threads, tempfile.mkdtemp(), note)
    if "sgemm" in parts:
        blas = gemm.OpenBlas(given.openblas, given.threads)
        print(f"OpenBLAS core {blas.core}", flush=True)
        gemm.compare(hans, blas, given.rounds, given.seconds, note)
    if "attacks" in parts:
        compare_attacks(hans, given, note)
    report(figures)


if __name__ == "__main__":
    main()
