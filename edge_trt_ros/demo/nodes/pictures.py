# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Write the images that the demo saves of its detections."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.errors import EngineError
from edge_trt_ros.files import write_file

SHEET_SHAPE, TILE_WH = (4, 3), (640, 360)


def write_pictures(images_bgr: Sequence[NDArray[np.uint8]], folder: Path) -> list[Path]:
    """
    Write `overlay.png` (one image) and `contact_sheet.png` (twelve, in order of time).

    :param images_bgr: uint8 (H, W, 3) each, oldest first; at least one.
    :param folder: folder for the files; created if it is missing.
    :returns: the files.
    :raises EngineError: if there is no image.
    """
    if not images_bgr:
        raise EngineError('no overlay image arrived: check that the detector is active')
    columns, rows = SHEET_SHAPE
    chosen = np.linspace(0, len(images_bgr) - 1, columns * rows).round().astype(int)
    tiles = [cv2.resize(images_bgr[index], TILE_WH, interpolation=cv2.INTER_AREA)
             for index in chosen]
    sheet = np.vstack([np.hstack(tiles[row * columns:(row + 1) * columns])
                       for row in range(rows)])
    written = []
    for name, image in (('overlay.png', images_bgr[len(images_bgr) // 2]),
                        ('contact_sheet.png', sheet)):
        write_file(folder / name, cv2.imencode('.png', image)[1].tobytes())
        written.append(folder / name)
    return written
