"""Writes tests/fixtures: a narrow VGG19 with seeded weights, as safetensors in torchvision's layout, as PyTorch's
checkpoints of both formats, under Keras' names and in its layout, and as ONNX from torch.onnx's old and new exporter.

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
state = {f"features.{k}": v for k, v in features.state_dict().items()}
# A linear layer, which no importer needs, and what wraps models that were trained on several cards.
whole = {**state, "classifier.0.weight": torch.zeros(3, 8), "classifier.0.bias": torch.zeros(3)}
torch.save(whole, str(to / "narrow-legacy.pth"), _use_new_zipfile_serialization=False)
torch.save({"state_dict": {f"module.{k}": v for k, v in whole.items()}}, str(to / "narrow-archive.pth"))
keras, index = {}, 0
for block, count in enumerate((2, 2, 4, 4, 4), 1):
    for place in range(1, count + 1):
        kernel = features[index].weight.detach()
        if index == 0:
            kernel = kernel.flip(1)
        keras[f"block{block}_conv{place}/kernel:0"] = kernel.permute(2, 3, 1, 0).contiguous()
        keras[f"block{block}_conv{place}/bias:0"] = features[index].bias.detach()
        index += 2
    index += 1
save_file(keras, str(to / "narrow-keras.safetensors"))
if "--weights-alone" in sys.argv:
    sys.exit()
example = torch.rand(1, 3, 48, 64)
axes = {"input": {2: "height", 3: "width"}}
torch.onnx.export(features, example, str(to / "narrow-old.onnx"), dynamo=False, input_names=["input"], dynamic_axes=axes)
dims = ({2: torch.export.Dim("height", min=32, max=4096), 3: torch.export.Dim("width", min=32, max=4096)},)
try:
    torch.onnx.export(features, (example,), str(to / "narrow-new.onnx"), dynamo=True, dynamic_shapes=dims, external_data=False)
except Exception as e:
    print("dynamic shapes:", str(e).splitlines()[0])
    torch.onnx.export(features, (example,), str(to / "narrow-new.onnx"), dynamo=True, external_data=False)
