# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Cars and trucks as solids, in their own frame, heading along +z."""

from __future__ import annotations

import math

import numpy as np

from edge_trt_ros.demo.road.light import Bgr, Light
from edge_trt_ros.demo.road.solids import ALWAYS, DETAIL, FINE, Point, Sketch, Solid

_GLASS: Bgr = (92, 74, 60)
_SHEEN: Bgr = (188, 168, 150)
_TYRE: Bgr = (34, 32, 32)
_RIM: Bgr = (170, 168, 166)
_TRIM: Bgr = (48, 46, 45)
_RED: Bgr = (36, 30, 205)
_LAMP: Bgr = (225, 245, 250)

_PAINTS: tuple[Bgr, ...] = (
    (58, 48, 190), (186, 108, 38), (238, 236, 232), (168, 166, 164), (62, 58, 56), (92, 132, 52),
    (40, 160, 228), (128, 64, 44), (70, 38, 118), (196, 178, 118), (60, 104, 206), (150, 138, 60))
_CARGO: tuple[Bgr, ...] = (
    (232, 230, 226), (198, 118, 44), (54, 92, 206), (96, 148, 58), (205, 190, 150), (60, 178, 226))


def car(rng: np.random.Generator, light: Light, yaw_rad: float, braking: bool) -> Solid:
    """
    Draw a car: saloon, hatchback or off-roader, of any colour.

    :param rng: source of a random shape and colour.
    :param light: sun and sky.
    :param yaw_rad: heading; 0 drives away from the camera.
    :param braking: whether the brake lamps are lit.
    """
    paint = _varied(rng, _PAINTS[rng.integers(len(_PAINTS))])
    kind = rng.integers(3)
    lift = (0.0, 0.04, 0.16)[kind] + float(rng.uniform(-0.02, 0.03))
    half, tail, nose = float(rng.uniform(0.86, 0.94)), -2.1, 2.1 + float(rng.uniform(-0.1, 0.2))
    belt, roof = 0.92 + lift, 1.43 + 1.4 * lift
    cabin_tail = (tail + 0.45, tail + 0.08, tail + 0.1)[kind]
    sketch = Sketch()
    for z in (tail + 0.72, nose - 0.8):
        _tread(sketch, half - 0.24, half - 0.02, 0.5, z, 0.14)
    low = 0.26 + lift / 2
    sketch.extrude(((tail + 0.12, low, half - 0.04), (nose - 0.15, low, half - 0.06),
                    (nose, 0.5 + lift, half - 0.08), (nose - 0.12, 0.72 + lift, half - 0.08),
                    (0.85, belt, half - 0.02), (tail + 0.06, belt + 0.03, half - 0.05),
                    (tail, 0.6 + lift, half)), paint)
    _ends(sketch, paint, half, tail, nose, belt, low, lift, braking)
    _sides(sketch, half, tail, nose, low, lift)
    cabin = ((cabin_tail, belt, half - 0.1), (1.0, belt - 0.02, half - 0.1),
             (0.2, roof - 0.03, half - 0.26), (cabin_tail + 0.42, roof, half - 0.26),
             (cabin_tail + 0.28, roof - 0.04, half - 0.24))
    sketch.extrude(cabin, paint)
    _windows(sketch, cabin[0], cabin[4], cabin[1], cabin[2])
    return sketch.finish(light, yaw_rad)


