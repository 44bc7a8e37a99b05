#!/usr/bin/env python3
"""Tests manifest.py: manifests that COMMAND (the built hans) makes are true, and planted lies are found.

manifest_lies.py COMMAND MODEL MANIFEST...   MODEL is a .hans file for mnist-5k, each MANIFEST one to be found true.
"""
import json, os, subprocess, sys, tempfile
import manifest as peer

TWO = "--attack pgd:eps=0.05,steps=2 --attack square:eps=0.05,queries=10"
STAGED = "--attack composite:attacks=[pgd:eps=0.02,steps=1]/[noise:eps=0.02]"
RADII = "--attack deepfool --attack fmn:norm=l2,steps=5 --at 0.4,0.8,0.4"
CERTIFIED = "--attack pgd:eps=0.05,steps=2 --certify"
ALL, RANDOM, THREE = ("--attack pgd:eps=0.05,steps=2 --targets " + targets for targets in ("all", "random", "3"))
MADE = [TWO, STAGED, RADII, ALL, RANDOM, THREE, STAGED + " --targets next", "--attack fmn:norm=l2,steps=5",
        "--attack deepfool --attack fmn:norm=l2,steps=5", "--attack jsma:gamma=0.02", "--attack sigma-zero:steps=5",
        "--attack fgsm@cleverhans-1.0.0:eps=0.1", "--attack hopskipjump:steps=1 --at 1",
        "--attack pgd:eps=0.05,steps=2 --probes 0", CERTIFIED, "--attack deepfool --at 0.4,0.8,0.4 --certify", "--attack pgd:steps=2 --at 0.05 --probes 7"]


def number(value): return peer.Number(value)


def with_hashes(manifest):
    manifest["judgement"]["sha256"] = peer.hash_of(manifest["judgement"])
    manifest["name"] = peer.sha256(peer.canonical(manifest["result"]))
    manifest["sha256"] = peer.hash_of(manifest)
    return peer.canonical(manifest)


def change(outcomes, k, **values):
    for key, value in values.items(): outcomes[key][k] = value


def drop_row(outcomes, k):
    for column in outcomes.values(): del column[k]


def repeat_row(outcomes, k):
    for column in outcomes.values(): column[k:k] = [column[k]] * 2


def drop_probes(probes):
    for column in [*probes.values(), *(v for ball in probes["balls"] for k, v in ball.items() if k != "box")]:
        if isinstance(column, list) and column is not probes["balls"]: column.clear()


def wrong(samples): return next(k for k, n in enumerate(samples["label"]) if samples["prediction"][k] != n)


def far(distance): return {"l0": number(1), **{norm: number(distance) for norm in ("l1", "l2", "linf")}}


def read_as_label(result, outcomes):
    k = outcomes["reason"].index("success")
    outcomes["prediction"][k] = result["samples"]["label"][int(outcomes["index"][k])]


def recertify(result, old, **new):
    """Changes the certificate of the first image with this verdict."""
    samples = result["certify"][0]["samples"]
    change(samples, samples["verdict"].index(old), **new)


PLAN, CANNOT, DISTANCES = "not those that right images and targets ask for", "this certificate cannot be", "no change has these distances"

