# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Shapes in metres, of which all objects in the demo's scenes are made.

A `Sketch` collects faces, rods and balls of one object, turns and lights them and returns a
`Solid`, which `stage.py` draws. World frame: x right, y up, z forward, metres,
origin on the road under the camera. Colours are blue, green, red, 0..255.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
import math

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.demo.road.light import Bgr, Light

Point = tuple[float, float, float]

FACE, QUADS, BLOB, RING, ROD, BALL = range(6)

# Minimum pixels per metre at which a part is drawn: outlines always, details only when near.
ALWAYS, COARSE, DETAIL, FINE = 0.0, 9.0, 21.0, 52.0


@dataclass(frozen=True)
class Solid:
    """
    An object in its own frame, lit for one heading; immutable, so it can be cached.

    :param vertices: float32 (v, 3), metres, already turned to the heading.
    :param kinds: int64 (p,), FACE to BALL, in painting order.
    :param spans: int64 (p, 2), first vertex of each part and the one after its last.
    :param radii_m: float32 (p,), of rods, rings and balls.
    :param culled: bool (p,), true for a face that is hidden when it faces away.
    :param inner: bool (p,), true for a part within the outline of others.
    :param from_px_per_m: float32 (p,), ALWAYS to FINE.
    :param lit: float32 (p, 3), bgr of each part by sun and sky.
    :param headlit: float32 (p, 3), bgr that the camera's own headlamps would add.
    :param lamps: positions (x, y, z), radius in metres and bgr of lights that glow in the dark.
    """

    vertices: NDArray[np.float32]
    kinds: NDArray[np.int64]
    spans: NDArray[np.int64]
    radii_m: NDArray[np.float32]
    culled: NDArray[np.bool_]
    inner: NDArray[np.bool_]
    from_px_per_m: NDArray[np.float32]
    lit: NDArray[np.float32]
    headlit: NDArray[np.float32]
    lamps: tuple[tuple[Point, float, Bgr], ...] = ()


