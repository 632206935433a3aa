# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The static background: sky, sun, clouds and a skyline."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.demo.road.camera import Camera
from edge_trt_ros.demo.road.light import Bgr, Light


def backdrop(light: Light, camera: Camera, is_city: bool,
             rng: np.random.Generator) -> NDArray[np.uint8]:
    """
    Paint sky, clouds, sun or stars and a skyline.

    :returns: uint8 (height, width, 3) bgr; below the horizon only the colour of the haze.
    """
    width, height = camera.size_wh
    horizon = camera.center_xy[1]
    level = np.clip(np.arange(height, dtype=np.float32) / horizon, 0, 1)[:, None, None] ** 1.4
    sky = (np.array(light.sky_top, np.float32) * (1 - level)
           + np.array(light.sky_low, np.float32) * level)
    picture = np.repeat(sky, width, axis=1)
    _add_sun(picture, light, camera)
    if light.name == 'night':
        _add_stars(picture, horizon, rng)
    if light.name != 'haze':
        _add_clouds(picture, light, horizon, rng)
    picture[int(horizon):] = np.array(light.sky_low, np.float32)
    canvas = np.asarray(np.clip(picture, 0, 255), np.uint8)
    _add_hills(canvas, light, horizon, rng)
    if is_city:
        _add_towers(canvas, light, horizon, rng)
    _add_tree_line(canvas, light, horizon, rng)
    return canvas


def _add_sun(picture: NDArray[np.float32], light: Light, camera: Camera) -> None:
    x, y, z = light.sun_direction
    if z < 0.15 or light.name in ('overcast', 'haze', 'night'):
        return
    u = camera.center_xy[0] + camera.focal_px * x / z
    v = camera.center_xy[1] - camera.focal_px * y / z
    rows, columns = np.mgrid[:picture.shape[0], :picture.shape[1]].astype(np.float32)
    distance = np.hypot(columns - u, rows - v)
    glow = 0.75 * np.exp(-distance / 90) + 0.35 * np.exp(-distance / 320)
    disc = np.clip((34 - distance) / 3, 0, 1)
    picture += (glow + disc)[:, :, None] * np.array((150, 205, 240), np.float32)


def _add_stars(picture: NDArray[np.float32], horizon: float, rng: np.random.Generator) -> None:
    count = 140
    rows = (rng.random(count) ** 1.5 * horizon * 0.8).astype(int)
    columns = (rng.random(count) * picture.shape[1]).astype(int)
    picture[rows, columns] += rng.uniform(40, 160, (count, 1)).astype(np.float32)


def _add_clouds(picture: NDArray[np.float32], light: Light, horizon: float,
                rng: np.random.Generator) -> None:
    height, width = int(horizon), picture.shape[1]
    cover = np.zeros((height, width), np.float32)
    for cells, weight in ((3, 1.0), (7, 0.55), (15, 0.3), (34, 0.16)):
        coarse = rng.normal(0, 0.5, (cells, cells * 2)).astype(np.float32)
        cover += weight * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    edge = float(rng.uniform(0.0, 0.35)) - (0.5 if light.name == 'overcast' else 0.0)
    alpha = np.clip((cover - edge) * 1.6, 0, 0.85)
    alpha *= np.clip(np.linspace(1.2, 0.15, height, dtype=np.float32), 0, 1)[:, None]
    shade = np.clip(1.04 - 0.16 * np.maximum(cover - edge, 0), 0.7, 1.1)
    top = np.array(light.sky_low, np.float32) * 0.6 + np.array((110, 106, 104), np.float32) * (
        0.9 if not light.is_dark else 0.12)
    picture[:height] = (picture[:height] * (1 - alpha[:, :, None])
                        + top * (shade * alpha)[:, :, None])


def _add_hills(canvas: NDArray[np.uint8], light: Light, horizon: float,
               rng: np.random.Generator) -> None:
    width = canvas.shape[1]
    for layer, (tall, far) in enumerate(((92, 0.80), (56, 0.62))):
        coarse = rng.random((1, 7 + 4 * layer)).astype(np.float32)
        ridge = cv2.resize(coarse, (width, 1), interpolation=cv2.INTER_CUBIC)[0]
        ridge += 0.05 * cv2.resize(rng.normal(0, 1, (1, 90)).astype(np.float32), (width, 1))[0]
        outline = np.stack((np.arange(width), horizon - 8 - tall * np.clip(ridge, 0, 1)), axis=1)
        bgr = _hazed((118, 126, 92), light, far)
        _fill_under(canvas, outline, horizon, bgr)


def _add_towers(canvas: NDArray[np.uint8], light: Light, horizon: float,
                rng: np.random.Generator) -> None:
    width = canvas.shape[1]
    for far, tall in ((0.55, 150), (0.38, 105)):
        x = -20.0
        while x < width:
            wide, high = rng.uniform(28, 78), rng.uniform(0.35, 1.0) * tall
            # Lower towards the vanishing point, where a straight street opens the view.
            high *= 0.35 + 0.65 * min(1.0, abs(x + wide / 2 - width / 2) / (width * 0.3))
            base = rng.uniform(90, 180)
            bgr = _hazed((base * 1.02, base, base * rng.uniform(0.9, 1.08)), light, far)
            x0, x1, y0 = int(x), int(x + wide), int(horizon - high)
            cv2.rectangle(canvas, (x0, y0), (x1, int(horizon)), bgr, -1)
            cv2.rectangle(canvas, (int(x1 - wide * 0.3), y0), (x1, int(horizon)),
                          (bgr[0] * 0.93, bgr[1] * 0.93, bgr[2] * 0.93), -1)
            pane = (bgr[0] * 0.86, bgr[1] * 0.86, bgr[2] * 0.86)
            for row in range(y0 + 5, int(horizon), 8):
                for column in range(x0 + 4, x1 - 4, 7):
                    lit = light.is_dark and rng.random() < 0.35
                    cv2.rectangle(canvas, (column, row), (column + 3, row + 3),
                                  (118, 196, 236) if lit else pane, -1)
            x += wide + float(rng.choice((0, 0, 6, 30)))


def _add_tree_line(canvas: NDArray[np.uint8], light: Light, horizon: float,
                   rng: np.random.Generator) -> None:
    bgr = np.array(_hazed((66, 98, 70), light, 0.34))
    for x in range(-10, canvas.shape[1] + 20, 9):
        size = float(rng.uniform(7, 17))
        shade = (bgr * rng.uniform(0.88, 1.08)).tolist()
        cv2.circle(canvas, (x, int(horizon - size * 0.5)), int(size), shade, -1, cv2.LINE_AA)


def _fill_under(canvas: NDArray[np.uint8], outline: NDArray[np.floating], horizon: float,
                bgr: Bgr) -> None:
    width = canvas.shape[1]
    corners = np.concatenate((outline, [[width, horizon + 2], [0, horizon + 2]]))
    cv2.fillPoly(canvas, [corners.astype(np.int32)], bgr, cv2.LINE_AA)


def _hazed(bgr: Bgr, light: Light, far: float) -> Bgr:
    """Return a colour lit by the sky and faded by haze."""
    mixed = (np.array(bgr) * (np.array(light.ambient) + 0.5 * np.array(light.sun)) * (1 - far)
             + np.array(light.sky_low) * far)
    blue, green, red = np.clip(mixed, 0, 255).tolist()
    return (blue, green, red)