# The attacks, a part of what must be said, and the lie: it gets result, judgement and outcomes of the first attack.
LIES = [
    (TWO, PLAN, lambda r, j, o: drop_row(o, 0)),
    (TWO, PLAN, lambda r, j, o: repeat_row(o, 0)),
    (TWO, PLAN, lambda r, j, o: change(o, 0, target=number(3))),
    (RANDOM, PLAN, lambda r, j, o: change(o, 0, target=r["samples"]["label"][0])),
    (TWO, "it is success, but unchanged_prediction follows", lambda r, j, o: read_as_label(r, o)),
    (TWO, DISTANCES, lambda r, j, o: change(o, o["reason"].index("success"), linf=number("1e300"))),
    (TWO, DISTANCES, lambda r, j, o: change(o, 0, **far(-1))),
    (TWO, "it is outside of the box", lambda r, j, o: change(o, 0, **far(2))),
    (TWO, "but outside_ball follows", lambda r, j, o: change(o, 0, **far("0.5"))),
    (TWO, "more features changed than there are", lambda r, j, o: change(o, 0, l0=number(785))),
    (TWO, "its prediction is no class", lambda r, j, o: change(o, 0, prediction=number(10))),
    (TWO, "no such class", lambda r, j, o: change(r["samples"], wrong(r["samples"]), label=number(99))),
    (TWO, "judgement.probes.index is", lambda r, j, o: drop_probes(j["probes"])),
    (TWO, "judgement.probes.index", lambda r, j, o: change(j["probes"], 0, index=number(wrong(r["samples"])))),
    (TWO, "columns of several lengths", lambda r, j, o: j["probes"]["varies"].pop()),
    (TWO, "found[1].gradients is 7, but 0 follows", lambda r, j, o: r["found"][1].update(gradients=number(7))),
    (TWO, "found[1].queries is 7", lambda r, j, o: r["found"][1].update(queries=number(7))),
    (TWO, "found[0].images_sha256", lambda r, j, o: change(o, 0, image_sha256="0" * 64)),
    (TWO, "found[0].distances.l2.mean", lambda r, j, o: r["found"][0]["distances"]["l2"].update(mean=number("0.1"))),
    (TWO, "result.robust_accuracy is 1,", lambda r, j, o: r.update(robust_accuracy=number(1))),
    (TWO, "clean_accuracy_interval[0]", lambda r, j, o: change(r, 0, clean_accuracy_interval=number(0))),
    (TWO, "conditional_robust_accuracy is", lambda r, j, o: r.update(conditional_robust_accuracy=number("0.5"))),
    (TWO, "threat_model.knowledge", lambda r, j, o: r["threat_model"].update(knowledge="scores")),
    (RADII, "found[0].at[1].eps is 1", lambda r, j, o: r["found"][0]["at"][1].update(eps=number(1))),
    (RADII, "at[0].robust_accuracy", lambda r, j, o: r["found"][0]["at"][0].update(robust_accuracy=number(1))),
    (STAGED, "stages leave [", lambda r, j, o: r["found"][0]["stages"][0].update(robust_accuracy=number(0))),
    (TWO, "judgement.verdict is", lambda r, j, o: j.update(verdict="UNCHECKED")),
    (TWO, "together[0].verdict is", lambda r, j, o: j["together"][0]["indicators"][0].update(verdict="UNRELIABLE")),
    (ALL, '"RELIABLE", but UNCHECKED follows', lambda r, j, o: j["attacks"][0].update(verdict="RELIABLE")),
    (TWO, "judgement.attacks[0].opposed", lambda r, j, o: j["attacks"][0].update(opposed=False)),
    (TWO, "judgement.rules is 3, but 2 follows", lambda r, j, o: j.update(rules=number(3))),
    (CERTIFIED, "it is certified, and yet fooled", lambda r, j, o: recertify(r, "attacked", verdict="certified")),
    (CERTIFIED, CANNOT, lambda r, j, o: recertify(r, "certified", float32=False)),
    (CERTIFIED, CANNOT, lambda r, j, o: recertify(r, "certified", bound=number(-1))),
    (CERTIFIED, CANNOT, lambda r, j, o: recertify(r, "certified", verdict="unknown", reason="bound", float32=False)),
    (CERTIFIED, CANNOT, lambda r, j, o: recertify(r, "wrong", verdict="unknown", reason="nodes", method="branching")),
    (CERTIFIED, "certify[0].certified is 0,", lambda r, j, o: r["certify"][0].update(certified=number(0))),
    (CERTIFIED, "certify[0].certified_accuracy", lambda r, j, o: r["certify"][0].update(certified_accuracy=number(1))),
    (CERTIFIED, "certify[0].eps is 0.06", lambda r, j, o: r["certify"][0].update(eps=number("0.06"))),
    (CERTIFIED, "certify: not of this threat model", lambda r, j, o: r["threat_model"].update(box=[number(0)] * 2)),
    (CERTIFIED, "schema 3, and to no other", lambda r, j, o: r.pop("certify")),
    (CERTIFIED, "judgement.verdict is", lambda r, j, o: j.update(verdict="EXACT")),
    (TWO, "probes.balls[0].eps", lambda r, j, o: j["probes"]["balls"][0].update(eps=number("0.01")))]


def main(command, model, golden):
    failures, made = [], {}
    model = os.path.abspath(model)

    def expect_true(what, text):
        name, lies = peer.check(text)
        if lies: failures.append(f"{what}: {lies}")
        print(f"{'lies of' if lies else 'ok'} {name} {what}")

    with tempfile.TemporaryDirectory() as folder:
        def hans(*words):
            done = subprocess.run([command, *words], cwd=folder, capture_output=True, text=True)
            if done.returncode not in (0, 3): sys.exit(f"{words}: {done.stderr}")

        def read(name):
            with open(os.path.join(folder, name), encoding="utf-8") as file: return file.read()

        for what in MADE:
            hans("benchmark", model, "--data", "mnist-5k", "--limit", "24", "--quiet", "--out", "m.json", *what.split())
            made[what] = read("m.json")
            expect_true(what, made[what])
        for part in (1, 2, 3):
            hans("benchmark", model, "--data", "mnist-5k", "--limit", "40", "--quiet", "--shard", f"{part}/3", "--out",
                 f"{part}.json", *TWO.split())
            expect_true(f"part {part}", read(f"{part}.json"))
        hans("merge", "1.json", "2.json", "3.json", "--out", "merged.json")
        expect_true("merged", read("merged.json"))
    for path in golden:
        with open(path, encoding="utf-8") as file: expect_true(path, file.read())
    for k, (what, part, tell) in enumerate(LIES):
        manifest = json.loads(made[what], parse_float=number, parse_int=number)
        tell(manifest["result"], manifest["judgement"], manifest["result"]["found"][0]["outcomes"])
        name, lies = peer.check(with_hashes(manifest))
        if not any(part in lie for lie in lies): failures.append(f"lie {k}: no '{part}' in {lies}")
    for one in made.values():
        if not peer.check(one.replace('"seed": 0', '"seed": 1'))[1]: failures.append("a hash that does not fit")
    print(f"{len(LIES)} lies planted")
    for failure in failures: print("FAILED", failure)
    return bool(failures)


if __name__ == "__main__": sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
