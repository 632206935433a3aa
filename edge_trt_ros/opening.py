# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Open an engine, or an ONNX file as it was exported."""

from __future__ import annotations

from pathlib import Path

from edge_trt_ros.manifest import manifest_path
from edge_trt_ros.optional_libraries import require_converter
from edge_trt_ros.runtime.select import open_engine, open_runtime, OpenedRuntime, Placement


def open_network(path: Path, backend: str = 'auto', placement: Placement = Placement()
                 ) -> OpenedRuntime:
    """
    Open an engine, or build an ONNX file in memory and open the result.

    :param path: an engine with its manifest, or a file `*.onnx` without a manifest.
    :param backend: 'auto', or the back end that must run it.
    :param placement: where it runs.
    :raises EdgeTrtError: if it cannot be opened.
    """
    if path.suffix.lower() != '.onnx' or manifest_path(path).exists():
        return open_runtime(path, backend, placement)
    require_converter(f'converting {path}')
    # Importing the converter and onnx takes a second, and an engine does not need them.
    from edge_trt_ros.convert.build import build
    from edge_trt_ros.convert.options import BuildOptions
    from edge_trt_ros.convert.plan import plan_build
    built = build(plan_build(path, BuildOptions(backend=backend)))
    opened = open_engine(built.engine, built.manifest, backend, placement)
    return OpenedRuntime(opened.runtime, f'{opened.reason}; converted at start from {path.name}')
