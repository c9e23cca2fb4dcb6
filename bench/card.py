"""A CUDA card: milliseconds per evaluation against PyTorch, the card's share, TF32's effect, and a large picture in a budget.

    PYTHON=python-with-torch cargo xtask bench card [--model NAME|FILE] [--megapixels 1,4,16] [--json FILE]

Impasto's milliseconds are those of whole jobs at one size: the difference between a long and a short one by their
evaluations, so that loading and the first evaluations do not count, but the optimiser does. PyTorch's (weights frozen,
channels-last, with TF32, without, and compiled) are those of loss and gradient alone. The matrix peak is what a large
product reaches through PyTorch in the same run. TF32's effect is told on the saved picture: its loss by an objective
without TF32, and how far it is from the picture that was made without.

With `--device cpu` the same runs on the processor, to try the script where there is no card.
"""
import argparse
import os
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

import peer
import results

sample = Path(__file__).parent.parent / "assets" / "sample"
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--model", default="vgg19-random")
parser.add_argument("--megapixels", default="1,4,16")
parser.add_argument("--evaluations", default="20,100", help="of the short and the long job")
parser.add_argument("--large", default="24", help="megapixels of the large picture; 0 for none")
parser.add_argument("--budget", default="8G", help="for the large picture")
parser.add_argument("--device", default="cuda")
parser.add_argument("--content", default=sample / "coffee.png")
parser.add_argument("--style", default=sample / "whirls.jpg")
parser.add_argument("--matrix", type=int, default=8192, help="rows of the product for the matrix peak")
parser.add_argument("--compile", action="store_true", help="also PyTorch with torch.compile")
parser.add_argument("--alone", action="store_true", help="only Impasto's milliseconds per evaluation, which is soon done")
parser.add_argument("--json", help="also write the results into this file")
args = parser.parse_args()
short, long = (int(n) for n in args.evaluations.split(","))
cuda = args.device.startswith("cuda")


def wait():
    if cuda:
        torch.cuda.synchronize()


def tf32(on):
    torch.backends.cuda.matmul.allow_tf32 = on
    torch.backends.cudnn.allow_tf32 = on


def median(run, rounds=7, warm=3):
    """Seconds."""
    for _ in range(warm):
        run()
    times = []
    for _ in range(rounds):
        wait()
        begun = time.perf_counter()
        run()
        wait()
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def peak():
    """Operations per second of a matrix product."""
    a, b = (torch.randn(args.matrix, args.matrix, device=args.device) for _ in range(2))
    return 2 * args.matrix**3 / median(lambda: a @ b)


class Watch:
    """The most memory that the card has in use while this is open, beyond what it had before."""

    def __enter__(self):
        self.most, self.open = 0, True
        if cuda:
            self.before = self.used()
            self.thread = threading.Thread(target=self.look)
            self.thread.start()
        return self

    def used(self):
        free, total = torch.cuda.mem_get_info()
        return total - free

    def look(self):
        while self.open:
            self.most = max(self.most, self.used() - self.before)
            time.sleep(0.02)

    def __exit__(self, *_):
        self.open = False
        if cuda:
            self.thread.join()


def job(folder, photograph, evaluations, *options):
    """The report of a job at one size, and its picture."""
    size = max(Image.open(photograph).size)
    out = folder / "out.png"
    command = [photograph, args.style, "-o", out, "--size", size, "--levels", 1, "--iterations", evaluations, "--model", args.model]
    _, _, report = results.run(command + ["--device", args.device, *options])
    return report, np.asarray(Image.open(out).convert("RGB"), dtype=np.float32)


