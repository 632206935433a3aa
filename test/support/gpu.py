# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Helpers of tests on a GPU: skip marks, and engines for the GPU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
import importlib.util
from pathlib import Path
from typing import Any

import onnx
import pytest

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.tensorrt.builder import engine_from_onnx, Profile
from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.files import sha256_hex
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.network_input import ImageInput
from edge_trt_ros.runtime.tensorrt.device import find_gpu
from edge_trt_ros.runtime.tensorrt.library import installed_tensorrt, load_tensorrt
from edge_trt_ros.tensor_spec import TensorSpec


def why_no_gpu() -> str:
    """Return why engines cannot run on a GPU here, or '' if they can."""
    if find_gpu() is None:
        return 'there is no NVIDIA GPU here'
    if not installed_tensorrt():
        return 'neither tensorrt nor tensorrt_rtx is installed'
    return '' if importlib.util.find_spec('pycuda') else 'pycuda is not installed'


GPU_MARKS = [pytest.mark.gpu, pytest.mark.skipif(bool(why_no_gpu()), reason=why_no_gpu())]


def built(model: onnx.ModelProto, folder: Path, **options: Any) -> Path:
    """Build and install an engine for this GPU; return its path."""
    onnx.save(model, str(folder / 'm.onnx'))
    build_engine(folder / 'm.onnx', folder / 'm.engine',
                 BuildOptions(backend=installed_tensorrt(), **options))
    return folder / 'm.engine'


def raw_engine(model: onnx.ModelProto, like: EngineManifest, size_wh: tuple[int, int],
               profiles: Sequence[Profile] = (), **preprocessing: Any
               ) -> tuple[bytes, EngineManifest]:
    """Build a network without appending a head; return the engine and its manifest."""
    library = load_tensorrt(installed_tensorrt())
    engine = engine_from_onnx(model, BuildOptions(backend=library.name), library,
                              profiles=profiles)
    kinds = {onnx.TensorProto.FLOAT: 'float32', onnx.TensorProto.FLOAT16: 'float16',
             onnx.TensorProto.BFLOAT16: 'bfloat16', onnx.TensorProto.UINT8: 'uint8',
             onnx.TensorProto.INT8: 'int8', onnx.TensorProto.INT64: 'int64'}
    inputs, outputs = (tuple(
        TensorSpec(value.name, kinds[value.type.tensor_type.elem_type],
                   tuple(dim.dim_value or -1 for dim in value.type.tensor_type.shape.dim))
        for value in values) for values in (model.graph.input, model.graph.output))
    return engine.data, replace(
        like, engine_sha256=sha256_hex(engine.data), engine_size_bytes=len(engine.data),
        inputs=inputs, outputs=outputs, target=engine.target, backend=library.name,
        backend_version=library.version, task='tensors', head='tensors', decoder='tensors',
        input_kinds=(ImageInput(size_wh, tensor=inputs[0].name, **preprocessing),))


def manifest_of(engine: Path) -> EngineManifest:
    """Return the manifest of an engine file."""
    return read_engine(engine)[1]
