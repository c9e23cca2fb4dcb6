# SPDX-License-Identifier: GPL-3.0-or-later
"""The widgets of the library's parameters."""

from PyQt5.QtCore import QSignalBlocker, Qt, pyqtSignal
from PyQt5.QtWidgets import (QAbstractSpinBox, QComboBox, QDoubleSpinBox, QHBoxLayout, QLineEdit, QSlider, QSpinBox,
                             QWidget)

from . import parameters

_STEPS = 1000
_SUFFIX = {"percent": " %", "pixels": " px", "factor": " ×"}


def control(parameter):
    """The widget of a parameter: it has value(), set_value() and the signal changed."""
    kinds = {parameters.CHOICE: _Choice, parameters.INTEGER: _Integer, parameters.NUMBER: _Number}
    widget = kinds.get(parameter.kind, _Text)(parameter)
    widget.setToolTip(f"<p>{parameter.help}</p>")
    widget.setAccessibleName(parameter.title)
    widget.setAccessibleDescription(parameter.help)
    return widget


class _Choice(QComboBox):
    changed = pyqtSignal()

    def __init__(self, parameter):
        super().__init__()
        self._default = parameter.default
        for value, title, text in parameter.choices:
            self.addItem(title, value)
            self.setItemData(self.count() - 1, f"<p>{text}</p>", Qt.ToolTipRole)
        self.setSizeAdjustPolicy(QComboBox.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self.set_value(self._default)
        self.currentIndexChanged.connect(lambda _: self.changed.emit())

    def value(self):
        return self.currentData()

    def set_value(self, value):
        self.setCurrentIndex(max(0, self.findData(self._default if value is None else value)))

    def wheelEvent(self, event):
        """The wheel scrolls the settings; it changes none in passing."""
        event.ignore()


class _Integer(QSpinBox):
    changed = pyqtSignal()

    def __init__(self, parameter):
        super().__init__()
        # One below the least stands for what the quality says.
        self._optional, self._default = parameter.optional, parameter.default
        low = int(parameter.low) - (1 if self._optional else 0)
        self.setRange(low, int(parameter.high))
        if self._optional:
            self.setSpecialValueText("As the quality says" if self._default is not None else "As usual")
        self.setSuffix(_SUFFIX.get(parameter.unit, ""))
        self.setStepType(QAbstractSpinBox.AdaptiveDecimalStepType)
        self.setKeyboardTracking(False)
        self.setFocusPolicy(Qt.StrongFocus)
        self.set_value(None)
        self.valueChanged.connect(lambda _: self.changed.emit())

    def value(self):
        at = super().value()
        return None if self._optional and at == self.minimum() else at

    def set_value(self, value):
        usual = self.minimum() if self._optional else self._default
        self.setValue(usual if value is None else value)

    def wheelEvent(self, event):
        """As above."""
        event.ignore()


class _Number(QWidget):
    """A number to type, with a slider where the range is one to slide in."""

    changed = pyqtSignal()

    def __init__(self, parameter):
        super().__init__()
        self._default, low, high = parameter.default, float(parameter.low), float(parameter.high)
        self._spin = QDoubleSpinBox()
        self._spin.setRange(low, high)
        self._spin.setDecimals({"percent": 1, "factor": 2}.get(parameter.unit, 3))
        self._spin.setSingleStep({"percent": 1, "factor": 0.1}.get(parameter.unit, 1))
        self._spin.setSuffix(_SUFFIX.get(parameter.unit, ""))
        self._spin.setKeyboardTracking(False)
        self._spin.wheelEvent = lambda event: event.ignore()
        self._spin.setAccessibleName(parameter.title)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        self._slider = None
        if high - low <= 100:
            self._slider = QSlider(Qt.Horizontal)
            self._slider.setRange(0, _STEPS)
            self._slider.setAccessibleName(parameter.title)
            self._slider.wheelEvent = lambda event: event.ignore()
            self._slider.valueChanged.connect(lambda at: self._spin.setValue(low + (high - low) * at / _STEPS))
            line.addWidget(self._slider, 1)
        line.addWidget(self._spin, 0 if self._slider else 1)
        self._spin.valueChanged.connect(self._moved)
        self.setFocusProxy(self._spin)
        self.set_value(None)

    def _moved(self, value):
        if self._slider is not None:
            low, high = self._spin.minimum(), self._spin.maximum()
            with QSignalBlocker(self._slider):
                self._slider.setValue(round(_STEPS * (value - low) / (high - low)))
        self.changed.emit()

    def value(self):
        return self._spin.value()

    def set_value(self, value):
        self._spin.setValue(self._default if value is None else value)


class _Text(QLineEdit):
    """A list of words or weights with commas between."""

    changed = pyqtSignal()

    def __init__(self, parameter):
        super().__init__()
        weights = parameter.kind == parameters.WEIGHTS
        self.setPlaceholderText("style/relu1_1=2, content/relu4_2=0.5" if weights else "Names, with commas between")
        self.editingFinished.connect(self.changed.emit)

    def value(self):
        return self.text()

    def set_value(self, value):
        self.setText(value or "")