def truck(rng: np.random.Generator, light: Light, yaw_rad: float, braking: bool) -> Solid:
    """
    Draw a box truck.

    :param rng: source of a random size and colours.
    :param light: sun and sky.
    :param yaw_rad: heading; 0 drives away from the camera.
    :param braking: whether the brake lamps are lit.
    """
    paint = _varied(rng, _PAINTS[rng.integers(len(_PAINTS))])
    cargo = _varied(rng, _CARGO[rng.integers(len(_CARGO))])
    stripe = _PAINTS[rng.integers(len(_PAINTS))]
    half, length = float(rng.uniform(1.12, 1.24)), float(rng.uniform(4.6, 6.6))
    top, tail = float(rng.uniform(2.9, 3.5)), -length / 2 - 1.0
    front = tail + length
    sketch = Sketch()
    for z in (tail + 1.2, front + 0.7):
        _tread(sketch, half - 0.42, half - 0.05, 0.8, z, 0.2)
    sketch.block((-half + 0.15, 0.5, tail + 0.2), (half - 0.15, 0.95, front + 1.6), _TRIM)

    def cab() -> None:
        shell = ((front + 0.05, 0.55, half - 0.06), (front + 1.8, 0.45, half - 0.06),
                 (front + 1.9, 1.2, half - 0.06), (front + 1.55, 2.35, half - 0.14),
                 (front + 0.05, 2.5, half - 0.14))
        sketch.extrude(shell, paint)
        _windows(sketch, shell[0], shell[0], (front + 1.86, 1.3, half - 0.07), shell[3])
        for side in (-1, 1):
            _plate(sketch, side * 0.75, 0.78, front + 1.9, 0.18, 0.12, _LAMP, True, 1)
            if math.cos(yaw_rad) < 0:
                sketch.lamp((side * 0.75, 0.78, front + 1.95), 0.5, _LAMP)
        _plate(sketch, 0.0, 0.85, front + 1.9, 0.45, 0.2, _TRIM, False, 1)

    def box() -> None:
        sketch.block((-half, 0.92, tail), (half, top, front), cargo)
        for side in (-1, 1):
            y0, y1 = 1.35, 1.75
            ends = (tail + 0.05, front - 0.05) if side > 0 else (front - 0.05, tail + 0.05)
            x = side * half
            sketch.face(((x, y0, ends[0]), (x, y0, ends[1]), (x, y1, ends[1]), (x, y1, ends[0])),
                        stripe, inner=True)
        _plate(sketch, 0.0, 1.98, tail, half - 0.1, (top - 2.0) * 0.42, _scaled(cargo, 0.9),
               False, -1)
        _plate(sketch, 0.0, 1.25, tail, half - 0.1, 0.18, stripe, False, -1)
        _plate(sketch, 0.0, (top + 0.95) / 2, tail, 0.025, (top - 1.05) / 2, _TRIM, False, -1)
        _plate(sketch, 0.0, 0.72, tail + 0.19, half - 0.16, 0.1, (60, 60, 62), False, -1)
        for side in (-1, 1):
            red = (50, 48, 255) if braking else _RED
            _plate(sketch, side * (half - 0.3), 0.74, tail + 0.18, 0.16, 0.11, red, braking, -1)
            sketch.lamp((side * (half - 0.3), 0.74, tail + 0.1), 0.32, (30, 30, 200))

    for piece in ((cab, box) if math.cos(yaw_rad) > 0 else (box, cab)):
        piece()
    _wheels(sketch, half - 0.04, (tail + 1.2, front + 0.7), 0.47)
    return sketch.finish(light, yaw_rad)


def _ends(sketch: Sketch, paint: Bgr, half: float, tail: float, nose: float, belt: float,
          low: float, lift: float, braking: bool) -> None:
    """Add the rear and the front: lamps, bumpers, plates."""
    red = (60, 56, 255) if braking else _RED
    middle = 0.72 + lift
    _plate(sketch, 0.0, 0.42 + lift, tail - 0.005, half - 0.06, 0.12, _scaled(paint, 0.72), False,
           -1)
    _plate(sketch, 0.0, low + 0.07, tail + 0.02, half - 0.2, 0.06, _TRIM, False, -1)
    _plate(sketch, 0.0, middle - 0.06, tail - 0.01, 0.26, 0.07, (228, 232, 234), False, -1)
    _plate(sketch, 0.0, 0.46 + lift, nose + 0.005, half * 0.62, 0.1, _TRIM, False, 1)
    _plate(sketch, 0.0, 0.38 + lift, nose + 0.01, 0.26, 0.06, (228, 232, 234), False, 1)
    for side in (-1, 1):
        _plate(sketch, side * (half - 0.2), middle, tail - 0.01, 0.17, 0.09, red, braking, -1)
        _plate(sketch, side * (half - 0.3), 0.6 + lift, nose - 0.02, 0.2, 0.08, _LAMP, True, 1)
        sketch.lamp((side * (half - 0.2), middle, tail - 0.05),
                    0.34 if braking else 0.22, (30, 26, 220))
        sketch.lamp((side * (half - 0.3), 0.6 + lift, nose + 0.1), 0.5, _LAMP)


def _sides(sketch: Sketch, half: float, tail: float, nose: float, low: float,
           lift: float) -> None:
    """Add sills and wheels to both sides of a car."""
    for side in (-1, 1):
        z0, z1 = (tail + 0.3, nose - 0.3) if side > 0 else (nose - 0.3, tail + 0.3)
        x = side * (half - 0.01)
        sketch.face(((x, low, z0), (x, low, z1), (x, low + 0.1, z1), (x, low + 0.1, z0)), _TRIM,
                    inner=True)
    _wheels(sketch, half, (tail + 0.72, nose - 0.8), 0.32 + lift / 3)


