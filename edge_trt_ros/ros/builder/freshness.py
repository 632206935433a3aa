# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Caches whether an engine is stale, so that diagnostics at 1 Hz do not hash gigabytes."""

from __future__ import annotations

from pathlib import Path

from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.manifest import manifest_path
from edge_trt_ros.optional_libraries import require_converter
from edge_trt_ros.ros.builder.parameters import ModelParameters
from edge_trt_ros.verification import warning


class ModelFreshness:
    """Caches the answer until a file or a parameter changes."""

    def __init__(self) -> None:
        self._signature: tuple[object, ...] = ()
        self._answer = self._warning = ''

    def why_stale(self, model: ModelParameters) -> str:
        """
        Return why an engine must be rebuilt; '' if it is fresh.

        :param model: the model's parameters.
        :raises ConfigurationError: if a parameter is missing or invalid.
        :raises MissingLibraryError: if onnx or ONNX Runtime is not installed.
        """
        onnx_path, engine_path = model.files().paths()
        paths = [Path(path).expanduser() for path in model.paths().values() if path]
        signature = (tuple(model.typed_options().items()), *map(
            _file_signature, (*paths, manifest_path(engine_path))))
        if signature != self._signature:
            require_converter('the engine builder')
            from edge_trt_ros.convert.plan_identity import why_stale
            self._answer = why_stale(engine_path, onnx_path, model.options())
            self._warning = '' if self._answer else warning(
                read_engine(engine_path)[1].verification)
            self._signature = signature
        return self._answer

    @property
    def warning(self) -> str:
        """Why the fresh engine of the last answer is not verified; '' if it is."""
        return self._warning


def _file_signature(path: Path) -> tuple[str, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return str(path), status.st_mtime_ns, status.st_size
