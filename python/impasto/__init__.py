"""Impasto repaints a picture in the style of another (neural style transfer after Gatys, Ecker and Bethge).

    import impasto

    picture = impasto.stylise("photo.jpg", "painting.jpg")
    picture.save("out.png")

``stylise`` takes NumPy arrays, Pillow images and paths. ``Engine`` keeps a model for many jobs. ``styles``, ``schema``,
``devices`` and ``models`` tell what there is.
"""

from ._engine import Engine, devices, models
from ._library import VERSION as __version__
from ._log import set_log
from ._params import schema, styles
from ._progress import CancelToken, Progress
from ._simple import stylise, stylise_with_report
from ._style import Style
from .errors import (
    Cancelled,
    ImpastoError,
    InternalError,
    InvalidArgumentError,
    ModelError,
    OnnxRuntimeError,
    OutOfMemoryError,
    ParametersError,
    PictureError,
)

__all__ = [
    "CancelToken",
    "Cancelled",
    "Engine",
    "ImpastoError",
    "InternalError",
    "InvalidArgumentError",
    "ModelError",
    "OnnxRuntimeError",
    "OutOfMemoryError",
    "ParametersError",
    "PictureError",
    "Progress",
    "Style",
    "__version__",
    "devices",
    "models",
    "schema",
    "set_log",
    "styles",
    "stylise",
    "stylise_with_report",
]
