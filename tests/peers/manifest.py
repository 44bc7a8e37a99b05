#!/usr/bin/env python3
"""Does every figure of a manifest follow from its outcomes? Written from apps/manifest/FORMAT.md; shares no code with hans.
manifest.py FILE... prints "ok NAME" for a manifest without lies, else a line for each lie, and exits with 1. It takes
what was measured, and the reasons of indicators, as they are: only `hans reproduce` can make them again."""
import certificates, functools, hashlib, json, math, operator, statistics, struct, sys

TRUST = ["EXACT", "RELIABLE", "UNCHECKED", "SUSPECT", "UNRELIABLE"]  # from best to worst
KNOWLEDGE, NORMS, WORDS = (w.split() for w in ("labels scores gradients", "l0 l1 l2 linf", "reason stop image_sha256"))
INSIDE = ["success", "unchanged_prediction", "other_class"]  # what is said of an image inside ball and box
class Number(str):
    """A number as its text: Python would write it in another way, and another hash would follow."""
def sha256(text): return hashlib.sha256(text.encode()).hexdigest()
def without(value, *keys): return {k: v for k, v in value.items() if k not in keys}
def real(number, none=math.inf): return none if number is None else float(number)
def single(number): return struct.unpack("f", struct.pack("f", real(number)))[0]  # as float32
def at_most(low, high): return low <= high * (1 + 1e-9)  # sums of distances are rounded
def worst(said): return max((one["verdict"] for one in said), key=TRUST.index)
def hash_of(value): return sha256(canonical(without(value, "sha256")))
def canonical(value):
    if isinstance(value, Number): return str(value)
    if isinstance(value, list): return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, dict): return "{" + ",".join(canonical(k) + ":" + canonical(v) for k, v in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)  # a string, true, false, null
def differences(said, true, where=""):
    """Numbers are compared by value, all else by text; an object has these keys in this order."""
    if isinstance(true, dict) and isinstance(said, dict) and list(true) == list(said):
        return [lie for key in true for lie in differences(said[key], true[key], f"{where}.{key}".lstrip("."))]
    if isinstance(true, list) and isinstance(said, list) and len(true) == len(said):
        return [lie for k in range(len(true)) for lie in differences(said[k], true[k], f"{where}[{k}]")]
    same = isinstance(said, Number) and float(said) == true if type(true) in (int, float) else said == true
    return [] if same else [f"{where} is {canonical(said)[:99]}, but {str(true)[:99]} follows"]
def share(key, part, whole):
    if whole == 0: return {key: 0, key + "_interval": [0, 1]}
    z, p = 1.959963984540054, part / whole
    scale = 1 + z * z / whole
    middle = (p + z * z / (2 * whole)) / scale
    half = z * math.sqrt(p * (1 - p) / whole + z * z / (4 * whole * whole)) / scale
    return {key: p, key + "_interval": [0 if part == 0 else middle - half, 1 if part == whole else middle + half]}
def summary(rows, norm):
    far = [row[norm] for row in rows if row["reason"] == "success"]
    median = statistics.median(far + [math.inf] * (len(rows) - len(far)) or [math.inf])
    mean = functools.reduce(operator.add, far, 0.0) / len(far) if far else None  # in order; sum() may round otherwise
    return {"median": median if median < math.inf else None, "mean": mean}
