"""Paints a list of pictures in one style with Ray Data, one actor per card or per few cores.

Install: python3 -m pip install -r requirements.txt, and libimpasto with ONNX Runtime beside it (`cargo xtask dist`).
Run:     python3 ray_data.py photos.txt painting.jpg out --library libimpasto.so.0 [--params '{"preset": "best"}']

photos.txt has one picture a line. Each actor makes one engine and keeps it for all its pictures. Run the same command
again to paint what is missing. On a cluster, set RAY_ADDRESS, and give paths that all nodes see. Results are 8-bit sRGB
PNG files; the command `impasto` also keeps 16 bits, alpha and colour profiles.
"""
import argparse
import ctypes
import io
import json
import os
import sys
from pathlib import Path

# Ray reports its use to its makers unless it is told not to.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray
from PIL import Image, ImageCms, ImageOps

BINDING = Path(__file__).resolve().parents[2] / "ffi" / "examples"
sys.path.insert(0, str(BINDING))
import stylise  # noqa: E402  The C library's functions, through ctypes


def read_srgb(path):
    """Reads a picture upright and as 8-bit sRGB. Returns its width, its height and its bytes, three for each pixel."""
    with Image.open(path) as file:
        image = ImageOps.exif_transpose(file)
        profile = image.info.get("icc_profile")
        if profile and image.mode in ("RGB", "L", "CMYK"):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            image = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        image = image.convert("RGB")
    return image.width, image.height, bytearray(image.tobytes())


def write_png(path, width, height, pixels):
    """Writes a PNG file that appears whole or not at all."""
    partial = path.with_name(f".impasto-{path.name}-{os.getpid()}.partial")
    with open(partial, "wb") as file:
        Image.frombytes("RGB", (width, height), bytes(pixels)).save(file, "PNG")
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


class Painter:
    """An actor: one engine, and the style."""

    def __init__(self, library, options, params, style):
        self.impasto = stylise.Impasto(library, json.dumps(options))
        self.params = json.dumps(params)
        self.style = read_srgb(style)

    def __call__(self, row):
        """Paints one picture. A picture that cannot be painted does not end the others."""
        try:
            self.paint(row["content"], Path(row["output"]))
            return {**row, "error": ""}
        except Exception as error:  # Pillow has many for damaged files.
            return {**row, "error": str(error)}

    def paint(self, content, output):
        lib, engine = self.impasto.lib, self.impasto.engine
        content = read_srgb(content)

        def job(result):
            pictures = [stylise.picture(*p) for p in (content, self.style, result)]
            return ctypes.byref(self.impasto.job(*pictures, self.params, lambda progress: 0))

        height, width = self.impasto.text(lib.impasto_plan, engine, job(content))["size"]
        result = (width, height, bytearray(3 * width * height))
        self.impasto.text(lib.impasto_stylise, engine, job(result))
        write_png(output, *result)


def rows(pictures, out):
    """The pictures of a list, and where their results go. Two of one name would be written to one file."""
    lines = [line for line in pictures.read_text(encoding="utf-8").splitlines() if line]
    found = {}
    for content in map(Path, lines):
        if content.stem in found:
            sys.exit(f"{content} and {found[content.stem]} have one name; rename one of them")
        found[content.stem] = content
    return [
        {"content": str(content.resolve()), "output": str(out.resolve() / f"{name}.png")}
        for name, content in found.items()
    ]


def main():
    parser = argparse.ArgumentParser(description="Paints a list of pictures in one style with Ray Data.")
    parser.add_argument("pictures", type=Path, help="a text file with one picture a line")
    parser.add_argument("style", type=Path)
    parser.add_argument("out", type=Path, help="the folder for the results; made if it is not there")
    parser.add_argument("--library", type=Path, required=True, help="libimpasto, at a path that all nodes see")
    parser.add_argument("--params", type=json.loads, default={}, help="parameters as JSON, see `impasto schema`")
    parser.add_argument("--threads", type=int, default=2, help="cores, and threads, per actor [2]")
    parser.add_argument("--actors", type=int, help="how many [as many as the cluster's cores or cards allow]")
    parser.add_argument("--cuda", action="store_true", help="one card per actor")
    parser.add_argument("--memory", type=float, default=4, help="gigabytes per actor, not on the card [4]")
    args = parser.parse_args()

    args.out.mkdir(parents=True, exist_ok=True)
    missing = [row for row in rows(args.pictures, args.out) if not os.path.exists(row["output"])]
    if not missing:
        print("all pictures are there")
        return

    ray.init(runtime_env={"env_vars": {"PYTHONPATH": str(BINDING)}}, log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    # Ray only counts cores: it hands them out, but does not bind a process to them. So an engine must be told how many
    # threads to start; by itself it starts one per core of the machine, in each actor. Actors times threads is then
    # the number of cores.
    total, memory = ray.cluster_resources(), int(args.memory * 2**30)
    possible = min(total.get("CPU", 0) // args.threads, total["memory"] // memory)
    if args.cuda:
        possible = min(possible, total.get("GPU", 0))
    if possible < 1:
        sys.exit(f"not even one actor fits: there are {total}; see --threads and --memory")
    actors = min(args.actors or int(possible), int(possible), len(missing))
    # Ray shows an actor only its own card. Its memory is all for the actor.
    if args.cuda:
        options = {"device": "cuda", "threads": args.threads}
    else:
        options = {"device": "cpu", "threads": args.threads, "memory": memory}

    # One block per picture: an actor that dies loses one picture, and Ray starts another, which paints it again.
    painted = ray.data.from_items(missing, override_num_blocks=len(missing)).map(
        Painter,
        fn_constructor_args=(str(args.library.resolve()), options, args.params, str(args.style.resolve())),
        compute=ray.data.ActorPoolStrategy(size=actors),
        num_cpus=args.threads,
        num_gpus=1 if args.cuda else 0,
        memory=memory,
    )
    failed = 0
    for row in painted.iter_rows():
        failed += bool(row["error"])
        print(f"{row['content']}: {row['error']}" if row["error"] else row["output"], flush=True)
    print(f"{len(missing) - failed} painted, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
