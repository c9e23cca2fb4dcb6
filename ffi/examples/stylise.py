"""Stylises a picture with libimpasto, from Python, with ctypes alone.

    python3 stylise.py LIBRARY photo.ppm painting.ppm out.ppm '{"preset": "draft"}' '{"device": "cpu"}'

The job runs twice: the first time it is cancelled at the third evaluation, to show how that is done.
"""
import ctypes as c
import json
import sys

OK, CANCELLED = 0, 7
RGB, U8 = 3, 1


class Picture(c.Structure):
    _fields_ = [
        ("data", c.c_void_p), ("stride", c.c_ssize_t), ("width", c.c_uint32), ("height", c.c_uint32),
        ("layout", c.c_uint32), ("sample", c.c_uint32), ("encoding", c.c_uint32), ("reserved", c.c_uint32),
    ]


class Style(c.Structure):
    _fields_ = [
        ("struct_size", c.c_size_t), ("picture", Picture), ("weight", c.c_double), ("scale", c.c_double),
        ("region", c.POINTER(Picture)),
    ]


class Progress(c.Structure):
    _fields_ = [
        ("struct_size", c.c_size_t), ("phase", c.c_uint32), ("evaluations", c.c_uint32), ("planned", c.c_uint32),
        ("reserved", c.c_uint32), ("loss", c.c_double), ("seconds", c.c_double), ("seconds_left", c.c_double),
        ("preview", c.POINTER(Picture)), ("level", c.c_uint32), ("levels", c.c_uint32), ("width", c.c_uint32),
        ("height", c.c_uint32),
    ]


Callback = c.CFUNCTYPE(c.c_int32, c.POINTER(Progress), c.c_void_p)


class Job(c.Structure):
    _fields_ = [
        ("struct_size", c.c_size_t), ("content", Picture), ("output", Picture), ("styles", c.POINTER(Style)),
        ("style_count", c.c_size_t), ("mask", c.POINTER(Picture)), ("init", c.POINTER(Picture)),
        ("params", c.c_char_p), ("progress", Callback), ("user_data", c.c_void_p), ("on_cancel", c.c_uint32),
        ("reserved", c.c_uint32),
    ]


class Impasto:
    """An engine of the library."""

    def __init__(self, library, options):
        self.lib = lib = c.CDLL(library)
        lib.impasto_last_error.restype = c.c_char_p
        lib.impasto_string_free.argtypes = [c.c_void_p]
        lib.impasto_engine_free.argtypes = [c.c_void_p]
        lib.impasto_plan.argtypes = [c.c_void_p, c.POINTER(Job), c.POINTER(c.c_void_p)]
        lib.impasto_stylise.argtypes = [c.c_void_p, c.POINTER(Job), c.POINTER(c.c_void_p)]
        self.engine = c.c_void_p()
        self.check(lib.impasto_engine_new(options.encode(), c.byref(self.engine)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lib.impasto_engine_free(self.engine)

    def check(self, status):
        if status != OK:
            raise RuntimeError(f"status {status}: {self.lib.impasto_last_error().decode()}")

    def text(self, call, *args):
        """Calls a function that gives a text; returns its JSON."""
        pointer = c.c_void_p()
        self.check(call(*args, c.byref(pointer)))
        text = c.string_at(pointer)
        self.lib.impasto_string_free(pointer)
        return json.loads(text)

    def job(self, content, style, output, params, progress):
        style = Style(struct_size=c.sizeof(Style), picture=style, weight=1.0)
        job = Job(struct_size=c.sizeof(Job), content=content, output=output, styles=c.pointer(style), style_count=1)
        job.params, job.progress = params.encode(), Callback(lambda p, _: progress(p.contents))
        return job


def picture(width, height, pixels):
    """A descriptor of a bytearray; keep the bytearray as long as the descriptor is used."""
    data = c.addressof(c.c_char.from_buffer(pixels))
    return Picture(data=data, stride=3 * width, width=width, height=height, layout=RGB, sample=U8)


def read_ppm(path):
    with open(path, "rb") as file:
        magic, width, height, most, pixels = split_ppm(file.read())
    if magic != b"P6" or most != b"255":
        raise RuntimeError(f"{path}: not a PPM file that can be read")
    return int(width), int(height), bytearray(pixels)


def split_ppm(data):
    """Magic, width, height, largest value; then, behind a single white space, the pixels."""
    fields, at = [], 0
    while len(fields) < 4:
        end = at
        while not data[end : end + 1].isspace():
            end += 1
        fields.append(data[at:end])
        at = end + 1
    return (*fields, data[at:])


def main():
    library, content_path, style_path, out, params, options = sys.argv[1:]
    content, style = read_ppm(content_path), read_ppm(style_path)
    with Impasto(library, options) as impasto:
        lib = impasto.lib
        make = lambda output, progress: impasto.job(picture(*content), picture(*style), picture(*output), params, progress)
        plan = impasto.text(lib.impasto_plan, impasto.engine, c.byref(make(content, lambda p: 0)))
        height, width = plan["size"]
        output = (width, height, bytearray(3 * width * height))

        status = lib.impasto_stylise(impasto.engine, c.byref(make(output, lambda p: p.evaluations >= 3)), None)
        if status != CANCELLED or any(output[2]):
            raise RuntimeError(f"the job was not cancelled, or has written: status {status}")
        print("cancelled; once more, to the end")

        def tell(p):
            print(f"{p.evaluations} of {p.planned} evaluations, loss {p.loss:g}")
            return 0

        report = impasto.text(lib.impasto_stylise, impasto.engine, c.byref(make(output, tell)))
        print(f"loss {report['first_loss']:.3e} to {report['loss']:.3e}")
    with open(out, "wb") as file:
        file.write(b"P6\n%d %d\n255\n" % (width, height) + output[2])


if __name__ == "__main__":
    main()
