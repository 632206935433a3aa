# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Pedestrians, cyclists and cones as solids; they walk or ride along +z."""

from __future__ import annotations

import math

import numpy as np

from edge_trt_ros.demo.road.light import Bgr, Light
from edge_trt_ros.demo.road.solids import DETAIL, FINE, Point, Sketch, Solid

_CLOTHES: tuple[Bgr, ...] = (
    (52, 44, 190), (176, 92, 36), (60, 58, 58), (196, 190, 184), (60, 142, 62), (44, 176, 232),
    (118, 54, 106), (132, 132, 46), (84, 120, 214), (70, 84, 102), (190, 150, 60))
_TROUSERS: tuple[Bgr, ...] = (
    (92, 62, 44), (46, 44, 44), (92, 100, 112), (126, 84, 50), (70, 92, 128), (60, 56, 84))
_SKINS: tuple[Bgr, ...] = ((150, 178, 224), (112, 148, 200), (84, 116, 166), (56, 78, 116))
_HAIRS: tuple[Bgr, ...] = ((32, 34, 40), (40, 62, 96), (66, 120, 176), (150, 152, 156))
_SHOE: Bgr = (48, 46, 50)
_STEEL: Bgr = (70, 68, 72)


def pedestrian(rng: np.random.Generator, light: Light, yaw_rad: float, phase: float) -> Solid:
    """
    Draw a walking person.

    :param rng: source of random build and clothes; the same seed for all phases of a person.
    :param light: sun and sky.
    :param yaw_rad: heading; 0 walks away from the camera.
    :param phase: 0..1 of one double step.
    """
    height = float(rng.uniform(1.55, 1.9))
    coat, legs = _pick(rng, _CLOTHES), _pick(rng, _TROUSERS)
    skin, hair = _pick(rng, _SKINS), _pick(rng, _HAIRS)
    long_coat, backpack = rng.random() < 0.35, rng.random() < 0.4
    bag = _pick(rng, _CLOTHES)
    unit = height / 1.75
    stride = math.sin(math.tau * phase)
    sketch = Sketch()

    def arm(side: int) -> None:
        swing = -side * stride * 0.3
        elbow = (side * 0.27 * unit, 1.12 * unit, swing * 0.4)
        hand = (side * 0.28 * unit, 0.86 * unit, swing + 0.05)
        sketch.rod((side * 0.22 * unit, 1.38 * unit, 0.0), elbow, 0.062, _scaled(coat, 0.9))
        sketch.rod(elbow, hand, 0.052, _scaled(coat, 0.86))
        sketch.ball(hand, 0.05, skin, level=DETAIL)

    def leg(side: int) -> None:
        swing = side * stride * 0.32
        knee = (side * 0.1 * unit, 0.48 * unit, swing * 0.5 + 0.05)
        lifted = max(0.0, -side * math.cos(math.tau * phase)) * 0.09
        ankle = (side * 0.1 * unit, 0.08 + lifted, swing - lifted)
        gain = 0.92 if side < 0 else 1.0
        sketch.rod((side * 0.09 * unit, 0.86 * unit, 0.0), knee, 0.092, _scaled(legs, gain))
        sketch.rod(knee, ankle, 0.07, _scaled(legs, 0.94 * gain))
        sketch.rod((ankle[0], 0.05 + lifted, ankle[2] - 0.03),
                   (ankle[0], 0.05 + lifted, ankle[2] + 0.13), 0.05, _SHOE, level=DETAIL)

    # Seen from the side, the body hides one arm: paint the far arm first.
    near = 1 if math.sin(yaw_rad) > 0 else -1
    arm(-near)
    leg(-near)
    leg(near)
    hem = 0.62 if long_coat else 0.88
    sketch.rod((0.0, (hem + 0.1) * unit, 0.0), (0.0, 1.1 * unit, 0.0), 0.17, coat)
    sketch.rod((0.0, 1.05 * unit, 0.0), (0.0, 1.3 * unit, 0.0), 0.185, coat)
    sketch.rod((-0.12 * unit, 1.37 * unit, 0.0), (0.12 * unit, 1.37 * unit, 0.0), 0.1, coat)
    glow = _scaled(coat, 1.22)
    sketch.rod((0.06, 1.0 * unit, 0.0), (0.06, 1.34 * unit, 0.0), 0.05, glow, inner=True,
               level=FINE)
    if backpack and math.cos(yaw_rad) > -0.3:
        sketch.rod((0.0, 1.02 * unit, -0.16), (0.0, 1.3 * unit, -0.16), 0.135, bag)
        sketch.rod((0.0, 1.05 * unit, -0.2), (0.0, 1.12 * unit, -0.2), 0.09, _scaled(bag, 0.8),
                   inner=True, level=FINE)
    arm(near)
    _head(sketch, (0.0, 1.62 * unit, 0.02), skin, hair, math.cos(yaw_rad) > 0)
    return sketch.finish(light, yaw_rad)


