"""The structs, constants and functions of the package are those of the C header."""

from __future__ import annotations

import ctypes as c
import re
from pathlib import Path
from typing import Any, Dict, List, Tuple

import impasto
from impasto import _abi, errors

ROOT = Path(__file__).parents[2]
HEADER = (ROOT / "include" / "impasto.h").read_text(encoding="utf-8")
CODE = re.sub(r"/\*.*?\*/", "", HEADER, flags=re.DOTALL)
STRUCTS = {
    "ImpastoPicture": _abi.Picture,
    "ImpastoStyle": _abi.Style,
    "ImpastoProgress": _abi.Progress,
    "ImpastoJob": _abi.Job,
}
VALUES = {
    "int32_t": c.c_int32,
    "uint32_t": c.c_uint32,
    "size_t": c.c_size_t,
    "ptrdiff_t": c.c_ssize_t,
    "double": c.c_double,
    "void": None,
    "ImpastoProgressCallback": _abi.ProgressCallback,
    "ImpastoLogCallback": _abi.LogCallback,
    **STRUCTS,
}


def of_c(declared: str) -> Any:
    """The type of ctypes for one of C's."""
    words = declared.replace("*", " * ").replace("const ", " ").replace("struct ", " ").split()
    base, stars = words[0], words.count("*")
    if base == "char" and stars == 1:
        # A text that is given back to be freed is a plain pointer.
        return c.c_char_p if "const" in declared else c.c_void_p
    if stars == 1 and base in ("void", "ImpastoEngine"):
        return c.c_void_p
    if stars == 2:
        # Where a text or an engine goes.
        return c.POINTER(c.c_void_p)
    return c.POINTER(VALUES[base]) if stars else VALUES[base]


def split(declaration: str) -> Tuple[str, str]:
    """`const char *text` to type and name."""
    found = re.fullmatch(r"(.*?)(\w+)", declaration.strip(), flags=re.DOTALL)
    assert found, declaration
    return found[1], found[2]


def test_structs_are_those_of_the_header() -> None:
    found = re.findall(r"typedef struct (\w+) \{(.*?)\}", CODE, flags=re.DOTALL)
    assert {name for name, _ in found} == set(STRUCTS)
    for name, body in found:
        fields = [split(line) for line in body.split(";") if line.strip()]
        theirs = [(field, of_c(declared)) for declared, field in fields]
        assert theirs == list(STRUCTS[name]._fields_), name


def test_structs_lie_as_the_c_compiler_lays_them_out() -> None:
    name, seen = "", 0
    for line in (ROOT / "tests" / "abi" / "abi.txt").read_text(encoding="utf-8").splitlines():
        numbers = [int(number) for number in re.findall(r"\b\d+\b", line)]
        if line.startswith("struct "):
            name = line.split()[1]
            assert c.sizeof(STRUCTS[name]) == numbers[-1], name
        elif line.startswith("  "):
            field = getattr(STRUCTS[name], line.split()[0])
            assert [field.offset, field.size] == numbers[-2:], line
            seen += 1
    assert seen == sum(len(struct._fields_) for struct in STRUCTS.values())


def test_constants_are_those_of_the_header() -> None:
    theirs = {name: int(value) for name, value in re.findall(r"#define IMPASTO_(\w+) (\d+)", CODE)}
    ours = {name: value for name, value in vars(_abi).items() if name.isupper() and isinstance(value, int)}
    assert theirs == ours
    assert theirs["ABI"] == 2


def test_functions_are_those_of_the_header() -> None:
    found = re.findall(r"^(\w[\w ]*?[ \*]+)(impasto_\w+)\((.*?)\);", CODE, flags=re.DOTALL | re.MULTILINE)
    theirs: Dict[str, Tuple[Any, List[Any]]] = {}
    for result, name, arguments in found:
        declared = [] if arguments.strip() == "void" else [split(one)[0] for one in arguments.split(",")]
        theirs[name] = of_c(result), [of_c(one) for one in declared]
    assert theirs == _abi.FUNCTIONS


def test_each_status_of_failure_has_a_class() -> None:
    told = re.search(r"IMPASTO_OK 0(.*?)IMPASTO_LOG_ERROR", CODE, flags=re.DOTALL)
    assert told
    statuses = {int(value) for value in re.findall(r"#define IMPASTO_\w+ (\d+)", told[1])}
    assert set(errors.BY_STATUS) == statuses - {_abi.CANCELLED_WITH_PICTURE}
    for kind in errors.BY_STATUS.values():
        assert issubclass(kind, impasto.ImpastoError)
        assert getattr(impasto, kind.__name__) is kind
        assert kind.__name__ in impasto.__all__
