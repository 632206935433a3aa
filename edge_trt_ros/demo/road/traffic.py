# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
The objects on the road and their positions, as closed functions of time.

A `Lane` is an endless row of places that pass the camera one after the other. The object at a
place is drawn at random from (seed, lane, number of the place), so any process can compute the
objects at any time, without the frames before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
import math

import numpy as np

from edge_trt_ros.demo.road import road_users, roadside, vehicles
from edge_trt_ros.demo.road.light import Light
from edge_trt_ros.demo.road.scene_truth import NO_CLASS
from edge_trt_ros.demo.road.solids import Point, Solid

CLASS_NAMES = ('car', 'truck', 'pedestrian', 'cyclist', 'cone')

_STEPS = 16
_TREE, _LAMP, _SIGN, _HOUSE = 'tree', 'lamp', 'sign', 'house'


@dataclass(frozen=True)
class Lane:
    """
    A row of evenly spaced places that moves past the camera.

    :param kinds: what may be at a place: class names or roadside items; one is drawn at random
        for each place.
    :param x_m: lateral position.
    :param spacing_m: distance between places.
    :param closing_m_s: speed towards the camera; negative if the row moves away.
    :param chance: probability that a place is occupied.
    :param yaw_rad: heading of the objects.
    :param far_m: distance at which a place appears.
    :param shift_m: where the row starts.
    :param jitter_x_m: maximum random offset to either side.
    :param walk_m_s: speed over ground, which moves legs and pedals.
    :param across_m_s: lateral speed of objects that cross the road.
    :param near_m: minimum distance, for vehicles ahead in the same lane.
    :param sway_m: amplitude of the row's oscillation.
    :param run: number of places that are occupied together, such as a row of cones.
    """

    kinds: tuple[str, ...]
    x_m: float
    spacing_m: float
    closing_m_s: float
    chance: float = 0.7
    yaw_rad: float = 0.0
    far_m: float = 90.0
    shift_m: float = 0.0
    jitter_x_m: float = 0.2
    walk_m_s: float = 0.0
    across_m_s: float = 0.0
    near_m: float = -9.0
    sway_m: float = 0.0
    run: int = 1


@dataclass(frozen=True)
class Actor:
    """
    One object at one moment.

    :param class_id: index into `CLASS_NAMES`, or `NO_CLASS` for a roadside item.
    :param kind: class name or item.
    :param key: seed of its appearance.
    :param position: x, y, z in metres.
    :param yaw_rad: heading; 0 moves away from the camera.
    :param step: 0.._STEPS - 1, phase of walking or pedalling.
    :param braking: whether its brake lamps are lit.
    """

    class_id: int
    kind: str
    key: tuple[int, ...]
    position: Point
    yaw_rad: float
    step: int
    braking: bool


def actors_at(seed: int, lanes: tuple[Lane, ...], time_s: float) -> list[Actor]:
    """Return all objects in front of the camera at a time, the most distant first."""
    actors: list[Actor] = []
    for number, lane in enumerate(lanes):
        drift = lane.closing_m_s * time_s - lane.shift_m
        drift += lane.sway_m * math.sin(0.35 * time_s + lane.shift_m)
        # Place i lies at i * spacing - drift.
        first = math.ceil((drift + lane.near_m) / lane.spacing_m)
        last = math.floor((drift + lane.far_m) / lane.spacing_m)
        for place in range(first, last + 1):
            actor = _actor(seed, number, lane, place, place * lane.spacing_m - drift, time_s)
            if actor is not None:
                actors.append(actor)
    return sorted(actors, key=lambda actor: -actor.position[2])


def _actor(seed: int, number: int, lane: Lane, place: int, z_m: float,
           time_s: float) -> Actor | None:
    kind, across, along, start, braking = _occupant(seed, number, lane, place)
    if not kind:
        return None
    z_m += along * 0.12 * lane.spacing_m * (lane.run == 1)
    x_m = lane.x_m + across * lane.jitter_x_m
    if lane.across_m_s:
        x_m += lane.across_m_s * (40 - z_m) / lane.closing_m_s
    stride = 1.5 if kind == 'pedestrian' else 4.0
    step = int((time_s * lane.walk_m_s / stride + start) * _STEPS) % _STEPS
    class_id = CLASS_NAMES.index(kind) if kind in CLASS_NAMES else NO_CLASS
    return Actor(class_id, kind, (seed, number, place), (x_m, 0.0, z_m), lane.yaw_rad, step,
                 braking and abs(lane.closing_m_s) < 5)