def cyclist(rng: np.random.Generator, light: Light, yaw_rad: float, phase: float) -> Solid:
    """
    Draw a person riding a bicycle.

    :param rng: source of random clothes; the same seed for all phases of a rider.
    :param light: sun and sky.
    :param yaw_rad: heading; 0 rides away from the camera.
    :param phase: 0..1 of one turn of the pedals.
    """
    shirt, legs = _pick(rng, _CLOTHES), _pick(rng, _TROUSERS)
    skin, helmet = _pick(rng, _SKINS), _pick(rng, _CLOTHES)
    frame = _pick(rng, _CLOTHES)
    vest = rng.random() < 0.4
    sketch = Sketch()
    for z in (-0.52, 0.54):
        turns = [math.tau * i / 18 for i in range(18)]
        rim = [(0.0, 0.35 + 0.33 * math.sin(a), z + 0.33 * math.cos(a)) for a in turns]
        sketch.ring(rim, 0.026, (40, 38, 40))
        sketch.rod(rim[2], rim[11], 0.008, (150, 150, 150), inner=True, level=FINE)
        sketch.rod(rim[6], rim[15], 0.008, (150, 150, 150), inner=True, level=FINE)
    crank, seat, bar = (0.0, 0.32, -0.02), (0.0, 0.92, -0.22), (0.0, 1.02, 0.4)
    head_tube = (0.0, 0.86, 0.36)
    for start, stop in ((crank, seat), (crank, head_tube), ((0.0, 0.8, -0.18), head_tube),
                        (crank, (0.0, 0.35, -0.52)), ((0.0, 0.8, -0.18), (0.0, 0.35, -0.52)),
                        (bar, (0.0, 0.35, 0.54))):
        sketch.rod(start, stop, 0.024, frame, level=DETAIL)
    sketch.rod((-0.25, 1.04, 0.4), (0.25, 1.04, 0.4), 0.02, _STEEL, level=DETAIL)
    near = 1 if math.sin(yaw_rad) > 0 else -1
    hip, shoulder = (0.0, 0.98, -0.2), (0.0, 1.44, 0.1)
    for side in (-near, near):
        angle = math.tau * phase + (math.pi if side > 0 else 0.0)
        foot = (side * 0.12, 0.32 + 0.16 * math.sin(angle), 0.0 + 0.16 * math.cos(angle))
        knee = (side * 0.14, 0.5 * (hip[1] + foot[1]) + 0.08, 0.5 * (hip[2] + foot[2]) + 0.2)
        sketch.rod((side * 0.1, hip[1], hip[2]), knee, 0.085, legs)
        sketch.rod(knee, foot, 0.06, _scaled(skin, 0.95))
        sketch.rod((foot[0], foot[1], foot[2] - 0.05), (foot[0], foot[1], foot[2] + 0.14), 0.045,
                   _SHOE, level=DETAIL)
        if side == -near:
            sketch.rod(hip, shoulder, 0.165, shirt)
            sketch.rod((-0.13, 1.44, 0.1), (0.13, 1.44, 0.1), 0.1, shirt)
            if vest:
                sketch.rod((-0.14, 1.2, -0.1), (0.14, 1.2, -0.1), 0.045, (90, 235, 225),
                           inner=True)
        elbow = (side * 0.28, 1.2, 0.24)
        sketch.rod((side * 0.2, 1.42, 0.1), elbow, 0.058, _scaled(shirt, 0.9))
        sketch.rod(elbow, (side * 0.23, 1.05, 0.4), 0.045, skin)
    head = (0.0, 1.66, 0.2)
    sketch.ball(head, 0.115, skin)
    sketch.ball((0.0, head[1] + 0.045, head[2] - 0.01), 0.125, helmet)
    sketch.rod((0.0, head[1] + 0.1, head[2] - 0.06), (0.0, head[1] + 0.1, head[2] + 0.05), 0.02,
               _scaled(helmet, 0.6), inner=True)
    away = math.cos(yaw_rad) > 0
    sketch.lamp((0.0, 0.82, -0.3 if away else 0.5), 0.16, (30, 30, 220) if away
                else (225, 245, 250))
    return sketch.finish(light, yaw_rad)


