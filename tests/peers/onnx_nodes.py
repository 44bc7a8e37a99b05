#!/usr/bin/env python3
"""Runs the test vectors of single operators that the onnx package makes through the importer.

    python3 tests/peers/onnx_nodes.py --library build/release/libhans_c.so [--only add] [--list]

Needs onnx and numpy (PyPI). Nothing of hans needs this to build or test. A classifier has one image as its input and one
row of logits as its output, so a vector's floating-point inputs are cut out of one flat image and its outputs put in a row;
its other inputs (shapes, indices, weights) become initializers. Prints for each operator how many vectors passed, how many
the importer refused (--list says why) and how many gave other numbers; exits with 1 if any did.
"""
import argparse, collections, ctypes, os, sys, tempfile, warnings

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

warnings.filterwarnings("ignore")
from onnx.backend.test.case.node import collect_testcases

OPERATORS = """Abs Add ArgMax AveragePool BatchNormalization Cast Clip Concat Constant ConstantOfShape Conv ConvTranspose
Div Dropout Elu Equal Erf Exp Expand Flatten Gather Gelu Gemm GlobalAveragePool GlobalMaxPool Greater HardSigmoid HardSwish Identity
InstanceNormalization LayerNormalization LeakyRelu Less Log LogSoftmax MatMul Max MaxPool Min Mul Neg PRelu Pad Pow ReduceL2
ReduceMax ReduceMean ReduceMin ReduceSum Relu Reshape Resize Round Selu Shape Sigmoid Slice Softmax Softplus Split Sqrt Squeeze Sub Sum
Tanh Tile Transpose Unsqueeze Where""".split()
# What runs over a batch of images keeps its first axis; of some only the first input is not a weight or a setting.
BATCHED = {"Conv", "ConvTranspose", "MaxPool", "AveragePool", "BatchNormalization", "InstanceNormalization",
           "GlobalAveragePool", "GlobalMaxPool"}
FIRST_ONLY = BATCHED | {"Clip", "PRelu", "LayerNormalization", "Pad", "Resize", "Slice", "Gather", "Dropout", "Reshape",
                        "Expand", "Tile", "Split", "Squeeze", "Unsqueeze"}
FIRST_OUTPUT = {"LayerNormalization", "MaxPool", "Dropout"}
NEWEST = 21  # opset


class Hans:
    def __init__(self, path):
        self.c = ctypes.CDLL(path)
        self.c.hans_last_error.restype = ctypes.c_char_p

    def run(self, model, images):
        """The outputs for flat images, or the reason why not."""
        handle = ctypes.c_void_p()
        if self.c.hans_model_import(model.encode(), None, ctypes.byref(handle)) != 0:
            return self.c.hans_last_error().decode()
        shape, classes = (ctypes.c_size_t * 3)(), ctypes.c_size_t()
        self.c.hans_model_input_shape(handle, shape)
        self.c.hans_model_classes(handle, ctypes.byref(classes))
        count = images.size // (shape[0] * shape[1] * shape[2])
        out = np.empty((count, classes.value), np.float32)
        status = self.c.hans_logits(handle, images.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(count),
                                    out.ctypes.data_as(ctypes.c_void_p))
        reason = None if status == 0 else self.c.hans_last_error().decode()
        self.c.hans_model_free(handle)
        return reason if reason else out


def array(value):
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value)


def is_real(value):
    return value.dtype in (np.float32, np.float64, np.float16) and value.size > 0


