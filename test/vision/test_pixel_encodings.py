# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Pixel encodings: memory layout and conversion to BGR."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
import pytest

from edge_trt_ros.errors import ImageError
from edge_trt_ros.vision.pixel_encodings import pixel_encoding, PIXEL_ENCODINGS, to_bgr


def pixels_of(name: str, size_wh: tuple[int, int] = (8, 6)) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, pixel_encoding(name).shape(size_wh), np.uint8)


@pytest.mark.parametrize(('name', 'row_bytes', 'rows', 'shape'), [
    ('bgr8', 24, 6, (6, 8, 3)),
    ('rgb8', 24, 6, (6, 8, 3)),
    ('bgra8', 32, 6, (6, 8, 4)),
    ('rgba8', 32, 6, (6, 8, 4)),
    ('mono8', 8, 6, (6, 8)),
    ('yuv422', 16, 6, (6, 8, 2)),
    ('uyvy', 16, 6, (6, 8, 2)),
    ('yuv422_yuy2', 16, 6, (6, 8, 2)),
    ('yuyv', 16, 6, (6, 8, 2)),
    ('nv12', 8, 9, (9, 8)),
])
def test_layout(name: str, row_bytes: int, rows: int, shape: tuple[int, ...]) -> None:
    encoding = pixel_encoding(name)
    assert encoding.row_bytes(8) == row_bytes
    assert encoding.rows(6) == rows
    assert encoding.shape((8, 6)) == shape
    encoding.check_size((8, 6))
    assert to_bgr(pixels_of(name), name).shape == (6, 8, 3)


def test_the_layout_of_every_encoding_is_tested() -> None:
    assert set(PIXEL_ENCODINGS) == {'bgr8', 'rgb8', 'bgra8', 'rgba8', 'mono8', 'yuv422', 'uyvy',
                                    'yuv422_yuy2', 'yuyv', 'nv12'}


def test_unknown_encodings_are_rejected_with_the_known_encodings() -> None:
    with pytest.raises(ImageError, match='bayer_rggb8.*bgr8.*nv12'):
        pixel_encoding('bayer_rggb8')
    with pytest.raises(ImageError, match='bgr8'):
        to_bgr(np.zeros((2, 2, 3), np.uint8), '')


@pytest.mark.parametrize(('name', 'size_wh', 'match'), [
    ('yuv422', (7, 6), 'yuv422 has size 7x6, but its width must be even'),
    ('yuyv', (7, 6), 'width must be even'),
    ('nv12', (7, 6), 'width and height must be even'),
    ('nv12', (8, 5), 'width and height must be even'),
])
def test_odd_sizes_are_rejected(name: str, size_wh: tuple[int, int], match: str) -> None:
    with pytest.raises(ImageError, match=match):
        pixel_encoding(name).check_size(size_wh)


@pytest.mark.parametrize(('name', 'size_wh'), [('bgr8', (7, 5)), ('mono8', (1, 1)),
                                               ('yuv422', (2, 1)), ('nv12', (2, 2))])
def test_other_sizes_are_accepted(name: str, size_wh: tuple[int, int]) -> None:
    pixel_encoding(name).check_size(size_wh)
    assert to_bgr(pixels_of(name, size_wh), name).shape == (*size_wh[::-1], 3)


def test_channel_orders() -> None:
    blue, green, red, alpha = 10, 20, 30, 255
    expected = np.full((2, 2, 3), (blue, green, red), np.uint8)
    for name, pixel in (('bgr8', (blue, green, red)), ('rgb8', (red, green, blue)),
                        ('bgra8', (blue, green, red, alpha)),
                        ('rgba8', (red, green, blue, alpha))):
        image = np.full((2, 2, len(pixel)), pixel, np.uint8)
        np.testing.assert_array_equal(to_bgr(image, name), expected)
    mono = to_bgr(np.full((2, 2), 77, np.uint8), 'mono8')
    np.testing.assert_array_equal(mono, np.full((2, 2, 3), 77, np.uint8))


@pytest.mark.parametrize(('name', 'order'), [
    ('yuv422', 'uyvy'), ('uyvy', 'uyvy'), ('yuv422_yuy2', 'yuyv'), ('yuyv', 'yuyv')])
def test_packed_encodings_separate_luma_and_chroma(name: str, order: str) -> None:
    pair = {'u': 128, 'y': 235, 'v': 128}
    image = np.array([pair[letter] for letter in order], np.uint8).reshape(1, 2, 2)
    assert (to_bgr(image, name) >= 253).all()  # white only if luma is read as luma


def test_nv12_colours() -> None:
    bgr = np.full((4, 4, 3), (200, 60, 30), np.uint8)
    planes = cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420).ravel()
    luma, u, v = planes[:16], planes[16:20], planes[20:24]
    nv12 = np.concatenate([luma, np.stack([u, v], 1).ravel()]).reshape(6, 4)
    assert np.abs(to_bgr(nv12, 'nv12').astype(int) - bgr).max() <= 4


def test_bgr_is_not_copied() -> None:
    image = pixels_of('bgr8')
    assert to_bgr(image, 'bgr8') is image


@pytest.mark.parametrize('name', sorted(PIXEL_ENCODINGS))
def test_conversion_into_an_array(name: str) -> None:
    image, out = pixels_of(name), np.empty((6, 8, 3), np.uint8)
    assert np.shares_memory(to_bgr(image, name, out), out)
    np.testing.assert_array_equal(out, to_bgr(image, name))
    with pytest.raises(ValueError, match=r'out has shape \(6, 7, 3\), expected \(6, 8, 3\)'):
        to_bgr(image, name, np.empty((6, 7, 3), np.uint8))


@pytest.mark.parametrize(('name', 'shape', 'match'), [
    ('bgr8', (), r'expected'),
    ('bgr8', (0, 0, 3), 'at least one pixel'),
    ('bgr8', (4, 4), r'shape \(4, 4\), expected \(4, 4, 3\)'),
    ('mono8', (4, 4, 1), r'expected \(4, 4\)'),
    ('yuv422', (4, 5, 2), 'width must be even'),
    ('nv12', (7, 4), r'shape \(7, 4\), expected \(6, 4\)'),
])
def test_pixels_of_another_shape_are_rejected(name: str, shape: tuple[int, ...],
                                              match: str) -> None:
    with pytest.raises(ImageError, match=match):
        to_bgr(np.zeros(shape, np.uint8), name)


@pytest.mark.parametrize('name', sorted(PIXEL_ENCODINGS))
def test_padded_rows(name: str) -> None:
    image = pixels_of(name)
    padded = np.zeros((image.shape[0], image.shape[1] + 4, *image.shape[2:]), np.uint8)
    padded[:, :image.shape[1]] = image
    np.testing.assert_array_equal(to_bgr(padded[:, :image.shape[1]], name), to_bgr(image, name))
