"""The parameters of a job: what the library's schema says of them, and how they are passed on."""

from __future__ import annotations

import copy
import difflib
import functools
import json
from typing import Any, Dict, Iterable, List, Mapping

from ._library import LIBRARY, ask
from .errors import ParametersError


@functools.lru_cache(maxsize=None)
def _schema() -> Dict[str, Any]:
    schema: Dict[str, Any] = ask(LIBRARY.impasto_params_schema)
    return schema


def schema() -> Dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the parameters.

    ``properties`` has for each parameter its description, type, range and default; ``presets`` has what each preset stands
    for. The dictionary is yours to change.
    """
    return copy.deepcopy(_schema())


@functools.lru_cache(maxsize=None)
def _styles() -> Mapping[str, str]:
    choices: List[Dict[str, Any]] = _schema()["properties"]["style"]["oneOf"]
    return {choice["const"]: choice["description"] for choice in choices if "const" in choice}


def styles() -> Dict[str, str]:
    """The styles inside Impasto: for each name one sentence on what it looks like. ``stylise`` takes the names."""
    return dict(_styles())


def is_style(name: object) -> bool:
    """Whether it is the name of a style inside Impasto."""
    return isinstance(name, str) and name in _styles()


def starts() -> List[str]:
    """What the parameter ``init`` can be, beside a picture."""
    choices = _schema()["properties"]["init"]
    return [choice["const"] for choice in alternatives(choices) if choice["const"] != "picture"]


def alternatives(schema: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """The values of a choice in the schema, which may be among the alternatives of a value that can be left out."""
    found: List[Dict[str, Any]] = []
    for choice in [*schema.get("oneOf", []), *schema.get("anyOf", [])]:
        found.extend([choice] if "const" in choice else alternatives(choice))
    return found


def near(name: str, names: Iterable[str]) -> str:
    """What to say of names that are like one that is unknown."""
    matches = difflib.get_close_matches(name, list(names), n=2, cutoff=0.6)
    return f"; did you mean {' or '.join(repr(match) for match in matches)}?" if matches else ""


def refuse_unknown(given: Iterable[str], known: Iterable[str], what: str) -> None:
    """Raises for the first name that is not known."""
    known = list(known)
    for name in given:
        if name not in known:
            raise ParametersError(f"{name!r} is not {what}{near(name, known)}")


def names() -> List[str]:
    """The names of the parameters."""
    return [name for name in _schema()["properties"] if name != "version"]


def as_json(values: Mapping[str, Any], what: str) -> bytes:
    """Values as JSON; those that are None are left out, and numbers and arrays of NumPy are taken as what they hold."""

    def plain(value: Any) -> Any:
        if hasattr(value, "tolist"):
            return value.tolist()
        raise TypeError(f"a value of type {type(value).__name__} is not possible")

    given = {name: value for name, value in values.items() if value is not None}
    try:
        return json.dumps(given, default=plain, allow_nan=False).encode()
    except (TypeError, ValueError) as problem:
        raise ParametersError(f"{what} cannot be passed on: {problem}") from problem
