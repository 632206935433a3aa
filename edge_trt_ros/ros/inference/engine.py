# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Opens the engine that the node's parameters ask for: a file, or a model on a server."""

from __future__ import annotations

from pathlib import Path

from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.manifest import manifest_path
from edge_trt_ros.opening import open_network
from edge_trt_ros.ros.inference.parameters import InferenceParameters
from edge_trt_ros.ros.node.allowed_folders import check_folders
from edge_trt_ros.runtime.kserve.opening import open_served
from edge_trt_ros.runtime.kserve.options import DEFAULT_DEADLINE_MS, KSERVE, ServerOptions
from edge_trt_ros.runtime.select import OpenedRuntime, Placement
from edge_trt_ros.signature import PublicKeys, read_public_keys, SIGN


def open_engine_of(parameters: InferenceParameters) -> OpenedRuntime:
    """
    Open the engine of a node.

    :param parameters: the node's parameters.
    :raises ConfigurationError: if a file is outside of `allowed_folders`.
    :raises ManifestError: if no key of `public_key_file_path` has signed the engine.
    :raises EdgeTrtError: if it cannot be opened.
    """
    _check_folders(parameters)
    keys = read_public_keys(Path(parameters.public_key_file_path).expanduser()) \
        if parameters.public_key_file_path else None
    placement = Placement(parameters.device_id, parameters.dla_core,
                          priority=parameters.gpu_priority)
    path = Path(parameters.engine_file_path).expanduser()
    if parameters.backend == KSERVE:
        return _open_on_server(parameters, placement, keys)
    return open_network(path, parameters.backend, placement, parameters.verify_on_configure, keys)


def _open_on_server(parameters: InferenceParameters, placement: Placement,
                    keys: PublicKeys | None) -> OpenedRuntime:
    if keys is not None and not parameters.engine_file_path:
        raise ConfigurationError(
            f'the model {parameters.server_model} on the server has no signature, and only '
            f'engines signed by a key in {keys.path} are used: set engine_file_path to the '
            f'engine that the server runs, and {SIGN}', code='signature_missing')
    options = ServerOptions(
        parameters.server_url, parameters.server_model,
        parameters.max_frame_age_ms or DEFAULT_DEADLINE_MS, parameters.server_token_file_path,
        parameters.server_certificate_file_path)
    fallback = open_network(Path(parameters.fallback_engine_file_path).expanduser(), 'auto',
                            placement, parameters.verify_on_configure, keys) \
        if parameters.fallback_engine_file_path else None
    expected = Path(parameters.engine_file_path).expanduser() \
        if parameters.engine_file_path else None
    return open_served(options, expected, fallback, keys)


def _check_folders(parameters: InferenceParameters) -> None:
    paths = parameters.paths()
    for name in ('engine_file_path', 'fallback_engine_file_path'):
        if paths[name]:
            paths[f'the manifest of {name}'] = str(manifest_path(Path(paths[name])))
    check_folders(parameters.allowed_folders, paths)
