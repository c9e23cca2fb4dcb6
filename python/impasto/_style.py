"""A style picture of a job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    from ._kinds import PictureLike


@dataclass(frozen=True)
class Style:
    """A style picture and how it counts among the styles of a job."""

    picture: PictureLike
    """A NumPy array, a Pillow image, or a path. Where it is transparent its style is not taken."""
    weight: float = 1.0
    """How much it counts among the job's styles, 0 to 1e9."""
    scale: float = 1.0
    """Multiplies the size of its strokes, 0.1 to 4."""
    region: Optional[PictureLike] = None
    """Where it is painted: a picture of the content's size, whose first channel counts. None for what the other styles'
    regions leave, or everywhere if none has one."""
