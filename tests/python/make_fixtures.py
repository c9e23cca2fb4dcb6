"""Writes tests/fixtures: a narrow VGG19 with seeded weights, as safetensors in torchvision's layout and as
ONNX from torch.onnx's old and new exporter.

    python3 tests/python/make_fixtures.py tests/fixtures

Needs torch, onnx, onnxscript and safetensors. The fixtures that are checked in were made with torch 2.15.
"""
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

to = Path(sys.argv[1])
torch.manual_seed(0)
layers, channels = [], 3
for block, (count, width) in enumerate(zip((2, 2, 4, 4, 4), (4, 6, 8, 8, 8))):
    for _ in range(count):
        layers += [torch.nn.Conv2d(channels, width, 3, padding=1), torch.nn.ReLU(inplace=True)]
        channels = width
    layers.append(torch.nn.MaxPool2d(2, 2))
features = torch.nn.Sequential(*layers).eval()
save_file({f"features.{k}": v for k, v in features.state_dict().items()}, str(to / "narrow.safetensors"))
example = torch.rand(1, 3, 48, 64)
axes = {"input": {2: "height", 3: "width"}}
torch.onnx.export(features, example, str(to / "narrow-old.onnx"), dynamo=False, input_names=["input"], dynamic_axes=axes)
dims = ({2: torch.export.Dim("height", min=32, max=4096), 3: torch.export.Dim("width", min=32, max=4096)},)
try:
    torch.onnx.export(features, (example,), str(to / "narrow-new.onnx"), dynamo=True, dynamic_shapes=dims, external_data=False)
except Exception as e:
    print("dynamic shapes:", str(e).splitlines()[0])
    torch.onnx.export(features, (example,), str(to / "narrow-new.onnx"), dynamo=True, external_data=False)
