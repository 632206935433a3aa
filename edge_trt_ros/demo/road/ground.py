# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The moving ground in front of the camera: asphalt, kerbs and verges, lit and hazed."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.demo.road.camera import Camera
from edge_trt_ros.demo.road.light import Bgr, Light

PERIOD_M = 12.0
_PHASES = 48
_GAIN_UNIT = 80
_PLAN_PX_PER_M = 32
_PLAN_HALF_WIDTH_M = 24.0

# Road layout in x: the own lane around 0, three others, bicycle lane right, parking lane left.
LANE_MARKS_X = (-1.75, 1.75)
EDGE_MARKS_X = (-5.25, 5.3)
KERBS_X = (-7.6, 6.9)
PAVEMENT_M = 3.2


class Ground:
    """
    The road with its kerbs and verges, for any distance travelled.

    :param light: sun and sky.
    :param camera: the camera.
    :param is_city: whether the verges are paved instead of grass.
    :param rng: source of random grain, patches and colours.
    """

    def __init__(self, light: Light, camera: Camera, is_city: bool,
                 rng: np.random.Generator) -> None:
        self.top = int(math.ceil(camera.center_xy[1])) + 1
        plan = _plan(light, is_city, rng)
        self._plans = [*(_blurred(plan, rows) for rows in (96, 24)), plan]
        self._camera = camera
        self._gain, self._haze = _illumination(light, camera, self.top, rng)
        self._views: dict[int, NDArray[np.uint8]] = {}

    def prepare(self) -> None:
        """Render every phase now, so that no frame has to."""
        for phase in range(_PHASES):
            self._view(phase)

    def draw(self, canvas: NDArray[np.uint8], travelled_m: float) -> None:
        """Fill everything below the horizon."""
        canvas[self.top:] = self._view(round(travelled_m / PERIOD_M * _PHASES) % _PHASES)

    def _view(self, phase: int) -> NDArray[np.uint8]:
        if phase not in self._views:
            self._views[phase] = self._render(phase * PERIOD_M / _PHASES)
        return self._views[phase]

    def _render(self, offset_m: float) -> NDArray[np.uint8]:
        """Project the plan band by band; distant bands use a plan blurred along the road."""
        camera = self._camera
        width, height = camera.size_wh
        view = np.empty((height - self.top, width, 3), np.uint8)
        drop = camera.focal_px * camera.height_m
        edges = [self.top, *(int(camera.center_xy[1] + drop / z) for z in (34.0, 13.0)), height]
        for band in range(3):
            first, last = max(edges[band], self.top), min(edges[band + 1], height)
            plan = self._plans[band]
            # Image (u, v) -> metres (x, z) -> plan pixels, as one homography.
            focal, (cx, cy), scale = camera.focal_px, camera.center_xy, _PLAN_PX_PER_M
            half, length = _PLAN_HALF_WIDTH_M, plan.shape[0]
            v0 = first - cy
            matrix = np.array([
                [scale * drop / focal, half * scale, -scale * drop * cx / focal
                 + half * scale * v0],
                [0.0, -scale * offset_m + length * 64,
                 -scale * drop + (length * 64 - scale * offset_m) * v0],
                [0.0, 1.0, v0]])
            cv2.warpPerspective(plan, matrix, (width, last - first),
                                dst=view[first - self.top:last - self.top],
                                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                                borderMode=cv2.BORDER_WRAP)
        cv2.multiply(view, self._gain, dst=view, scale=1 / _GAIN_UNIT)
        cv2.add(view, self._haze, dst=view)
        return view


