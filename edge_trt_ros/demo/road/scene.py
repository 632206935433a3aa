# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
A synthetic road in front of a camera, with the true boxes of all road users.

A seed and a time determine a picture and its truth, and nothing else does: one process can
publish the pictures while another, or a test, recomputes the truth. Uses NumPy and OpenCV and
reads no files.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.demo.road.backdrop import backdrop
from edge_trt_ros.demo.road.camera import Camera
from edge_trt_ros.demo.road.ground import EDGE_MARKS_X, Ground, LANE_MARKS_X
from edge_trt_ros.demo.road.light import light_from_seed
from edge_trt_ros.demo.road.scene_truth import NO_CLASS, truth_from_stage
from edge_trt_ros.demo.road.sensor_noise import Noise
from edge_trt_ros.demo.road.solids import Solid
from edge_trt_ros.demo.road.stage import Stage
from edge_trt_ros.demo.road.traffic import Actor, actors_at, CLASS_NAMES, lanes_from_seed, solid_of
from edge_trt_ros.demo.road.truth import Truth

__all__ = ['CLASS_NAMES', 'Scene', 'SceneFrame']

FRAMES_PER_S = 30.0

_CACHED_SOLIDS = 400
_MARK_M, _MARK_PERIOD_M, _NEAR_MARK_M = 3.0, 9.0, 2.0
_REACH_M = 8.0
_SHADOWLESS = ('house', 'lamp', 'sign')


@dataclass(frozen=True)
class SceneFrame(Truth):
    """
    A picture and its truth.

    :param image: uint8 (height, width, 3), bgr.
    """

    image: NDArray[np.uint8]


class Scene:
    """
    A drive along a road.

    :param seed: determines light, place, camera and traffic.
    :param size_wh: width and height of the pictures in pixels.
    """

    def __init__(self, seed: int, size_wh: tuple[int, int] = (1280, 720)) -> None:
        rng = np.random.default_rng([seed & 0xFFFFFFFF, 1])
        width, height = size_wh
        self.size_wh = size_wh
        self.light = light_from_seed(rng)
        self._seed = seed
        self._camera = Camera(
            size_wh, width * float(rng.uniform(0.66, 0.78)),
            (width * float(rng.uniform(0.46, 0.54)), height * float(rng.uniform(0.42, 0.48))),
            float(rng.uniform(1.3, 1.75)))
        self._own_m_s = float(rng.uniform(7, 11))
        is_city = bool(rng.random() < 0.55)
        self._lanes = lanes_from_seed(rng, is_city, self._own_m_s)
        self._backdrop = backdrop(self.light, self._camera, is_city, rng)
        self._ground = Ground(self.light, self._camera, is_city, rng)
        self._noise = Noise(size_wh, self.light.noise)
        self._blur_sigma = float(rng.uniform(0.35, 0.75))
        self._solids: OrderedDict[tuple[object, ...], Solid] = OrderedDict()

    def prepare(self) -> None:
        """Render the repeating ground in advance, so that all frames take equally long."""
        self._ground.prepare()

    def frame(self, time_s: float) -> SceneFrame:
        """Return the picture and its truth at a time in seconds."""
        actors, stage = self._stage(time_s)
        truth = truth_from_stage(stage, [actor.class_id for actor in actors])
        return SceneFrame(truth.boxes_xyxy, truth.class_ids, truth.visibility,
                          self._image_of(actors, stage, time_s))

    def image(self, time_s: float) -> NDArray[np.uint8]:
        """Return the picture alone: uint8 (height, width, 3) bgr, owned by the caller."""
        return self._image_of(*self._stage(time_s), time_s)

    def truth(self, time_s: float) -> Truth:
        """Return the truth alone, at a fraction of the cost of the picture."""
        actors, stage = self._stage(time_s)
        return truth_from_stage(stage, [actor.class_id for actor in actors])

    def _stage(self, time_s: float) -> tuple[list[Actor], Stage]:
        actors = [actor for actor in actors_at(self._seed, self._lanes, time_s)
                  if self._may_be_seen(actor)]
        return actors, Stage(self._camera, self.light, [self._solid(actor) for actor in actors],
                             [actor.position for actor in actors])

    def _may_be_seen(self, actor: Actor) -> bool:
        """Return false for an object that is certainly outside the picture."""
        x, _, z = actor.position
        reach = max(z + _REACH_M, 1.0) * self.size_wh[0] * 0.56 / self._camera.focal_px
        return z > -_REACH_M and abs(x) < reach + _REACH_M

    def _solid(self, actor: Actor) -> Solid:
        key = (actor.key, actor.step if actor.class_id != NO_CLASS else 0)
        if key not in self._solids:
            if len(self._solids) >= _CACHED_SOLIDS:
                self._solids.popitem(last=False)
            self._solids[key] = solid_of(actor, self.light)
        self._solids.move_to_end(key)
        return self._solids[key]

    def _image_of(self, actors: list[Actor], stage: Stage, time_s: float) -> NDArray[np.uint8]:
        travelled_m = self._own_m_s * time_s
        canvas = self._backdrop.copy()
        self._ground.draw(canvas, travelled_m)
        self._paint_marks(canvas, travelled_m)
        top = self._ground.top
        stage.shade_ground(canvas[top:], top, [actor.kind not in _SHADOWLESS for actor in actors])
        stage.paint(canvas)
        cv2.GaussianBlur(canvas, (3, 3), self._blur_sigma, dst=canvas)
        self._noise.add(canvas, round(time_s * FRAMES_PER_S))
        return canvas

    def _paint_marks(self, canvas: NDArray[np.uint8], travelled_m: float) -> None:
        """Paint dashes between the lanes and a line along the edges."""
        start = _NEAR_MARK_M - travelled_m % _MARK_PERIOD_M
        dashes = [(x, start + _MARK_PERIOD_M * i, start + _MARK_PERIOD_M * i + _MARK_M)
                  for x in LANE_MARKS_X for i in range(9)]
        edges = [(x, z, z * 2) for x in EDGE_MARKS_X for z in (_NEAR_MARK_M, 4, 8, 16, 32, 64)]
        marks = np.array([*dashes, *edges], np.float32)
        marks[:, 1:] = np.maximum(marks[:, 1:], _NEAR_MARK_M)
        x, z0, z1 = marks.T
        left, right, flat = x - 0.075, x + 0.075, np.zeros_like(x)
        corners = np.stack([np.stack(corner, axis=1) for corner in (
            (left, flat, z0), (left, flat, z1), (right, flat, z1), (right, flat, z0))], axis=1)
        pixels, _ = self._camera.project(corners.reshape(-1, 3))
        white = np.full((len(marks), 3), (205, 212, 214), np.float32)
        lit, headlit = self.light.shade(white, np.full((len(marks), 3), (0, 1, 0), np.float32))
        colors = self.light.at_distance(lit, headlit * 4, x, (z0 + z1) / 2).tolist()
        for quad, color in zip((pixels * 16 - 8).astype(np.int32).reshape(-1, 4, 2), colors):
            cv2.fillConvexPoly(canvas, quad, color, cv2.LINE_AA, 4)
