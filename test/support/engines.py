# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""TensorRT runtimes on this GPU, networks that echo their input, and what the host computes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import onnx
from onnx import helper, TensorProto
from support.gpu import raw_engine

from edge_trt_ros.manifest import batch_sizes, EngineManifest
from edge_trt_ros.network_input import ImageInput
from edge_trt_ros.runtime.image_preprocess import ImagePreprocess
from edge_trt_ros.runtime.samples import Frame
from edge_trt_ros.runtime.tensorrt.library import installed_tensorrt, load_tensorrt
from edge_trt_ros.vision.pixel_encodings import pixel_encoding
from edge_trt_ros.vision.thresholds import Thresholds

THRESHOLDS = Thresholds(confidence=0.1)
_ONNX_DTYPES = {
    'float32': TensorProto.FLOAT, 'float16': TensorProto.FLOAT16,
    'bfloat16': TensorProto.BFLOAT16, 'uint8': TensorProto.UINT8, 'int8': TensorProto.INT8,
    'int64': TensorProto.INT64}


def open_tensorrt(engine: bytes, manifest: EngineManifest, **options: Any) -> Any:
    """Open an engine with the installed TensorRT, without the checks of `open_engine`."""
    from edge_trt_ros.runtime.tensorrt.engine import TensorRtRuntime
    return TensorRtRuntime(engine, manifest, load_tensorrt(installed_tensorrt()), **options)


def echo_model(size_wh: tuple[int | str, int | str], dtype: str = 'float32',
               output: str = 'float32') -> onnx.ModelProto:
    """Return a network that returns its input; `dtype` and `output` are its tensors' dtypes."""
    shape = [1, 3, size_wh[1], size_wh[0]]
    nodes = [helper.make_node('Cast', ['images'], ['wide'], to=TensorProto.FLOAT),
             helper.make_node('Add', ['wide', 'wide'], ['twice']),
             helper.make_node('Sub', ['twice', 'wide'], ['same']),
             helper.make_node('Cast', ['same'], ['echo'], to=_ONNX_DTYPES[output])]
    graph = helper.make_graph(
        nodes, 'echo', [helper.make_tensor_value_info('images', _ONNX_DTYPES[dtype], shape)],
        [helper.make_tensor_value_info('echo', _ONNX_DTYPES[output], shape)])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid('', 19)], ir_version=9)


def echo_of_batches(like: EngineManifest, largest: int) -> tuple[bytes, EngineManifest]:
    """Return an engine that returns its input, for batches of images of 96x64."""
    model = echo_model((96, 64))
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = 'batch'
    profiles = [{'images': ((size, 3, 64, 96),) * 3} for size in batch_sizes(largest)]
    plan, manifest = raw_engine(model, like, (96, 64), profiles)
    return plan, replace(manifest, plan={'options': {'max_batch': largest}})


def padded_frame(encoding: str, size_wh: tuple[int, int], padding: int = 0) -> Frame:
    """Return a frame of seeded noise; each row ends with `padding` unused bytes."""
    layout = pixel_encoding(encoding)
    shape = layout.shape(size_wh)
    rows = np.random.default_rng(sum(size_wh)).integers(
        0, 256, (shape[0], layout.row_bytes(size_wh[0]) + padding), np.uint8)
    strides = (rows.strides[0], layout.channels, 1)[:len(shape)]
    return Frame(np.lib.stride_tricks.as_strided(rows, shape, strides), encoding, size_wh)


def echoed(runtime: Any, frame: Frame) -> np.ndarray:
    """Run a frame through an open echo network; return a copy of its output."""
    return np.array(runtime.collect(runtime.submit(frame))['echo'])


def difference_from_host(runtime: Any, frame: Frame, image_input: ImageInput) -> np.ndarray:
    """Return the absolute difference between an echo network's output and the host's tensor."""
    output = echoed(runtime, frame).astype(np.float32)
    return np.asarray(np.abs(output - preprocessed_on_host(frame, image_input)))


def preprocessed_on_host(frame: Frame, image_input: ImageInput) -> np.ndarray:
    """Return the input tensor that the host computes: float32 (1, 3, height, width)."""
    preprocess = ImagePreprocess(image_input)
    tensor = np.empty((1, 3, *image_input.size_wh[::-1]), np.float32)
    preprocess.fill_tensor(frame, preprocess.fit(frame), tensor)
    return tensor