def lies_of(manifest):
    lies, survivors, old, result = [], [], manifest["manifest"] == "1", manifest["result"]
    r = without(result, "probes", "verdict", "indicators", "next") if old else result
    def want(truth, lie): lies.extend([] if truth else [lie])
    threat, radii, found = r["threat_model"], r["at"], r["found"]
    norm, alone, most = threat["norm"], threat["judged_by_prediction_alone"], single(threat["budget"])
    first, count, images, classes = (int(n) for n in [*r["slice"].values(), r["images"], r["classes"]])
    box, clip = [float(end) for end in r["box"]], [real(threat["box"][0], -math.inf), real(threat["box"][1])]
    labels, before = ([int(n) for n in r["samples"][key]] for key in ("label", "prediction"))
    want(len(labels) == len(before) == count and first + count <= images <= int(r["data_size"]), "slice: it fits not")
    want(all(0 <= n < classes for n in labels) and all(-1 <= n < classes for n in before), "samples: no such class")
    label = {first + k: n for k, n in enumerate(labels)}
    right = [first + k for k, n in enumerate(before) if labels[k] == n]
    goal = threat["goal"].replace("targets ", "")
    def targets(own):  # of the attempts on an image; None is any class but the label: its draw needs hans's generator
        if goal == "all": return [c for c in range(classes) if c != own]
        named = {"untargeted": -1, "next": (own + 1) % classes, "random": None}
        return [named[goal]] if goal in named else [int(goal)] if int(goal) != own else []
    def lie_of(index, target, prediction, reason, l0, l1, l2, linf, **rest):
        number, own = prediction >= 0 and math.isfinite(l1 + l2 + linf), label[index]
        if not -1 <= prediction < classes: return "its prediction is no class"
        if number == (reason == "not_a_number"): return f"{reason} is wrong"
        if l0 > math.prod(map(int, r["image"])): return "more features changed than there are"
        if number and not (linf >= 0 and at_most(linf, l2) and at_most(l2, l1) and at_most(l1, l0 * linf)
                           and at_most(l2 * l2, l1 * linf)): return "no change has these distances"
        if not number or reason == "outside_box": return "there is no box" if number and alone else None
        if not alone and not at_most(linf, max(clip[1] - box[0], box[1] - clip[0])): return "it is outside of the box"
        true = INSIDE[0 if prediction == target or target < 0 and prediction != own else 1 if prediction == own else 2]
        if not alone and [l0, l1, l2, linf][NORMS.index(norm)] > most: true = "outside_ball"
        return None if reason == true else f"it is {reason}, but {true} follows"
    def attack(k, one):
        columns, blind, stages = one["outcomes"], one["knowledge"] != "gradients", one.get("stages", [])
        rows = [dict(zip(columns, row)) for row in zip(*columns.values(), strict=True)]
        for row in rows: row.update({n: real(row[n]) if n in NORMS else int(row[n]) for n in columns if n not in WORDS})
        free = range(classes if goal == "random" else 0)
        pairs = [(row["index"], row["target"]) for row in rows]
        made = [(index, None if target in free and target != label.get(index) else target) for index, target in pairs]
        if made != [(index, target) for index in right for target in targets(label[index])]:
            raise ValueError(f"found[{k}]: its attempts are not those that right images and targets ask for")
        for row in rows: want(not lie_of(**row), f"found[{k}], image {row['index']}: {lie_of(**row)}")
        evading = [row for row in rows if row["reason"] in INSIDE and row["prediction"] != label[row["index"]]]
        survivors.append({eps: set(right) - {row["index"] for row in evading if eps is None or row[norm] <= single(eps)}
                          for eps in [None] + radii})
        robust, successes = len(survivors[k][None]), sum(row["reason"] == "success" for row in rows)
        left = [len(right)] + [round(float(stage["robust_accuracy"]) * count) for stage in stages]
        ends = not stages or left[-1] == robust or goal != "untargeted" and left[-1] > robust
        want(ends and left == sorted(left, reverse=True), f"found[{k}].stages leave {left}, the outcomes {robust}")
        shares = [{"attack": s["attack"], **share("robust_accuracy", n, count)} for s, n in zip(stages, left[1:])]
        at = [{"eps": eps, **share("robust_accuracy", len(survivors[k][eps]), count)} for eps in radii]
        return {**one, "targets": "none" if goal == "untargeted" else goal, **share("robust_accuracy", robust, count),
                "success_rate": successes / len(rows) if rows else None, "attempts": len(rows),
                "distances": {n: summary(rows, n) for n in NORMS}, "gradients": 0 if blind else one["gradients"],
                **({"stages": shares} if "stages" in one else {}), **({"at": at} if radii or "at" in one else {}),
                "queries": one["forwards"] if blind else None,
                "without_attempt": sum(not targets(label[index]) for index in right),
                "images_sha256": sha256("".join(columns["image_sha256"]))}
    def judgement(said):
        probes, groups, balls, nearest = said["probes"], list(dict.fromkeys(radii)), [], math.isinf(most) and not radii
        wanted = int(probes.get("wanted", 100))
        want("wanted" not in probes or wanted != 100, "judgement: wanted is 100, which is not said")
        probed = [index for index in right if wanted and index % max(1, images // wanted) == 0]
        if goal == "untargeted" and not alone:
            sizes = [None] * len(found) if nearest else groups or [threat["budget"]]
            balls = [{**ball, "norm": norm, "eps": eps, "box": threat["box"], "attack": Number(k) if nearest else None}
                     for k, (ball, eps) in enumerate(zip(probes["balls"], sizes, strict=True))]
        columns = [without(part, "wanted", "norm", "eps", "box", "attack", "balls").values() for part in [probes, *balls]]
        want(all(len(c) == len(probed) for part in columns for c in part), "probes: columns of several lengths")
        def number(one, left, in_ball, eps):  # what must be said of one number
            n, verdict = len(probed) if in_ball else 0, worst(one["indicators"])
            opposed = n > 0 and (norm != "l0" or not all(probes["zero_gradient"]))
            if len(right) < 20 or verdict == "RELIABLE" and left and not opposed: verdict = "UNCHECKED"
            if certified.get(eps) == len(left): verdict = "EXACT"
            want((one["unchecked"] is None) == (verdict != "UNCHECKED"), f"judgement: {verdict}, but why?")
            return {**one, "verdict": verdict, "probed": n, "opposed": opposed}
        made = {"rules": 2, "hans": r["hans"], "verdict": None, "attacks": [], "together": []}
        if count == images:
            for one, spec, left in zip(said["attacks"], r["attacks"], survivors, strict=True):
                at = [{**number(a, left[e], balls, e), "eps": e} for a, e in zip(one.get("at", []), radii, strict=True)]
                of_all = {"verdict": worst(at), "at": at} if radii else number(one, left[None], balls, None)
                made["attacks"].append({**one, **of_all, "attack": spec})
            made["together"] = [{**number(one, together[e], balls, e), "eps": e} for one, e in
                                zip(said["together"], (groups or [None]) if len(found) > 1 else [], strict=True)]
            made["verdict"] = worst(made["together"] or made["attacks"])
        return {**made, "probes": {**probes, "index": probed, "balls": balls}, "sha256": hash_of(said)}
    true = {**r, "attacks": [one["attack"] for one in found], "found": [attack(k, one) for k, one in enumerate(found)]}
    true["threat_model"] = {**threat, "knowledge": max((one["knowledge"] for one in found), key=KNOWLEDGE.index)}
    together = {eps: set.intersection(*(one[eps] for one in survivors)) for eps in [None] + radii}
    true.update(share("clean_accuracy", len(right), count) | share("robust_accuracy", len(together[None]), count) |
                share("conditional_robust_accuracy", len(together[None]), len(right)))
    certified, fooled = {}, {eps: set(right) - together[eps] for eps in list(dict.fromkeys(radii)) or [None]}
    want(("certify" in r) == (manifest["manifest"] == "3"), "certificates belong to schema 3, and to no other")
    if "certify" in r: true["certify"], certified = certificates.follow(r, set(right), fooled, share, lies)
    keys = ["manifest", "name", "result"] + ([] if old else ["judgement"]) + ["run", "sha256"]
    file = {**{key: manifest[key] for key in keys}, "name": sha256(canonical(result)), "sha256": hash_of(manifest)}
    lies += differences(manifest, file) + differences(r, true, "result")
    return lies if old else lies + differences(manifest["judgement"], judgement(manifest["judgement"]), "judgement")
def check(text):
    try:
        manifest = json.loads(text, parse_float=Number, parse_int=Number)
        return manifest["name"], lies_of(manifest)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error: return None, [repr(error)]

if __name__ == "__main__":
    checked = {path: check(open(path, encoding="utf-8").read()) for path in sys.argv[1:]}
    for path, (name, lies) in checked.items(): print(*([f"{path}: {lie}" for lie in lies] or [f"ok {name}"]), sep="\n")
    sys.exit(any(lies for name, lies in checked.values()))
