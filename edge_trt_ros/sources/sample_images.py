# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Images that need no data of the user: a synthetic road, noise and a gray image.

The road images are files of this package; `benchmark.sample_images` draws them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edge_trt_ros.runtime.samples import Frame
from edge_trt_ros.sources.image_files import frame_from_file, images_in

SAMPLE_IMAGES = Path(__file__).with_name('sample_images')
# Source of the gray image.
GRAY = 'gray'
_GRAY_LEVEL = 114


def road_images() -> list[Frame]:
    """
    Return the images of the synthetic road.

    :raises ImageError: if a file of this package is damaged.
    """
    return [frame_from_file(path) for path in images_in(SAMPLE_IMAGES)]


def noise_images(size_wh: tuple[int, int]) -> list[Frame]:
    """
    Return a gray image, and one of seeded noise: fine on the left, coarse on the right.

    :param size_wh: width and height in pixels.
    """
    width, height = size_wh
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (height, width, 3), np.uint8)
    coarse = np.kron(random.integers(0, 256, (-(-height // 16), -(-width // 16), 3), np.uint8),
                     np.ones((16, 16, 1), np.uint8))[:height, :width]
    noise[:, width // 2:] = coarse[:, width // 2:]
    return [Frame(np.full((height, width, 3), _GRAY_LEVEL, np.uint8), 'bgr8', size_wh,
                  source=GRAY),
            Frame(noise, 'bgr8', size_wh, source='noise')]
