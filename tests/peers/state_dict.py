#!/usr/bin/env python3
"""Takes networks from PyTorch to hans and back: weights bit for bit, logits within 1e-5 of the largest.

    python3 tests/peers/state_dict.py --hans build/test/hans

Needs torch, numpy, safetensors and onnxruntime (PyPI). Nothing of hans needs this to build or test. A state_dict goes as a
safetensors and as an .npz file through hans convert into a model file and back into both; the model file is written as ONNX,
and what another runtime computes from that is compared with PyTorch.
"""
import argparse, os, subprocess, sys, tempfile

import numpy as np
import onnxruntime
import torch
from safetensors.torch import load_file, save_file
from torch import nn

# (name, network for images of channels x height x width, the same as hans writes it)
NETWORKS = [
    ("cnn", (1, 12, 12), [nn.Conv2d(1, 6, 3, stride=2), nn.ReLU(), nn.Conv2d(6, 5, 2, padding=1), nn.ReLU(), nn.Flatten(),
                          nn.Linear(180, 10)],
     "12x12x1;conv2d:filters=6,kernel=3,stride=2;relu;conv2d:filters=5,kernel=2,padding=1;relu;flatten;linear:units=10"),
    ("normalised", (3, 8, 8), [nn.Conv2d(3, 6, 3, groups=3, bias=False), nn.BatchNorm2d(6), nn.LeakyReLU(0.1), nn.MaxPool2d(2),
                               nn.Flatten(), nn.BatchNorm1d(54), nn.Dropout(0.5), nn.Linear(54, 7), nn.LayerNorm(7)],
     "8x8x3;conv2d:filters=6,kernel=3,groups=3,bias=false;batch_norm;leaky_relu:slope=0.1;max_pool2d:kernel=2;flatten;"
     "batch_norm;dropout:rate=0.5;linear:units=7;layer_norm"),
    ("transposed", (4, 4, 5), [nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2), nn.Tanh(),
                               nn.InstanceNorm2d(6, affine=True), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(120, 3)],
     "4x5x4;conv_transpose2d:filters=6,kernel=3,size=8x10,stride=2,padding=1,groups=2;tanh;instance_norm;"
     "average_pool2d:kernel=2;flatten;linear:units=3"),
    ("dilated", (2, 9, 9), [nn.Conv2d(2, 4, 3, dilation=2), nn.GELU(), nn.LayerNorm([4, 5, 5]), nn.Flatten(), nn.Linear(100, 3)],
     "9x9x2;conv2d:filters=4,kernel=3,dilation=2;gelu;layer_norm:axes=3;flatten;linear:units=3"),
]

arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument("--hans", required=True, help="the command")
options = arguments.parse_args()
wrong = 0
for name, image, layers, architecture in NETWORKS:
    torch.manual_seed(1)
    net = nn.Sequential(*layers).eval()
    for module in net:
        if hasattr(module, "running_var") and module.running_var is not None:
            nn.init.uniform_(module.running_mean, -0.5, 0.5), nn.init.uniform_(module.running_var, 0.5, 2)
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm, nn.InstanceNorm2d)):
            nn.init.uniform_(module.weight), nn.init.uniform_(module.bias)
    state = {key: value.detach() for key, value in net.state_dict().items()}
    with tempfile.TemporaryDirectory() as folder:
        at = lambda file: os.path.join(folder, file)
        convert = lambda *words: subprocess.run([options.hans, "convert", *words], check=True, stdout=subprocess.DEVNULL)
        save_file(state, at("torch.safetensors"))
        np.savez(at("torch.npz"), **{key: value.numpy() for key, value in state.items()})
        same = True
        for file in "torch.safetensors", "torch.npz":
            convert(at(file), at("net.hans"), "--model", architecture)
            convert(at("net.hans"), at("back.safetensors"))
            convert(at("net.hans"), at("back.npz"))
            for back in load_file(at("back.safetensors")), {k: torch.from_numpy(v) for k, v in np.load(at("back.npz")).items()}:
                wanted = {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}
                same = same and back.keys() == wanted.keys() and all(torch.equal(back[key], wanted[key]) for key in wanted)
        convert(at("net.hans"), at("net.onnx"))
        images = torch.rand(5, *image)
        wanted = net(images).detach().numpy()
        found = onnxruntime.InferenceSession(at("net.onnx")).run(["logits"], {"images": images.numpy()})[0]
        off = np.abs(found - wanted).max() / np.abs(wanted).max()
        good = same and off <= 1e-5
        wrong += not good
        print(f"{name:12} {'passed' if good else 'FAILED'}  weights {'the same bits' if same else 'DIFFERENT'}, {off:.1e} off")
print(f"{len(NETWORKS) - wrong} of {len(NETWORKS)} passed (torch {torch.__version__})")
sys.exit(1 if wrong else 0)
