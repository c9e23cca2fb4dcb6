# SPDX-License-Identifier: GPL-3.0-or-later
"""Painting from a script, without a window."""

from krita import Krita

from . import style as styles
from .layer import Target
from .library import Failure, Library, Pictures


def stylise(node=None, style="impasto-whirls", style_file=None, style_node=None, region="selection", params=None,
            options=None, document=None, go_on=None):
    """Paints a layer and returns the new layer above it. It returns when the picture is painted.

    node: the layer; the active one if left out.   document: its document; the active one if left out.
    style: one of the library's styles, by its name; or style_file, the path of a picture; or style_node, a layer of
    the same document.
    region: "selection", "all", or a layer or mask of the document that is bright where it is painted.
    params: what docs/parameters.md names.   options: of the engine, for example {"device": "cpu", "memory": bytes}.
    go_on: takes the progress ten times a second; it returns whether to go on. Without it nothing cancels.
    Raises impasto.library.Failure, whose text says what is wrong, and impasto.library.Cancelled.
    """
    document = document or Krita.instance().activeDocument()
    if document is None:
        raise Failure("No picture is open.")
    target = Target(document, node or document.activeNode())
    picture, named = None, {}
    if style_file is not None:
        picture = styles.of_file(style_file).picture()
    elif style_node is not None:
        picture = styles.of_layer(Target(document, style_node)).picture()
    else:
        named = {"style": style}
    snapshot = target.read(region if isinstance(region, str) else region.uniqueId())
    engine = Library().engine(options or {})
    pictures = Pictures(snapshot.raw.picture(), picture, snapshot.mask())
    result = engine.stylise(pictures, {**(params or {}), **named}, go_on or (lambda _: True))
    snapshot.finish(result)
    return target.put(snapshot, result)