@lru_cache(maxsize=4096)
def _occupant(seed: int, number: int, lane: Lane,
              place: int) -> tuple[str, float, float, float, bool]:
    """Return the kind of object at a place ('': none), its offsets, phase and braking."""
    if _rng((seed, number, place // lane.run, 7)).random() >= lane.chance:
        return '', 0.0, 0.0, 0.0, False
    rng = _rng((seed, number, place))
    kind = lane.kinds[rng.integers(len(lane.kinds))]
    across, along = rng.uniform(-1, 1, 2).tolist()
    return kind, across, along, float(rng.random()), bool(rng.random() < 0.3)


def solid_of(actor: Actor, light: Light) -> Solid:
    """Return the solid of an object."""
    rng = _rng((*actor.key, 3))
    if actor.kind in _BUILDERS:
        return _BUILDERS[actor.kind](rng, light, actor.yaw_rad, actor.step / _STEPS)
    if actor.kind in ('car', 'truck'):
        build = vehicles.car if actor.kind == 'car' else vehicles.truck
        return build(rng, light, actor.yaw_rad, actor.braking)
    side = math.copysign(1.0, actor.position[0])
    if actor.kind == _TREE:
        return roadside.tree(rng, light)
    if actor.kind == _SIGN:
        return roadside.sign(rng, light)
    return (roadside.house if actor.kind == _HOUSE else roadside.lamp_post)(rng, light, side)


_BUILDERS: dict[str, Callable[[np.random.Generator, Light, float, float], Solid]] = {
    'pedestrian': road_users.pedestrian, 'cyclist': road_users.cyclist, 'cone': road_users.cone}


def lanes_from_seed(rng: np.random.Generator, is_city: bool, own_m_s: float) -> tuple[Lane, ...]:
    """
    Return random traffic for one scene.

    :param rng: source of the random choices.
    :param is_city: whether there are houses and more people next to the road.
    :param own_m_s: speed of the camera.
    """
    turned = math.pi

    def start() -> float:
        return float(rng.uniform(0, 400))

    def speed(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    onward = ('car', 'car', 'truck')
    lanes = [
        Lane(onward, 0.0, 30.0, 0.0, 0.9, far_m=75, shift_m=speed(17, 27), near_m=10.0,
             sway_m=speed(0, 3)),
        Lane(onward, 3.5, speed(17, 26), speed(1.5, 4), 0.6, far_m=95, shift_m=start()),
        Lane(onward, -3.5, speed(24, 36), own_m_s + speed(7, 11), 0.7, turned, 120, start()),
        Lane(('car', 'car', 'car', 'truck'), -6.45, 9.5, own_m_s, 0.45, 0.0, 70, start(), 0.1),
        Lane(('cone',), 1.95 if rng.random() < 0.6 else 5.5, 6.4, own_m_s, 0.45, 0.0, 50, start(),
             0.1, run=5),
        Lane(('cone',), -1.9, 6.8, own_m_s, 0.2, 0.0, 50, start(), 0.08, run=4)]
    busy = 0.5 if is_city else 0.35
    for x, yaw, walk in ((8.2, 0.0, 1.3), (9.4, turned, -1.3), (-8.6, 0.0, 1.2),
                         (-9.8, turned, -1.4)):
        lanes.append(Lane(('pedestrian',), x, speed(8, 13), own_m_s - walk, busy, yaw, 55,
                          start(), 0.35, abs(walk)))
    crossing = float(rng.choice((-1.0, 1.0)))
    lanes += [
        Lane(('pedestrian',), 0.0, speed(17, 28), own_m_s, busy, crossing * math.pi / 2, 62,
             start(), 2.5, 1.3, crossing * 1.3),
        Lane(('cyclist',), 6.0, speed(11, 18), own_m_s - 4.2, 0.6, 0.0, 70, start(), 0.25, 4.2),
        Lane(('cyclist',), -5.3, speed(22, 30), own_m_s + 4, 0.5, turned, 70, start(), 0.15, 4),
        Lane(('cyclist',), -crossing * 2, speed(34, 60), own_m_s, 0.6, -crossing * math.pi / 2,
             70, start(), 3.0, 3, -crossing * 2.2)]
    lanes += [Lane((_LAMP,), x, 28, own_m_s, 1.0, 0.0, 110, start(), 0.0) for x in (-8.1, 7.4)]
    lanes += [Lane((_SIGN,), x, 37, own_m_s, 0.6, 0.0, 80, start(), 0.0) for x in (-8.0, 7.3)]
    for side, kerb in ((-1, -8.0), (1, 7.3)):
        if is_city:
            lanes.append(Lane((_HOUSE,), kerb + side * 8.2, 15.5, own_m_s, 0.85, 0.0, 100,
                              start(), 0.5))
            lanes.append(Lane((_TREE,), kerb + side * 0.2, 19, own_m_s, 0.4, 0.0, 100, start(),
                              0.1))
        else:
            for reach, pitch in ((4.8, 11.0), (11.0, 9.0)):
                lanes.append(Lane((_TREE,), kerb + side * reach, pitch, own_m_s, 0.62, 0.0, 100,
                                  start(), 1.6))
    return tuple(lanes)


def _rng(key: tuple[int, ...]) -> np.random.Generator:
    """Return a generator for a key; numbers of places may be negative."""
    return np.random.default_rng([value & 0xFFFFFFFF for value in key])
