#!/usr/bin/env python3
"""Bounds of `hans certify` against those of auto_LiRPA: the same networks, images, eps and threads, in turn.

    python3 tests/peers/compare_bounds.py --data DIR [--hans build/release/hans] [--models DIR] [--out DIR]
        [--only REGEX] [--limit 4] [--eps 0.05] [--rounds 3] [--threads 2]

Needs torch, numpy, onnx (PyPI) and auto_LiRPA (Verified-Intelligence/auto_LiRPA, a checkout in PYTHONPATH; it needs
appdirs, pyyaml, tqdm, graphviz and ninja). DIR holds the four MNIST files; --models the third-party models. Nothing of
hans needs this to build or test.

Small networks are trained on MNIST scaled down to 8x8 and exported to ONNX. --out keeps, for each network, NAME.onnx
and NAME.npz: images (n x h x w x c), labels, eps, logits, and by each method the lower bounds of all margins
z_label - z_j [n, classes], 0 at the label, computed in double over the ball of eps around the image cut with [0, 1]:
  ibp          interval bounds, the last layer merged with the margins (elision); ibp_plain: without
  crown        CROWN, adaptive slopes; bounds of hidden units are the better of CROWN and intervals, for each unit
  crown_same, crown_zero   the same with slopes u/(u-l) (Wong-Kolter, DeepZ) and 0
  crown_plain  auto_LiRPA's default: no intervals where CROWN ran
  crown_ibp, crown_ibp_zero   hidden units by intervals only, then one CROWN pass with adaptive slopes, or 0
  alpha20      slopes of the last pass optimized, 20 steps at rate 0.25, hidden units as in crown; alpha: 300 steps,
  alpha_joint  the slopes of hidden units' bounds optimized too, 20 steps; both only of small networks, up to 8 images
  sampled      the smallest margin seen at random points and corners: no bound may be above it
and hidden<k>_low, hidden<k>_high, crown's bounds of the k-th ReLU's inputs (n x h x w x c).

With --hans the same files go through `hans certify`; worst margins are compared within --tolerance, and seconds by
the medians of the rounds: of the whole process of hans, and of auto_LiRPA in float at batch 32 without building its
graph. alpha may differ more: it stops as soon as a margin is proved. Time on an idle machine.
"""
import argparse, json, logging, os, re, statistics, subprocess, tempfile, warnings

warnings.filterwarnings("ignore")
import numpy as np
import onnx
import torch
import torch.nn as nn
import torch.nn.functional as F
from auto_LiRPA import BoundedModule, BoundedTensor, PerturbationLpNorm

import compare

logging.disable(logging.WARNING)


def clamp(x, min=None, max=None):
    """Lets gradients pass at both ends, where alpha-CROWN starts; torch.clamp no longer does in 2.15."""
    x = x if min is None else torch.where(x < min, min, x)
    return x if max is None else torch.where(x > max, max, x)


torch.clamp = clamp
BATCH = 32
METHODS = {"ibp": "ibp", "crown": "crown", "alpha": "alpha20"}  # of hans certify, and what it is compared with


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.way = nn.Sequential(nn.Conv2d(channels, channels, 3, 1, 1), nn.ReLU(),
                                 nn.Conv2d(channels, channels, 3, 1, 1))

    def forward(self, x):
        return F.relu(self.way(x) + x)


def conv(channels, filters, kernel=3, stride=1, padding=1):
    return nn.Conv2d(channels, filters, kernel, stride, padding)


