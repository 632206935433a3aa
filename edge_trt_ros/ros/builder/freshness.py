"""Whether an engine is stale, told without reading gigabytes once a second."""

from __future__ import annotations

from pathlib import Path

from edge_trt_ros.convert.store import why_stale
from edge_trt_ros.manifest import manifest_path
from edge_trt_ros.ros.builder.parameters import ModelParameters


class ModelFreshness:
    """Remembers the answer until a file or a parameter changes."""

    def __init__(self) -> None:
        self._signature: tuple[object, ...] = ()
        self._answer = ''

    def why_stale(self, parameters: ModelParameters) -> str:
        """
        Say why an engine has to be built again; '' if it need not.

        :param parameters: the model's parameters.
        :raises ConfigurationError: if they do not say what to build.
        """
        onnx_path, engine_path = parameters.paths()
        others = (Path(path).expanduser() for path in (
            parameters.labels_file_path, parameters.calibration) if path)
        signature = (parameters, *map(
            _file_signature, (onnx_path, engine_path, manifest_path(engine_path), *others)))
        if signature != self._signature:
            self._answer = why_stale(engine_path, onnx_path, parameters.recipe())
            self._signature = signature
        return self._answer


def _file_signature(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
