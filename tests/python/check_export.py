"""Checks the folders that `impasto model export` wrote: onnx.checker with full shape inference, and a run
in Python's onnxruntime that must give the loss that follows from the features.

    python3 tests/python/check_export.py FOLDER...
"""
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime


def check(folder):
    for name in ("features.onnx", "objective.onnx"):
        onnx.checker.check_model(str(folder / name), full_check=True)
    rng = np.random.default_rng(0)
    features = onnxruntime.InferenceSession(str(folder / "features.onnx"), providers=["CPUExecutionProvider"])
    objective = onnxruntime.InferenceSession(str(folder / "objective.onnx"), providers=["CPUExecutionProvider"])
    target, picture = (rng.random((1, 3, 45, 62), dtype=np.float32) for _ in range(2))
    names = [o.name for o in features.get_outputs()]
    targets = dict(zip(names, features.run(None, {"picture": target})))
    own = dict(zip(names, features.run(None, {"picture": picture})))
    inputs = {"picture": picture, **targets}
    weights = {i.name: np.array(3.5, dtype=np.float32) for i in objective.get_inputs() if i.name.endswith("/weight")}
    results = dict(zip([o.name for o in objective.get_outputs()], objective.run(None, inputs | weights)))

    constants = {t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(str(folder / "objective.onnx")).graph.initializer}

    def loss(name):
        difference = own[name].astype(np.float64) - targets[name]
        head = constants.get(f"head/{name.split('/')[1]}.matrix") if name.endswith("/gram") else None
        return 3.5 * np.mean((difference if head is None else head @ difference @ head) ** 2)

    expected = {n.rsplit("/", 1)[0]: loss(n) for n in names}
    if "tv/weight" in weights:
        across = np.diff(picture, axis=3)[:, :, :-1, :]
        down = np.diff(picture, axis=2)[:, :, :, :-1]
        expected["tv"] = 3.5 * np.mean(np.concatenate([across, down]).astype(np.float64) ** 2)
    for term, value in expected.items():
        got = float(results[f"{term}/loss"])
        assert abs(got - value) <= 1e-3 * value, f"{folder}: {term} is {got}, expected {value}"
    total = sum(expected.values())
    assert abs(float(results["loss"]) - total) <= 1e-3 * total, f"{folder}: the loss is not the sum of its terms"
    assert results["gradient"].shape == picture.shape and np.isfinite(results["gradient"]).all()
    size = sum(f.stat().st_size for f in folder.glob("*.onnx"))
    assert size < (folder / "weights.bin").stat().st_size / 2 + 200_000, "the models do not share their weights"
    print(f"{folder.name}: {', '.join(expected)} agree")


for argument in sys.argv[1:]:
    check(Path(argument))
