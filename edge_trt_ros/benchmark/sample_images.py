# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Draw the images that the package ships for the verification of engines.

    python -m edge_trt_ros.benchmark.sample_images --output edge_trt_ros/sources/sample_images

They show the synthetic road by day and night, whole, cropped and in another scale.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.demo.road.scene import Scene

_SIZE_WH = (960, 540)
_QUALITY = 60
# Name, seed of the scene, time in seconds, crop (left, top, right, bottom) and size.
_VIEWS = (
    ('noon', 700_000_017, 5.0, (0, 0, 960, 540), (960, 540)),
    ('night', 700_000_068, 5.0, (0, 0, 960, 540), (960, 540)),
    ('overcast_close', 700_000_000, 40.0, (300, 160, 780, 430), (960, 540)),
    ('golden_upright', 700_000_013, 5.0, (240, 0, 645, 540), (405, 540)),
    ('haze_small', 700_000_047, 5.0, (0, 0, 960, 540), (640, 360)))


def views() -> dict[str, NDArray[np.uint8]]:
    """Return the images by name, uint8 (height, width, 3) bgr."""
    found = {}
    for name, seed, time_s, (left, top, right, bottom), size_wh in _VIEWS:
        image = Scene(seed, _SIZE_WH).image(time_s)[top:bottom, left:right]
        found[name] = np.asarray(
            cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA if size_wh[0] < 700
                       else cv2.INTER_LINEAR), np.uint8)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the images as JPEG files."""
    parser = argparse.ArgumentParser(prog='sample_images', description=__doc__)
    parser.add_argument('--output', type=Path, required=True, metavar='DIR')
    folder = parser.parse_args(arguments).output
    folder.mkdir(parents=True, exist_ok=True)
    for name, image in views().items():
        _, data = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        (folder / f'{name}.jpg').write_bytes(data.tobytes())


if __name__ == '__main__':
    main()
