# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Build and install an engine from a plan; only this module knows the order of the steps.

`build` executes a plan in memory, `build_engine` installs the result. Progress is reported to a
callback as (phase, fraction); a callback that raises stops the build.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import Any

from edge_trt_ros.convert.compare.samples import given_samples, NamedSample
from edge_trt_ros.convert.graph.batch import open_batch
from edge_trt_ros.convert.graph.inputs import tensor_spec
from edge_trt_ros.convert.graph.layers import node_precisions
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.plan import BuildPlan, plan_build
from edge_trt_ros.convert.plan_identity import why_stale
from edge_trt_ros.convert.precision.apply import apply_precision, PreciseGraph
from edge_trt_ros.convert.precision.bf16_emulation import emulated_bf16
from edge_trt_ros.convert.precision.calibration_cache import calibration_cache_path
from edge_trt_ros.convert.store import check_disk_space, install, locked
from edge_trt_ros.convert.tasks.fuse import decodes_on_device, exposed_roles
from edge_trt_ros.convert.tensorrt.builder import engine_from_onnx
from edge_trt_ros.convert.tensorrt.progress import Progress
from edge_trt_ros.convert.verify import verify
from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.errors import BuildError
from edge_trt_ros.files import sha256_hex
from edge_trt_ros.manifest import batch_sizes, EngineManifest
from edge_trt_ros.runtime.onnxruntime_cpu import VERSION
from edge_trt_ros.runtime.select import best_backend, ONNXRUNTIME
from edge_trt_ros.runtime.tensorrt.device import find_gpu
from edge_trt_ros.runtime.tensorrt.identity import runs_on, this_platform
from edge_trt_ros.runtime.tensorrt.library import TensorRt
from edge_trt_ros.tensor_spec import TensorSpec
from edge_trt_ros.verification import ENGINE_RAN, NOTHING_SEEN, sentence

_MAX_GRAPH_BYTES = (1 << 31) - 1


@dataclass(frozen=True)
class BuiltEngine:
    """
    An engine in memory.

    :param engine: its bytes.
    :param manifest: its manifest.
    :param on_cpu: the same network for ONNX Runtime, if the engine is for a GPU.
    """

    engine: bytes
    manifest: EngineManifest
    on_cpu: BuiltEngine | None = None


@dataclass(frozen=True)
class _Made:
    """
    The result of a library for a plan.

    :param engine: the bytes of the engine.
    :param backend: the library that runs it.
    :param version: the library's version.
    :param layers: how many layers compute in which precision.
    :param target: the GPUs it runs on.
    """

    engine: bytes
    backend: str
    version: str
    layers: Mapping[str, Any]
    target: Mapping[str, Any] = field(default_factory=lambda: {
        'compute_capabilities': [], 'gpu': '', 'driver': ''})

    @cached_property
    def sha256(self) -> str:
        """Hash of the engine; each of its manifests needs it."""
        return sha256_hex(self.engine)


def build(plan: BuildPlan, progress: Progress = lambda phase, fraction: None, *,
          caches_beside: Path | None = None) -> BuiltEngine:
    """
    Execute a plan.

    :param plan: what to build.
    :param progress: called with a phase and the fraction of the whole that is done.
    :param caches_beside: an engine file; calibration and timing caches are kept next to it.
    :raises BuildError: if the results of the engine differ from those of the ONNX model.
    """
    started = perf_counter() - plan.seconds
    precise = apply_precision(
        plan.graph, plan.found, plan.options, plan.toolchain, plan.input_kinds,
        cache_path=calibration_cache_path(caches_beside) if caches_beside else None,
        progress=lambda phase, fraction: progress(phase, 0.1 + 0.3 * fraction))
    graph = precise.model.SerializeToString(deterministic=True)
    if len(graph) > _MAX_GRAPH_BYTES:
        raise BuildError(f'the network with its head has {len(graph)} bytes, at most '
                         f'{_MAX_GRAPH_BYTES} can be written')
    layers = {'precision': precise.precision, **precise.facts, **node_precisions(precise.model)}
    if plan.sparsity:
        layers['sparsity'] = plan.sparsity
    progress('verify', 0.4)
    # An engine for a GPU cannot run on every machine: verify the graph it is built from as well.
    here = _Made(_runs_on_cpu(precise, graph), ONNXRUNTIME, VERSION, layers)
    given = given_samples(plan.options)
    verified = _verified(plan, precise, here, given)
    library = plan.toolchain.tensorrt
    if library is None:
        progress('built', 0.9)
        return BuiltEngine(graph, _manifest(plan, precise, here, verified, started))
    on_cpu = BuiltEngine(here.engine, _manifest(plan, precise, here, verified, started))
    made = _made_by(library, plan, precise, layers, caches_beside,
                    lambda phase, fraction: progress(phase.lower(), 0.5 + 0.35 * fraction))
    verified = {**verified, ENGINE_RAN: False}
    unverified = _manifest(plan, precise, made, verified, started)
    if best_backend() == plan.toolchain.backend and runs_on(unverified, find_gpu()):
        progress('verify on the GPU', 0.85)
        # The raw tensors and the layers were compared in the graph, and stay in the manifest.
        verified = {**verified, **_verified(plan, precise, made, given)}
    progress('built', 0.9)
    return BuiltEngine(made.engine, _manifest(plan, precise, made, verified, started), on_cpu)


