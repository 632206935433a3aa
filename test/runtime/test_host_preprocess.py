# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The input tensor computed on the host, against the formula."""

from __future__ import annotations

import numpy as np
import pytest
from support.frames import noise_frame

from edge_trt_ros.network_input import ImageInput
from edge_trt_ros.runtime.image_preprocess import ImagePreprocess
from edge_trt_ros.runtime.samples import Frame


@pytest.mark.parametrize('color_order, mean, std', [
    ('rgb', (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    ('bgr', (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    ('rgb', (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
])
@pytest.mark.parametrize('dtype', ['float32', 'float16'])
def test_tensor_equals_the_formula(color_order: str, mean: tuple[float, float, float],
                                   std: tuple[float, float, float], dtype: str) -> None:
    frame = noise_frame((64, 48))  # the network's width: no resizing
    preprocess = ImagePreprocess(ImageInput((64, 64), color_order, mean=mean, std=std))
    tensor = np.empty((1, 3, 64, 64), dtype)
    for _ in range(2):  # buffers are reused
        preprocess.fill_tensor(frame, preprocess.fit(frame), tensor)
    image = np.full((64, 64, 3), 114.0)
    image[8:56] = frame.pixels
    if color_order == 'rgb':
        image = image[..., ::-1]
    expected = ((image / 255 - mean) / std).transpose(2, 0, 1)[None]
    np.testing.assert_allclose(tensor, expected, atol=2e-6 if dtype == 'float32' else 4e-3)


def test_gray_and_yuv_encodings() -> None:
    preprocess = ImagePreprocess(ImageInput((64, 64)))
    tensor = np.empty((1, 3, 64, 64), np.float32)
    gray = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    for frame in (Frame(gray, 'mono8', (64, 64)),
                  Frame(np.concatenate([gray, np.full((32, 64), 128, np.uint8)]), 'nv12',
                        (64, 64)),
                  Frame(np.stack([np.full_like(gray, 128), gray], 2), 'yuv422', (64, 64)),
                  Frame(np.stack([gray, np.full_like(gray, 128)], 2), 'yuv422_yuy2', (64, 64))):
        preprocess.fill_tensor(frame, preprocess.fit(frame), tensor)
        if frame.encoding == 'mono8':
            expected = np.repeat(gray[None, None] / 255, 3, 1)
            np.testing.assert_allclose(tensor, expected, atol=1e-6)
        else:  # ITU-R BT.601, video range: R = 1.164 (Y - 16) + 1.596 (V - 128)
            luma = np.clip(1.164 * (gray.astype(float) - 16), 0, 255) / 255
            np.testing.assert_allclose(tensor[0, 0], luma, atol=2 / 255)


def test_buffers_of_another_encoding_do_not_leak() -> None:
    preprocess = ImagePreprocess(ImageInput((64, 64)))
    tensor = np.empty((1, 3, 64, 64), np.float32)
    black = Frame(np.zeros((64, 64, 3), np.uint8), 'bgr8', (64, 64))
    white = Frame(np.full((64, 64), 255, np.uint8), 'mono8', (64, 64))
    for frame, value in ((black, 0.0), (white, 1.0), (black, 0.0)):
        preprocess.fill_tensor(frame, preprocess.fit(frame), tensor)
        np.testing.assert_allclose(tensor, value)
