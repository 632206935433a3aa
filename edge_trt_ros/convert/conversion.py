"""
From an ONNX file to an installed engine: the only place that knows the order of the steps.

`convert` makes the engine in memory, `build_engine` installs it. Progress goes to a callback
as (phase, fraction); a callback that raises stops the build.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
import platform
import sys
from time import perf_counter

import onnx

from edge_trt_ros.convert.artifact_store import install, locked, why_stale
from edge_trt_ros.convert.check_onnx import check_onnx, CheckedOnnx
from edge_trt_ros.convert.fuse_head import fuse_head, FUSED_HEADS
from edge_trt_ros.convert.fuse_tasks import fuse_task, FUSED_TASKS
from edge_trt_ros.convert.head_detection import detect_head, DetectionHead
from edge_trt_ros.convert.onnx_metadata import input_contract_from_metadata
from edge_trt_ros.convert.recipe import ConversionRecipe
from edge_trt_ros.convert.task_heads import detect_task_head
from edge_trt_ros.convert.verify_engine import verify_engine
from edge_trt_ros.convert.verify_task import verify_task
from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.errors import BuildError
from edge_trt_ros.manifest import EngineManifest, manifest_path, sha256_hex
from edge_trt_ros.runtime.onnxruntime_cpu import BACKEND, VERSION
from edge_trt_ros.runtime.select import open_engine, open_runtime, OpenedRuntime
from edge_trt_ros.tensor_spec import TensorSpec

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class BuiltEngine:
    """
    An engine in memory.

    :param engine: its bytes.
    :param manifest: what they are.
    """

    engine: bytes
    manifest: EngineManifest


def convert(onnx_path: Path, recipe: ConversionRecipe,
            progress: Progress = lambda phase, fraction: None) -> BuiltEngine:
    """
    Make an engine from an ONNX file.

    :param onnx_path: the file.
    :param recipe: what to build.
    :param progress: called with a phase and the fraction of the whole that is done.
    :raises ModelError: if the ONNX cannot be used.
    :raises BuildError: if the engine does not do what the ONNX does.
    """
    started = perf_counter()
    progress('check', 0.0)
    checked = check_onnx(onnx_path, recipe.input_shape)
    task_head = detect_task_head(checked, recipe.task, recipe.labels)
    head: DetectionHead = task_head or detect_head(checked, recipe.labels)
    progress('fuse the head', 0.3)
    fused = (fuse_task(checked, task_head, recipe.max_candidates) if task_head
             else fuse_head(checked, head, recipe.max_candidates))
    engine = fused.SerializeToString(deterministic=True)
    if len(engine) >= 1 << 31:
        raise BuildError(f'the fused network has {len(engine)} bytes, at most {(1 << 31) - 1} '
                         'can be written')
    progress('verify', 0.5)
    manifest = _manifest(checked, head, fused, engine, recipe)
    with open_engine(engine, manifest).runtime as runtime:
        verification = (verify_task(runtime, checked, task_head) if task_head
                        else verify_engine(runtime, checked, head))
    progress('verified', 0.9)
    return BuiltEngine(engine, replace(manifest, verification=verification,
                                       build_seconds=round(perf_counter() - started, 3)))


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
        built = convert(onnx_path, recipe, progress)
        progress('install', 0.95)
        install(engine_path, built.engine, built.manifest)
        progress('done', 1.0)
        return built.manifest, reason or 'asked for'


def open_model(path: Path, backend: str = 'auto') -> OpenedRuntime:
    """
    Open an engine; or an ONNX file as it came from its exporter, converted in memory.

    :param path: an engine with its manifest, or a file `*.onnx` without one.
    :param backend: 'auto', or the one that must run it.
    :raises EdgeTrtError: if it cannot be opened.
    """
    if path.suffix.lower() != '.onnx' or manifest_path(path).exists():
        return open_runtime(path, backend)
    built = convert(path, ConversionRecipe(backend=backend))
    opened = open_engine(built.engine, built.manifest, backend)
    return OpenedRuntime(opened.runtime, f'{opened.reason}; converted at start from {path.name}')


def _manifest(checked: CheckedOnnx, head: DetectionHead, fused: onnx.ModelProto, engine: bytes,
              recipe: ConversionRecipe) -> EngineManifest:
    height, width = checked.image_input.shape[2:]
    names = {onnx.TensorProto.FLOAT: 'float32', onnx.TensorProto.INT32: 'int32'}
    return EngineManifest(
        engine_sha256=sha256_hex(engine),
        engine_size_bytes=len(engine),
        source_onnx_sha256=checked.sha256,
        recipe=recipe.to_dict(),
        backend=BACKEND,
        backend_version=VERSION,
        platform=f'{sys.platform}-{platform.machine()}',
        inputs=(checked.image_input,),
        outputs=tuple(
            TensorSpec(output.name, names[output.type.tensor_type.elem_type],
                       tuple(dim.dim_value for dim in output.type.tensor_type.shape.dim))
            for output in fused.graph.output),
        input_contract=input_contract_from_metadata(checked.metadata, (width, height)),
        head={**FUSED_HEADS, **FUSED_TASKS}[head.name],
        source_head=head.name,
        task=head.task,
        labels=head.labels,
        verification={},
        build_seconds=0.0,
        built_at=datetime.now(timezone.utc).isoformat(timespec='seconds'))
