"""The programs in docs/python.md run as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")


def test_the_programs_on_the_page_run(tmp_path: Path, photo: Any, painting: Any) -> None:
    Image.fromarray(photo).save(tmp_path / "photo.jpg")
    Image.fromarray(painting).save(tmp_path / "painting.jpg")
    Image.fromarray(painting[::-1]).save(tmp_path / "other.jpg")
    programs = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    assert len(programs) == 3
    first, notebook, many = programs
    for program in first, notebook, "import impasto\nnames = ['photo.jpg']\n" + many:
        # A file, as a notebook's cell or a script is.
        (tmp_path / "program.py").write_text(program, encoding="utf-8")
        subprocess.run([sys.executable, "program.py"], cwd=tmp_path, check=True, env=os.environ, timeout=600)
    for name in "out.png", "photo.jpg.out.png":
        with Image.open(tmp_path / name) as image:
            assert max(image.size) == 256


def test_the_page_lists_the_classes_of_errors() -> None:
    import impasto

    listed = set(re.findall(r"^\| `(\w+)` \|", PAGE, flags=re.MULTILINE))
    kinds = {name for name in impasto.__all__ if isinstance(getattr(impasto, name), type)}
    errors = {name for name in kinds if issubclass(getattr(impasto, name), impasto.ImpastoError)}
    assert listed == errors - {"ImpastoError"}
