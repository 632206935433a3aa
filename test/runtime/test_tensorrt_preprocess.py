# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""TensorRT engines: the preprocessing on the GPU computes the same tensors as the host."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.engines import difference_from_host, echo_model, echoed, open_tensorrt, padded_frame
from support.gpu import GPU_MARKS, raw_engine

from edge_trt_ros.errors import BuildError, ModelError
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.network_input import ImageInput
from edge_trt_ros.vision.pixel_encodings import PIXEL_ENCODINGS

pytestmark = GPU_MARKS


@pytest.mark.parametrize('image_input', [
    ImageInput((96, 64)), ImageInput((64, 96), color_order='bgr', pad_value=0),
    ImageInput((97, 65), mean=(.485, .456, .406), std=(.229, .224, .225), pad_value=7)],
    ids=['rgb', 'bgr', 'normalized'])
def test_preprocess_matches_the_host(gpu_manifest: EngineManifest,
                                     image_input: ImageInput) -> None:
    plan, echo = raw_engine(echo_model(image_input.size_wh), gpu_manifest, image_input.size_wh)
    with open_tensorrt(plan, replace(echo, input_kinds=(image_input,))) as runtime:
        for encoding in PIXEL_ENCODINGS:
            for size_wh in ((160, 90), (90, 160), (34, 8), (2, 2), (1280, 720), (98, 66)):
                for padding in (0, 5):
                    frame = padded_frame(encoding, size_wh, padding)
                    difference = difference_from_host(runtime, frame, image_input)
                    difference *= np.array(image_input.std, np.float32).reshape(1, 3, 1, 1) * 255
                    assert difference.max() <= 1.001, (encoding, size_wh)
                    assert difference.mean() < 0.1, (encoding, size_wh)


def test_preprocess_of_odd_sizes(gpu_manifest: EngineManifest) -> None:
    image_input = ImageInput((61, 47))
    plan, echo = raw_engine(echo_model(image_input.size_wh), gpu_manifest, image_input.size_wh)
    with open_tensorrt(plan, echo) as runtime:
        for encoding in ('bgr8', 'rgba8', 'mono8'):
            for size_wh in ((1, 1), (33, 7), (641, 479), (61, 47)):
                frame = padded_frame(encoding, size_wh, 3)
                difference = difference_from_host(runtime, frame, image_input) * 255
                assert difference.max() <= 1.001 and difference.mean() < 0.1, (encoding, size_wh)


@pytest.mark.parametrize('dtype', ['float16', 'bfloat16', 'uint8', 'int8'])
def test_input_dtypes(gpu_manifest: EngineManifest, dtype: str) -> None:
    scale = {'float16': 1 / 255, 'bfloat16': 1 / 255, 'uint8': 1.0, 'int8': 1 / 2}[dtype]
    try:
        plan, echo = raw_engine(echo_model((64, 64), dtype), gpu_manifest, (64, 64), scale=scale)
    except (ModelError, BuildError) as error:
        pytest.skip(f'this TensorRT does not build an input of {dtype}: {error}')
    with open_tensorrt(plan, echo) as runtime:
        frame = padded_frame('bgr8', (96, 64))
        allowed = {'float16': 0.001, 'bfloat16': 0.004, 'uint8': 1.01, 'int8': 0.51}[dtype]
        assert difference_from_host(runtime, frame, echo.image_input).max() <= allowed


@pytest.mark.parametrize('dtype', ['float16', 'bfloat16', 'uint8', 'int8', 'int64'])
def test_output_dtypes(gpu_manifest: EngineManifest, dtype: str) -> None:
    try:
        plan, echo = raw_engine(echo_model((64, 64), output=dtype), gpu_manifest, (64, 64),
                                scale=0.25)
    except (ModelError, BuildError) as error:
        pytest.skip(f'this TensorRT does not build an output of {dtype}: {error}')
    with open_tensorrt(plan, echo) as runtime:
        frame = padded_frame('bgr8', (64, 64))
        assert echoed(runtime, frame).dtype == ('float32' if dtype == 'bfloat16' else dtype)
        difference = difference_from_host(runtime, frame, echo.image_input)
        assert difference.max() <= (0.5 if 'float' in dtype else 1.0)
