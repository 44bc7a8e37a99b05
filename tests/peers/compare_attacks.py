#!/usr/bin/env python3
"""Attacks of hans against those of the attack libraries: the same weights, images, steps and threads, in turn.

    python3 tests/peers/compare_attacks.py --hans build/release/hans --data DIR --model v1.hans
        [--models DIR --auto-attack DIR] [--only REGEX] [--rounds 1] [--threads 2]

Needs torch, numpy, safetensors, torchattacks, foolbox and adversarial-robustness-toolbox (PyPI); --auto-attack is a
checkout of the reference AutoAttack. DIR holds the four MNIST files; --models the third-party models. Nothing of hans
needs this to build or test. Only samples that the model gets right are attacked, and PyTorch judges all images, with
1e-4 of a logit for rounding: those outside box or ball do not count. For a fixed budget the strength is the share of all samples left right, for a minimal
norm the median distance, with failures as infinite. Seconds are of the attack alone. Run it on an idle machine.
"""
import argparse, json, math, os, re, statistics, subprocess, sys, tempfile, time, warnings

warnings.filterwarnings("ignore")
import numpy as np
import torch
from safetensors.torch import load_file

import compare

def third_party(path):
    stored = load_file(path)
    net = torch.nn.Sequential(
        torch.nn.Conv2d(1, 16, 4, 2, 1), torch.nn.ReLU(), torch.nn.Conv2d(16, 32, 4, 2, 1), torch.nn.ReLU(),
        torch.nn.Flatten(), torch.nn.Linear(1568, 100), torch.nn.ReLU(), torch.nn.Linear(100, 10))
    names = sorted(stored, key=lambda name: (int("".join(c for c in name if c.isdigit())), name.endswith("bias")))
    net.load_state_dict(dict(zip(net.state_dict(), (stored[name] for name in names))))
    return net.eval()


class Subject:
    def __init__(self, name, path, net):
        self.name, self.path, self.net = name, path, net


def lengths(change, norm):
    flat = change.double().flatten(1)
    if norm == "linf":
        return flat.abs().amax(1)
    if norm == "l2":
        return flat.square().sum(1).sqrt()
    if norm == "l1":
        return flat.abs().sum(1)
    return (flat != 0).sum(1).double()


def verdict(net, images, labels, made, norm, eps, wrong):
    """Share left right (eps given) or median distance, by PyTorch alone."""
    with torch.no_grad():
        logits = net(made)
    own = logits.gather(1, labels[:, None]).squeeze(1)
    others = logits.scatter(1, labels[:, None], -math.inf).amax(1)
    fooled = others > own - 1e-4  # nearest images lie on the boundary, where runtimes round to either side
    inside = (made >= 0).flatten(1).all(1) & (made <= 1).flatten(1).all(1)
    distance = lengths(made - images, norm)
    if eps is not None:
        fooled &= inside & (distance <= eps * (1 + 1e-5))
        return (~fooled).sum().item() / (len(labels) + wrong)
    distance[~(fooled & inside)] = math.inf
    return distance.median().item()


def by_hans(options, subject, spec, limit):
    with tempfile.TemporaryDirectory() as folder:
        out, report = os.path.join(folder, "o.npz"), os.path.join(folder, "o.json")
        subprocess.run([options.hans, "attack", subject.path, "--data", options.data, "--limit", str(limit), "--attack",
                        spec, "--threads", str(options.threads), "--out", out, "--json", report, "--quiet"],
                       check=True, stdout=subprocess.DEVNULL)
        seconds = json.load(open(report))["attacks"][0]["seconds"]
        return torch.tensor(np.load(out)["images"]).permute(0, 3, 1, 2), seconds


def by_torchattacks(make):
    def run(net, images, labels):
        attack = make(sys.modules["torchattacks"], net)
        return attack(images, labels)
    return run


def by_foolbox(make, eps=None):
    def run(net, images, labels):
        foolbox = sys.modules["foolbox"]
        model = foolbox.PyTorchModel(net, bounds=(0, 1), device="cpu")
        criterion = foolbox.criteria.Misclassification(labels)
        return make(foolbox.attacks)(model, images, criterion, epsilons=eps)[1]
    return run


def by_reference_fab(norm):
    def run(net, images, labels):
        from autoattack.fab_pt import FABAttack_PT
        attack = FABAttack_PT(net, n_restarts=1, n_iter=100, eps=1000.0, norm=norm, seed=0, device="cpu", verbose=False)
        return attack.perturb(images, labels)
    return run