def wrapped(case, inputs, outputs):
    """A classifier around the node, the image for it, and what it should give."""
    node = onnx.NodeProto()
    node.CopyFrom(case.model.graph.node[0])
    kind = node.op_type
    if kind in FIRST_OUTPUT:
        del node.output[1:]
    names = [each.name for each in case.model.graph.input]
    first_only = kind in FIRST_ONLY or kind.startswith("Reduce")
    given, stored = [], []
    for name, value in zip(names, inputs):
        place = list(node.input).index(name)
        image = is_real(value) and (place == 0 or not first_only)
        (given if image else stored).append((name, value))
    batched = kind in BATCHED and bool(given)
    total = sum(value.size for _, value in given) or 1
    if batched:
        total //= given[0][1].shape[0]
    nodes, tensors = [helper.make_node("Flatten", ["image_"], ["flat_"], axis=1)], []

    def whole(name, values):
        tensors.append(numpy_helper.from_array(np.array(values, np.int64), name))
        return name

    at = 0
    for name, value in given:
        source = "flat_"
        if value.size != total and not batched:
            source = name + "_part"
            nodes.append(helper.make_node("Slice", ["flat_", whole(name + "_from", [at]),
                                                    whole(name + "_to", [at + value.size]), whole(name + "_axis", [1])],
                                          [source]))
        shape = ([-1] if batched else list(value.shape[:1])) + list(value.shape[1:])
        nodes.append(helper.make_node("Reshape", [source, whole(name + "_shape", shape)], [name]))
        at += value.size
    tensors += [numpy_helper.from_array(value, name) for name, value in stored]
    nodes.append(node)
    results = [name for name in node.output if name]
    if batched:
        nodes.append(helper.make_node("Flatten", results[:1], ["logits_"], axis=1))
        results = results[:1]
    else:
        whole("row_", [-1])
        whole("one_row_", [1, 1])
        flat = []
        for name in results:
            nodes.append(helper.make_node("Reshape", [name, "row_"], [name + "_flat"]))
            nodes.append(helper.make_node("Cast", [name + "_flat"], [name + "_real"], to=TensorProto.FLOAT))
            flat.append(name + "_real" if not given or kind == "Shape" else name + "_flat")
        nodes.append(helper.make_node("Concat", flat, ["all_"], axis=0))
        if not given or kind == "Shape":  # what does not depend on the image is made to: plus 0 times its first pixel
            tensors.append(numpy_helper.from_array(np.zeros(1, np.float32), "zero_"))
            nodes.append(helper.make_node("Slice", ["flat_", whole("z_from", [0]), whole("z_to", [1]),
                                                    whole("z_axis", [1])], ["pixel_"]))
            nodes.append(helper.make_node("Mul", ["pixel_", "zero_"], ["nothing_"]))
            nodes.append(helper.make_node("Add", ["all_", "nothing_"], ["logits_"]))
        else:
            nodes.append(helper.make_node("Identity", ["all_"], ["logits_"]))
    image = np.concatenate([value.astype(np.float32).ravel() for _, value in given]) if given else np.zeros(1, np.float32)
    opset = min(NEWEST, next(each.version for each in case.model.opset_import if each.domain == ""))
    graph = helper.make_graph(nodes, "wrapped", [helper.make_tensor_value_info("image_", TensorProto.FLOAT, ["N", 1, 1, total])],
                              [helper.make_tensor_value_info("logits_", TensorProto.FLOAT, None)], tensors)
    wanted = np.concatenate([value.astype(np.float64).ravel() for value in outputs[:len(results)]])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)]), image, wanted


def right(case, made, wanted, inputs):
    made = made.astype(np.float64).ravel()
    node = case.model.graph.node[0]
    if node.op_type == "ArgMax":  # stands for the class: the place of the largest
        axis = next((each.i for each in node.attribute if each.name == "axis"), 0)
        made = np.argmax(made.reshape(inputs[0].shape), axis=axis).ravel().astype(np.float64)
    return made.shape == wanted.shape and np.allclose(made, wanted, rtol=max(case.rtol, 1e-3), atol=1e-5, equal_nan=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    hans = Hans(os.path.abspath(options.library))
    counts, refused, failed = collections.defaultdict(lambda: [0, 0, 0]), [], []
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "node.onnx")
        for case in collect_testcases(None):
            nodes = case.model.graph.node if case.model else []
            if len(nodes) != 1 or nodes[0].op_type not in OPERATORS or options.only not in case.name or "_expanded" in case.name:
                continue
            count = counts[nodes[0].op_type]
            inputs, outputs = ([array(each) for each in side] for side in case.data_sets[0])
            if any(value.dtype.kind not in "fiub" for value in inputs + outputs):
                reason = "elements of a type that holds no numbers here"
            elif any(value.size == 0 for value in outputs):
                reason = "its output is empty"
            else:
                model, image, wanted = wrapped(case, inputs, outputs)
                onnx.save(model, path)
                reason = hans.run(path, image)
            if isinstance(reason, str):
                count[1] += 1
                refused.append((case.name, reason.replace(path, "it")))
            elif right(case, reason, wanted, inputs):
                count[0] += 1
            else:
                count[2] += 1
                failed.append(case.name)
    print(f"onnx {onnx.__version__}: passed, unsupported, failed")
    for kind in sorted(counts):
        print(f"{kind:24} {counts[kind][0]:4} {counts[kind][1]:4} {counts[kind][2]:4}")
    print(f"{'all':24} " + " ".join(f"{sum(each[k] for each in counts.values()):4}" for k in range(3)))
    if options.list:
        for name, reason in refused:
            print(f"unsupported {name}: {reason}")
    for name in failed:
        print(f"failed {name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
