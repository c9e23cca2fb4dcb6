"""The types of what a job and an engine may be given by name, for editors and type checkers; nothing of it is needed to run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Sequence, TypedDict, Union

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ._kinds import Path, PictureLike
    from ._progress import CancelToken, Progress
    from ._style import Style

    StyleLike = Union[PictureLike, Style]
    StylesLike = Union[StyleLike, Sequence[StyleLike], None]


class Params(TypedDict, total=False):
    """The parameters of a job, which ``impasto.schema()`` describes. All may be left out."""

    preset: str
    size: Optional[int]
    iterations: Optional[int]
    levels: Optional[int]
    strength: Optional[float]
    style_weight: Optional[float]
    content_weight: Optional[float]
    tv_weight: Optional[float]
    style_scale: Optional[float]
    style_size: Optional[int]
    style_fit: Optional[str]
    colours: Optional[str]
    colour_strength: Optional[float]
    seed: Optional[int]
    style_taps: Optional[List[str]]
    content_taps: Optional[List[str]]
    tap_weights: Optional[Dict[str, float]]
    style_loss: Optional[str]
    pooling: Optional[str]
    padding: Optional[str]
    tile_size: Optional[int]
    preview_every: Optional[int]


class JobOptions(Params, total=False):
    """What a job may be given by name."""

    init: Optional[PictureLike]
    mask: Optional[PictureLike]
    out: Optional[NDArray[Any]]
    content_size: bool
    linear: bool
    progress: Optional[Callable[[Progress], object]]
    cancel: Optional[CancelToken]
    keep_best: bool


class EngineOptions(TypedDict, total=False):
    """What an engine is made of."""

    model: Path
    device: str
    threads: int
    memory: Optional[int]


class Options(JobOptions, EngineOptions, total=False):
    """What ``impasto.stylise`` may be given by name."""
