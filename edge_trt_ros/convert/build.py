"""
From an ONNX file to an installed engine: the only place that knows the order of the steps.

`convert` makes the engine in memory, `build_engine` installs it. Progress goes to a callback
as (phase, fraction); a callback that raises stops the build.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from time import perf_counter
from typing import Any

import onnx

from edge_trt_ros.convert.graph.check import check_onnx, CheckedOnnx
from edge_trt_ros.convert.graph.layers import node_precisions
from edge_trt_ros.convert.graph.metadata import (input_contract_from_metadata,
                                                 input_contract_from_text)
from edge_trt_ros.convert.heads.head_detection import DetectionHead
from edge_trt_ros.convert.heads.network_head import find_head, fuse, FUSED
from edge_trt_ros.convert.options import ConversionRecipe
from edge_trt_ros.convert.precision.apply import apply_precision, PreciseGraph
from edge_trt_ros.convert.precision.bf16_emulation import emulated_bf16
from edge_trt_ros.convert.precision.calibration import calibration_set, calibration_sha256
from edge_trt_ros.convert.precision.calibration_cache import calibration_cache_path
from edge_trt_ros.convert.precision.sparsity import check_sparsity
from edge_trt_ros.convert.store import check_disk_space, install, locked, why_stale
from edge_trt_ros.convert.tensorrt.builder import check_parses, engine_from_onnx
from edge_trt_ros.convert.tensorrt.progress import Progress
from edge_trt_ros.convert.toolchain import find_toolchain
from edge_trt_ros.convert.verify.tasks import verify
from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.errors import BuildError, ConfigurationError
from edge_trt_ros.manifest import EngineManifest, InputContract, manifest_path, sha256_hex, TOKENS
from edge_trt_ros.runtime.contract import Frame, Runtime
from edge_trt_ros.runtime.onnxruntime_cpu import BACKEND, VERSION
from edge_trt_ros.runtime.select import (best_backend, open_engine, open_runtime, OpenedRuntime,
                                         Placement)
from edge_trt_ros.runtime.tensorrt.device import find_gpu
from edge_trt_ros.runtime.tensorrt.identity import runs_on, this_platform
from edge_trt_ros.runtime.tensorrt.library import TensorRt
from edge_trt_ros.tensor_spec import TensorSpec

_VERIFICATION_IMAGES = 8


@dataclass(frozen=True)
class BuiltEngine:
    """
    An engine in memory.

    :param engine: its bytes.
    :param manifest: what they are.
    :param on_cpu: the same arithmetic for ONNX Runtime, where the engine is for a GPU.
    """

    engine: bytes
    manifest: EngineManifest
    on_cpu: BuiltEngine | None = None


def convert(onnx_path: Path, recipe: ConversionRecipe,
            progress: Progress = lambda phase, fraction: None, *,
            caches_beside: Path | None = None) -> BuiltEngine:
    """
    Make an engine from an ONNX file.

    :param onnx_path: the file.
    :param recipe: what to build.
    :param progress: called with a phase and the fraction of the whole that is done.
    :param caches_beside: an engine file, beside which calibration and timing are remembered.
    :raises ModelError: if the ONNX cannot be used.
    :raises EngineError: if the library that is to build it is not installed.
    :raises BuildError: if the engine does not do what the ONNX does.
    """
    started = perf_counter()
    progress('check', 0.0)
    toolchain = find_toolchain(recipe)
    checked = check_onnx(onnx_path, recipe.input_shape)
    head = find_head(checked, recipe)
    if checked.tokenizer and (recipe.calibration or recipe.precision == 'int8'):
        raise ConfigurationError('int8 is calibrated on images, and this network reads texts: '
                                 'choose fp16', code='precision_unsupported')
    progress('fuse the head', 0.1)
    fused = fuse(checked, head, recipe.max_candidates)
    if toolchain.tensorrt is not None:
        check_parses(fused, toolchain.tensorrt)
    sparse = check_sparsity(fused) if recipe.sparsity else None
    precise = apply_precision(
        fused, FUSED[head.name], recipe, toolchain, _input_contract(checked, head, recipe),
        cache_path=calibration_cache_path(caches_beside) if caches_beside else None,
        progress=lambda phase, fraction: progress(phase, 0.1 + 0.3 * fraction))
    graph = precise.model.SerializeToString(deterministic=True)
    if len(graph) >= 1 << 31:
        raise BuildError(f'the fused network has {len(graph)} bytes, at most {(1 << 31) - 1} '
                         'can be written')
    progress('verify', 0.4)
    # The very graph that is built, since an engine for a GPU cannot run on every machine.
    on_cpu = _manifest(checked, head, precise, graph, recipe)
    if sparse is not None:
        on_cpu = replace(on_cpu, layers={**on_cpu.layers, 'sparsity': str(sparse)})
    runs_here = graph if precise.precision != 'bf16' else emulated_bf16(
        precise.model).SerializeToString(deterministic=True)

    def verification(runtime: Runtime) -> dict[str, Any]:
        return verify(runtime, checked, head, _calibration_frames(recipe), precise.precision)
    with open_engine(runs_here, on_cpu).runtime as runtime:
        verified = verification(runtime)
    on_cpu = replace(on_cpu, verification=verified, cache_key=toolchain.cache_key(
        recipe, checked.sha256, on_cpu.recipe['calibration_sha256']))
    built = BuiltEngine(graph, on_cpu)
    if toolchain.tensorrt is not None:
        built = _on_gpu(precise.model, on_cpu, recipe, toolchain.tensorrt, caches_beside,
                        lambda phase, fraction: progress(phase.lower(), 0.5 + 0.35 * fraction))
        if best_backend() == toolchain.backend and runs_on(built.manifest, find_gpu()):
            progress('verify on the GPU', 0.85)
            with open_engine(built.engine, built.manifest).runtime as runtime:
                built = replace(built, manifest=replace(built.manifest, verification=verification(
                    runtime)))
        built = replace(built, on_cpu=BuiltEngine(runs_here, on_cpu))
    progress('built', 0.9)
    return replace(built, manifest=replace(
        built.manifest, build_seconds=round(perf_counter() - started, 3)))


def build_engine(onnx_path: Path, engine_path: Path, recipe: ConversionRecipe, *,
                 force: bool = False, progress: Progress = lambda phase, fraction: None
                 ) -> tuple[EngineManifest, str]:
    """
    Build an engine and install it beside its manifest, if it is not there already.

    :param onnx_path: the ONNX file.
    :param engine_path: where the engine goes.
    :param recipe: what to build.
    :param force: build even if the installed engine is fresh.
    :param progress: see `convert`.
    :returns: the manifest of the engine now installed, and why it was built ('' if it was not).
    :raises EdgeTrtError: if it cannot be built; the engine installed before stays.
    """
    if onnx_path.resolve() == engine_path.resolve():
        raise BuildError(f'{engine_path} is the ONNX file itself: give the engine another path')
    with locked(engine_path):
        reason = why_stale(engine_path, onnx_path, recipe)
        if not reason and not force:
            return read_engine(engine_path)[1], ''
        check_disk_space(engine_path, onnx_path)
        built = convert(onnx_path, recipe, progress, caches_beside=engine_path)
        progress('install', 0.95)
        install(engine_path, built.engine, built.manifest)
        progress('done', 1.0)
        return built.manifest, reason or 'asked for'


def open_model(path: Path, backend: str = 'auto', placement: Placement = Placement()
               ) -> OpenedRuntime:
    """
    Open an engine; or an ONNX file as it came from its exporter, converted in memory.

    :param path: an engine with its manifest, or a file `*.onnx` without one.
    :param backend: 'auto', or the one that must run it.
    :param placement: where it runs.
    :raises EdgeTrtError: if it cannot be opened.
    """
    if path.suffix.lower() != '.onnx' or manifest_path(path).exists():
        return open_runtime(path, backend, placement)
    built = convert(path, ConversionRecipe(backend=backend))
    opened = open_engine(built.engine, built.manifest, backend, placement)
    return OpenedRuntime(opened.runtime, f'{opened.reason}; converted at start from {path.name}')


def _on_gpu(model: onnx.ModelProto, on_cpu: EngineManifest, recipe: ConversionRecipe,
            library: TensorRt, caches_beside: Path | None, progress: Progress) -> BuiltEngine:
    timing = caches_beside.with_name('tensorrt.timing_cache') if caches_beside else None
    engine = engine_from_onnx(model, recipe, library, timing_cache_path=timing,
                              progress=progress)
    return BuiltEngine(engine.plan, replace(
        on_cpu, engine_sha256=sha256_hex(engine.plan), engine_size_bytes=len(engine.plan),
        backend=library.name, backend_version=library.version,
        layers={**on_cpu.layers, **engine.layers}, target=engine.target))


def _input_contract(checked: CheckedOnnx, head: DetectionHead, recipe: ConversionRecipe
                    ) -> InputContract:
    height, width = checked.image_input.shape[2:]
    if checked.tokenizer:
        return InputContract((width, height), layout=TOKENS, scale=1.0, pad_value=0)
    if recipe.input_contract:
        return input_contract_from_text(recipe.input_contract, (width, height), 'input_contract')
    return input_contract_from_metadata(
        checked.metadata, InputContract((width, height), **head.contract))


def _calibration_frames(recipe: ConversionRecipe) -> list[Frame]:
    images = calibration_set(recipe, _VERIFICATION_IMAGES)
    return list(images.frames()) if images else []


def _manifest(checked: CheckedOnnx, head: DetectionHead, precise: PreciseGraph, engine: bytes,
              recipe: ConversionRecipe) -> EngineManifest:
    names = {onnx.TensorProto.FLOAT: 'float32', onnx.TensorProto.INT32: 'int32'}
    return EngineManifest(
        engine_sha256=sha256_hex(engine),
        engine_size_bytes=len(engine),
        source_onnx_sha256=checked.sha256,
        recipe={**recipe.to_dict(), 'calibration_sha256': calibration_sha256(recipe)},
        backend=BACKEND,
        backend_version=VERSION,
        platform=this_platform(),
        target={'compute_capabilities': [], 'gpu': '', 'driver': ''},
        layers={'precision': precise.precision, **precise.facts,
                **node_precisions(precise.model)},
        cache_key='',
        inputs=(checked.image_input,),
        outputs=tuple(
            TensorSpec(output.name, names[output.type.tensor_type.elem_type],
                       tuple(dim.dim_value for dim in output.type.tensor_type.shape.dim))
            for output in precise.model.graph.output),
        input_contract=_input_contract(checked, head, recipe),
        head=FUSED[head.name],
        source_head=head.name,
        task=head.task,
        labels=head.labels,
        verification={},
        build_seconds=0.0,
        built_at=datetime.now(timezone.utc).isoformat(timespec='seconds'),
        tokenizer=checked.tokenizer)