def photograph(folder, megapixels):
    """A 3:2 picture of about so many megapixels, with sides that poolings divide."""
    height = round((float(megapixels) * 1e6 / 1.5) ** 0.5 / 16) * 16
    shape = (height * 3 // 2 // 16 * 16, height)
    path = folder / f"{megapixels}.png"
    ImageOps.fit(Image.open(args.content).convert("RGB"), shape, Image.LANCZOS).save(path)
    return path, shape


def mine(folder, path, *options):
    """Seconds per evaluation, and the share of them outside of ONNX Runtime."""
    reports = [job(folder, path, n, *options)[0] for n in (short, long)]
    seconds = [r["seconds"]["optimising"] for r in reports]
    counts = [len(r["losses"]) for r in reports]
    evaluating = [r["seconds"]["evaluating"] for r in reports]
    outside = 1 - (evaluating[1] - evaluating[0]) / (seconds[1] - seconds[0])
    return (seconds[1] - seconds[0]) / (counts[1] - counts[0]), outside, reports[1]["tile"]


def alone():
    """Prints Impasto's milliseconds, and keeps them."""
    runs = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for megapixels in args.megapixels.split(","):
            path, _ = photograph(folder, megapixels)
            seconds, outside, tile = mine(folder, path)
            print(f"{megapixels} megapixels: {1000 * seconds:.1f} ms, {100 * outside:.1f} % outside of ONNX Runtime"
                  f"{f', tiles of {tile}' if tile else ''}", flush=True)
            runs.append({"megapixels": megapixels, "seconds": seconds, "outside": outside, "tile": tile})
    results.save(args.json, "card", runs)


def main():
    runs = []
    if cuda:
        print(f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}")
    subprocess.run([os.environ["IMPASTO"], "devices", "--nodes"], check=True)
    peaks = {}
    for on in (True, False):
        tf32(on)
        peaks[on] = peak()
        print(f"matrix products {'with' if on else 'without'} TF32: {peaks[on] / 1e12:.1f} TFLOP/s", flush=True)
    print("| megapixels | TF32 | Impasto | outside of ONNX Runtime | of the matrix peak | PyTorch | compiled | times as fast |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for megapixels in args.megapixels.split(","):
            path, (width, height) = photograph(folder, megapixels)
            for on in (True, False):
                tf32(on)
                seconds, outside, tile = mine(folder, path, *([] if on else ["--no-tf32"]))
                peers = {}
                for compiled in (False, True) if args.compile else (False,):
                    with tempfile.TemporaryDirectory() as graphs:
                        model = peer.Torch(peer.export(args.model, graphs, f"{width}x{height}"), args.device, compiled)
                    rng = np.random.default_rng(0)
                    model.prepare(*(rng.random((1, 3, height, width), dtype=np.float32) for _ in range(2)))
                    operations = model.operations(height, width)
                    try:
                        peers[compiled] = median(model.evaluate)
                    except torch.cuda.OutOfMemoryError:
                        peers[compiled] = float("nan")
                    del model
                    if cuda:
                        torch.cuda.empty_cache()
                best = min(peers.values())
                share = operations / seconds / peaks[on]
                runs.append({"megapixels": megapixels, "tf32": on, "seconds": seconds, "outside": outside, "share": share,
                             "peak": peaks[on], "tile": tile, "pytorch": peers[False], "compiled": peers.get(True)})
                other = f"{1000 * peers[True]:.1f} ms" if True in peers else "–"
                print(f"| {megapixels} | {'yes' if on else 'no'} | {1000 * seconds:.1f} ms{f' (tiles of {tile})' if tile else ''} | "
                      f"{100 * outside:.1f} % | {100 * share:.0f} % | {1000 * peers[False]:.1f} ms | {other} | {best / seconds:.2f} |", flush=True)
        path, _ = photograph(folder, args.megapixels.split(",")[0])
        made = {on: job(folder, path, 100, *([] if on else ["--no-tf32"])) for on in (True, False)}
        apart = np.abs(made[True][1] - made[False][1])
        losses = {}
        for on in (True, False):
            picture = folder / f"tf32-{on}.png"
            Image.fromarray(made[on][1].astype(np.uint8)).save(picture)
            size = max(Image.open(path).size)
            losses[on] = results.score(picture, path, args.style, args.model, size, "--device", "cpu")["loss"]
        print(f"TF32, 100 evaluations: loss of the saved picture {losses[True]:.4g}, without {losses[False]:.4g}; "
              f"values differ by {apart.mean():.2f} of 255 in the mean")
        runs.append({"tf32_loss": losses[True], "loss": losses[False], "apart": float(apart.mean())})
        if float(args.large) > 0:
            path, shape = photograph(folder, args.large)
            with Watch() as watch:
                report, _ = job(folder, path, 4, "--max-memory", args.budget)
            seconds = results.per_evaluation(report)
            runs.append({"large": args.large, "budget": args.budget, "tile": report["tile"], "seconds": seconds, "card_memory": watch.most})
            print(f"{shape[0]}×{shape[1]} in {args.budget}: tiles of {report['tile']}, {seconds:.2f} s per evaluation, "
                  f"at most {watch.most / 2**20:.0f} MiB of the card's memory")
    results.save(args.json, "card", runs)


Image.MAX_IMAGE_PIXELS = None
alone() if args.alone else main()