# Networks for images of 1 x 8 x 8.
SMALL = {
    "mlp": lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 24), nn.ReLU(),
                                 nn.Linear(24, 10)),
    "leaky": lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.LeakyReLU(0.1), nn.Linear(32, 24),
                                   nn.LeakyReLU(0.1), nn.Linear(24, 10)),
    "conv": lambda: nn.Sequential(conv(1, 8, 4, 2), nn.ReLU(), conv(8, 12, 4, 2), nn.ReLU(), nn.Flatten(),
                                  nn.Linear(48, 24), nn.ReLU(), nn.Linear(24, 10)),
    "average": lambda: nn.Sequential(conv(1, 6), nn.ReLU(), nn.AvgPool2d(2), conv(6, 8), nn.ReLU(), nn.Flatten(),
                                     nn.Linear(128, 10)),
    "max": lambda: nn.Sequential(conv(1, 6), nn.ReLU(), nn.MaxPool2d(2), conv(6, 8), nn.ReLU(), nn.Flatten(),
                                 nn.Linear(128, 10)),
    "max_first": lambda: nn.Sequential(conv(1, 6), nn.MaxPool2d(2), nn.ReLU(), conv(6, 8), nn.ReLU(), nn.Flatten(),
                                       nn.Linear(128, 10)),
    "residual": lambda: nn.Sequential(conv(1, 6, 4, 2), nn.ReLU(), Block(6), Block(6), nn.Flatten(),
                                      nn.Linear(96, 10)),
    "norm": lambda: nn.Sequential(nn.BatchNorm2d(1), conv(1, 6, 4, 2), nn.BatchNorm2d(6), nn.ReLU(), conv(6, 8),
                                  nn.ReLU(), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(128, 24), nn.BatchNorm1d(24),
                                  nn.ReLU(), nn.Linear(24, 10)),
}
# Third-party models that read() knows, with the eps they are usually certified at.
THIRD_PARTY = {"locuslab_mnist_linf0.1": 0.1, "lirpa_mnist_a_adv": 0.1, "art_no_mpool": 0.05,
               "rsl18a_mnist_linf0.1": 0.1}


def eighth(images):
    """MNIST at 8 x 8, rounded to multiples of 1/256."""
    return (F.avg_pool2d(F.pad(images, (2, 2, 2, 2)), 4) * 256).round() / 256


def trained(make, images, labels, steps=300):
    torch.set_default_dtype(torch.float32)
    torch.manual_seed(8)
    net = make()
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)
    for step in range(steps):
        batch = slice(64 * step, 64 * step + 64)
        optimizer.zero_grad()
        F.cross_entropy(net(images[batch]), labels[batch]).backward()
        optimizer.step()
    return net.eval()


def read(path):
    """A chain of convolutions, linear layers and ReLUs from an ONNX file."""
    torch.set_default_dtype(torch.float32)
    graph = onnx.load(path).graph
    weights = {w.name: torch.tensor(onnx.numpy_helper.to_array(w)) for w in graph.initializer}
    layers = []
    for node in graph.node:
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type == "Conv":
            weight, bias = (weights[name] for name in node.input[1:])
            layer = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2:], attributes["strides"],
                              attributes.get("pads", [0, 0])[:2])
        elif node.op_type == "Gemm":
            weight, bias = (weights[name] for name in node.input[1:])
            weight = weight if attributes.get("transB") else weight.T
            layer = nn.Linear(weight.shape[1], weight.shape[0])
        else:
            layers.append({"Relu": nn.ReLU, "Flatten": nn.Flatten}[node.op_type]())
            continue
        with torch.no_grad():
            layer.weight.copy_(weight)
            layer.bias.copy_(bias)
        layers.append(layer)
    return nn.Sequential(*layers).eval()


def export(net, images, path):
    torch.onnx.export(net, images[:1], path, dynamo=False, training=torch.onnx.TrainingMode.PRESERVE,
                      do_constant_folding=False, input_names=["input"], dynamic_axes={"input": {0: "n"}})