@dataclass
class Sketch:
    """Collects the primitives of one object; they are painted in the order of adding."""

    _points: list[Point] = field(default_factory=list)
    _parts: list[tuple[int, int, int, float, bool, bool, float]] = field(default_factory=list)
    _colors: list[Bgr] = field(default_factory=list)
    _emissive: list[bool] = field(default_factory=list)
    _lamps: list[tuple[Point, float, Bgr]] = field(default_factory=list)

    def face(self, points: Sequence[Point], bgr: Bgr, *, inner: bool = False,
             culled: bool = True, emissive: bool = False, level: float | None = None) -> None:
        """
        Add a flat convex polygon.

        :param points: corners, counter-clockwise seen from outside.
        :param bgr: its colour under white light.
        :param inner: true for a detail that lies within the outline of another part.
        :param culled: whether it is hidden when it faces away.
        :param emissive: whether it keeps its colour in any light.
        :param level: ALWAYS to FINE; by default DETAIL for an inner part.
        """
        self._add(FACE, points, 0.0, bgr, culled, inner, emissive, level)

    def quads(self, points: Sequence[Point], bgr: Bgr, *, emissive: bool = False) -> None:
        """Add many details of one plane and colour at once: four corners each."""
        self._add(QUADS, points, 0.0, bgr, True, True, emissive, COARSE)

    def blob(self, points: Sequence[Point], bgr: Bgr, *, inner: bool = False) -> None:
        """Add a flat polygon of any shape that is visible from both sides."""
        self._add(BLOB, points, 0.0, bgr, False, inner, False, COARSE if inner else ALWAYS)

    def ring(self, points: Sequence[Point], radius_m: float, bgr: Bgr) -> None:
        """Add a closed line, such as a tyre."""
        self._add(RING, points, radius_m, bgr, False, False, False, None)

    def rod(self, start: Point, stop: Point, radius_m: float, bgr: Bgr, *, inner: bool = False,
            level: float | None = None) -> None:
        """Add a line with round ends, such as a limb or a tube."""
        self._add(ROD, (start, stop), radius_m, bgr, False, inner, False, level)

    def ball(self, center: Point, radius_m: float, bgr: Bgr, *, inner: bool = False,
             level: float | None = None) -> None:
        """Add a sphere."""
        self._add(BALL, (center,), radius_m, bgr, False, inner, False, level)

    def block(self, low: Point, high: Point, bgr: Bgr) -> None:
        """Add an upright box between two opposite corners, without its underside."""
        (x0, y0, z0), (x1, y1, z1) = low, high
        self.face(((x1, y0, z1), (x0, y0, z1), (x0, y1, z1), (x1, y1, z1)), bgr)
        self.face(((x0, y0, z1), (x0, y0, z0), (x0, y1, z0), (x0, y1, z1)), bgr)
        self.face(((x1, y0, z0), (x1, y0, z1), (x1, y1, z1), (x1, y1, z0)), bgr)
        self.face(((x0, y0, z0), (x1, y0, z0), (x1, y1, z0), (x0, y1, z0)), bgr)
        self.face(((x0, y1, z0), (x1, y1, z0), (x1, y1, z1), (x0, y1, z1)), bgr)

    def extrude(self, profile: Sequence[Point], bgr: Bgr) -> None:
        """
        Add a body with left-right symmetry.

        :param profile: convex outline seen from the right, counter-clockwise (forward is to
            the right): forward, up, half the width there.
        :param bgr: colour of all its faces.
        """
        for (z0, y0, w0), (z1, y1, w1) in zip(profile, (*profile[1:], profile[0])):
            self.face(((-w1, y1, z1), (w1, y1, z1), (w0, y0, z0), (-w0, y0, z0)), bgr)
        self.face([(w, y, z) for z, y, w in profile], bgr)
        self.face([(-w, y, z) for z, y, w in reversed(profile)], bgr)

    def lamp(self, center: Point, radius_m: float, bgr: Bgr) -> None:
        """Add a light that glows in the dark."""
        self._lamps.append((center, radius_m, bgr))

    def _add(self, kind: int, points: Sequence[Point], radius_m: float, bgr: Bgr, culled: bool,
             inner: bool, emissive: bool, level: float | None) -> None:
        start = len(self._points)
        self._points.extend(points)
        if level is None:
            level = DETAIL if inner else ALWAYS
        self._parts.append((kind, start, len(self._points), radius_m, culled, inner, level))
        self._colors.append(bgr)
        self._emissive.append(emissive)

    def finish(self, light: Light, yaw_rad: float = 0.0) -> Solid:
        """
        Return the collected parts as a solid, turned and lit.

        :param light: sun and sky.
        :param yaw_rad: heading; 0 drives away from the camera, positive turns right.
        """
        cos, sin = math.cos(yaw_rad), math.sin(yaw_rad)
        turn = np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]], np.float32)
        vertices = np.array(self._points, np.float32).reshape(-1, 3) @ turn
        columns = tuple(zip(*self._parts))
        kinds = np.array(columns[0], np.int64)
        spans = np.array(columns[1:3], np.int64).T
        normals = _normals(vertices, kinds, spans)
        base = np.array(self._colors, np.float32)
        lit, headlit = light.shade(base, normals)
        glowing = np.array(self._emissive, bool)
        lit[glowing], headlit[glowing] = base[glowing], 0
        lamps = tuple((_turned(center, turn), radius, bgr) for center, radius, bgr in self._lamps)
        return Solid(vertices, kinds, spans, np.array(columns[3], np.float32),
                     np.array(columns[4], bool), np.array(columns[5], bool),
                     np.array(columns[6], np.float32), lit, headlit, lamps)


def _turned(point: Point, turn: NDArray[np.float32]) -> Point:
    x, y, z = (np.array(point, np.float32) @ turn).tolist()
    return (x, y, z)


def _normals(vertices: NDArray[np.float32], kinds: NDArray[np.int64],
             spans: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the outward unit normals of faces; round parts face the camera."""
    first, stop = spans[:, 0], spans[:, 1]
    last = np.where(kinds == QUADS, first + 3, stop - 1)
    a = vertices[last] - vertices[first]
    b = vertices[np.minimum(first + 1, stop - 1)] - vertices[first]
    # The frame is left-handed (x right, y up, z forward): last side times first side.
    normals = np.stack((a[:, 1] * b[:, 2] - a[:, 2] * b[:, 1],
                        a[:, 2] * b[:, 0] - a[:, 0] * b[:, 2],
                        a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]), axis=1)
    normals /= np.maximum(np.sqrt((normals ** 2).sum(axis=1, keepdims=True)), 1e-9)
    flat = (kinds == FACE) | (kinds == QUADS)
    return np.where(flat[:, None], normals, np.array((0.0, 0.35, -0.94), np.float32))
