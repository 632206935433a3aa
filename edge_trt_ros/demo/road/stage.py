# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Draw solids in front of a camera: their picture, their shadows and the map of visible objects.

All vertices of a frame are projected at once; each part then needs one call of cv2.
"""

from __future__ import annotations

from collections.abc import Sequence
import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.demo.road.camera import Camera, NEAR_M
from edge_trt_ros.demo.road.glow import add_glow
from edge_trt_ros.demo.road.light import Light
from edge_trt_ros.demo.road.solids import BALL, BLOB, Point, QUADS, RING, ROD, Solid

_SHIFT = 4
_ONE = 1 << _SHIFT
_SHADOW_SCALE = 4
_SHADOW_FAR_M = 50.0
_AREA_PX = 128
_CAP = np.linspace(-math.pi / 2, math.pi / 2, 6)


class Stage:
    """
    Objects at their places, projected and ready for painting or marking.

    :param camera: the camera.
    :param light: sun, sky and haze.
    :param solids: the objects, the most distant first; at least one.
    :param places: x, y, z of each in metres.
    """

    def __init__(self, camera: Camera, light: Light, solids: Sequence[Solid],
                 places: Sequence[Point]) -> None:
        self.size_wh = camera.size_wh
        self._camera, self._light, self._solids = camera, light, solids
        self._places = np.array(places, np.float32).reshape(-1, 3)
        vertex_counts = [len(solid.vertices) for solid in solids]
        part_counts = [len(solid.kinds) for solid in solids]
        first_vertex = np.cumsum([0, *vertex_counts[:-1]])
        self._first_vertex = first_vertex
        self._world = (np.concatenate([solid.vertices for solid in solids])
                       + np.repeat(self._places, vertex_counts, axis=0))
        pixels, scale = camera.project(self._world)
        self._first_part = np.cumsum([0, *part_counts]).tolist()
        self._owner = np.repeat(np.arange(len(solids)), part_counts)
        spans = (np.concatenate([solid.spans for solid in solids])
                 + np.repeat(first_vertex, part_counts)[:, None])
        kinds = np.concatenate([solid.kinds for solid in solids])
        radii_px = (np.concatenate([solid.radii_m for solid in solids])[:, None]
                    * scale[np.stack((spans[:, 0], spans[:, 1] - 1), axis=1)])
        self._inner = np.concatenate([solid.inner for solid in solids])
        self._drawn = self._choose_parts(pixels, spans, kinds)
        # The outline exceeds the vertices by the radius of round parts.
        width = np.maximum.reduceat(radii_px[:, 0], self._first_part[:-1])[:, None] + 1
        self.low_xy = np.minimum.reduceat(pixels, first_vertex) - width
        self.high_xy = np.maximum.reduceat(pixels, first_vertex) + width
        self._outside = (np.any(self.high_xy < 0, axis=1)
                         | np.any(self.low_xy > camera.size_wh, axis=1)).tolist()
        self._pixels = _outline_round_parts(pixels, spans, kinds, radii_px)
        self._spans, self._kinds = spans.tolist(), kinds.tolist()
        self._radii_px = radii_px[:, 0].tolist()

    def _choose_parts(self, pixels: NDArray[np.float32], spans: NDArray[np.int64],
                      kinds: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return bool (p,), true for a part that faces the camera and is large enough."""
        solids = self._solids
        last = np.where(kinds == QUADS, spans[:, 0] + 3, spans[:, 1] - 1)
        second = np.minimum(spans[:, 0] + 1, spans[:, 1] - 1)
        a = pixels[second] - pixels[spans[:, 0]]
        b = pixels[last] - pixels[spans[:, 0]]
        away = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0] >= 0
        culled = np.concatenate([solid.culled for solid in solids])
        needed = np.concatenate([solid.from_px_per_m for solid in solids])
        px_per_m = self._camera.focal_px / np.maximum(self._places[:, 2], NEAR_M)
        return np.asarray(~(culled & away) & (px_per_m[self._owner] >= needed), np.bool_)

    def paint(self, canvas: NDArray[np.uint8]) -> None:
        """Draw all objects in colour, anti-aliased and with haze by distance."""
        lit = np.concatenate([solid.lit for solid in self._solids])
        headlit = np.concatenate([solid.headlit for solid in self._solids])
        places = self._places[self._owner]
        colors = self._light.at_distance(lit, headlit, places[:, 0], places[:, 2]).tolist()
        fixed = _fixed(self._pixels)
        for number, solid in enumerate(self._solids):
            if self._outside[number]:
                continue
            self._draw(canvas, number, fixed, colors, cv2.LINE_AA, self._drawn, 1.0)
            if self._light.is_dark and solid.lamps:
                for center, radius_m, bgr in solid.lamps:
                    if center[2] <= 0:
                        add_glow(canvas, self._camera, center + self._places[number], radius_m,
                                 bgr)

    def mark(self, identities: NDArray[np.uint8], labels: Sequence[int]) -> list[int]:
        """
        Write into each pixel the label of the object that is visible there.

        :param identities: uint8 (height, width), changed in place.
        :param labels: a number from 0 to 255 for each object; 0 only hides others.
        :returns: for each object, the area of its silhouette within the image in pixels.
        """
        fixed = _fixed(self._pixels)
        outlines = self._drawn & ~self._inner
        areas = [0] * len(labels)
        for number, label in enumerate(labels):
            if self._outside[number]:
                continue
            self._draw(identities, number, fixed, _Constant(label), cv2.LINE_8, outlines, 1.0)
            if label:
                areas[number] = cv2.countNonZero(self.seen(identities, number, label)[0])
        return areas

    def seen(self, identities: NDArray[np.uint8], number: int,
             label: int) -> tuple[NDArray[np.uint8], int, int]:
        """Return a mask of the visible pixels of an object, and the mask's upper left corner."""
        x0, y0 = np.maximum(self.low_xy[number], 0).astype(int).tolist()
        x1, y1 = np.maximum(self.high_xy[number] + 1, 0).astype(int).tolist()
        found = cv2.inRange(identities[y0:y1, x0:x1], (label,), (label,))
        return np.asarray(found, np.uint8), x0, y0

    def area_px(self, number: int) -> float:
        """Return the area of an object's whole silhouette in square pixels, hidden or not."""
        low, high = self.low_xy[number] - 1, self.high_xy[number] + 1
        width, height = (high - low).tolist()
        zoom = min(1.0, _AREA_PX / max(width, height))
        mask: NDArray[np.uint8] = np.zeros((int(height * zoom) + 2, int(width * zoom) + 2),
                                           np.uint8)
        fixed = _fixed((self._pixels - low) * zoom)
        self._draw(mask, number, fixed, _Constant(1), cv2.LINE_8, self._drawn & ~self._inner,
                   zoom)
        return cv2.countNonZero(mask) / float(zoom) ** 2

    def is_outside(self, number: int) -> bool:
        """Return whether no pixel of an object can be in the image."""
        return bool(self._outside[number])

    def is_cut(self, number: int) -> bool:
        """Return whether the edge of the image cuts an object."""
        size_wh = self._camera.size_wh
        return bool(np.any(self.low_xy[number] < 0) or np.any(self.high_xy[number] > size_wh))

    def shade_ground(self, ground: NDArray[np.uint8], top: int, casts: Sequence[bool]) -> None:
        """
        Darken the ground in the shadows of the objects.

        :param ground: uint8 (rows, width, 3), the image from row `top` on, changed in place.
        :param top: first row of the ground.
        :param casts: for each object, whether it has a shadow.
        """
        x, y, z = self._light.sun_direction if self._light.shadow > 0.3 else (0.0, 1.0, 0.0)
        slope = np.array((-x, 0.0, -z), np.float32) / max(y, 0.3)
        flat = self._world + self._world[:, 1:2] * slope
        flat[:, 1] = 0
        pixels, _ = self._camera.project(flat)
        pixels -= np.array((0, top), np.float32)
        points = _fixed(pixels / np.float32(_SHADOW_SCALE))
        rows, width = ground.shape[:2]
        mask = np.zeros((rows // _SHADOW_SCALE + 1, width // _SHADOW_SCALE, 3), np.uint8)
        stops = [*self._first_vertex[1:].tolist(), len(points)]
        far = self._places[:, 2].tolist()
        for number, (start, stop) in enumerate(zip(self._first_vertex.tolist(), stops)):
            if casts[number] and -4 < far[number] < _SHADOW_FAR_M:
                dark = self._light.shadow_depth * (1 - max(far[number], 0) / _SHADOW_FAR_M) ** 0.3
                cv2.fillConvexPoly(mask, cv2.convexHull(points[start:stop]),
                                   (0.9 * dark, dark, 1.05 * dark), cv2.LINE_AA, _SHIFT)
        mask = cv2.blur(mask, (3, 2))
        full = cv2.resize(mask, (width, mask.shape[0] * _SHADOW_SCALE))
        # Subtracting is four times cheaper than multiplying, and asphalt has one tone.
        cv2.subtract(ground, full[:rows], dst=ground)

    def _draw(self, canvas: NDArray[Any], number: int, fixed: NDArray[np.int32], colors: Any,
              line_type: int, chosen: NDArray[np.bool_], zoom: float) -> None:
        first, last = self._first_part[number], self._first_part[number + 1]
        for part in (np.flatnonzero(chosen[first:last]) + first).tolist():
            start, stop = self._spans[part]
            kind, color, points = self._kinds[part], colors[part], fixed[start:stop]
            if kind == BLOB:
                cv2.fillPoly(canvas, [points], color, line_type, _SHIFT)
            elif kind == QUADS:
                cv2.fillPoly(canvas, list(points.reshape(-1, 4, 2)), color, line_type, _SHIFT)
            elif kind == RING:
                thickness = max(round(2 * self._radii_px[part] * zoom), 1)
                cv2.polylines(canvas, [points], True, color, thickness, line_type, _SHIFT)
            else:
                cv2.fillConvexPoly(canvas, points, color, line_type, _SHIFT)


class _Constant:
    """The same colour for every part."""

    def __init__(self, value: int) -> None:
        self._color = (value,)

    def __getitem__(self, part: int) -> tuple[int]:
        return self._color


def _outline_round_parts(pixels: NDArray[np.float32], spans: NDArray[np.int64],
                         kinds: NDArray[np.int64],
                         radii_px: NDArray[np.float32]) -> NDArray[np.float32]:
    """
    Replace rods and balls by polygons, which are drawn twice as fast.

    :param pixels: float32 (v, 2), projected vertices; not modified.
    :param spans: int64 (p, 2) of all parts; the spans of round parts are changed in place.
    :param kinds: int64 (p,).
    :param radii_px: float32 (p, 2), at the first and at the last vertex.
    :returns: the vertices, followed by the outlines.
    """
    rounds = np.flatnonzero((kinds == ROD) | (kinds == BALL))
    ends = np.stack((pixels[spans[rounds, 0]], pixels[spans[rounds, 1] - 1]), axis=1)
    along = ends[:, 1] - ends[:, 0]
    length = np.hypot(along[:, 0], along[:, 1])[:, None]
    along = np.where(length > 1e-3, along / np.maximum(length, 1e-3), (1.0, 0.0))
    across = np.stack((-along[:, 1], along[:, 0]), axis=1)
    last = np.repeat((0, 1), len(_CAP))
    radius = np.maximum(radii_px[rounds], 0.5)[:, last, None]
    angles = np.concatenate((_CAP + math.pi, _CAP))
    outlines = ends[:, last] + radius * (np.cos(angles)[:, None] * along[:, None]
                                         + np.sin(angles)[:, None] * across[:, None])
    firsts = len(pixels) + np.arange(len(rounds)) * len(angles)
    spans[rounds] = np.stack((firsts, firsts + len(angles)), axis=1)
    return np.concatenate((pixels, outlines.reshape(-1, 2).astype(np.float32)))


def _fixed(pixels: NDArray[np.float32]) -> NDArray[np.int32]:
    """Return cv2's fixed-point format; cv2 counts from pixel centres, projection from edges."""
    return np.asarray(pixels * _ONE - _ONE / 2, np.float32).astype(np.int32)
