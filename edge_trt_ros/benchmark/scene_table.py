# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Prints scenes as a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edge_trt_ros.benchmark.opponents import OPPONENTS

Scene = Mapping[str, Any]


def scene_table(scenes: Sequence[Scene]) -> str:
    """
    Return the rows as lines of text (see `scene_rows`).

    :param scenes: result of `measure_scenes`, at least one scene.
    """
    return _aligned(scene_rows(scenes))


def camera_table(scenes: Sequence[Scene]) -> str:
    """
    Return the rows as lines of text (see `camera_rows`).

    :param scenes: result of `measure_cameras`, at least one.
    """
    return _aligned(camera_rows(scenes))


def camera_rows(scenes: Sequence[Scene]) -> list[list[str]]:
    """
    Return the titles of the columns, and a row for each number of cameras; times in milliseconds.

    :param scenes: result of `measure_cameras`.
    """
    return [['size', 'precision', 'cameras', 'together', 'objects', 'detections', 'round p50',
             'p99', 'images/s'],
            *(['x'.join(map(str, scene['source_size_wh'])), str(scene['precision']),
               str(scene['cameras']), str(scene['together']), str(scene['objects']),
               f"{scene['detections']:g}", f"{scene['round_ms']['p50']:.3f}",
               f"{scene['round_ms']['p99']:.3f}", f"{scene['images_per_second']:g}"]
              for scene in scenes)]


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows)]
    return '\n'.join('  ' + '  '.join(
        text.rjust(width) for text, width in zip(row, widths)) for row in rows)


def scene_rows(scenes: Sequence[Scene]) -> list[list[str]]:
    """
    Return the titles of the columns, and a row for each scene; times in milliseconds.

    :param scenes: result of `measure_scenes`, at least one scene.
    """
    columns: list[tuple[str, Callable[[Scene], str]]] = [
        ('size', lambda scene: 'x'.join(map(str, scene['source_size_wh']))),
        ('precision', lambda scene: str(scene['precision'])),
        ('objects', lambda scene: str(scene['objects'])),
        ('detections', lambda scene: f"{scene['detections']:g}"),
        ('floor p50', lambda scene: f"{scene['floor_ms']['p50']:.3f}"),
        ('frame p50', lambda scene: f"{scene['frame_ms']['p50']:.3f}"),
        ('p99', lambda scene: f"{scene['frame_ms']['p99']:.3f}"),
        ('/ floor', lambda scene: f"{scene['ratio_to_floor']:.2f}")]
    for stage in ('preprocess', 'network', 'postprocess', 'message'):
        if stage in scenes[0]['stages_ms']:
            columns.append((stage, lambda scene, stage=stage: (  # type: ignore[misc]
                f"{scene['stages_ms'][stage]['p50']:.3f}")))
    for name in OPPONENTS:
        if name in scenes[0]:
            columns += [
                (name, lambda scene, name=name: (  # type: ignore[misc]
                    f"{scene[name]['results_ms']['p50']:.3f}")),
                ('detections', lambda scene, name=name: (  # type: ignore[misc]
                    f"{scene[name]['detections']:g}")),
                ('ours / theirs', lambda scene, name=name: (  # type: ignore[misc]
                    f"{scene[name]['ratio']:.2f}")),
                ('CPU time', lambda scene, name=name: (  # type: ignore[misc]
                    f"{scene[name]['cpu_ratio']:.2f}"))]
    return [[title for title, _ in columns],
            *([cell(scene) for _, cell in columns] for scene in scenes)]
