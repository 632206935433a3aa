# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Light of the demo's scenes: how time of day and weather change colours."""

from __future__ import annotations

from dataclasses import dataclass
import math

import numpy as np
from numpy.typing import NDArray

Bgr = tuple[float, float, float]


@dataclass(frozen=True)
class Light:
    """
    Sun, sky and air of one scene; colours are gains or 0..255 in blue, green, red.

    :param name: name of the mood.
    :param sky_top: colour of the sky overhead.
    :param sky_low: colour of the sky at the horizon; also the colour of the haze.
    :param sun: gain of the sun on a face that points at it.
    :param ambient: gain of the sky on every face.
    :param sun_direction: unit vector (x, y, z) from the ground to the sun.
    :param haze_per_m: extinction of the air.
    :param shadow: darkness of a cast shadow, 0 (none) to 1.
    :param noise: standard deviation of the sensor's noise in grey levels.
    :param is_dark: whether headlamps and street lamps are lit.
    """

    name: str
    sky_top: Bgr
    sky_low: Bgr
    sun: Bgr
    ambient: Bgr
    sun_direction: tuple[float, float, float]
    haze_per_m: float
    shadow: float
    noise: float
    is_dark: bool = False

    def shade(self, base: NDArray[np.float32], normals: NDArray[np.float32],
              ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """
        Light surfaces.

        :param base: float32 (n, 3) bgr under white light.
        :param normals: float32 (n, 3) outward unit normals.
        :returns: float32 (n, 3) bgr by sun and sky, and what the camera's own headlamps would add.
        """
        facing = np.maximum(normals @ np.array(self.sun_direction, np.float32), 0)
        upward = 0.86 + 0.14 * normals[:, 1]
        gain = (np.array(self.ambient, np.float32) * upward[:, None]
                + np.array(self.sun, np.float32) * facing[:, None])
        toward_camera = np.maximum(-normals[:, 2], 0.15)[:, None]
        headlit = base * np.array((0.62, 0.72, 0.76), np.float32) * toward_camera
        return base * gain, headlit * float(self.is_dark)

    @property
    def shadow_depth(self) -> float:
        """Grey levels that a shadow subtracts from asphalt."""
        return 115 * self.shadow * (self.ambient[1] + self.sun[1] * self.sun_direction[1])

    def at_distance(self, lit: NDArray[np.float32], headlit: NDArray[np.float32],
                    x_m: NDArray[np.float32], z_m: NDArray[np.float32]) -> NDArray[np.float32]:
        """
        Return the colours of surfaces as they reach the camera.

        :param lit: float32 (n, 3) bgr by sun and sky; not modified.
        :param headlit: float32 (n, 3) bgr by full headlamps; not modified.
        :param x_m: float32 (n,) lateral position in metres.
        :param z_m: float32 (n,) distance ahead in metres.
        """
        far = np.maximum(np.hypot(x_m, z_m) - 4, 0)
        seen = np.exp(-self.haze_per_m * far)[:, None]
        haze = np.array(self.sky_low, np.float32)
        color = lit + headlit * self.beam(x_m, z_m)[:, None] if self.is_dark else lit
        return np.asarray(np.clip(color * seen + haze * (1 - seen), 0, 255), np.float32)

    def beam(self, x_m: NDArray[np.float32], z_m: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the strength, 0..1, of the camera's headlamps at places on the road."""
        far = np.maximum(z_m, 1.0)
        spread = 3.0 + 0.22 * far
        return np.asarray(np.exp(-(x_m / spread) ** 2) * np.minimum(1.0, 14 / far) ** 0.8,
                          np.float32)


def light_from_seed(rng: np.random.Generator) -> Light:
    """Return a random time of day and weather."""
    mood = rng.choice(('noon', 'overcast', 'golden', 'dusk', 'night', 'haze'),
                      p=(0.3, 0.17, 0.2, 0.12, 0.12, 0.09))
    side = float(rng.choice((-1.0, 1.0)))

    def sun_at(elevation_deg: float) -> tuple[float, float, float]:
        elevation = math.radians(elevation_deg + float(rng.uniform(-4, 4)))
        azimuth = math.radians(float(rng.uniform(40, 150)))
        level = math.cos(elevation)
        return (side * level * math.sin(azimuth), math.sin(elevation), level * math.cos(azimuth))

    noise = float(rng.uniform(1.5, 3.0))
    if mood == 'noon':
        return Light('noon', (205, 140, 70), (238, 222, 200), (0.46, 0.54, 0.58),
                     (0.74, 0.68, 0.64), sun_at(50), 0.0035, 0.52, noise)
    if mood == 'overcast':
        return Light('overcast', (178, 168, 160), (214, 210, 206), (0.10, 0.10, 0.10),
                     (0.90, 0.88, 0.86), sun_at(60), 0.006, 0.22, noise + 0.5)
    if mood == 'golden':
        return Light('golden', (175, 130, 92), (130, 190, 242), (0.22, 0.42, 0.60),
                     (0.70, 0.66, 0.66), sun_at(17), 0.0055, 0.48, noise + 0.5)
    if mood == 'dusk':
        return Light('dusk', (118, 62, 46), (112, 128, 206), (0.08, 0.12, 0.18),
                     (0.50, 0.40, 0.40), sun_at(14), 0.005, 0.18, noise + 2, True)
    if mood == 'night':
        return Light('night', (44, 24, 14), (72, 46, 34), (0.05, 0.05, 0.05),
                     (0.33, 0.27, 0.25), sun_at(40), 0.004, 0.12, noise + 3, True)
    return Light('haze', (206, 200, 194), (222, 219, 214), (0.10, 0.12, 0.13),
                 (0.86, 0.84, 0.83), sun_at(40), 0.014, 0.18, noise)
