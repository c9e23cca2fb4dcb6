# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialog's settings: the style, the library's parameters by their schema, the region, and what computes. They are
kept in Krita's configuration for the next time."""

import json

from krita import Krita
from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import QComboBox, QDoubleSpinBox, QFormLayout, QScrollArea, QToolButton, QVBoxLayout, QWidget

from . import parameters
from .chooser import StyleChooser
from .controls import control
from .layer import is_region, nodes
from .library import Failure

_GROUP, _KEY = "impasto", "settings"
_GIB = 1 << 30


class Settings(QScrollArea):
    """The settings, which scroll where the screen is small."""

    changed = pyqtSignal()

    def __init__(self, schema, target):
        super().__init__()
        self._parameters = parameters.rows(schema)
        self.style = StyleChooser(parameters.styles(schema))
        self.controls = {p.name: control(p) for p in self._parameters}
        self.region = _regions(target)
        self.device, self.memory = _device(), _memory()
        self._build()
        self.set_kept(self._kept())
        self.style.changed.connect(self.changed.emit)
        for widget in self.controls.values():
            widget.changed.connect(self.changed.emit)
        for signal in (self.region.currentIndexChanged, self.device.currentIndexChanged, self.memory.valueChanged):
            signal.connect(lambda _: self.changed.emit())

    def _build(self):
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.addWidget(self.style, 1)
        main, more = QFormLayout(), QFormLayout()
        for form in (main, more):
            form.setFieldGrowthPolicy(QFormLayout.AllNonFixedFieldsGrow)
        for parameter in self._parameters:
            form = main if parameter.name in parameters.MAIN else more
            form.addRow(parameter.title, self.controls[parameter.name])
        main.addRow("Region", self.region)
        more.addRow("Device", self.device)
        more.addRow("Memory limit", self.memory)
        column.addLayout(main)
        folded = QWidget()
        folded.setLayout(more)
        more.setContentsMargins(12, 0, 0, 0)
        folded.hide()
        self.more = QToolButton()
        self.more.setText("More settings")
        self.more.setToolButtonStyle(Qt.ToolButtonTextBesideIcon)
        self.more.setArrowType(Qt.RightArrow)
        self.more.setAutoRaise(True)
        self.more.setCheckable(True)
        self.more.toggled.connect(folded.setVisible)
        self.more.toggled.connect(lambda on: self.more.setArrowType(Qt.DownArrow if on else Qt.RightArrow))
        column.addWidget(self.more)
        column.addWidget(folded)
        self.setWidget(inside)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.setFrameShape(QScrollArea.NoFrame)
        self.setMinimumWidth(inside.minimumSizeHint().width() + self.verticalScrollBar().sizeHint().width())

    def params(self):
        """The parameters for the library. A Failure tells what cannot be read."""
        try:
            return parameters.chosen(self._parameters, {name: c.value() for name, c in self.controls.items()})
        except ValueError as problem:
            raise Failure(str(problem)) from None

    def options(self):
        """The options of the engine for the library."""
        options = {"device": self.device.currentData()}
        if self.memory.value() > 0:
            options["memory"] = round(self.memory.value() * _GIB)
        return options

    def keep(self):
        """Writes the settings into Krita's configuration."""
        kept = {"style": self.style.settings(), "params": {name: c.value() for name, c in self.controls.items()},
                "device": self.device.currentData(), "memory": self.memory.value()}
        Krita.instance().writeSetting(_GROUP, _KEY, json.dumps(kept))

    @staticmethod
    def _kept():
        try:
            kept = json.loads(Krita.instance().readSetting(_GROUP, _KEY, "{}"))
            return kept if isinstance(kept, dict) else {}
        except ValueError:
            return {}

    def set_kept(self, kept):
        """Shows settings that were kept; what is missing or unknown is as at first."""
        self.style.set_settings(kept.get("style", {}))
        for name, widget in self.controls.items():
            widget.set_value(kept.get("params", {}).get(name))
        self.device.setCurrentIndex(max(0, self.device.findData(kept.get("device"))))
        self.memory.setValue(kept.get("memory", 0))


def _regions(target):
    """Where it is painted: the selection, everything, or a layer or mask of the document."""
    widget = QComboBox()
    widget.setAccessibleName("Region")
    widget.setToolTip("<p>Where it is painted. A layer or mask counts as far as it is bright and not transparent.</p>")
    widget.setSizeAdjustPolicy(QComboBox.AdjustToMinimumContentsLengthWithIcon)
    widget.setMinimumContentsLength(12)
    widget.addItem("The selection, or all of the layer", "selection")
    widget.addItem("All of the layer", "all")
    document, layer = target.find()
    for node in nodes(document):
        if node.uniqueId() != layer.uniqueId() and is_region(node):
            widget.addItem(f"Where “{node.name()}” is bright", node.uniqueId())
    return widget


def _device():
    widget = QComboBox()
    widget.setAccessibleName("Device")
    widget.setToolTip("What computes")
    for name, title in [("auto", "The fastest there is"), ("cpu", "Processor"), ("cuda", "Graphics card (CUDA)")]:
        widget.addItem(title, name)
    return widget


def _memory():
    widget = QDoubleSpinBox()
    widget.setAccessibleName("Memory limit")
    widget.setToolTip("How much a job may use at most")
    widget.setRange(0, 4096)
    widget.setDecimals(2)
    widget.setSuffix(" GiB")
    widget.setSpecialValueText("Most of what is free")
    widget.setKeyboardTracking(False)
    return widget