def _plan(light: Light, is_city: bool, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return the ground from above, one period long: rows run towards the camera."""
    rows, columns = round(PERIOD_M * _PLAN_PX_PER_M), round(
        2 * _PLAN_HALF_WIDTH_M * _PLAN_PX_PER_M)
    tone = float(rng.uniform(94, 132))
    plan = np.empty((rows, columns, 3), np.float32)
    plan[:] = (tone * 1.03, tone, tone * 0.98)
    plan += 15 * _wrapped_noise(rng, rows, columns, 48, 24)[:, :, None]

    def strip(x0: float, x1: float, bgr: Bgr) -> slice:
        span = slice(max(0, round((x0 + _PLAN_HALF_WIDTH_M) * _PLAN_PX_PER_M)),
                     round((x1 + _PLAN_HALF_WIDTH_M) * _PLAN_PX_PER_M))
        plan[:, span] = bgr
        return span

    for lane in (-3.5, 0.0, 3.5):
        for wheel in (-0.8, 0.8):
            x = round((lane + wheel + _PLAN_HALF_WIDTH_M) * _PLAN_PX_PER_M)
            plan[:, x - 9:x + 9] -= 7
    verge: Bgr = (150, 156, 160) if is_city else (float(rng.uniform(50, 78)), 132, 112)
    left, right = KERBS_X
    for span in (strip(-_PLAN_HALF_WIDTH_M, left - PAVEMENT_M, verge),
                 strip(right + PAVEMENT_M, _PLAN_HALF_WIDTH_M, verge)):
        rough = _wrapped_noise(rng, rows, span.stop - span.start, 32, 64)[:, :, None]
        plan[:, span] += rough * np.array((16, 30, 26) if not is_city else (10, 10, 10))
    for x0, x1 in ((left - PAVEMENT_M, left), (right, right + PAVEMENT_M)):
        span = strip(x0, x1, (158, 166, 172))
        plan[::_PLAN_PX_PER_M // 2, span] -= 22
        plan[:, span][:, ::_PLAN_PX_PER_M] -= 12
    for kerb in KERBS_X:
        strip(kerb - 0.12, kerb + 0.12, (196, 200, 202))
    plan += rng.normal(0, 7, (rows, columns, 1)).astype(np.float32)
    crack = np.cumsum(rng.normal(0, 1.6, rows))
    crack -= np.linspace(0, crack[-1], rows)
    for track in (-3.6, 0.5, 2.9):
        line = (crack + (track + _PLAN_HALF_WIDTH_M) * _PLAN_PX_PER_M).astype(int)
        plan[np.arange(rows), line] -= 24
    normal = np.array([[0.0, 1.0, 0.0]], np.float32)
    lit, _ = light.shade(np.ones((1, 3), np.float32), normal)
    return np.asarray(np.clip(plan * lit[0], 0, 255), np.uint8)


def _blurred(plan: NDArray[np.uint8], rows: int) -> NDArray[np.uint8]:
    """Return a plan blurred for distant bands, where a pixel covers many of its rows."""
    tiled = np.concatenate((plan,) * 3)
    blurred = cv2.blur(tiled, (max(1, rows // 12), rows))
    return np.ascontiguousarray(blurred[len(plan):2 * len(plan)])


def _wrapped_noise(rng: np.random.Generator, rows: int, columns: int, cell_rows: int,
                   cell_columns: int) -> NDArray[np.float32]:
    """Return smooth noise, about -1..1, that repeats along the rows."""
    coarse = rng.normal(0, 0.5, (max(2, rows // cell_rows), max(2, columns // cell_columns)))
    wrapped = np.concatenate((coarse, coarse[:1])).astype(np.float32)
    smooth = cv2.resize(wrapped, (columns, rows), interpolation=cv2.INTER_CUBIC)
    return np.asarray(smooth, np.float32)


def _illumination(light: Light, camera: Camera, top: int, rng: np.random.Generator,
                  ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return a gain (in 1 / _GAIN_UNIT) and an offset of each pixel: beams, vignette, haze."""
    width, height = camera.size_wh
    v = np.arange(top, height, dtype=np.float32)[:, None] + 0.5
    u = np.arange(width, dtype=np.float32)[None, :] + 0.5
    z = np.asarray(camera.focal_px * camera.height_m / (v - camera.center_xy[1]), np.float32)
    x = np.asarray((u - camera.center_xy[0]) * z / camera.focal_px, np.float32)
    gain = np.ones((height - top, width, 3), np.float32)
    if light.is_dark:
        gain += (light.beam(x, z) * 1.5)[:, :, None] * np.array((0.8, 0.95, 1.0), np.float32)
    gain *= (1 - 0.18 * ((u / width - 0.5) ** 2 + (v / height - 0.5) ** 2))[:, :, None]
    seen = np.exp(-light.haze_per_m * np.maximum(z - 6, 0))[:, :, None]
    haze = np.array(light.sky_low, np.float32) * (1 - seen)
    return (np.clip(gain * seen * _GAIN_UNIT, 0, 255).astype(np.uint8),
            np.broadcast_to(haze, gain.shape).astype(np.uint8))
