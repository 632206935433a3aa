# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Letterboxes: position and size, resizing like OpenCV, and mapping back to the source."""

from __future__ import annotations

from typing import Any

import cv2
from hypothesis import given, settings, strategies as st
import numpy as np
from numpy.typing import NDArray
import pytest

from edge_trt_ros.vision.letterbox import Letterbox

SIDE = st.integers(1, 4096)
NETWORK_SIDE = st.integers(32, 1280)


@pytest.mark.parametrize(('source', 'network', 'resized', 'left', 'top'), [
    ((1, 1), (1, 1), (1, 1), 0, 0),
    ((1280, 720), (640, 640), (640, 360), 0, 140),
    ((1280, 720), (384, 224), (384, 216), 0, 4),
    ((720, 1280), (640, 640), (360, 640), 140, 0),
    ((640, 640), (640, 640), (640, 640), 0, 0),
    ((641, 480), (640, 640), (640, 479), 0, 80),  # 161 rows of padding: 80 above, 81 below
    ((320, 240), (640, 640), (640, 480), 0, 80),
    ((10000, 1), (640, 640), (640, 1), 0, 319),
    ((1, 10000), (640, 640), (1, 640), 319, 0),
])
def test_fit(source: tuple[int, int], network: tuple[int, int], resized: tuple[int, int],
             left: int, top: int) -> None:
    letterbox = Letterbox.fit(source, network)
    assert letterbox.resized_size_wh == resized
    assert (letterbox.pad_left, letterbox.pad_top) == (left, top)
    assert letterbox.scale_x == resized[0] / source[0]
    assert letterbox.scale_y == resized[1] / source[1]


@pytest.mark.parametrize('source', [(0, 5), (5, 0), (-1, 5)])
def test_fit_rejects_sizes_that_are_not_positive(source: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match='must be positive'):
        Letterbox.fit(source, (640, 640))


@settings(deadline=None)
@given(SIDE, SIDE, NETWORK_SIDE, NETWORK_SIDE)
def test_fit_is_within_the_network_input(width: int, height: int, across: int, down: int) -> None:
    letterbox = Letterbox.fit((width, height), (across, down))
    inner_width, inner_height = letterbox.resized_size_wh
    assert inner_width >= 1 and inner_height >= 1
    assert inner_width == across or inner_height == down
    right = across - inner_width - letterbox.pad_left
    below = down - inner_height - letterbox.pad_top
    assert 0 <= right - letterbox.pad_left <= 1
    assert 0 <= below - letterbox.pad_top <= 1


def bilinear(image: NDArray[np.uint8], size_wh: tuple[int, int]) -> NDArray[np.float64]:
    """Resize with half-pixel centres and clamped edges, in float64."""
    def taps(source: int, target: int) -> tuple[Any, Any, Any]:
        centres = (np.arange(target) + 0.5) * source / target - 0.5
        low = np.floor(centres).astype(int)
        return (np.clip(low, 0, source - 1), np.clip(low + 1, 0, source - 1), centres - low)

    x_low, x_high, x_part = taps(image.shape[1], size_wh[0])
    y_low, y_high, y_part = taps(image.shape[0], size_wh[1])
    wide = image.reshape(*image.shape[:2], -1).astype(np.float64)
    x_part, y_part = x_part[None, :, None], y_part[:, None, None]
    rows = wide[:, x_low] * (1 - x_part) + wide[:, x_high] * x_part
    resized = rows[y_low] * (1 - y_part) + rows[y_high] * y_part
    return np.asarray(resized.reshape(*size_wh[::-1], *image.shape[2:]))


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(8, 80), st.integers(8, 80),
       st.sampled_from([(), (1,), (3,), (4,)]), st.integers(0, 2**32 - 1))
