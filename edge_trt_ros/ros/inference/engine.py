# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Opens the engine that the node's parameters ask for: a file, or a model on a server."""

from __future__ import annotations

from pathlib import Path

from edge_trt_ros.opening import open_network
from edge_trt_ros.ros.inference.parameters import InferenceParameters
from edge_trt_ros.runtime.kserve.opening import open_served
from edge_trt_ros.runtime.kserve.options import DEFAULT_DEADLINE_MS, KSERVE, ServerOptions
from edge_trt_ros.runtime.select import OpenedRuntime, Placement


def open_engine_of(parameters: InferenceParameters) -> OpenedRuntime:
    """
    Open the engine of a node.

    :param parameters: the node's parameters.
    :raises EdgeTrtError: if it cannot be opened.
    """
    placement = Placement(parameters.device_id, parameters.dla_core)
    path = Path(parameters.engine_file_path).expanduser()
    if parameters.backend != KSERVE:
        return open_network(path, parameters.backend, placement, parameters.verify_on_configure)
    options = ServerOptions(
        parameters.server_url, parameters.server_model,
        parameters.max_frame_age_ms or DEFAULT_DEADLINE_MS, parameters.server_token_file_path,
        parameters.server_certificate_file_path)
    fallback = open_network(Path(parameters.fallback_engine_file_path).expanduser(), 'auto',
                            placement, parameters.verify_on_configure) \
        if parameters.fallback_engine_file_path else None
    return open_served(options, path if parameters.engine_file_path else None, fallback)
