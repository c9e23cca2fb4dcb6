"""Parameters and options: what the library says of them, and what is refused."""

from __future__ import annotations

import re
from typing import Any, Dict, Type

import impasto
import numpy as np
import pytest
from impasto import _job, _options, _params


def test_the_types_name_the_parameters_of_the_schema() -> None:
    properties = impasto.schema()["properties"]
    assert set(_options.Params.__annotations__) == set(properties) - {"version", "style", "init"}
    kinds = {"integer": "int", "number": "float", "array": "List[str]", "object": "Dict[str, float]"}
    for name, written in _options.Params.__annotations__.items():
        kind = properties[name].get("type")
        kind = kind[0] if isinstance(kind, list) else kind
        text = written.__forward_arg__
        assert re.sub(r"Optional\[(.*)\]", r"\1", text) == kinds.get(kind, "str"), name
    assert set(_options.JobOptions.__annotations__) == set(_options.Params.__annotations__) | set(_job.OPTIONS)


def test_the_schema_is_a_copy() -> None:
    impasto.schema()["properties"].clear()
    assert impasto.schema()["properties"]["strength"]["default"] == 90


def test_styles_and_starts() -> None:
    styles = impasto.styles()
    assert len(styles) == 14 and styles["mosaic"].endswith(".")
    assert _params.starts() == ["content", "recoloured", "noise"]


def test_devices_and_models() -> None:
    devices = {device["device"]: device for device in impasto.devices()}
    assert devices["cpu"]["works"] is True and devices["cpu"]["problem"] is None
    assert [model["name"] for model in impasto.models() if model["default"]] == ["compact"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"style_wieght": 1}, "'style_wieght' .* did you mean 'style_weight'"),
        ({"colors": "content"}, "did you mean 'colours'"),
        ({"progres": print}, "did you mean 'progress'"),
        ({"nonesuch": 1}, "'nonesuch' is not a parameter"),
        ({"size": 1}, "size: 1 is out of range; expected a whole number from 16"),
        ({"size": "large"}, "large.* expected a whole number"),
        ({"preset": "quick"}, "quick"),
        ({"strength": float("nan")}, "cannot be passed on"),
        ({"size": object()}, "cannot be passed on"),
        ({"init": "picture"}, "init: pass the picture itself"),
        ({"init": "contents"}, "init: 'contents' is neither a file nor .* did you mean 'content'"),
    ],
)
def test_wrong_parameters_are_refused(engine: Any, photo: Any, options: Dict[str, Any], said: str) -> None:
    with pytest.raises(impasto.ImpastoError, match=said) as caught:
        engine.plan(photo, "mosaic", **options)
    assert isinstance(caught.value, (impasto.ParametersError, impasto.InvalidArgumentError))


def test_wrong_styles_are_refused(engine: Any, photo: Any) -> None:
    for style, said, kind in [
        ("mosaik", "did you mean 'mosaic'", impasto.ParametersError),
        (None, "a style is needed", impasto.InvalidArgumentError),
        ([], "a style is needed", impasto.InvalidArgumentError),
        (["mosaic", "batik"], "there can be one", impasto.ParametersError),
        (impasto.Style(photo, weight=-1), r"styles\[0\].weight", impasto.ParametersError),
        ([photo, impasto.Style(photo, scale=9)], r"styles\[1\].scale", impasto.ParametersError),
        (impasto.Style(photo, region=photo[:20]), r"styles\[0\].region", impasto.PictureError),
    ]:
        with pytest.raises(kind, match=said):
            engine.plan(photo, style)


def test_a_plan_has_all_settings(engine: Any, photo: Any) -> None:
    plan = engine.plan(photo, "mosaic", preset="draft", style_scale=np.float32(0.5), iterations=np.int64(7), tv_weight=None)
    assert plan["settings"]["style_size"] == 128, "half of the 256 that are worked on"
    assert plan["settings"]["iterations"] == 7
    assert plan["settings"]["style"] == "mosaic"
    assert plan["memory"] > 1_000_000


@pytest.mark.parametrize(
    ("options", "kind", "said"),
    [
        ({"model": "nonesuch"}, impasto.ModelError, "nonesuch"),
        ({"device": "abacus"}, impasto.ParametersError, "abacus"),
        ({"threads": 5000}, impasto.ParametersError, "threads"),
    ],
)
def test_wrong_engines_are_refused(options: Dict[str, Any], kind: Type[Exception], said: str) -> None:
    with pytest.raises(kind, match=said):
        impasto.Engine(**options)
    with pytest.raises(kind, match=said):
        impasto.stylise(np.zeros((32, 32), np.uint8), "mosaic", **options)


def test_too_little_memory_is_refused(photo: Any) -> None:
    with impasto.Engine(device="cpu", memory=1000) as engine, pytest.raises(impasto.OutOfMemoryError):
        engine.stylise(photo, "mosaic", size=64)
