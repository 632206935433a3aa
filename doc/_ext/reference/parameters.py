# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Parameters of the nodes, from their settings dataclasses."""

from __future__ import annotations

from typing import Any

from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.demo.nodes.scoring_node import ScoringParameters
from edge_trt_ros.demo.nodes.synthetic_camera import CameraParameters
from edge_trt_ros.ros.builder.parameters import BuilderParameters, ModelFiles
from edge_trt_ros.ros.inference.camera_parameters import CameraParameters as OwnParameters
from edge_trt_ros.ros.inference.parameters import InferenceParameters
from edge_trt_ros.ros.space.parameters import Detections3DParameters
from edge_trt_ros.settings import settings_of

# Settings of each node, and the prefix of their parameters.
NODES: dict[str, tuple[tuple[Any, str], ...]] = {
    'inference_node': ((InferenceParameters, ''), (OwnParameters, '<camera>.')),
    'engine_builder_node': (
        (BuilderParameters, ''), (ModelFiles, '<model>.'), (BuildOptions, '<model>.')),
    'detections_3d_node': ((Detections3DParameters, ''),),
    'synthetic_camera': ((CameraParameters, ''),),
    'scoreboard': ((ScoringParameters, ''),),
}


def markdown() -> str:
    """Return a section for each node."""
    return '\n'.join(
        f'## {node}\n\n| parameter | default | live | |\n|---|---|---|---|\n' + ''.join(
            declared.row(prefix) + '\n' for kind, prefix in kinds
            for declared in settings_of(kind))
        for node, kinds in NODES.items())