def _tread(sketch: Sketch, inside: float, outside: float, top: float, z: float,
           reach: float) -> None:
    """Add the treads of a pair of tyres, visible from behind and from the front."""
    for x0, x1 in ((-outside, -inside), (inside, outside)):
        for facing in (-1, 1):
            left, right = (x0, x1) if facing < 0 else (x1, x0)
            end = z + facing * reach
            sketch.face(((left, 0.0, end), (right, 0.0, end), (right, top, end),
                         (left, top, end)), _TYRE)


def _wheels(sketch: Sketch, half: float, axles_z: tuple[float, ...], radius: float) -> None:
    """Add tyres and rims, flush with both sides."""
    for side in (-1, 1):
        for z in axles_z:
            for size, bgr in ((1.0, _TYRE), (0.62, _RIM), (0.22, _TRIM)):
                turns = [side * math.tau * i / 12 for i in range(12)]
                sketch.face([(side * (half + 0.012), radius * (1 + size * math.sin(a)),
                              z + radius * size * math.cos(a)) for a in turns], bgr,
                            inner=size < 1, level=None if size == 1 else
                            DETAIL if size > 0.5 else FINE)


def _windows(sketch: Sketch, rear_low: Point, rear_high: Point, front_low: Point,
             front_high: Point) -> None:
    """Add the windows of a cabin from corners of its profile: forward, up, half the width."""
    if rear_low != rear_high:
        _pane(sketch, [(-rear_low[2], rear_low[1], rear_low[0]),
                       (rear_low[2], rear_low[1], rear_low[0]),
                       (rear_high[2], rear_high[1], rear_high[0]),
                       (-rear_high[2], rear_high[1], rear_high[0])])
    _pane(sketch, [(front_low[2], front_low[1], front_low[0]),
                   (-front_low[2], front_low[1], front_low[0]),
                   (-front_high[2], front_high[1], front_high[0]),
                   (front_high[2], front_high[1], front_high[0])])
    for side in (-1, 1):
        bottom, top = front_low[1], front_high[1]
        lower, upper = side * front_low[2], side * front_high[2]
        if rear_low == rear_high:
            spans = [(rear_low[0] + 0.6, front_low[0], front_high[0], rear_low[0] + 0.6)]
        else:
            start = rear_high[0] + 0.16
            post = (start + front_high[0]) / 2
            spans = [(rear_low[0] + 0.2, post - 0.05, post - 0.05, start),
                     (post + 0.05, front_low[0], front_high[0], post + 0.05)]
        for a, b, c, d in spans:
            corners = [(lower, bottom, a), (lower, bottom, b), (upper, top, c), (upper, top, d)]
            _pane(sketch, corners if side > 0 else [corners[i] for i in (1, 0, 3, 2)])


def _pane(sketch: Sketch, corners: list[Point]) -> None:
    """Add a window within a frame, with a reflection of the sky."""
    grid = np.array(corners, np.float64)
    center = grid.mean(axis=0)
    inset = center + (grid - center) * np.array((0.9, 0.8, 0.88))

    def add(points: list[np.ndarray], bgr: Bgr, level: float) -> None:
        sketch.face([(float(p[0]), float(p[1]), float(p[2])) for p in points], bgr, inner=True,
                    level=level)

    low0, low1, high1, high0 = inset
    add([low0, low1, high1, high0], _GLASS, ALWAYS)
    add([low0 * 0.45 + low1 * 0.55, low0 * 0.25 + low1 * 0.75,
         high0 * 0.45 + high1 * 0.55, high0 * 0.65 + high1 * 0.35], _SHEEN, FINE)


def _plate(sketch: Sketch, x: float, y: float, z: float, half_w: float, half_h: float, bgr: Bgr,
           emissive: bool, facing: int) -> None:
    """Add an upright rectangle that faces forward (1) or back (-1)."""
    left, right = (x - half_w, x + half_w) if facing < 0 else (x + half_w, x - half_w)
    sketch.face(((left, y - half_h, z), (right, y - half_h, z), (right, y + half_h, z),
                 (left, y + half_h, z)), bgr, inner=True, emissive=emissive)


def _scaled(bgr: Bgr, gain: float) -> Bgr:
    return (bgr[0] * gain, bgr[1] * gain, bgr[2] * gain)


def _varied(rng: np.random.Generator, bgr: Bgr) -> Bgr:
    """Return a random colour close to the given one."""
    blue, green, red = np.clip(np.array(bgr) * rng.uniform(0.85, 1.1)
                               + rng.normal(0, 7, 3), 12, 250).tolist()
    return (blue, green, red)
