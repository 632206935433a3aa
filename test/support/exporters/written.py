# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""What an exporter writes for a case: `model.onnx`, `expected.npz` and `about.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SOURCE_WH = (437, 331)


def picture(seed: int, size_wh: tuple[int, int] = SOURCE_WH) -> NDArray[np.uint8]:
    """Return a picture of soft blobs and sharp boxes, uint8 (height, width, 3)."""
    random = np.random.default_rng(seed)
    width, height = size_wh
    y, x = np.mgrid[:height, :width]
    image = np.zeros((height, width, 3))
    for _ in range(12):
        at, wide = random.uniform(0, 1, 2) * (width, height), random.uniform(15, 90)
        blob = np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / wide ** 2)
        image += blob[..., None] * random.uniform(-120, 200, 3)
    for _ in range(14):
        left, top = (int(random.uniform(0, side - 20)) for side in size_wh)
        right, bottom = left + random.integers(12, 120), top + random.integers(12, 120)
        image[top:bottom, left:right] = random.uniform(0, 255, 3)
    image += random.normal(0, 6, image.shape)
    return np.asarray(np.clip(image, 0, 255), np.uint8)


def write(folder: Path, version: str, options: Mapping[str, Any], labels: Sequence[str] = (),
          input_contract: str = '', **expected: Any) -> None:
    """
    Write what the exporter's own predictor returned, and about the exporter.

    :param folder: folder of the case, which holds `model.onnx`.
    :param version: version of the exporter.
    :param options: options of the export.
    :param labels: labels that a user gives, where the file has none.
    :param input_contract: what a user states about pixels, where nothing else does.
    :param expected: arrays by name; `pictures` is uint8 (n, height, width, 3), BGR.
    """
    arrays: dict[str, Any] = {name: np.asarray(values) for name, values in expected.items()}
    np.savez(folder / 'expected.npz', **arrays)
    (folder / 'about.json').write_text(json.dumps({
        'version': version, 'options': dict(options), 'labels': list(labels),
        'input_contract': input_contract}))
