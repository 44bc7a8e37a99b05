"""Do the certificates of a manifest follow? For manifest.py, from apps/manifest/FORMAT.md; shares no code with hans."""
import math

STEPS = ["ibp", "crown", "alpha", "branching"]
CASCADES = {"ibp": STEPS[:1], "crown": STEPS[:2], "alpha": STEPS[:3], "complete": STEPS, "zonotope": ["ibp", "zonotope"],
            "joint": [*STEPS[:3], "joint"]}


def is_lie(right, fooled, steps, verdict, reason, method, bound, nodes, real, float32):
    """Whether a row of `samples` is impossible for an image that is right, or fooled by an attack in the ball."""
    low = -math.inf if bound is None else float(bound)
    last = steps[-1]
    reasons = ["rounding", "nan", "nodes" if last == "branching" else "bound"]
    unknown, attacked, certified = (verdict == word for word in ("unknown", "attacked", "certified"))
    return not (((verdict == "wrong") == (not right) == (method is None)) and (reason is None) == (not unknown)
                and (unknown or attacked or certified or verdict == "wrong") and (method == "attack") == fooled
                and (attacked or not fooled) and (not attacked or fooled or method == "branching" and "alpha" in steps)
                and (method in steps or method in (None, "attack") or attacked) and real == (low > 0) and float32 == certified and (real or not float32)
                and (bound is None or not fooled and reason != "nan" and right)
                and (int(nodes) == 0 or last == method == "branching")
                and (not unknown or reason in reasons and real == (reason == "rounding")
                     and (method == last or reason == "nan")))


def lies_of(balls, fooled, right, first):
    """A line for each impossible row. `fooled` has the images that the attacks fooled in each ball."""
    lies, sizes = [], [float(ball["eps"]) for ball in balls]
    for b, ball in enumerate(balls):
        steps, columns = CASCADES[ball["method"]], ball["samples"]
        inside = [other["samples"]["verdict"] for other, size in zip(balls, sizes) if size <= sizes[b]]
        for k, row in enumerate(zip(*columns.values(), strict=True)):
            hit = first + k in fooled[b]
            if row[0] == "certified" and (hit or any(verdicts[k] == "attacked" for verdicts in inside)):
                lies.append(f"certify[{b}], image {first + k}: it is certified, and yet fooled")
            elif is_lie(first + k in right, hit, steps, **dict(zip(columns, row))):
                lies.append(f"certify[{b}], image {first + k}: this certificate cannot be")
    return lies


def counted(ball, norm, eps, count, share):
    """What must be said of a ball, from the columns."""
    verdicts, methods = ball["samples"]["verdict"], ball["samples"]["method"]
    if len(verdicts) != count: raise ValueError(f"certify: {len(verdicts)} certificates of {count} images")
    n = {word: verdicts.count(word) for word in ("certified", "attacked", "unknown", "wrong")}
    proved = [method for verdict, method in zip(verdicts, methods, strict=True) if verdict == "certified"]
    columns = {key: ball["samples"][key] for key in "verdict reason method bound nodes real float32".split()}
    return {"eps": eps, "norm": norm, "method": ball["method"], "nodes": ball["nodes"], **n,
            **share("certified_accuracy", n["certified"], count),
            **share("attacked_accuracy", n["certified"] + n["unknown"], count),
            "by_method": {step: proved.count(step) for step in dict.fromkeys(STEPS + CASCADES[ball["method"]])}, "samples": columns}


def follow(result, right, fooled, share, lies):
    """What `certify` must be, and how many images are certified in each ball. `fooled` has a set of images for each
    radius, by its text, or for None. Adds to `lies` what cannot be."""
    threat, balls, first = result["threat_model"], result["certify"], int(result["slice"]["first"])
    count, norm = int(result["slice"]["count"]), threat["norm"]
    true = [counted(ball, norm, threat["budget"] if eps is None else eps, count, share)
            for ball, eps in zip(balls, fooled, strict=True)]
    asked = {(ball["method"], ball["nodes"]) for ball in balls}
    if len(asked) > 1 or threat["judged_by_prediction_alone"] or threat["box"] != result["box"] or norm == "l0" or (
            norm != "linf" and balls[0]["method"] == "complete"): lies.append("certify: not of this threat model")
    lies += lies_of(balls, list(fooled.values()), right, first)
    return true, {eps: one["certified"] for eps, one in zip(fooled, true)}