class Problem:
    """A network, images, labels and a ball, as auto_LiRPA wants them."""

    def __init__(self, net, images, labels, eps, dtype=torch.float64):
        torch.set_default_dtype(dtype)
        self.net, self.images, self.labels = net.to(dtype), images.to(dtype), labels
        self.low, self.high = (self.images - eps).clamp(min=0), (self.images + eps).clamp(max=1)
        self.x = BoundedTensor(self.images, PerturbationLpNorm(norm=np.inf, x_L=self.low, x_U=self.high))
        eye = torch.eye(self.net(self.images[:1]).shape[1])
        self.margins = eye[labels][:, None] - eye[None]  # one form for each class, the zero form at the label

    def bounded(self, slopes="adaptive", cut=True, **optimized):
        return BoundedModule(self.net, torch.zeros_like(self.images[:1]), bound_opts={
            "activation_bound_option": slopes, "compare_crown_with_ibp": cut, "optimize_bound_args": optimized,
            "disable_optimization": ["MaxPool"]})

    def lower(self, model, method, **given):
        return model.compute_bounds(x=(self.x,), C=self.margins, method=method, bound_upper=False, **given)[0]

    def plain(self):
        """Intervals of the logits, then of the margins."""
        low, high = self.bounded().compute_bounds(x=(self.x,), method="IBP")
        bounds = low.gather(1, self.labels[:, None]) - high
        return bounds.scatter(1, self.labels[:, None], 0)

    def hidden(self, model):
        """CROWN's bounds of all nodes between images and logits."""
        self.lower(model, "CROWN")
        return {name: (low.detach(), high.detach()) for name, (low, high) in model.save_intermediate().items()
                if name not in (model.final_name, model.input_name[0])}

    def crown(self, slopes="adaptive"):
        """Intervals help with hidden units, not with the margins. Returns bounds of all nodes, too."""
        model = self.bounded(slopes)
        hidden = self.hidden(model)
        model.bound_opts["compare_crown_with_ibp"] = False
        return self.lower(model, "CROWN", interm_bounds=hidden), hidden, model

    def slopes(self, steps):
        return self.bounded(cut=False, iteration=steps, lr_alpha=0.25, init_alpha=False, early_stop_patience=steps)

    def alpha(self, model, hidden):
        """Optimizes the slopes of the last pass only: without `hidden`, auto_LiRPA repeats all passes in each step."""
        model.init_alpha((self.x,), c=self.margins, interm_bounds=hidden, bound_upper=False)
        return self.lower(model, "CROWN-Optimized", interm_bounds=hidden)

    def joint(self, steps):
        model = self.bounded(iteration=steps, lr_alpha=0.25, fix_interm_bounds=False)
        return self.lower(model, "CROWN-Optimized")

    def sampled(self, count):
        generator = torch.Generator().manual_seed(8)
        least = torch.full(self.margins.shape[:2], np.inf)
        with torch.no_grad():
            for k in range(count):
                point = torch.rand(self.images.shape, generator=generator)
                point = self.low + (self.high - self.low) * (point if k % 2 else point.round())
                least = torch.minimum(least, torch.einsum("nij,nj->ni", self.margins, self.net(point)))
        return least


def numpy(tensor):
    """As numpy, images as n x h x w x c."""
    tensor = tensor.detach()
    return (tensor.permute(0, 2, 3, 1) if tensor.dim() == 4 else tensor).contiguous().numpy()


def batches(net, images, labels, eps, dtype):
    for first in range(0, len(images), BATCH):
        yield Problem(net, images[first:first + BATCH], labels[first:first + BATCH], eps, dtype)


def reference(problem, quick):
    """Logits and all bounds by name; quick leaves out what takes minutes on larger networks."""
    found = {"ibp": problem.lower(problem.bounded(), "IBP"), "ibp_plain": problem.plain()}
    found["crown"], hidden, model = problem.crown()
    found["crown_same"], found["crown_zero"] = problem.crown("same-slope")[0], problem.crown("zero-lb")[0]
    found["crown_plain"] = problem.lower(problem.bounded(cut=False), "CROWN")
    found["crown_ibp"] = problem.lower(problem.bounded(cut=False), "CROWN-IBP")
    found["crown_ibp_zero"] = problem.lower(problem.bounded("zero-lb", cut=False), "CROWN-IBP")
    found["alpha20"] = problem.alpha(problem.slopes(20), hidden)
    if not quick:
        found["alpha"] = problem.alpha(problem.slopes(300), hidden)
        found["alpha_joint"] = problem.joint(20)
    found["sampled"] = problem.sampled(1000)
    for name, bounds in found.items():
        if not (bounds <= found["sampled"] + 1e-9).all():
            raise SystemExit(f"{name} is above a margin that a point of the ball has")
    for k, relu in enumerate(model.relus):
        found[f"hidden{k}_low"], found[f"hidden{k}_high"] = hidden[relu.inputs[0].name]
    found["logits"] = problem.net(problem.images)
    return {name: numpy(bounds) for name, bounds in found.items()}


def worst(bounds, labels):
    """The least margin of each image, without the label's own."""
    bounds = bounds.copy()
    bounds[np.arange(len(labels)), labels] = np.inf
    return bounds.min(1)


