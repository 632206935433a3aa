# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Draw an accuracy report as a table with bars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

# Heading, key of the row, number format, and whether to draw a bar (full at 1).
COLUMNS = (('precision', 'precision', '{}', False), ('mAP50', 'mAP50', '{:.4f}', True),
           ('mAP50-95', 'mAP50-95', '{:.4f}', True),
           ('agreement (F1)', 'agreement_f1', '{:.4f}', True),
           ('score drift', 'score_drift', '{:.4f}', False),
           ('latency ms', 'latency_ms', '{:.2f}', False), ('size MB', 'size_mb', '{:.2f}', False))
_WIDTH, _TOP, _ROW, _LEFT = 190, 118, 54, 24
_INK, _BAR, _FAINT = (40, 40, 40), (205, 180, 130), (228, 228, 228)


def accuracy_picture(report: Mapping[str, Any]) -> NDArray[np.uint8]:
    """
    Return the report as a table, uint8 (H, W, 3) bgr; a full bar is 1.

    :param report: the report of `measure_accuracy`; columns without values are left out.
    """
    rows = report['rows']
    columns = [column for column in COLUMNS if any(row[column[1]] is not None for row in rows)]
    image = np.full((_TOP + _ROW * len(rows) + 40, _LEFT + _WIDTH * len(columns) + 8, 3), 255,
                    np.uint8)
    _write(image, f"{report['images']} {'labelled ' if report['labelled'] else ''}images, built "
           f"by {rows[0]['built_by']}, run by {rows[0]['run_by']}", (_LEFT, 38), 0.62)
    _write(image, f"agreement and drift are against {report['held_against']}", (_LEFT, 66), 0.5)
    for place, (heading, name, form, is_share) in enumerate(columns):
        x = _LEFT + _WIDTH * place
        _write(image, heading, (x, _TOP - 14), 0.52)
        for index, row in enumerate(rows):
            y = _TOP + _ROW * index
            cv2.line(image, (x, y), (x + _WIDTH, y), _FAINT, 1)
            if row[name] is None:
                continue
            if is_share:
                end = x + round((_WIDTH - 30) * min(max(row[name], 0.0), 1.0))
                cv2.rectangle(image, (x, y + 34), (end, y + 42), _BAR, cv2.FILLED)
            _write(image, form.format(row[name]), (x, y + 26), 0.56)
    return image


def _write(image: NDArray[np.uint8], text: str, at_xy: tuple[int, int], size: float) -> None:
    cv2.putText(image, text, at_xy, cv2.FONT_HERSHEY_SIMPLEX, size, _INK, 1, cv2.LINE_AA)
