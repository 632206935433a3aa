# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Thresholds from parameters that name classes by their labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.ros.inference.parameters import InferenceParameters
from edge_trt_ros.vision.thresholds import Thresholds


def thresholds(parameters: InferenceParameters, labels: tuple[str, ...]) -> Thresholds:
    """
    Return the thresholds of an engine.

    :param parameters: the node's parameters.
    :param labels: the engine's labels.
    :raises ConfigurationError: if a parameter names a label that the engine lacks.
    """
    by_class = _class_confidence(parameters, labels)
    return Thresholds(
        confidence=min(by_class, default=parameters.confidence_threshold),
        nms_iou=parameters.nms_threshold, max_detections=parameters.max_detections,
        class_ids=_class_filter(parameters.class_names, labels), top_k=parameters.top_k,
        class_confidence=by_class)


def _class_filter(class_names: Sequence[str], labels: tuple[str, ...]) -> frozenset[int] | None:
    _check_labels('class_names', class_names, labels)
    return frozenset(index for index, label in enumerate(labels)
                     if label in class_names) if class_names else None


def _class_confidence(parameters: InferenceParameters, labels: tuple[str, ...]
                      ) -> tuple[float, ...]:
    minimum = parameters.confidence_by_label()
    _check_labels('class_confidence', minimum, labels)
    return tuple(minimum.get(label, parameters.confidence_threshold)
                 for label in labels) if minimum else ()


def _check_labels(name: str, named: Iterable[str], labels: tuple[str, ...]) -> None:
    unknown = sorted(set(named) - set(labels))
    if unknown:
        raise ConfigurationError(f"{name} contains {', '.join(unknown)}, but the engine's labels "
                                 f"are {', '.join(labels)}")
