# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Plots the stages of a frame as bars."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_ORDER = ('copy', 'submit', 'wait', 'upload', 'preprocess', 'network', 'head', 'download', 'gpu',
          'postprocess', 'message', 'host_work', 'bytes_to_results')
_WIDTH, _LEFT, _RIGHT, _TOP, _ROW = 1200, 190, 210, 92, 40
_INK, _FAINT, _FULL, _PALE = (40, 40, 40), (228, 228, 228), (160, 120, 40), (215, 190, 150)


def stage_picture(report: Mapping[str, Any]) -> NDArray[np.uint8]:
    """
    Return a plot of p50 as bars with a tick at p99, uint8 (H, W, 3) bgr.

    :param report: result of `measure_engine`; 'without_graph' is drawn as pale bars below.
    """
    with_graph = report['stages_ms']
    without = report.get('without_graph', {}).get('stages_ms', {})
    stages = in_order(with_graph)
    longest_ms = max(figures['p99'] for figures in (*with_graph.values(), *without.values()))
    image = np.full((_TOP + _ROW * len(stages) + 46, _WIDTH, 3), 255, np.uint8)
    _write(image, f"{report['device']}, {report['backend']} {report['backend_version']} "
           f"{report['precision']}, source {'x'.join(map(str, report['source_size_wh']))}",
           (24, 36), 0.7)
    legend = 'bar: p50, tick: p99, in ms' + ('; pale: launched call by call' if without else '')
    _write(image, legend, (24, 66), 0.5)
    _draw_grid(image, longest_ms)
    for row, stage in enumerate(stages):
        y = _TOP + _ROW * row
        _write(image, stage.replace('_', ' '), (24, y + 22), 0.55)
        _draw_bar(image, with_graph[stage], longest_ms, (y + 4, y + 22), _FULL)
        if stage in without:
            _draw_bar(image, without[stage], longest_ms, (y + 24, y + 32), _PALE)
        numbers = f"{with_graph[stage]['p50']:.3f} / {with_graph[stage]['p99']:.3f}"
        _write(image, numbers, (_WIDTH - _RIGHT + 24, y + 20), 0.5)
    return image


def in_order(stages: Iterable[str]) -> list[str]:
    """Return stages in the order in which a frame passes them, then the others."""
    given = list(stages)
    return [stage for stage in _ORDER if stage in given] + [
        stage for stage in given if stage not in _ORDER]


def _draw_grid(image: NDArray[np.uint8], longest_ms: float) -> None:
    step_ms = next(step for power in range(-4, 7) for step in (
        10.0 ** power, 2 * 10.0 ** power, 5 * 10.0 ** power) if longest_ms / step <= 8)
    bottom = len(image) - 40
    for index in range(int(longest_ms / step_ms) + 1):
        x = _place(index * step_ms, longest_ms)
        cv2.line(image, (x, _TOP), (x, bottom), _FAINT, 1)
        _write(image, f'{index * step_ms:g}', (x - 8, bottom + 24), 0.45)


def _draw_bar(image: NDArray[np.uint8], figures: Mapping[str, float], longest_ms: float,
              rows: Sequence[int], color: tuple[int, int, int]) -> None:
    end, tick = _place(figures['p50'], longest_ms), _place(figures['p99'], longest_ms)
    cv2.rectangle(image, (_LEFT, rows[0]), (max(end, _LEFT + 1), rows[1]), color, -1)
    cv2.line(image, (end, sum(rows) // 2), (tick, sum(rows) // 2), color, 1)
    cv2.line(image, (tick, rows[0] + 2), (tick, rows[1] - 2), color, 2)


def _place(time_ms: float, longest_ms: float) -> int:
    return _LEFT + round(time_ms / max(longest_ms, 1e-9) * (_WIDTH - _LEFT - _RIGHT))


def _write(image: NDArray[np.uint8], text: str, at_xy: tuple[int, int], size: float) -> None:
    cv2.putText(image, text, at_xy, cv2.FONT_HERSHEY_SIMPLEX, size, _INK, 1, cv2.LINE_AA)
