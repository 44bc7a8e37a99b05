#!/usr/bin/env python3
"""Are proofs of robustness right? Written from apps/manifest/FORMAT.md, with numpy; shares no code with hans.
proof.py MODEL DATA FILE... takes a .hans file, an .npz file with images and labels, and files of proofs. It prints "ok
FILE" if all its proofs hold, else a line for each that does not, and exits with 1. Networks should be small."""
import hashlib, itertools, json, pathlib, struct, sys, types
import numpy as np

SINGLE, SLACK = 2.0 ** -24, 2.0 ** -48  # of float32; times n, more than double moves a sum of n numbers of size 1

def read_model(path):
    """Shape of an image; layers as name, settings, arrays, places of operands; SHA-256 of the file."""
    data = pathlib.Path(path).read_bytes()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:start])
    image, *words = header.pop("__metadata__")["architecture"].split(";")
    layers, kinds = [], {"F32": "<f4", "F16": "<f2"}
    def array(one): return np.frombuffer(data[start:][slice(*one["data_offsets"])], kinds[one["dtype"]]).astype(float)
    for k, (name, _, rest) in enumerate(word.partition(":") for word in words):
        own = [(key.split(".")[1], one) for key, one in header.items() if key.split(".")[0] == str(k)]
        arrays = {key: array(one).reshape(one["shape"]) for key, one in own}
        settings = dict(item.split("=") for item in rest.split(",") if item)
        of = settings["of"].split("/") if "of" in settings else [] if name == "constant" else [k - 1]
        layers.append((name, settings, arrays, [0 if one == "input" else int(one) + 1 for one in of]))
    return [int(n) for n in image.split("x")], layers, hashlib.sha256(data).hexdigest()

