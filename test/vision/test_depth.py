# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""3D boxes against objects with known positions."""

from __future__ import annotations

from hypothesis import given, settings, strategies as st
import numpy as np
import pytest

from edge_trt_ros.vision.space import boxes_in_space, Pinhole

CAMERA = Pinhole((640, 480), (500.0, 510.0), (320.0, 240.0))
RANGE_M = (0.1, 20.0)
CENTER, SIZE = (0.4, -0.2, 3.0), (0.9, 0.6)


def scene(center: tuple[float, float, float] = CENTER, size: tuple[float, float] = SIZE,
          wall_m: float = 8.0) -> tuple[np.ndarray, tuple[float, float, float, float]]:
    """Return the depth image of an upright board in front of a wall, and the board's box."""
    (x, y, z), (width, height) = center, size
    left, right = (500 * (x + side * width / 2) / z + 320 for side in (-1, 1))
    top, bottom = (510 * (y + side * height / 2) / z + 240 for side in (-1, 1))
    depth = np.full((480, 640), wall_m, np.float32)
    rows, columns = np.mgrid[:480, :640] + 0.5
    depth[(rows > top) & (rows < bottom) & (columns > left) & (columns < right)] = z
    return depth, (left, top, right, bottom)


def test_board_in_front_of_a_wall() -> None:
    depth, box = scene()
    (found,) = boxes_in_space(depth, 1.0, [box], CAMERA, RANGE_M)
    assert found.center_xyz == pytest.approx(CENTER, abs=1e-4)
    assert found.size_xyz == pytest.approx((*SIZE, 0.0), abs=1e-4) and found.sigma_m == 0


def test_depth_in_big_endian_millimetres() -> None:
    depth, box = scene()
    (found,) = boxes_in_space((depth * 1000).astype('>u2'), 0.001, [box], CAMERA, RANGE_M)
    assert found.center_xyz == pytest.approx(CENTER, abs=1e-3)


@pytest.mark.parametrize('missing', [np.nan, 0.0, np.inf, -np.inf, -1.0])
def test_holes_noise_and_background_do_not_move_the_box(missing: float) -> None:
    depth, box = scene()
    random = np.random.default_rng(0)
    depth += random.normal(0, 0.02, depth.shape).astype(np.float32)
    depth[random.random(depth.shape) < 0.4] = missing
    depth[random.random(depth.shape) < 0.2] = 8.0  # background
    (found,) = boxes_in_space(depth, 1.0, [box], CAMERA, RANGE_M)
    assert found.center_xyz == pytest.approx(CENTER, abs=0.01)
    assert found.sigma_m == pytest.approx(0.02, rel=0.3) and found.size_xyz[2] < 0.12


def test_box_larger_than_its_object() -> None:
    depth, (left, top, right, bottom) = scene()
    wide = (left - 30, top - 20, right + 30, bottom + 20)
    (found,) = boxes_in_space(depth, 1.0, [wide], CAMERA, RANGE_M)
    assert found.center_xyz == pytest.approx(CENTER, abs=1e-3)


def test_without_depth_there_is_no_3d_box() -> None:
    depth, box = scene()
    assert boxes_in_space(depth, 1.0, [], CAMERA, RANGE_M) == []
    assert boxes_in_space(np.full_like(depth, np.nan), 1.0, [box], CAMERA, RANGE_M) == [None]
    assert boxes_in_space(depth * 0, 1.0, [box, box], CAMERA, RANGE_M) == [None, None]
    assert boxes_in_space(depth, 1.0, [box], CAMERA, (4.0, 7.0)) == [None]
    # A single pixel with depth is not enough.
    single_pixel = np.zeros_like(depth)
    single_pixel[200, 385] = 3.0
    assert boxes_in_space(single_pixel, 1.0, [box], CAMERA, RANGE_M) == [None]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(-2000, 2000), min_size=4, max_size=4))
def test_any_box_returns_finite_numbers_or_none(corners: list[float]) -> None:
    left, right = sorted(corners[:2])
    top, bottom = sorted(corners[2:])
    depth, _ = scene()
    (found,) = boxes_in_space(depth, 1.0, [(left, top, right, bottom)], CAMERA, RANGE_M)
    assert found is None or np.isfinite([*found.center_xyz, *found.size_xyz]).all()