def test_apply_is_bilinear_with_half_pixel_centres(width: int, height: int, across: int, down: int,
                                                   channels: tuple[int, ...], seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, *channels), np.uint8)
    letterbox = Letterbox.fit((width, height), (across, down))
    out = letterbox.apply(image, pad_value=7)
    assert out.shape == (down, across, *channels) and out.dtype == np.uint8
    left, top = letterbox.pad_left, letterbox.pad_top
    inner_width, inner_height = letterbox.resized_size_wh
    inside = np.zeros((down, across), bool)
    inside[top:top + inner_height, left:left + inner_width] = True
    assert (out[~inside] == 7).all()
    inner = out[top:top + inner_height, left:left + inner_width]
    direct = cv2.resize(image, letterbox.resized_size_wh, interpolation=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(inner, direct.reshape(inner.shape))
    assert np.abs(inner - bilinear(image, letterbox.resized_size_wh)).max() <= 1.0


@pytest.mark.parametrize('source', [(1280, 720), (720, 1280), (5, 3), (10000, 1), (1, 10000)])
def test_apply_overwrites_all_of_out(source: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*source[::-1], 3), np.uint8)
    letterbox = Letterbox.fit(source, (64, 48))
    out = np.full((48, 64, 3), 255, np.uint8)
    assert letterbox.apply(image, out=out) is out
    np.testing.assert_array_equal(out, letterbox.apply(image))


def test_apply_accepts_padded_rows_and_does_not_modify_the_image() -> None:
    padded = np.random.default_rng(0).integers(0, 256, (30, 50, 3), np.uint8)
    before, view = padded.copy(), padded[:, :40]
    letterbox = Letterbox.fit((40, 30), (64, 64))
    np.testing.assert_array_equal(letterbox.apply(view),
                                  letterbox.apply(np.ascontiguousarray(view)))
    np.testing.assert_array_equal(padded, before)


def test_apply_rejects_another_size() -> None:
    with pytest.raises(ValueError, match='image is 4x3, the letterbox is for 40x30'):
        Letterbox.fit((40, 30), (64, 64)).apply(np.zeros((3, 4, 3), np.uint8))


@settings(deadline=None)
@given(SIDE, SIDE, NETWORK_SIDE, NETWORK_SIDE,
       st.lists(st.tuples(*[st.floats(0, 1)] * 4), max_size=20))
def test_boxes_round_trip(width: int, height: int, across: int, down: int,
                          fractions: list[tuple[float, ...]]) -> None:
    letterbox = Letterbox.fit((width, height), (across, down))
    boxes = (np.array(fractions, np.float64).reshape(-1, 4)
             * [width, height, width, height]).astype(np.float32)
    mapped = letterbox.boxes_to_network(boxes)
    back = letterbox.boxes_to_source(mapped)
    assert mapped.dtype == back.dtype == np.float32
    # float32 represents a position in the network's input to a few ulp; mapping back from an
    # image of very few pixels multiplies this error.
    ulps = 4 * float(np.spacing(np.float32(max(across, down))))
    limit = max(1e-3, ulps / min(letterbox.scale_x, letterbox.scale_y))
    assert np.abs(back - boxes).max(initial=0.0) <= limit


def test_boxes_of_a_known_letterbox() -> None:
    letterbox = Letterbox.fit((1280, 720), (640, 640))
    boxes = np.array([[0, 0, 1280, 720], [10, 20, 30, 40]], np.float32)
    expected = np.array([[0, 140, 640, 500], [5, 150, 15, 160]], np.float32)
    np.testing.assert_allclose(letterbox.boxes_to_network(boxes), expected, atol=1e-4)
    np.testing.assert_allclose(letterbox.boxes_to_source(expected), boxes, atol=1e-4)


@pytest.mark.parametrize('columns', [2, 3])
def test_keypoints_to_source(columns: int) -> None:
    letterbox = Letterbox.fit((1280, 720), (640, 640))
    assert letterbox.keypoints_to_source(np.empty((0, 5, columns), np.float32)).shape \
        == (0, 5, columns)
    points = np.array([[[5, 150, 0.5], [640, 500, 0.25]]], np.float32)[..., :columns]
    expected = np.array([[[10, 20, 0.5], [1280, 720, 0.25]]], np.float32)[..., :columns]
    before = points.copy()
    np.testing.assert_allclose(letterbox.keypoints_to_source(points), expected, atol=1e-4)
    np.testing.assert_array_equal(points, before)