def convolution(shape, settings, weight):
    """The shape of the output, and the matrix."""
    def pair(key): return [int(n) for n in (settings.get(key, "1").split("x") * 2)[:2]]
    (tall, wide, depth, filters), size = weight.shape, np.prod(shape)
    stride, dilation, groups = pair("stride"), pair("dilation"), shape[2] // depth
    zeros = [int(n) for n in (settings.get("padding", "valid").replace("valid", "0").split("x") * 4)[:4]]
    grid = np.pad(np.arange(size).reshape(shape), [zeros[:2], zeros[2:], (0, 0)], constant_values=size)
    out = [(n - (k - 1) * d - 1) // s + 1 for n, k, d, s in zip(grid.shape, (tall, wide), dilation, stride)] + [filters]
    matrix, (y, x) = np.zeros((*out, size + 1)), np.indices(out[:2])[..., None, None]  # the last column is padding
    for i, j, g in itertools.product(range(tall), range(wide), range(groups)):
        at = grid[i * dilation[0]::stride[0], j * dilation[1]::stride[1], g * depth:(g + 1) * depth]
        f = np.arange(g * filters // groups, (g + 1) * filters // groups)
        matrix[y, x, f, at[:out[0], :out[1], :, None]] = weight[i, j][:, f]
    return out, matrix.reshape(-1, size + 1)[:, :-1]

def steps_of(image, layers):
    """A step is the relu of an earlier one, or bias + sum of matrix @ earlier step, in which float32 rounds n times."""
    steps, made, shapes, units = [], [], [], 0
    def add(shape, terms=(), bias=0.0, n=0, relu=None):
        bias, part = np.broadcast_to(bias, shape).reshape(-1), slice(units, units + np.prod(shape))
        steps.append(types.SimpleNamespace(terms=terms, bias=bias, n=n, relu=relu, units=part))
        made.append(len(steps) - 1), shapes.append(tuple(shape))
    add(image)
    for name, settings, arrays, operands in layers:
        of, given, weight = [made[k] for k in operands], [shapes[k] for k in operands], arrays.get("weight")
        if name == "flatten": made.append(of[0]), shapes.append((np.prod(given[0]),))
        elif name == "relu":
            add(given[0], relu=of[0])
            units += np.prod(given[0])
        elif name in ("linear", "conv2d"):
            shape, matrix = weight.shape[1:], weight.T
            if name == "conv2d": shape, matrix = convolution(given[0], settings, weight)
            add(shape, [(of[0], matrix)], arrays.get("bias", 0.0), n=weight[..., 0].size + 2)
        elif name == "constant": add(arrays["value"].shape, bias=arrays["value"])
        elif name == "normalize":
            words = [settings.get(key, one).split("/") for key, one in (("scale", "1"), ("mean", "0"), ("std", "1"))]
            scale, shift, divisor = (np.array(one, np.float32).astype(float) for one in words)
            matrix = np.diag(np.broadcast_to(scale / divisor, given[0]).reshape(-1))
            add(given[0], [(of[0], matrix)], -shift / divisor, n=10)
        elif name in ("add", "subtract", "multiply"):
            shape, places = np.broadcast_shapes(*given), [np.arange(np.prod(one)).reshape(one) for one in given]
            matrices = [np.eye(one.size)[np.broadcast_to(one, shape).reshape(-1)] for one in places]
            if name == "subtract": matrices[1] = -matrices[1]
            if name == "multiply":  # by a constant
                one = [k > 0 and not steps[k].terms and steps[k].relu is None for k in of].index(True)
                of, matrices = [of[1 - one]], [(matrices[one] @ steps[of[one]].bias)[:, None] * matrices[1 - one]]
            add(shape, list(zip(of, matrices)), n=10)
        else: sys.exit(f"this program does not know the layer {name}")
    steps[0].numbers = sum(len(step.bias) for step in steps) + 32
    return steps[:made[-1] + 1], units

def lower(steps, last, rows, slopes, sides, factors):
    """Lower bounds of forms, real and of float32. Forms may have own slopes of units, and sides of splits."""
    forms, (bound, size, off) = {last: rows}, np.zeros((3, len(rows)))
    for k in range(last, -1, -1):
        step, v = steps[k], forms.pop(k, None)
        if v is None: continue
        if step.relu is not None:
            z, slope = steps[step.relu], slopes[..., step.units]
            side, factor = sides[:, step.units], factors[:, step.units]
            low, high = np.where(side > 0, 0, z.low), np.where(side < 0, 0, z.high)
            chord, open_ = high / np.maximum(high - low, 1e-300), (low < 0) & (high > 0)
            w = v * np.where(open_, np.where(v >= 0, slope, chord), high > 0)
            least = np.where(open_, np.minimum(0, np.minimum(-w * low, (v - w) * high)), 0)
            w = w - side * factor
            bound, size = bound + least.sum(1), size + (abs(w) * np.maximum(-z.low, z.high) - least).sum(1)
            forms[step.relu] = forms.get(step.relu, 0) + w
        else:
            bound = bound + (v @ step.bias if step.terms else np.minimum(v * step.low, v * step.high).sum(1))
            size, off = size + abs(v) @ step.size, off + abs(v) @ step.off
            for source, matrix in step.terms: forms[source] = forms.get(source, 0) + v @ matrix
    bound = np.nan_to_num(bound - SLACK * steps[0].numbers * size - 1e-200, nan=-np.inf)
    return bound, bound - off * (1 + 2.0 ** -20)

def bound_steps(steps, units, image, eps, box, ties):
    """Intervals of all steps for ball and box. Returns slopes of the units, and which may be on either side of 0."""
    slopes, unstable, none = np.full(units, -1.0), np.zeros(units, bool), np.zeros((1, units))
    slopes[ties // 2], slack, first = ties % 2, SLACK * steps[0].numbers, steps[0]
    first.low, first.high = np.maximum(image - eps - 1e-15, box[0]), np.minimum(image + eps + 1e-15, box[1])
    first.size, first.off = np.maximum(-first.low, first.high), 0 * image
    for step in steps[1:]:
        low, high, size, n = step.bias, step.bias, abs(step.bias), step.n + 0 * step.bias
        for source, matrix in step.terms:
            x, up, down = steps[source], np.maximum(matrix, 0), np.minimum(matrix, 0)
            low, high = low + up @ x.low + down @ x.high, high + up @ x.high + down @ x.low
            size = size + abs(matrix) @ np.maximum(-x.low, x.high)
            n = n - (matrix != 0) @ (0.0 + ((x.low == 0) & (x.high == 0)))  # without what is always 0
        off = (n * SINGLE / (1 - n * SINGLE) * size + n * 2.0 ** -100) * (1 + 2.0 ** -20) + (size > 1e25) * 1e300
        step.low, step.high = low - slack * size - 1e-200 - off, high + slack * size + 1e-200 + off
        step.size, step.off = size, off
        if step.relu is not None:
            z, part = steps[step.relu], step.units
            open_ = (z.low < 0) & (z.high > 0)
            forms = np.eye(len(z.low))[open_], -np.eye(len(z.low))[open_]
            low, high = (lower(steps, step.relu, rows, slopes, none, none)[1] for rows in forms)
            z.low[open_], z.high[open_] = np.maximum(z.low[open_], low), np.minimum(z.high[open_], -high)
            unstable[part] = (z.low < 0) & (z.high > 0)
            slopes[part] = np.where(slopes[part] < 0, z.high > -z.low, slopes[part])
            step.low, step.high = np.maximum(z.low, 0), np.maximum(z.high, 0)
    return slopes, unstable

def leaves_of(nodes, trees):
    """The leaves as tree, splits above as (unit, side), kind; and what is wrong with their number."""
    leaves, path, tree = [], [], 0
    for node in map(int, nodes):
        path.append((node, 1))
        if node >= 0: continue
        leaves.append((tree, path[:-1], path.pop()[0]))
        while path and path[-1][1] < 0: path.pop()
        if path: path[-1] = (path[-1][0], -1)
        else: tree += 1
    return leaves, "a leaf is missing" if tree < trees else "a leaf is surplus" if tree > trees or path else ""

def fault(steps, units, image, label, eps, box, row, leaves, wrong):
    """Why a proof is rejected; empty: it holds."""
    if row["labels"] != label: return "other label"
    if hashlib.sha256(image.astype("<f4").tobytes()).digest() != row["image_sha256"].tobytes(): return "other image"
    if not all((image >= box[0]) & (image <= box[1])): return "image outside the box"
    if not row["bound"] > 0: return "no positive bound is claimed"
    for numbers in (row["ties"] // 2, row["slope_units"]):
        if any((numbers < 0) | (numbers >= units)): return "no such unit"
        if any(np.diff(numbers) <= 0): return "units out of order"
    if wrong: return wrong
    adaptive, unstable = bound_steps(steps, units, image.astype(float), eps, box, row["ties"])
    if not all(np.all(step.size < 1e100) for step in steps): return "numbers too large"
    slopes, sides, factors = np.tile(adaptive, (len(leaves), 1)), *np.zeros((2, len(leaves), units))
    forms, used = np.zeros((len(leaves), len(steps[-1].bias))), iter(row["multipliers"].astype(float))
    for k, (tree, path, kind) in enumerate(leaves):
        if kind < -2: return "no such leaf"
        for (unit, side), factor in zip(path, used):
            if unit >= units: return "no such unit"
            if not unstable[unit]: return "a stable unit is split"
            if sides[k, unit] != 0: return "a unit is split twice"
            if not 0 <= factor < np.inf: return "a multiplier is no number from 0 on"
            sides[k, unit], factors[k, unit] = side, factor
        forms[k, label], forms[k, tree + (tree >= label)] = 1, -1
    given = [kind == -2 for _, _, kind in leaves]
    slopes[np.ix_(given, row["slope_units"])] = row["slopes"].reshape(sum(given), len(row["slope_units"])) / 255.0
    found, float32 = lower(steps, len(steps) - 1, forms, slopes, sides, factors)
    if not min(found) > 0: return "the bound is not positive"
    if not row["bound"] <= min(found) * (1 + 1e-6): return "more is claimed than follows"
    return "" if all(float32 > 0) else "float32 may round it away"

def check(path, steps, units, model_sha256, images, labels):
    """What is wrong with a file, a line each."""
    file, lists, rows = dict(np.load(path)), ("ties", "tree", "slope_units"), ("labels", "image_sha256", "bound")
    index, eps, box, count = file["index"], float(file["eps"][0]), file["box"].astype(float), len(file["index"])
    wanted = {"format": "hans proof 1", "norm": "linf", "model_sha256": model_sha256}
    fine = all(file[key] == one for key, one in wanted.items()) and 0 <= eps < np.inf and box[0] <= 0 and box[1] >= 1
    fine = fine and all(np.diff(index, prepend=-1, append=len(images)) > 0) and all(len(file[k]) == count for k in rows)
    for of, size in ((file[key + "_of"], len(file[key])) for key in lists):
        fine = fine and len(of) == count + 1 and of[0] == 0 and of[-1] == size and all(np.diff(of) >= 0)
    if not fine: return [f"its texts, ball, box or sizes are wrong; wanted are {wanted}"]
    proofs, used = [], {"slopes": 0, "multipliers": 0}
    for i, place in enumerate(index):
        row = {key: file[key][i] for key in rows}
        row.update({key: file[key][file[key + "_of"][i]:file[key + "_of"][i + 1]] for key in lists})
        leaves, wrong = leaves_of(row["tree"], len(steps[-1].bias) - 1)
        given = sum(kind == -2 for _, _, kind in leaves) * len(row["slope_units"])
        for key, need in ("slopes", given), ("multipliers", sum(len(path) for _, path, _ in leaves)):
            row[key], used[key] = file[key][used[key]:used[key] + need], used[key] + need
        proofs.append((images[place], labels[place], eps, box, row, leaves, wrong))
    unfit = "" if all(used[key] == len(file[key]) for key in used) else "slopes or multipliers do not fit the leaves"
    faults = [fault(steps, units, *proof[:-1], proof[-1] or unfit) for proof in proofs]
    return [f"row {i}, image {index[i]}: {one}" for i, one in enumerate(faults) if one]

if __name__ == "__main__":
    if len(sys.argv) < 4: sys.exit(__doc__)
    steps, units = steps_of(*(model := read_model(sys.argv[1]))[:2])
    images, labels = (np.load(sys.argv[2])[name] for name in ("images", "labels"))
    images = (images / np.float32(255) if images.dtype == np.uint8 else images).reshape(len(labels), -1)
    lies = {path: check(path, steps, units, model[2], images, labels) for path in sys.argv[3:]}
    for path in lies: print(*([f"{path}: {lie}" for lie in lies[path]] or [f"ok {path}"]), sep="\n")
    sys.exit(any(lies.values()))
