# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The source of the CUDA kernel, compiled for the CPU, against the host's preprocessing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
import pytest
from support.host_kernel import HAS_COMPILER, letterbox_kernel

from edge_trt_ros.network_input import FITS, ImageInput, RESIZES
from edge_trt_ros.runtime.cuda.frame_layout import frame_layout
from edge_trt_ros.runtime.image_preprocess import ImagePreprocess
from edge_trt_ros.runtime.samples import Frame
from edge_trt_ros.vision.pixel_encodings import pixel_encoding, PIXEL_ENCODINGS

pytestmark = pytest.mark.skipif(not HAS_COMPILER, reason='needs a C++ compiler')
ELEMENTS = {'float32': 0, 'float16': 1}
Letterboxed = Callable[[Sequence[Frame], ImageInput, str], NDArray[Any]]


@pytest.fixture(scope='module')
def kernel() -> Letterboxed:
    def letterboxed(frames: Sequence[Frame], image_input: ImageInput, dtype: str) -> NDArray[Any]:
        """Return the tensor of a batch, whose memory starts with the layouts of its images."""
        preprocess = ImagePreprocess(image_input)
        width, height = image_input.size_wh
        tensor = np.zeros((len(frames), 3, height, width), dtype)
        pixels = [np.ascontiguousarray(frame.pixels).ravel() for frame in frames]
        starts = np.cumsum([256 * len(frames), *(values.size for values in pixels)])
        layouts = b''.join(frame_layout(frame, preprocess.fit(frame), start)
                           for frame, start in zip(frames, starts.tolist()))
        memory = np.concatenate([np.frombuffer(layouts.ljust(256 * len(frames), b'\0'), np.uint8),
                                 *pixels])
        letterbox_kernel()(
            len(frames), memory.ctypes.data, tensor.ctypes.data, width, height,
            int(image_input.color_order == 'bgr'), ELEMENTS[dtype],
            RESIZES.index(image_input.resize), image_input.pad_value,
            *(image_input.scale / std for std in image_input.std),
            *(-mean / std for mean, std in zip(image_input.mean, image_input.std)))
        return tensor
    return letterboxed


def noise(encoding: str, size_wh: tuple[int, int], padding: int) -> NDArray[np.uint8]:
    """Return seeded noise with padded rows."""
    shape = pixel_encoding(encoding).shape(size_wh)
    random = np.random.default_rng(size_wh[0])
    padded = random.integers(0, 256, (shape[0], shape[1] + padding, *shape[2:]), np.uint8)
    return padded[:, :shape[1]]


@pytest.mark.parametrize('encoding', sorted(PIXEL_ENCODINGS))
@pytest.mark.parametrize('size_wh, network_wh, padding', [
    ((1280, 720), (640, 640), 0), ((322, 242), (416, 416), 6), ((64, 48), (640, 384), 0),
    ((126, 334), (96, 96), 2), ((2, 2), (32, 32), 0), ((640, 640), (640, 640), 4)])
def test_kernel_equals_the_host(
        kernel: Letterboxed, encoding: str, size_wh: tuple[int, int], network_wh: tuple[int, int],
        padding: int) -> None:
    frame = Frame(noise(encoding, size_wh, padding), encoding, size_wh)
    image_input = ImageInput(network_wh)
    preprocess = ImagePreprocess(image_input)
    expected = np.zeros((1, 3, *network_wh[::-1]), np.float32)
    preprocess.fill_tensor(frame, preprocess.fit(frame), expected)
    difference = np.abs(kernel([frame], image_input, 'float32') - expected) * 255
    assert difference.max() <= 1.001 and difference.mean() < 0.1


@pytest.mark.parametrize('dtype', ELEMENTS)
@pytest.mark.parametrize('color_order', ['rgb', 'bgr'])
def test_kernel_applies_colors_mean_and_std(kernel: Letterboxed, color_order: str,
                                            dtype: str) -> None:
    frame = Frame(noise('bgr8', (81, 45), 0), 'bgr8', (81, 45))
    image_input = ImageInput((64, 64), color_order, scale=1 / 255, mean=(0.4, 0.5, 0.6),
                             std=(0.2, 0.25, 0.3), pad_value=7)
    preprocess = ImagePreprocess(image_input)
    expected = np.zeros((1, 3, 64, 64), dtype)
    preprocess.fill_tensor(frame, preprocess.fit(frame), expected)
    found = kernel([frame], image_input, dtype)
    assert np.abs(found.astype(np.float32) - expected.astype(np.float32)).max() <= 1.01 / 255 / 0.2


def test_kernel_of_odd_sizes(kernel: Letterboxed) -> None:
    image_input = ImageInput((97, 61))
    for size_wh in ((1, 1), (3, 1001), (1279, 719), (5, 7)):
        frame = Frame(noise('rgb8', size_wh, 1), 'rgb8', size_wh)
        preprocess = ImagePreprocess(image_input)
        expected = np.zeros((1, 3, 61, 97), np.float32)
        preprocess.fill_tensor(frame, preprocess.fit(frame), expected)
        difference = np.abs(kernel([frame], image_input, 'float32') - expected) * 255
        assert difference.max() <= 1.001 and difference.mean() < 0.1


@pytest.mark.parametrize('resize', RESIZES)
@pytest.mark.parametrize('fit', FITS)
def test_kernel_fits_and_resizes_as_the_host(kernel: Letterboxed, fit: str, resize: str) -> None:
    image_input = ImageInput((64, 48), fit=fit, crop_fraction=0.875, resize=resize)
    for encoding, size_wh in (('bgr8', (320, 180)), ('nv12', (90, 160)), ('mono8', (31, 22))):
        frame = Frame(noise(encoding, size_wh, 2), encoding, size_wh)
        preprocess = ImagePreprocess(image_input)
        expected = np.zeros((1, 3, 48, 64), np.float32)
        preprocess.fill_tensor(frame, preprocess.fit(frame), expected)
        difference = np.abs(kernel([frame], image_input, 'float32') - expected) * 255
        assert difference.max() <= 1.001 and difference.mean() < 0.1, (encoding, size_wh)


def test_images_of_a_batch_differ_in_size_and_encoding(kernel: Letterboxed) -> None:
    image_input = ImageInput((64, 48))
    frames = [Frame(noise(encoding, size_wh, 0), encoding, size_wh) for encoding, size_wh in (
        ('nv12', (322, 242)), ('rgb8', (1, 1)), ('mono8', (64, 48)), ('bgra8', (33, 77)))]
    together = kernel(frames, image_input, 'float32')
    for frame, values in zip(frames, together):
        np.testing.assert_array_equal(values, kernel([frame], image_input, 'float32')[0])
