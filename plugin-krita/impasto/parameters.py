# SPDX-License-Identifier: GPL-3.0-or-later
"""The library's parameters as rows of a dialog, made from its JSON Schema: a parameter that is new in the library shows
up by itself, with its range, default and text."""

# What is seen at once; all others are under "More settings".
MAIN = ("preset", "strength", "style_scale", "colours")
# What the plug-in itself sets: the style has a chooser of its own, the previews their own pace.
_OWN = ("version", "style", "preview_every")
# What needs a picture that the dialog has no chooser for.
_LEFT_OUT = {("init", "picture")}
_TITLES = {
    "preset": "Quality", "style_scale": "Stroke size", "tv_weight": "Smoothness", "init": "Start from",
    "style_fit": "Style part", "padding": "Border", "size": "Working size", "colour_strength": "Picture's colours",
    ("colours", "style"): "From the style", ("colours", "matched"): "Style in the picture's palette",
    ("colours", "histogram"): "Style with the picture's histogram", ("colours", "content"): "The picture's own",
    ("init", "content"): "The picture", ("init", "recoloured"): "The picture in the style's colours",
    ("style_loss", "gram"): "Gram matrices", ("style_loss", "moments"): "Means and covariances",
    ("style_fit", "whole"): "All of it", ("style_fit", "crop"): "Its middle",
    ("padding", "zero"): "Grey", ("padding", "replicate"): "The border again",
}

# What is seen at once says what people see; the library's words are for those who know the method.
_HELP = {
    "preset": "How large a picture is worked on, and for how long.",
    "strength": "Lower for more of the picture, higher for more of the style.",
    "style_scale": "Below 1 for finer strokes, above 1 for broader ones.",
    ("preset", "gatys"): "The method of the original paper, with one size. It takes minutes.",
    ("colours", "style"): "Those of the style.",
    ("colours", "matched"): "The style is recoloured like the picture before it is painted.",
    ("colours", "histogram"): "The same in another way: closer to the picture's colours, but bright and dark parts may "
                              "get a tint.",
    ("colours", "content"): "The picture keeps its colours; only light and dark are painted.",
}

CHOICE, NUMBER, INTEGER, WORDS, WEIGHTS = "choice", "number", "integer", "words", "weights"
# Where the schema gives no limit.
_MOST = 2**31 - 1


class Parameter:
    """A row: its name, title, help text, kind, and by kind a default, a range, a unit, or choices."""

    def __init__(self, name, entry):
        self.name, self.title = name, _title(name)
        self.help = _HELP.get(name, _plain(entry.get("description", "")))
        self.unit = entry.get("x-unit", "")
        self.default = entry.get("default")
        kinds = entry.get("type", [])
        kinds = [kinds] if isinstance(kinds, str) else kinds
        self.choices = [(value, _title((name, value)), _HELP.get((name, value), text))
                        for value, text in _choices(entry) if (name, value) not in _LEFT_OUT]
        self.low, self.high = entry.get("minimum", 0), min(entry.get("maximum", _MOST), 1e12)
        # A default that depends on the quality, or on the picture, is left to the library.
        self.optional = "null" in kinds and "integer" in kinds
        if self.choices:
            self.kind = CHOICE
        elif "integer" in kinds:
            self.kind, self.high = INTEGER, min(self.high, _MOST)
        elif "number" in kinds:
            self.kind = NUMBER
        else:
            self.kind = WEIGHTS if "object" in kinds else WORDS

    def given(self, value):
        """What the library is told for a value of the dialog: None to leave it to the library."""
        if self.kind in (WORDS, WEIGHTS):
            return self._listed(value) or None
        if value is None or (self.name != "preset" and value == self.default and not self.optional):
            return None
        return value

    def _listed(self, text):
        parts = [part.strip() for part in text.split(",") if part.strip()]
        if self.kind == WORDS:
            return parts
        weights = {}
        for part in parts:
            name, _, weight = part.partition("=")
            try:
                weights[name.strip()] = float(weight)
            except ValueError:
                raise ValueError(f"{self.title}: “{part}” is not a weight; expected for example style/relu1_1=2"
                                 ) from None
        return weights


def _title(key):
    name = key if isinstance(key, str) else key[1]
    return _TITLES.get(key, name.replace("_", " ").capitalize())


def _choices(entry):
    """The values of a choice and what they mean."""
    options = entry.get("oneOf") or next((e["oneOf"] for e in entry.get("anyOf", []) if "oneOf" in e), [])
    return [(o["const"], _plain(o.get("description", ""))) for o in options if o.get("const")]


def _plain(text):
    """A text without line breaks."""
    return " ".join(text.split())


def rows(schema):
    """All parameters of a dialog, those that are seen at once first."""
    entries = schema["properties"]
    names = list(MAIN) + [name for name in entries if name not in MAIN and name not in _OWN]
    return [Parameter(name, entries[name]) for name in names if name in entries]


def styles(schema):
    """The library's own styles: id, title, help text."""
    options = schema["properties"]["style"]["oneOf"]
    return [(o["const"], o["title"], o["description"]) for o in options if o.get("const")]


def chosen(parameters, values):
    """The parameters of a job, from the dialog's values by name. ValueError tells what cannot be read."""
    given = {p.name: p.given(values[p.name]) for p in parameters if p.name in values}
    return {name: value for name, value in given.items() if value is not None}
