"""Reads PNG pictures of 8 bits a sample, without interlacing, as the command writes them."""

import struct
import zlib

_CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}


def read(path):
    """Width, height and the samples of a picture, which must be whole."""
    with open(path, "rb") as file:
        data = file.read()
    assert data[:8] == b"\x89PNG\r\n\x1a\n", f"{path} is not a PNG picture"
    at, packed, kind = 8, b"", b""
    while kind != b"IEND":
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack(">I", data[at + 8 + length : at + 12 + length])
        assert zlib.crc32(kind + body) == checksum, f"{path}: the chunk {kind} is damaged"
        if kind == b"IHDR":
            width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", body)
            assert depth == 8 and interlaced == 0, f"{path}: {depth} bits, interlaced {interlaced}"
        elif kind == b"IDAT":
            packed += body
        at += 12 + length
    return width, height, _unfiltered(zlib.decompress(packed), width, height, _CHANNELS[colour])


def _unfiltered(rows, width, height, step):
    """The samples of rows that each begin with the number of their filter."""
    length = width * step
    assert len(rows) == height * (length + 1)
    out, above = bytearray(), bytearray(length)
    for y in range(height):
        start = y * (length + 1)
        filter_, row = rows[start], bytearray(rows[start + 1 : start + 1 + length])
        for x in range(length):
            left = row[x - step] if x >= step else 0
            up = above[x]
            corner = above[x - step] if x >= step else 0
            row[x] = (row[x] + _predicted(filter_, left, up, corner)) & 255
        out += row
        above = row
    return bytes(out)


def _predicted(filter_, left, up, corner):
    if filter_ == 4:
        guess = left + up - corner
        return min((left, up, corner), key=lambda value: abs(guess - value))
    return (0, left, up, (left + up) // 2)[filter_]
