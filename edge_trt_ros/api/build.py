# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Build an engine with options as keywords."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
import json
from pathlib import Path, PurePath
from typing import Any, Literal, TypedDict, Unpack

from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.optional_libraries import require_converter
from edge_trt_ros.settings import Setting, settings_of

_KINDS = {bool: 'True or False', float: 'a number', int: 'a whole number', str: 'a text',
          tuple: 'a list'}


class BuildKeywords(TypedDict, total=False):
    """
    The options of `build_engine`: the fields of `BuildOptions`, which describe them.

    A sequence may be given as the text that the command line reads, such as '1x3x640x640'.
    """

    backend: Literal['auto', 'tensorrt', 'tensorrt_rtx', 'onnxruntime']
    precision: Literal['fp32', 'fp16', 'bf16', 'int8', 'best']
    input_shape: Sequence[int] | str
    max_batch: int
    max_candidates: int
    #: Names, or the path of a file with names.
    labels: Sequence[str] | str | Path
    anchors_wh: Sequence[float] | str
    #: A mapping such as {'color_order': 'bgr', 'scale': 1.0}, or the same as JSON.
    input_contract: Mapping[str, Any] | str
    #: A mapping with `inputs` and `outputs`, or the path of a YAML file.
    tensor_contract: Mapping[str, Any] | str | Path
    depth: Literal['', 'metric', 'relative']
    task: str
    calibration: str | Path
    calibration_topic: str
    calibration_images: int
    calibration_method: Literal['moving_average', 'min_max', 'percentile']
    max_accuracy_drop: float
    verification: str | Path
    require_verification: bool
    workspace_mb: int
    compute_capabilities: Sequence[str]
    hardware_compatible: bool
    version_compatible: bool
    sparsity: bool
    dla: bool


def build_engine(onnx: str | Path, engine: str | Path, *, force: bool = False,
                 progress: Callable[[str, float], None] | None = None,
                 **options: Unpack[BuildKeywords]) -> EngineManifest:
    """
    Build an engine from an ONNX file, unless an engine of the same plan is installed already.

    The engine is verified against the ONNX before it is installed with its manifest, both
    atomically. The build runs in this process, so it recognises the heads that were added with
    `edge_trt_ros.heads.add_head`; it takes seconds on a CPU, and minutes for a GPU::

        build_engine('road.onnx', 'road.engine', precision='int8', calibration='photos/')

    :param onnx: the ONNX file.
    :param engine: path of the engine; its manifest is `<engine>.json`.
    :param force: build even if the installed engine is fresh.
    :param progress: called with a phase and the fraction of the whole that is done; an exception
        that it raises stops the build.
    :param options: build options, see `BuildKeywords`.
    :returns: the manifest of the installed engine.
    :raises EdgeTrtError: if it cannot be built; the previous engine stays installed.
    :raises TypeError: for an unknown option.
    """
    typed = _build_options(options)
    onnx_path, engine_path = Path(onnx).expanduser(), Path(engine).expanduser()
    require_converter(f'converting {onnx_path}')
    # Importing the converter and onnx takes a second.
    from edge_trt_ros.convert.build import build_engine as build
    manifest, _ = build(onnx_path, engine_path, typed, force=force,
                        progress=progress or (lambda phase, fraction: None))
    return manifest


def _build_options(given: Mapping[str, Any]) -> BuildOptions:
    known = {option.name: option for option in settings_of(BuildOptions)}
    for name in given:
        if name not in known:
            raise TypeError(f"build_engine() got an unexpected keyword argument '{name}', "
                            f"expected {', '.join(known)}")
    return BuildOptions(**{name: _value(known[name], value) for name, value in given.items()})


def _value(option: Setting, given: Any) -> Any:
    """Return the value of an option in the type of its field."""
    value = str(given) if isinstance(given, PurePath) else given
    if isinstance(value, str) and option.parse is not None:
        return option.parse(value)
    if isinstance(value, Mapping):
        value = json.dumps(dict(value))
    kind = type(option.default)
    if kind is tuple and not isinstance(value, str) and isinstance(value, Sequence):
        value = tuple(value)
    if not isinstance(value, (int, float) if kind is float else kind):
        raise ConfigurationError(f'{option.name} is {given!r}, expected {_KINDS[kind]}')
    return value
