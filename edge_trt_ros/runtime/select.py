"""
Which back end runs an engine here, and why.

Back ends are imported when an engine needs them, so that a node loads only what it runs.
"""

from __future__ import annotations

from dataclasses import dataclass
import importlib.util
from pathlib import Path

from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.errors import EngineError
from edge_trt_ros.manifest import EngineManifest, REBUILD
from edge_trt_ros.runtime.contract import Runtime
from edge_trt_ros.runtime.decoding import decoder_of
from edge_trt_ros.runtime.tensorrt.device import find_gpu
from edge_trt_ros.runtime.tensorrt.library import installed_tensorrt, load_tensorrt, TENSORRT_NAMES

ONNXRUNTIME = 'onnxruntime'
BACKENDS = (*TENSORRT_NAMES, ONNXRUNTIME)
# What an option `backend` may be.
BACKEND_CHOICES = ('auto', *BACKENDS)


@dataclass(frozen=True)
class Placement:
    """
    Which GPU or DLA core runs a network; without effect on a CPU.

    :param device_id: which GPU.
    :param dla_core: which DLA core runs an engine built for one; -1 selects the first.
    :param use_graph: False launches a sample call by call, for comparison.
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

    :param engine_path: the engine; its manifest lies next to it.
    :param backend: 'auto', or the one that must run it.
    :param placement: the GPU or DLA core that runs it.
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
    :param placement: the GPU or DLA core that runs it.
    :raises EngineError: if no allowed back end runs it.
    """
    if backend not in BACKEND_CHOICES:
        raise EngineError(f"backend is '{backend}', known are {', '.join(BACKEND_CHOICES)}")
    if backend not in ('auto', manifest.backend):
        raise EngineError(f'the engine is built for {manifest.backend}, but backend is set to '
                          f'{backend}: set backend to auto, or {REBUILD}')
    if manifest.backend not in BACKENDS:
        raise EngineError(f"the engine is built for '{manifest.backend}', known are "
                          f"{', '.join(BACKENDS)}: {REBUILD}")
    # Before a byte is loaded and anything is allocated: a manifest may contradict itself.
    decoder_of(manifest)
    asked = 'asked for' if backend != 'auto' else ''
    if manifest.backend == ONNXRUNTIME:
        return _open_on_cpu(engine, manifest, asked or why_onnxruntime())
    return _open_on_gpu(engine, manifest, asked or 'the engine is built for it', placement)


def _open_on_cpu(engine: bytes, manifest: EngineManifest, reason: str) -> OpenedRuntime:
    if importlib.util.find_spec('onnxruntime') is None:
        raise EngineError('ONNX Runtime is not installed: pip install onnxruntime')
    from edge_trt_ros.runtime.onnxruntime_cpu import OnnxRuntimeCpu
    return OpenedRuntime(OnnxRuntimeCpu(engine, manifest), reason)


def _open_on_gpu(engine: bytes, manifest: EngineManifest, reason: str, placement: Placement
                 ) -> OpenedRuntime:
    if find_gpu(placement.device_id) is None:
        raise EngineError(
            f'the engine is built for {manifest.backend} {manifest.backend_version}, but there is '
            f'no NVIDIA GPU with the number {placement.device_id} here; {REBUILD} --backend '
            'onnxruntime')
    library = load_tensorrt(manifest.backend)
    try:
        from edge_trt_ros.runtime.tensorrt.engine import TensorRtRuntime
    except ImportError as error:
        raise EngineError(f'PyCUDA does not load ({error}): pip install pycuda, against the CUDA '
                          'of this machine') from error
    runtime = TensorRtRuntime(
        engine, manifest, library, device_id=placement.device_id, dla_core=placement.dla_core,
        use_graph=placement.use_graph)
    return OpenedRuntime(runtime, f'{reason}; ' + (
        f'samples are launched call by call: {runtime.why_no_graph}' if runtime.why_no_graph
        else 'each frame is one CUDA graph'))


def best_backend() -> str:
    """Return the back end that 'auto' builds for on this machine."""
    return ONNXRUNTIME if _missing() else installed_tensorrt()


def why_onnxruntime() -> str:
    """Return why the CPU is the right device for an engine built here."""
    return f'no GPU back end here: {_missing()}' if _missing() else (
        'the engine is an ONNX for the CPU')


def _missing() -> str:
    """Return what this machine lacks to run engines on a GPU; '' if nothing."""
    missing = [] if installed_tensorrt() else ['tensorrt']
    missing += [] if importlib.util.find_spec('pycuda') else ['pycuda']
    if missing:
        return f"{' and '.join(missing)} not found"
    return '' if find_gpu() else 'no NVIDIA GPU found'
