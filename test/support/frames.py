# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Frames with seeded noise."""

from __future__ import annotations

import numpy as np

from edge_trt_ros.runtime.samples import Frame


def noise_frame(size_wh: tuple[int, int] = (160, 90), seed: int = 0) -> Frame:
    """Return a bgr8 frame of 8 x 8 pixel blocks in seeded random colours."""
    width, height = size_wh
    random = np.random.default_rng(seed)
    blocks = random.integers(0, 256, (-(-height // 8), -(-width // 8), 3), np.uint8)
    image = np.kron(blocks, np.ones((8, 8, 1), np.uint8))[:height, :width]
    return Frame(np.ascontiguousarray(image), 'bgr8', size_wh, source='noise')
