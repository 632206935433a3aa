# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Tasks in the vision layer: how engine outputs are decoded, drawn and written as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.tensor_spec import TensorSpec
from edge_trt_ros.vision.detections import Detections

Decoder = Callable[..., Any]
Labels = Sequence[str]


@dataclass(frozen=True)
class OutputFormat:
    """
    The outputs of an engine that contains the head, and how they are decoded.

    :param name: name of the format in a manifest (`decoder`).
    :param outputs: shape of each output by name; equal letters mean equal lengths. Empty accepts
        outputs of any name and shape.
    :param decode: function of outputs, letterbox and thresholds; returns the task's result.
    """

    name: str
    outputs: Mapping[str, tuple[int | str, ...]]
    decode: Decoder

    def misfit(self, tensors: Sequence[TensorSpec]) -> str:
        """
        Return how an engine's outputs differ from this format; '' if they fit.

        :param tensors: the outputs that a manifest states.
        """
        if not self.outputs:
            return ''
        shapes = {tensor.name: tensor.shape for tensor in tensors}
        lengths: dict[str, int] = {}
        for name, shape in self.outputs.items():
            found = shapes.get(name, ())
            fits = len(found) == len(shape) and all(
                have == (lengths.setdefault(want, have) if isinstance(want, str) else want)
                for want, have in zip(shape, found))
            if not fits:
                expected = '; '.join(f"{output} [{', '.join(map(str, dimensions))}]"
                                     for output, dimensions in self.outputs.items())
                return f"has {'; '.join(map(str, tensors))}, expected {expected}"
        return ''


def no_detections(result: Any) -> None:
    """Return None: the results of this task have no boxes."""


@dataclass(frozen=True)
class Task:
    """
    A task in the vision layer.

    :param name: name of the task in a manifest.
    :param formats: output formats of engines for this task.
    :param draw: draws a result into an image, uint8 (H, W, 3) BGR, with the labels.
    :param describe: returns a result as plain values for JSON, with the labels.
    :param detections: returns the boxes of a result, or None for a task without boxes.
    :param reads_text: whether networks of this task read texts, not images.
    """

    name: str
    formats: tuple[OutputFormat, ...]
    draw: Callable[[NDArray[np.uint8], Any, Labels], None]
    describe: Callable[[Any, Labels], dict[str, Any]]
    detections: Callable[[Any], Detections | None] = no_detections
    reads_text: bool = False

    @property
    def has_boxes(self) -> bool:
        """Whether the results of this task contain boxes."""
        return self.detections is not no_detections

    def format(self, name: str) -> OutputFormat | None:
        """Return a format by its name; None if the task has no such format."""
        return next((candidate for candidate in self.formats if candidate.name == name), None)
