"""Which back end runs an engine here, and why. The only place that imports a back end."""

from __future__ import annotations

from dataclasses import dataclass
import importlib.util
from pathlib import Path

from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.errors import EngineError
from edge_trt_ros.manifest import EngineManifest, REBUILD
from edge_trt_ros.runtime.contract import Runtime
from edge_trt_ros.runtime.tensorrt.device import find_gpu
from edge_trt_ros.runtime.tensorrt.library import (BACKENDS as TENSORRTS, installed_tensorrt,
                                                   load_tensorrt)

BACKENDS = ('auto', *TENSORRTS, 'onnxruntime')


@dataclass(frozen=True)
class Placement:
    """
    Where on a machine with GPUs a network runs; of no effect on a CPU.

    :param device_id: which GPU.
    :param dla_core: which DLA core runs an engine built for one; -1 takes the first.
    :param use_graph: False launches a frame call by call, to measure against.
    """

    device_id: int = 0
    dla_core: int = -1
    use_graph: bool = True


@dataclass(frozen=True)
class OpenedRuntime:
    """
    An open runtime, and why it is this one.

    :param runtime: open and ready; the caller closes it.
    :param reason: a clause for logs and diagnostics.
    """

    runtime: Runtime
    reason: str


def open_runtime(engine_path: Path, backend: str = 'auto', placement: Placement = Placement()
                 ) -> OpenedRuntime:
    """
    Open an engine file.

    :param engine_path: the engine; its manifest lies beside it.
    :param backend: 'auto', or the one that must run it.
    :param placement: where it runs.
    :raises EngineError: if the engine is missing or no allowed back end runs it.
    :raises ManifestError: if the manifest is missing or describes another engine.
    """
    engine, manifest = read_engine(engine_path)
    return open_engine(engine, manifest, backend, placement)


def open_engine(engine: bytes, manifest: EngineManifest, backend: str = 'auto',
                placement: Placement = Placement()) -> OpenedRuntime:
    """
    Open an engine that is in memory (see `open_runtime`).

    :param engine: its bytes, already checked against the manifest.
    :param manifest: what they are.
    :param backend: 'auto', or the one that must run it.
    :param placement: where it runs.
    :raises EngineError: if no allowed back end runs it.
    """
    if backend not in BACKENDS:
        raise EngineError(f"backend is '{backend}', known are {', '.join(BACKENDS)}")
    if backend not in ('auto', manifest.backend):
        raise EngineError(f'the engine is built for {manifest.backend}, but backend is set to '
                          f'{backend}: set backend to auto, or {REBUILD}')
    asked = 'asked for' if backend != 'auto' else ''
    if manifest.backend in TENSORRTS:
        return _open_on_gpu(engine, manifest, asked or 'the engine is built for it', placement)
    if manifest.backend != 'onnxruntime':
        raise EngineError(f"the engine is built for '{manifest.backend}', known are "
                          f"{', '.join(BACKENDS[1:])}: {REBUILD}")
    if importlib.util.find_spec('onnxruntime') is None:
        raise EngineError('ONNX Runtime is not installed: pip install onnxruntime')
    from edge_trt_ros.runtime.onnxruntime_cpu import OnnxRuntimeCpu
    return OpenedRuntime(OnnxRuntimeCpu(engine, manifest), asked or why_onnxruntime())


def _open_on_gpu(engine: bytes, manifest: EngineManifest, reason: str, placement: Placement
                 ) -> OpenedRuntime:
    if find_gpu(placement.device_id) is None:
        raise EngineError(
            f'the engine is built for {manifest.backend} {manifest.backend_version}, but there is '
            f'no NVIDIA GPU with the number {placement.device_id} here; {REBUILD} --backend '
            'onnxruntime')
    library = load_tensorrt(manifest.backend)
    try:
        from edge_trt_ros.runtime.tensorrt.engine import TensorRtEngine
    except ImportError as error:
        raise EngineError(f'PyCUDA does not load ({error}): pip install pycuda, against the CUDA '
                          'of this machine') from error
    runtime = TensorRtEngine(
        engine, manifest, library, device_id=placement.device_id, dla_core=placement.dla_core,
        use_graph=placement.use_graph)
    return OpenedRuntime(runtime, f'{reason}; ' + (
        f'frames are launched call by call: {runtime.why_no_graph}' if runtime.why_no_graph
        else 'each frame is one CUDA graph'))


def best_backend() -> str:
    """Return the back end that 'auto' builds for here."""
    return 'onnxruntime' if _missing() else installed_tensorrt()


def why_onnxruntime() -> str:
    """Return why the CPU is the right device for an engine built here."""
    return f'no GPU back end here: {_missing()}' if _missing() else (
        'the engine is an ONNX for the CPU')


def _missing() -> str:
    """Return what keeps engines off a GPU on this machine; '' for nothing."""
    missing = [] if installed_tensorrt() else ['tensorrt']
    missing += [] if importlib.util.find_spec('pycuda') else ['pycuda']
    if missing:
        return f"{' and '.join(missing)} not found"
    return '' if find_gpu() else 'no NVIDIA GPU found'
