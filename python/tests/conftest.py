"""Pictures and settings with which a job takes a moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

import impasto
import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]


def sample(name: str, width: int, height: int) -> Any:
    with Image.open(ROOT / "assets" / "sample" / name) as image:
        return np.asarray(image.convert("RGB").resize((width, height)))


@pytest.fixture(scope="session")
def photo() -> Any:
    """(48, 64, 3) of uint8, which is only read."""
    return sample("cat.png", 64, 48)


@pytest.fixture(scope="session")
def painting() -> Any:
    return sample("whirls.jpg", 64, 64)


@pytest.fixture(scope="session")
def quick() -> Dict[str, Any]:
    """Parameters of a job that takes a moment."""
    return {"size": 64, "iterations": 4, "levels": 1}


@pytest.fixture(scope="session")
def engine() -> Any:
    with impasto.Engine(device="cpu", threads=2) as engine:
        yield engine
