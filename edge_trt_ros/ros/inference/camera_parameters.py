# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The parameters of single cameras, which replace those of the node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter

from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.ros.inference.parameters import InferenceParameters
from edge_trt_ros.ros.node.parameters import DeclaredParameters
from edge_trt_ros.settings import check_settings, setting

_OF_THE_NODE = -1.0


@dataclass(frozen=True)
class CameraParameters:
    """Parameters of one camera; each has the meaning of the node's parameter of that name."""

    confidence_threshold: float = setting(
        _OF_THE_NODE, "Minimum score in this camera's images; -1 uses the node's value.",
        live=True, limits=(-1.0, 1.0))
    class_names: tuple[str, ...] = setting(
        (), "Labels to keep of this camera; an empty list uses the node's.", live=True)
    class_confidence: tuple[str, ...] = setting(
        (), "Minimum scores of single classes; an empty list uses the node's.", live=True)
    max_rate_hz: float = setting(
        _OF_THE_NODE, "Maximum number of images per second; 0 sets no limit, -1 uses the node's "
        'value.', live=True, limits=(-1.0, 1000.0))
    max_frame_age_ms: float = setting(
        _OF_THE_NODE, "Maximum age of an image; 0 keeps all, -1 uses the node's value.",
        live=True, limits=(-1.0, 60000.0))

    def __post_init__(self) -> None:
        check_settings(self)

    def over(self, parameters: InferenceParameters) -> InferenceParameters:
        """Return the node's parameters with those of this camera."""
        given: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(parameters, **{
            name: value for name, value in given.items()
            if (len(value) > 0 if isinstance(value, tuple) else value >= 0)})


@dataclass(frozen=True)
class AllParameters:
    """
    The parameters of a stream.

    :param node: the node's parameters.
    :param cameras: the node's parameters with those of each camera, by its name.
    """

    node: InferenceParameters
    cameras: Mapping[str, InferenceParameters]


class DeclaredInferenceParameters:
    """
    The declared parameters of the node and of its cameras.

    :param node: the node that declares them.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._declared = DeclaredParameters(node, InferenceParameters)
        self._cameras: dict[str, DeclaredParameters[CameraParameters]] = {}

    @property
    def names(self) -> set[str]:
        """The full names of all parameters."""
        return self._declared.names.union(*(
            declared.names for declared in self._cameras.values()))

    def read(self) -> AllParameters:
        """
        Return the current values; declares the parameters of new cameras.

        :raises ConfigurationError: naming every invalid value.
        """
        return self.changed([])

    def changed(self, changes: list[Parameter]) -> AllParameters:
        """
        Return the values as they will be after a change.

        :raises ConfigurationError: naming an invalid value.
        """
        node = self._declared.changed(changes)
        return AllParameters(node, {
            name: self._camera(name).changed(changes).over(node) for name in node.cameras})

    def check_change(self, changes: list[Parameter], locked: str) -> SetParametersResult:
        """Accept or reject new values (see `DeclaredParameters.check_change`)."""
        groups: list[DeclaredParameters[Any]] = [self._declared, *self._cameras.values()]
        for declared in groups:
            result = declared.check_change(changes, locked)
            if not result.successful:
                return result
        try:
            if any(change.name == 'cameras' for change in changes):
                self.changed(changes)
        except ConfigurationError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _camera(self, name: str) -> DeclaredParameters[CameraParameters]:
        if name not in self._cameras:
            self._cameras[name] = DeclaredParameters(self._node, CameraParameters, f'{name}.')
        return self._cameras[name]