def cone(rng: np.random.Generator, light: Light, yaw_rad: float, phase: float) -> Solid:
    """
    Draw a traffic cone with two reflecting collars.

    :param rng: source of a random size and shade.
    :param light: sun and sky.
    :param yaw_rad: not used.
    :param phase: not used; all road users have the same signature.
    """
    height = float(rng.uniform(0.85, 1.05))
    orange = (20 + float(rng.uniform(0, 30)), float(rng.uniform(78, 110)), 244.0)
    base, foot, tip = 0.27, 0.19, 0.035
    sketch = Sketch()
    sketch.block((-base, 0.0, -base), (base, 0.05, base), _scaled(orange, 0.72))
    bands = ((0.05, 0.34, orange), (0.34, 0.54, (238, 238, 236)), (0.54, 0.68, orange),
             (0.68, 0.84, (238, 238, 236)), (0.84, 1.0, orange))
    shade_side = -1 if light.sun_direction[0] > 0 else 1
    for low, high, bgr in bands:
        half0, half1 = (foot + (tip - foot) * level for level in (low, high))
        y0, y1 = low * height, high * height
        _slab(sketch, (-half0, half0), (-half1, half1), y0, y1, bgr, False)
        left0, left1 = (-half0, -half1) if shade_side < 0 else (half0 * 0.3, half1 * 0.3)
        right0, right1 = (-half0 * 0.3, -half1 * 0.3) if shade_side < 0 else (half0, half1)
        _slab(sketch, (left0, right0), (left1, right1), y0, y1, _scaled(bgr, 0.76), True)
    return sketch.finish(light, 0.0)


def _slab(sketch: Sketch, low_x: tuple[float, float], high_x: tuple[float, float], y0: float,
          y1: float, bgr: Bgr, inner: bool) -> None:
    """Add one band of a cone, facing the camera."""
    sketch.face(((low_x[0], y0, 0.0), (low_x[1], y0, 0.0), (high_x[1], y1, 0.0),
                 (high_x[0], y1, 0.0)), bgr, inner=inner, culled=False)


def _head(sketch: Sketch, center: Point, skin: Bgr, hair: Bgr, from_behind: bool) -> None:
    x, y, z = center
    sketch.rod((x, y - 0.2, z), (x, y - 0.08, z), 0.06, _scaled(skin, 0.85))
    sketch.ball((x, y + 0.025, z - 0.015), 0.128, hair)
    if from_behind:
        sketch.ball((x, y - 0.05, z), 0.1, hair, inner=True)
    else:
        sketch.ball((x, y - 0.015, z + 0.02), 0.102, skin, inner=True)


def _pick(rng: np.random.Generator, palette: tuple[Bgr, ...]) -> Bgr:
    blue, green, red = np.clip(np.array(palette[rng.integers(len(palette))])
                               * rng.uniform(0.85, 1.15) + rng.normal(0, 6, 3), 8, 250).tolist()
    return (blue, green, red)


def _scaled(bgr: Bgr, gain: float) -> Bgr:
    return (min(bgr[0] * gain, 255.0), min(bgr[1] * gain, 255.0), min(bgr[2] * gain, 255.0))