def by_art(make):
    def run(net, images, labels):
        from art.estimators.classification import PyTorchClassifier
        import art.attacks.evasion
        model = PyTorchClassifier(net, torch.nn.CrossEntropyLoss(), (1, 28, 28), 10, clip_values=(0, 1))
        return torch.tensor(make(art.attacks.evasion, model).generate(images.numpy(), labels.numpy()))
    return run


def by_reference(**settings):
    def run(net, images, labels):
        from autoattack import AutoAttack
        attack = AutoAttack(net, norm="Linf", version="standard", device="cpu", seed=0, verbose=False, eps=settings["eps"])
        if "only" in settings:
            attack.attacks_to_run = settings["only"]
        return attack.run_standard_evaluation(images, labels, bs=500)
    return run


# name, model, samples, norm, eps (None: minimal norm), hans' SPEC, peers
def rows():
    ta, fb, art, reference = by_torchattacks, by_foolbox, by_art, by_reference
    yield ("PGD 40", "v1", 1000, "linf", 0.1, "pgd:eps=0.1,alpha=0.01",
           {"torchattacks": ta(lambda t, m: t.PGD(m, eps=.1, alpha=.01, steps=40)),
            "foolbox": fb(lambda a: a.LinfPGD(abs_stepsize=.01, steps=40), .1),
            "ART": art(lambda a, m: a.ProjectedGradientDescent(m, eps=.1, eps_step=.01, max_iter=40, num_random_init=1,
                                                               batch_size=500, verbose=False))})
    for model, eps in (("lirpa_mnist_a_adv", .3), ("locuslab_mnist_linf0.1", .1)):
        step = eps / 10
        yield ("PGD 40", model, 1000, "linf", eps, f"pgd:eps={eps},alpha={step:g}",
               {"torchattacks": ta(lambda t, m, e=eps, s=step: t.PGD(m, eps=e, alpha=s, steps=40)),
                "foolbox": fb(lambda a, s=step: a.LinfPGD(abs_stepsize=s, steps=40), eps)})
        yield ("APGD-CE 100", model, 1000, "linf", eps, f"apgd:eps={eps}",
               {"torchattacks": ta(lambda t, m, e=eps: t.APGD(m, eps=e, steps=100)),
                "reference": reference(eps=eps, only=["apgd-ce"])})
        yield ("Square 1000", model, 500, "linf", eps, f"square:eps={eps},queries=1000,rescale=true",
               {"torchattacks": ta(lambda t, m, e=eps: t.Square(m, eps=e, n_queries=1000))})
        yield ("AutoAttack", model, 500, "linf", eps, f"autoattack:eps={eps}", {"reference": reference(eps=eps)})
    yield ("PGD 40", "v1", 500, "l2", 1.0, "pgd:eps=1,alpha=0.1,norm=l2",
           {"torchattacks": ta(lambda t, m: t.PGDL2(m, eps=1, alpha=.1, steps=40)),
            "foolbox": fb(lambda a: a.L2PGD(abs_stepsize=.1, steps=40), 1.0)})
    for model, few in (("v1", 100), ("lirpa_mnist_a_adv", 200)):
        yield ("DDN 100", model, 1000, "l2", None, "ddn", {"foolbox": fb(lambda a: a.DDNAttack(steps=100))})
        yield ("FMN 100", model, 1000, "l2", None, "fmn", {"foolbox": fb(lambda a: a.L2FMNAttack(steps=100))})
        yield ("FMN 100", model, 1000, "linf", None, "fmn:norm=linf", {"foolbox": fb(lambda a: a.LInfFMNAttack(steps=100))})
        yield ("FMN 100", model, 1000, "l1", None, "fmn:norm=l1", {"foolbox": fb(lambda a: a.L1FMNAttack(steps=100))})
        yield ("FMN 100", model, 1000, "l0", None, "fmn:norm=l0", {"foolbox": fb(lambda a: a.L0FMNAttack(steps=100))})
        yield ("DeepFool", model, few, "l2", None, "deepfool", {"foolbox": fb(lambda a: a.L2DeepFoolAttack())})
        yield ("DeepFool", model, few, "linf", None, "deepfool:norm=linf",
               {"foolbox": fb(lambda a: a.LinfDeepFoolAttack())})
        yield ("FAB 100", model, few, "l2", None, "fab:norm=l2", {"reference": by_reference_fab("L2")})
        yield ("FAB 100", model, few, "linf", None, "fab:norm=linf", {"reference": by_reference_fab("Linf")})
        yield ("EAD 9x100", model, few // 2, "l1", None, "ead:searches=9,steps=100",
               {"foolbox": fb(lambda a: a.EADAttack(binary_search_steps=9, steps=100))})
        yield ("Boundary", model, few // 2, "l2", None, "boundary:steps=1000",
               {"foolbox": fb(lambda a: a.BoundaryAttack(steps=1000))})
        yield ("HopSkipJump, hans with 5 steps", model, few // 2, "l2", None, "hopskipjump:steps=5",
               {"foolbox": fb(lambda a: a.HopSkipJumpAttack(steps=10))})
        yield ("C&W 9x100", model, few // 2, "l2", None, "cw:searches=9,steps=100",
               {"foolbox": fb(lambda a: a.L2CarliniWagnerAttack(binary_search_steps=9, steps=100))})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hans", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--model", required=True, help="a v1 network trained by hans")
    parser.add_argument("--models", help="folder of the third-party models")
    parser.add_argument("--auto-attack", help="checkout of the reference AutoAttack")
    parser.add_argument("--only", default="")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.auto_attack:
        sys.path.insert(0, options.auto_attack)
    import foolbox, torchattacks  # noqa: F401  (found by the runners above)

    subjects = {}
    with tempfile.TemporaryDirectory() as folder:
        weights = os.path.join(folder, "v1.safetensors")
        subprocess.run([options.hans, "convert", options.model, weights, "--quiet"], check=True,
                       stdout=subprocess.DEVNULL)
        subjects["v1"] = Subject("v1", options.model, from_state_dict(weights))
    for name in ("lirpa_mnist_a_adv", "locuslab_mnist_linf0.1"):
        if options.models:
            path = os.path.join(options.models, name)
            subjects[name] = Subject(name, path + ".onnx", third_party(path + ".safetensors"))

    images, labels = compare.mnist(options.data, "t10k")
    print(f"{'attack':12} {'norm':5} {'model':24} {'by':13} {'strength':>9} {'images/s':>9} {'hans/peer':>9}")
    for name, model, limit, norm, eps, spec, peers in rows():
        if model not in subjects or not re.search(options.only, f"{name} {norm} {model} {spec}"):
            continue
        subject = subjects[model]
        with torch.inference_mode():
            right = subject.net(images[:limit]).argmax(1) == labels[:limit]
        x, y = images[:limit][right], labels[:limit][right]
        wrong = limit - len(x)
        times, strengths = {"hans": []}, {}
        for _ in range(options.rounds):
            made, seconds = by_hans(options, subject, spec, limit)
            times["hans"].append(seconds)
            strengths["hans"] = verdict(subject.net, x, y, made, norm, eps, wrong)
            for peer, run in peers.items():
                if peer == "reference" and not options.auto_attack:
                    continue
                begin = time.perf_counter()
                try:
                    made = run(subject.net, x.clone(), y.clone()).detach()
                except Exception as error:  # a peer that cannot do it is no reason to stop
                    print(f"{name:12} {norm:5} {model:24} {peer:13} failed: {str(error).splitlines()[0][:80]}")
                    continue
                times.setdefault(peer, []).append(time.perf_counter() - begin)
                strengths[peer] = verdict(subject.net, x, y, made, norm, eps, wrong)
        own = statistics.median(times["hans"])
        for peer, taken in times.items():
            middle = statistics.median(taken)
            strength = f"{strengths[peer]:.4g}" if eps is None else f"{100 * strengths[peer]:.1f} %"
            ratio = "" if peer == "hans" else f"{middle / own:.2f}"
            print(f"{name:12} {norm:5} {model:24} {peer:13} {strength:>9} {len(x) / middle:9.2f} {ratio:>9}", flush=True)


def from_state_dict(path):
    import steps
    stored = load_file(path)
    net = steps.v1()
    names = sorted(stored, key=lambda name: (int("".join(c for c in name if c.isdigit())), name.endswith("bias")))
    net.load_state_dict(dict(zip(net.state_dict(), (stored[name] for name in names))))
    return net.eval()


if __name__ == "__main__":
    main()
