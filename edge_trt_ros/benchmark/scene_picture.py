# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Plots the duration of a frame over the number of objects that it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_WIDTH, _HEIGHT = 1200, 700
_LEFT, _RIGHT, _TOP, _BOTTOM = 90, 390, 70, 70
_INK, _FAINT = (40, 40, 40), (228, 228, 228)
_COLORS = ((160, 90, 20), (40, 120, 220), (60, 150, 60), (150, 60, 150), (30, 30, 190),
           (130, 130, 20), (90, 90, 90), (180, 120, 180))
Point = tuple[int, int]


def scene_picture(scenes: Sequence[Mapping[str, Any]], title: str) -> NDArray[np.uint8]:
    """
    Return curves of p50 for each size and precision, uint8 (H, W, 3) bgr.

    A thin line is p99; a dashed line is the floor, the bare network.

    :param scenes: result of `measure_scenes`, at least one scene.
    :param title: device and library.
    """
    return _picture(scene_curves(scenes), 'objects', 'frame_ms', (
        title, 'ms of a frame, from its bytes to published detections, over its objects'))


def camera_picture(scenes: Sequence[Mapping[str, Any]], title: str) -> NDArray[np.uint8]:
    """
    Return curves of a round over the number of cameras (see `scene_picture`).

    :param scenes: result of `measure_cameras`, at least one.
    :param title: device and library.
    """
    return _picture(_by_name(scenes, 'cameras'), 'cameras', 'round_ms', (
        f"{title}, {scenes[0]['objects']} objects",
        'ms until the images of all cameras have their detections, over the number of cameras'))


def _picture(named: Mapping[str, Sequence[Mapping[str, Any]]], axis: str, figure: str,
             titles: tuple[str, str]) -> NDArray[np.uint8]:
    scenes = [scene for curve in named.values() for scene in curve]
    image = np.full((_HEIGHT, _WIDTH, 3), 255, np.uint8)
    numbers = sorted({scene[axis] for scene in scenes})
    longest_ms = max(scene[figure]['p99'] for scene in scenes)
    _write(image, titles[0], (24, 30), 0.55)
    _write(image, titles[1], (24, 54), 0.5)
    step_ms = next(step for power in range(-4, 7) for step in (
        10.0 ** power, 2 * 10.0 ** power, 5 * 10.0 ** power) if longest_ms / step <= 8)
    for index in range(int(longest_ms / step_ms) + 1):
        y = _place_y(index * step_ms, longest_ms)
        cv2.line(image, (_LEFT, y), (_WIDTH - _RIGHT, y), _FAINT, 1)
        _write(image, f'{index * step_ms:g}', (24, y + 5), 0.45)
    for number in numbers:
        _write(image, str(number), (_place_x(number, numbers) - 8, _HEIGHT - 40), 0.45)
    for row, (name, curve) in enumerate(named.items()):
        color = _COLORS[row % len(_COLORS)]

        def points(of: str, percentile: str) -> list[Point]:
            return [(_place_x(scene[axis], numbers), _place_y(scene[of][percentile], longest_ms))
                    for scene in curve if of in scene]
        _draw(image, points(figure, 'p50'), color, 2)
        _draw(image, points(figure, 'p99'), color, 1)
        _draw(image, points('floor_ms', 'p50'), color, 1, dashed=True)
        y = _TOP + 24 * row
        cv2.line(image, (_WIDTH - _RIGHT + 20, y), (_WIDTH - _RIGHT + 50, y), color, 2)
        _write(image, name, (_WIDTH - _RIGHT + 60, y + 5), 0.5)
    _write(image, 'thick: p50, thin: p99', (_WIDTH - _RIGHT + 20, _HEIGHT - 70), 0.45)
    if any('floor_ms' in scene for scene in scenes):
        _write(image, 'dashed: network alone, p50', (_WIDTH - _RIGHT + 20, _HEIGHT - 50), 0.45)
    return image


def scene_curves(scenes: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Return the scenes of each size and precision by its name, sorted by objects."""
    return _by_name(scenes, 'objects')


def _by_name(scenes: Sequence[Mapping[str, Any]], axis: str) -> dict[str, list[Mapping[str, Any]]]:
    curves: dict[str, list[Mapping[str, Any]]] = {}
    for scene in sorted(scenes, key=lambda scene: int(scene[axis])):
        name = f"{'x'.join(map(str, scene['source_size_wh']))} {scene['precision']}"
        curves.setdefault(name, []).append(scene)
    return curves


def _draw(image: NDArray[np.uint8], points: Sequence[Point], color: tuple[int, int, int],
          thickness: int, dashed: bool = False) -> None:
    for start, end in zip(points, points[1:]):
        parts = 24 if dashed else 1
        steps = np.linspace(start, end, parts + 1).round().astype(int).tolist()
        for first, second in list(zip(steps, steps[1:]))[::2]:
            cv2.line(image, first, second, color, thickness, cv2.LINE_AA)
    if not dashed:
        for point in points:
            cv2.circle(image, point, 2 + thickness, color, -1, cv2.LINE_AA)


def _place_x(count: int, objects: Sequence[int]) -> int:
    # Spaced evenly by rank: 1 and 300 objects are both readable.
    share = (objects.index(count) + 0.5) / len(objects)
    return _LEFT + round(share * (_WIDTH - _LEFT - _RIGHT))


def _place_y(time_ms: float, longest_ms: float) -> int:
    return _HEIGHT - _BOTTOM - round(time_ms / max(longest_ms, 1e-9)
                                     * (_HEIGHT - _TOP - _BOTTOM))


def _write(image: NDArray[np.uint8], text: str, at_xy: Point, size: float) -> None:
    cv2.putText(image, text, at_xy, cv2.FONT_HERSHEY_SIMPLEX, size, _INK, 1, cv2.LINE_AA)
