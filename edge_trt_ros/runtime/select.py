"""Which back end runs an engine here, and why. The only place that imports a back end."""

from __future__ import annotations

from dataclasses import dataclass
import importlib.util
from pathlib import Path

from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.errors import EngineError
from edge_trt_ros.manifest import EngineManifest, REBUILD
from edge_trt_ros.runtime.contract import Runtime

BACKENDS = ('auto', 'tensorrt', 'tensorrt_rtx', 'onnxruntime')


@dataclass(frozen=True)
class OpenedRuntime:
    """
    An open runtime, and why it is this one.

    :param runtime: open and ready; the caller closes it.
    :param reason: a clause for logs and diagnostics.
    """

    runtime: Runtime
    reason: str


def open_runtime(engine_path: Path, backend: str = 'auto') -> OpenedRuntime:
    """
    Open an engine file.

    :param engine_path: the engine; its manifest lies beside it.
    :param backend: 'auto', or the one that must run it.
    :raises EngineError: if the engine is missing or no allowed back end runs it.
    :raises ManifestError: if the manifest is missing or describes another engine.
    """
    engine, manifest = read_engine(engine_path)
    return open_engine(engine, manifest, backend)


def open_engine(engine: bytes, manifest: EngineManifest, backend: str = 'auto') -> OpenedRuntime:
    """
    Open an engine that is in memory (see `open_runtime`).

    :param engine: its bytes, already checked against the manifest.
    :param manifest: what they are.
    :param backend: 'auto', or the one that must run it.
    :raises EngineError: if no allowed back end runs it.
    """
    if backend not in BACKENDS:
        raise EngineError(f"backend is '{backend}', known are {', '.join(BACKENDS)}")
    if backend not in ('auto', manifest.backend):
        raise EngineError(f'the engine is built for {manifest.backend}, but backend is set to '
                          f'{backend}: set backend to auto, or {REBUILD}')
    if manifest.backend != 'onnxruntime':
        raise EngineError(
            f'the engine is built for {manifest.backend} {manifest.backend_version}, but this '
            f'installation has no runtime for GPUs; {REBUILD} --backend onnxruntime')
    if importlib.util.find_spec('onnxruntime') is None:
        raise EngineError('ONNX Runtime is not installed: pip install onnxruntime')
    from edge_trt_ros.runtime.onnxruntime_cpu import OnnxRuntimeCpu
    asked = 'asked for' if backend != 'auto' else why_onnxruntime()
    return OpenedRuntime(OnnxRuntimeCpu(engine, manifest), asked)


def best_backend() -> str:
    """Return the back end that 'auto' builds for here."""
    return 'onnxruntime'


def why_onnxruntime() -> str:
    """Return why the CPU is the right device for an engine built here."""
    missing = [name for name in ('tensorrt', 'pycuda') if importlib.util.find_spec(name) is None]
    if missing:
        return f"no GPU back end here: {' and '.join(missing)} not found"
    return 'the engine is an ONNX for the CPU'