def build_engine(onnx_path: Path, engine_path: Path, options: BuildOptions, *,
                 force: bool = False, progress: Progress = lambda phase, fraction: None
                 ) -> tuple[EngineManifest, str]:
    """
    Build an engine and install it with its manifest, unless a fresh one is installed.

    :param onnx_path: the ONNX file.
    :param engine_path: path of the installed engine.
    :param options: what to build.
    :param force: build even if the installed engine is fresh.
    :param progress: see `build`.
    :returns: the manifest of the installed engine, and why it was built ('' if it was not).
    :raises EdgeTrtError: if it cannot be built; the previous engine stays installed.
    """
    if onnx_path.resolve() == engine_path.resolve():
        raise BuildError(f'{engine_path} is the ONNX file itself: give the engine another path')
    with locked(engine_path):
        reason = why_stale(engine_path, onnx_path, options)
        if not reason and not force:
            return read_engine(engine_path)[1], ''
        progress('check', 0.0)
        plan = plan_build(onnx_path, options)
        check_disk_space(engine_path, plan.disk_bytes)
        built = build(plan, progress, caches_beside=engine_path)
        progress('install', 0.95)
        install(engine_path, built.engine, built.manifest)
        progress('done', 1.0)
        return built.manifest, reason or 'asked for'


def _runs_on_cpu(precise: PreciseGraph, graph: bytes) -> bytes:
    return graph if precise.precision != 'bf16' else emulated_bf16(
        precise.model).SerializeToString(deterministic=True)


def _made_by(library: TensorRt, plan: BuildPlan, precise: PreciseGraph,
             layers: Mapping[str, Any], caches_beside: Path | None, progress: Progress) -> _Made:
    timings = caches_beside.parent if caches_beside else None
    model, profiles = precise.model, []
    if plan.options.max_batch > 1:
        model = open_batch(model)
        # A profile of a single shape each: kernels for open shapes are slower.
        shapes = [{spec.name: (size, *spec.shape[1:]) for spec in plan.checked.inputs}
                  for size in batch_sizes(plan.options.max_batch)]
        profiles = [{name: (shape,) * 3 for name, shape in every.items()} for every in shapes]
    serialized = engine_from_onnx(model, plan.options, library, profiles=profiles,
                                  timing_cache_folder=timings, progress=progress)
    return _Made(serialized.data, library.name, library.version,
                 {**layers, **serialized.layers}, serialized.target)


def _verified(plan: BuildPlan, precise: PreciseGraph, made: _Made,
              given: Sequence[NamedSample]) -> dict[str, Any]:
    manifest = _manifest(plan, precise, made, {}, perf_counter())
    try:
        found = verify(made.engine, manifest, plan.checked, plan.found, given, precise.precision)
    except BuildError as error:
        raise BuildError(f'{error}: it is not installed', code=error.code) from error
    if plan.options.require_verification and found['status'] == NOTHING_SEEN:
        raise BuildError(
            f'{sentence(found)}, and require_verification is set: it is not installed; give '
            'images that show what the network detects as verification', code='nothing_detected')
    return found


def _manifest(plan: BuildPlan, precise: PreciseGraph, made: _Made,
              verification: Mapping[str, Any], started: float) -> EngineManifest:
    """Return the manifest of a built engine; no other function assembles it."""
    first = (-1,) if plan.options.max_batch > 1 and made.backend != ONNXRUNTIME else ()
    decoding = {'roles': exposed_roles(plan.found), 'options': dict(plan.found.reading.options)} \
        if decodes_on_device(plan.found, plan.toolchain.tensorrt) else {}
    return EngineManifest(
        engine_sha256=made.sha256,
        engine_size_bytes=len(made.engine),
        onnx_sha256=plan.checked.sha256,
        plan=plan.identity.to_dict(),
        plan_key=plan.key,
        backend=made.backend,
        backend_version=made.version,
        platform=this_platform(),
        target=made.target,
        layers=made.layers,
        inputs=tuple(TensorSpec(spec.name, spec.dtype, (*first, *spec.shape[len(first):]))
                     for spec in plan.checked.inputs),
        outputs=tuple(TensorSpec(spec.name, spec.dtype, (*first, *spec.shape[len(first):]))
                      for spec in (tensor_spec(output, Path())
                                   for output in precise.model.graph.output)),
        input_kinds=plan.input_kinds,
        head=plan.found.name,
        decoder=plan.found.name if decoding else plan.found.head.decoder,
        decoding=decoding,
        task=plan.found.task,
        labels=plan.found.labels,
        verification=verification,
        build_seconds=round(perf_counter() - started, 3),
        built_at=datetime.now(timezone.utc).isoformat(timespec='seconds'))
