# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Selects the back end that runs an engine on this machine, and states the reason.

A back end is imported only when an engine needs it, so a node loads only the libraries it uses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import importlib.util
from pathlib import Path
from typing import Protocol

from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.errors import EngineError
from edge_trt_ros.manifest import EngineManifest, REBUILD
from edge_trt_ros.optional_libraries import require
from edge_trt_ros.runtime.contract import Runtime
from edge_trt_ros.runtime.decoding import decoder_of
from edge_trt_ros.runtime.gpu_sensors import GpuSensors
from edge_trt_ros.runtime.tensorrt.device import find_gpu
from edge_trt_ros.runtime.tensorrt.library import installed_tensorrt, load_tensorrt, TENSORRT_NAMES

ONNXRUNTIME = 'onnxruntime'
BACKENDS = (*TENSORRT_NAMES, ONNXRUNTIME)
# Allowed values of an option `backend`.
BACKEND_CHOICES = ('auto', *BACKENDS)
PRIORITIES = ('high', 'low')


@dataclass(frozen=True)
class Placement:
    """
    Where a network runs.

    :param device_id: number of the GPU.
    :param dla_core: DLA core for an engine that was built for DLA; -1 selects the first.
    :param use_graph: whether to use a CUDA graph; False launches each call, for comparison.
    :param threads: threads of a network on the CPU; 0 uses half of the cores.
    :param priority: one of `PRIORITIES`: whose work a GPU runs first.
    :param all_outputs: whether to return the outputs that the device decodes, and those that are
        states, as well, for comparison.
    """

    device_id: int = 0
    dla_core: int = -1
    use_graph: bool = True
    threads: int = 0
    priority: str = 'high'
    all_outputs: bool = False


class Watch(Protocol):
    """Tells how a runtime that depends on another machine is doing."""

    def problem(self) -> str:
        """Return what is wrong now, as a sentence; '' if nothing is."""

    def news(self) -> list[str]:
        """Return what changed since the last call, as sentences for the log."""

    def figures(self) -> Mapping[str, object]:
        """Return values for diagnostics by name."""


@dataclass(frozen=True)
class OpenedRuntime:
    """
    An open runtime, and the reason for its back end.

    :param runtime: open and ready; the caller closes it.
    :param reason: why this back end runs the engine, for logs and diagnostics.
    :param watch: how a runtime on a server is doing; None for a local one.
    :param sensors: temperature, load and clock of the GPU that runs it; None for a CPU or server.
    :param library_version: version of the library that runs it; '' on a server.
    """

    runtime: Runtime
    reason: str
    watch: Watch | None = None
    sensors: GpuSensors | None = None
    library_version: str = ''


def open_runtime(engine_path: Path, backend: str = 'auto', placement: Placement = Placement()
                 ) -> OpenedRuntime:
    """
    Open an engine file.

    :param engine_path: the engine; its manifest is the file next to it.
    :param backend: 'auto', or the back end that must run the engine.
    :param placement: where it runs.
    :raises EngineError: if the engine is missing or no allowed back end can run it.
    :raises ManifestError: if the manifest is missing or describes another engine.
    """
    engine, manifest = read_engine(engine_path)
    return open_engine(engine, manifest, backend, placement)


def open_engine(engine: bytes, manifest: EngineManifest, backend: str = 'auto',
                placement: Placement = Placement()) -> OpenedRuntime:
    """
    Open an engine in memory (see `open_runtime`).

    :param engine: bytes of the engine, already checked against the manifest.
    :param manifest: manifest of the engine.
    :param backend: 'auto', or the back end that must run the engine.
    :param placement: where it runs.
    :raises EngineError: if no allowed back end can run it.
    :raises MissingLibraryError: if ONNX Runtime should run it and is not installed.
    """
    if backend not in BACKEND_CHOICES:
        raise EngineError(f"backend is '{backend}', expected {', '.join(BACKEND_CHOICES)}")
    if backend not in ('auto', manifest.backend):
        raise EngineError(f'the engine is built for {manifest.backend}, but backend is set to '
                          f'{backend}: set backend to auto, or {REBUILD}')
    if manifest.backend not in BACKENDS:
        raise EngineError(f"the engine is built for '{manifest.backend}', expected "
                          f"{', '.join(BACKENDS)}: {REBUILD}")
    # Check before loading and allocating: a manifest may be inconsistent.
    decoder_of(manifest)
    asked = 'asked for' if backend != 'auto' else ''
    if manifest.backend == ONNXRUNTIME:
        return _open_on_cpu(engine, manifest, asked or why_onnxruntime(), placement)
    return _open_on_gpu(engine, manifest, asked or 'the engine is built for it', placement)


def _open_on_cpu(engine: bytes, manifest: EngineManifest, reason: str, placement: Placement
                 ) -> OpenedRuntime:
    require('onnxruntime', 'this engine')
    from edge_trt_ros.runtime.onnxruntime_cpu import OnnxRuntimeCpu, VERSION
    runtime = OnnxRuntimeCpu(engine, manifest, placement.threads, placement.all_outputs)
    return OpenedRuntime(runtime, reason, library_version=VERSION)


def _open_on_gpu(engine: bytes, manifest: EngineManifest, reason: str, placement: Placement
                 ) -> OpenedRuntime:
    gpu = find_gpu(placement.device_id)
    if gpu is None:
        raise EngineError(
            f'the engine is built for {manifest.backend} {manifest.backend_version}, but there is '
            f'no NVIDIA GPU with the number {placement.device_id} here; {REBUILD} --backend '
            'onnxruntime')
    library = load_tensorrt(manifest.backend)
    try:
        from edge_trt_ros.runtime.tensorrt.engine import TensorRtRuntime
    except ImportError as error:
        raise EngineError(f'PyCUDA cannot be loaded ({error}): pip install pycuda, built for '
                          'the CUDA version of this machine', code='pycuda_missing') from error
    runtime = TensorRtRuntime(
        engine, manifest, library, device_id=placement.device_id, dla_core=placement.dla_core,
        use_graph=placement.use_graph, all_outputs=placement.all_outputs,
        priority=placement.priority)
    return OpenedRuntime(runtime, f'{reason}; ' + (
        f'samples are launched call by call: {runtime.why_no_graph}' if runtime.why_no_graph
        else 'each frame is one CUDA graph') + (f'; {runtime.upload}' if runtime.upload else ''),
        sensors=GpuSensors(gpu.pci_bus_id), library_version=library.version)


def best_backend() -> str:
    """Return the back end for which 'auto' builds engines on this machine."""
    return ONNXRUNTIME if _missing() else installed_tensorrt()


def why_onnxruntime() -> str:
    """Return the reason why an engine runs on the CPU."""
    return f'no GPU back end here: {_missing()}' if _missing() else (
        'the engine is an ONNX for the CPU')


def _missing() -> str:
    """Return what is missing to run engines on a GPU here; '' if nothing is."""
    missing = [] if installed_tensorrt() else ['tensorrt']
    missing += [] if importlib.util.find_spec('pycuda') else ['pycuda']
    if missing:
        return f"{' and '.join(missing)} not found"
    return '' if find_gpu() else 'no NVIDIA GPU found'