def problems(given):
    """Name, file, network, images, labels and eps of each network that --only names; the files lie in given.out."""
    images, labels = compare.mnist(given.data, "t10k")
    for name, make in SMALL.items():
        if re.fullmatch(given.only, name):
            net = trained(make, *(part[:19200] for part in (eighth(compare.mnist(given.data, "train")[0]),
                                                            compare.mnist(given.data, "train")[1])))
            path = os.path.join(given.out, name + ".onnx")
            export(net, eighth(images[:1]), path)
            yield name, path, net, eighth(images[:given.limit]), labels[:given.limit], given.eps
    for name, eps in THIRD_PARTY.items():
        path = os.path.join(given.models or "", name + ".onnx")
        if given.models and re.fullmatch(given.only, name):
            yield name, path, read(path), images[:given.limit], labels[:given.limit], eps


def by_peer(net, images, labels, eps, method):
    """Seconds of auto_LiRPA for all images, at most BATCH at a time."""
    total = 0.0
    for problem in batches(net, images, labels, eps, torch.float32):
        model, slopes = problem.bounded(cut=False), problem.slopes(20)
        if method == "alpha":
            work = lambda: problem.alpha(slopes, problem.hidden(model))
        else:
            work = lambda: problem.lower(model, {"ibp": "IBP", "crown": "CROWN"}[method])
        total += compare.seconds(work)[0]
    return total


def by_hans(given, path, data, eps, method):
    """Seconds of the process, and its samples."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "o.json")
        command = [given.hans, "certify", path, "--data", data, "--eps", str(eps), "--method", method, "--limit",
                   str(given.limit), "--attack", "none", "--per-sample", "--threads", str(given.threads), "--quiet", "--json", out]
        seconds, _unused = compare.seconds(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))
        with open(out) as file:
            return seconds, json.load(file)["certify"][0]["samples"]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", required=True, help="folder with the MNIST files")
    arguments.add_argument("--hans", help="the hans command; without it only the bounds of auto_LiRPA are computed")
    arguments.add_argument("--models", help="folder of the third-party models")
    arguments.add_argument("--out", help="folder to keep networks and bounds in")
    arguments.add_argument("--only", default=".*", help="names of networks, a regular expression")
    arguments.add_argument("--limit", type=int, default=4, help="images")
    arguments.add_argument("--eps", type=float, default=0.05, help="for the small networks")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--tolerance", type=float, default=1e-4, help="relative difference of ibp and crown")
    arguments.add_argument("--time", action="store_true", help="time auto_LiRPA even without --hans")
    given = arguments.parse_args()
    given.out = given.out or tempfile.mkdtemp()
    os.makedirs(given.out, exist_ok=True)
    torch.set_num_threads(given.threads)
    wrong = 0
    for name, path, net, images, labels, eps in problems(given):
        data = os.path.join(given.out, name + ".npz")
        parts = [reference(problem, name in THIRD_PARTY or given.limit > 8)
                 for problem in batches(net, images, labels, float(np.float32(eps)), torch.float64)]
        bounds = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
        np.savez(data, images=numpy(images), labels=labels.numpy(), eps=np.float32(eps), **bounds)
        means = {method: worst(bounds[method], labels).mean() for method in bounds
                 if "hidden" not in method and method != "logits"}
        print(f"{name}: mean worst margin " + ", ".join(f"{k} {v:.4g}" for k, v in means.items()), flush=True)
        for method, peer in METHODS.items() if given.hans or given.time else ():
            times = {"hans": [], "auto_LiRPA": []}
            for _ in range(given.rounds):
                times["auto_LiRPA"].append(by_peer(net, images, labels, eps, method))
                if given.hans:
                    seconds, samples = by_hans(given, path, data, eps, method)
                    times["hans"].append(seconds)
            each = {who: statistics.median(values) / len(images) for who, values in times.items() if values}
            line = f"  {method:6}" + "".join(f" {who} {value:.5f} s/image" for who, value in each.items())
            if given.hans:
                theirs = worst(bounds[peer], labels)
                pairs = [(s["bound"], theirs[s["index"]]) for s in samples if s["bound"] is not None]
                apart = max((abs(a - b) / max(1, abs(b)) for a, b in pairs), default=0.0)
                wrong += method != "alpha" and apart > given.tolerance
                proved = sum(a > 0 for a, b in pairs), sum(b > 0 for a, b in pairs)
                line += (f" ratio {each['auto_LiRPA'] / each['hans']:.1f}, {len(pairs)} bounds, furthest apart"
                         f" {apart:.1e}, above 0: {proved[0]} and {proved[1]}")
            print(line, flush=True)
    if wrong:
        raise SystemExit(f"{wrong} methods give other bounds")


if __name__ == "__main__":
    main()
