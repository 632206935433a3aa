# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Objects next to the road, which may hide road users: trees, lamps, signs and houses."""

from __future__ import annotations

import math

import numpy as np

from edge_trt_ros.demo.road.light import Bgr, Light
from edge_trt_ros.demo.road.solids import Point, Sketch, Solid

_WALLS: tuple[Bgr, ...] = (
    (150, 178, 204), (176, 190, 198), (128, 150, 190), (196, 192, 186), (120, 132, 146),
    (150, 140, 176))

_PANE: Bgr = (108, 92, 80)
_LIT_PANE: Bgr = (110, 190, 230)


def tree(rng: np.random.Generator, light: Light) -> Solid:
    """Draw a round-headed tree."""
    height = float(rng.uniform(3.8, 6.5))
    green = np.array((float(rng.uniform(36, 66)), float(rng.uniform(104, 142)),
                      float(rng.uniform(62, 104))))
    sketch = Sketch()
    sketch.rod((0.0, 0.0, 0.0), (0.0, height * 0.6, 0.0), 0.14, (52, 70, 92))
    side = math.copysign(1.0, light.sun_direction[0])
    for shade, shift, size, inner in ((0.7, 0.0, 0.30, False), (0.9, 0.05, 0.24, True),
                                      (1.12, 0.1, 0.15, True)):
        waves, turn = int(rng.integers(6, 9)), float(rng.uniform(0, math.tau))
        angles = np.arange(28) * (math.tau / 28)
        reach = height * size * (1 + 0.13 * np.abs(np.sin(waves * angles / 2 + turn))
                                 + rng.normal(0, 0.012, 28))
        xs = (side * shift * height + reach * np.cos(angles)).tolist()
        ys = (height * (0.72 + shift * 0.7) + 0.9 * reach * np.sin(angles)).tolist()
        outline = [(x, y, 0.0) for x, y in zip(xs, ys)]
        tone = green * shade
        sketch.blob(outline, (float(tone[0]), float(tone[1]), float(tone[2])), inner=inner)
    return sketch.finish(light)


def lamp_post(rng: np.random.Generator, light: Light, side: float) -> Solid:
    """
    Draw a street lamp.

    :param side: -1 if it is left of the road, 1 if right; its arm reaches over the road.
    """
    height = float(rng.uniform(6.2, 7.4))
    steel = (112.0, 110.0, 106.0)
    sketch = Sketch()
    sketch.rod((0.0, 0.0, 0.0), (0.0, 0.9, 0.0), 0.1, steel)
    sketch.rod((0.0, 0.9, 0.0), (0.0, height, 0.0), 0.055, steel)
    tip = -side * 1.5
    sketch.rod((0.0, height, 0.0), (tip, height + 0.25, 0.0), 0.045, steel)
    sketch.rod((tip, height + 0.22, 0.0), (tip * 1.3, height + 0.22, 0.0), 0.08, steel)
    if light.is_dark:
        sketch.lamp((tip * 1.15, height + 0.12, -0.1), 1.1, (120, 200, 250))
    return sketch.finish(light)


def sign(rng: np.random.Generator, light: Light) -> Solid:
    """Draw a round or square traffic sign."""
    sketch = Sketch()
    sketch.rod((0.0, 0.0, 0.0), (0.0, 2.5, 0.0), 0.035, (140, 140, 138))
    if rng.random() < 0.5:
        sketch.ball((0.0, 2.6, -0.02), 0.36, (50, 40, 190))
        sketch.ball((0.0, 2.6, -0.03), 0.27, (240, 242, 242), inner=True)
        sketch.rod((-0.12, 2.6, -0.04), (0.12, 2.6, -0.04), 0.06, (48, 46, 46), inner=True)
    else:
        for size, bgr in ((0.36, (242, 242, 240)), (0.31, (170, 84, 24))):
            sketch.face(((-size, 2.6 - size, 0.0), (size, 2.6 - size, 0.0),
                         (size, 2.6 + size, 0.0), (-size, 2.6 + size, 0.0)), bgr)
    return sketch.finish(light)


def house(rng: np.random.Generator, light: Light, side: float) -> Solid:
    """
    Draw a house with rows of windows towards the road.

    :param side: -1 if it is left of the road, 1 if right.
    """
    wall = _WALLS[rng.integers(len(_WALLS))]
    storeys, length = int(rng.integers(2, 6)), float(rng.uniform(9, 15))
    top, depth = storeys * 3.1 + 0.9, 8.0
    sketch = Sketch()
    x = -side * depth / 2
    sketch.block((-depth / 2, 0.0, -length / 2), (depth / 2, top, length / 2), wall)
    plinth = (wall[0] * 0.7, wall[1] * 0.7, wall[2] * 0.7)

    near, far = (-length / 2, length / 2) if side < 0 else (length / 2, -length / 2)
    for y0, y1, bgr in ((0.0, 0.8, plinth), (top - 0.35, top, (236, 238, 240))):
        sketch.face(((x, y0, near), (x, y0, far), (x, y1, far), (x, y1, near)), bgr, inner=True)
    columns = max(3, int(length / 3.2))
    pitch = length / columns
    panes: dict[bool, list[Point]] = {False: [], True: []}
    for storey in range(storeys):
        y0, y1 = storey * 3.1 + 1.2, storey * 3.1 + 2.9
        for column in range(columns):
            z = -length / 2 + pitch * (column + 0.5)
            near, far = (z - 0.62, z + 0.62) if side < 0 else (z + 0.62, z - 0.62)
            lit = bool(light.is_dark and rng.random() < 0.4)
            panes[lit] += [(x, y0, near), (x, y0, far), (x, y1, far), (x, y1, near)]
    gable: list[Point] = []
    for storey in range(storeys):
        y0, y1 = storey * 3.1 + 1.2, storey * 3.1 + 2.9
        for center in (-depth / 4, depth / 4):
            gable += [(center - 0.7, y0, -length / 2), (center + 0.7, y0, -length / 2),
                      (center + 0.7, y1, -length / 2), (center - 0.7, y1, -length / 2)]
    sketch.quads(gable, _PANE)
    for lit, corners in panes.items():
        if corners:
            sketch.quads(corners, _LIT_PANE if lit else _PANE, emissive=lit)
    return sketch.finish(light)
