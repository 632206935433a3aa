# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Measures images of several cameras that wait for one engine, as the inference node runs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

from edge_trt_ros.benchmark.planted_onnx import opened, planted_onnx
from edge_trt_ros.benchmark.road_frames import named_percentiles, road_frames
from edge_trt_ros.benchmark.scenes import SceneChoice
from edge_trt_ros.errors import ImageError
from edge_trt_ros.runtime.contract import Runtime
from edge_trt_ros.runtime.pipeline import collect_detections
from edge_trt_ros.runtime.samples import Frame
from edge_trt_ros.runtime.select import Placement
from edge_trt_ros.vision.thresholds import Thresholds

_WARM_UP_ROUNDS = 5


def measure_cameras(onnx: Path, choice: SceneChoice, cameras: Sequence[int],
                    backend: str = 'auto', placement: Placement = Placement()
                    ) -> list[dict[str, Any]]:
    """
    Measure the time until all cameras have their detections, with the most objects of a choice.

    :param onnx: an ONNX file of a detector with the output [1, 4 + classes, anchors].
    :param choice: objects, sizes and precisions; `frames` is the number of rounds.
    :param cameras: numbers of cameras.
    :param backend: 'auto', or the library that runs it.
    :param placement: GPU and DLA core.
    :returns: a JSON object for each size, precision and number of cameras: objects, detections
        per image, together (how many images run as one batch), round_ms (from the bytes of the
        first image to the detections of the last), and images_per_second.
    :raises EdgeTrtError: if objects cannot be planted, or the network cannot be built or run.
    """
    reports = []
    for precision in choice.precisions:
        with planted_onnx(onnx, precision, backend, choice.objects, choice.sizes_wh) as planted, \
                opened(planted.path, replace(planted.options, max_batch=max(cameras)), placement
                       ) as runtime:
            objects = max(choice.objects)
            thresholds = planted.objects.thresholds(objects)
            for size_wh in choice.sizes_wh:
                frames = road_frames(size_wh)
                for count in cameras:
                    reports.append({
                        'cameras': count, 'source_size_wh': list(size_wh),
                        'precision': precision, 'objects': objects,
                        **_measured(runtime, frames, count, thresholds, choice.frames)})
    return reports


def _measured(runtime: Runtime, frames: Sequence[Frame], cameras: int, thresholds: Thresholds,
              rounds: int) -> dict[str, Any]:
    times_ms, found = [], 0
    for index in range(-_WARM_UP_ROUNDS, rounds):
        waiting = [frames[(index + camera) % len(frames)] for camera in range(cameras)]
        started = perf_counter()
        detections = _detections(runtime, waiting, thresholds)
        if index >= 0:
            times_ms.append((perf_counter() - started) * 1e3)
            found += detections
    return {'detections': round(found / rounds / cameras, 1),
            'together': min(cameras, runtime.max_batch),
            'round_ms': named_percentiles(times_ms),
            'images_per_second': round(1e3 * cameras * rounds / sum(times_ms), 1)}


def _detections(runtime: Runtime, waiting: Sequence[Frame], thresholds: Thresholds) -> int:
    """Run images as the node does; return the number of detections."""
    found = 0
    for start in range(0, len(waiting), runtime.max_batch):
        for answer in runtime.submit_batch([
                (frame, thresholds) for frame in waiting[start:start + runtime.max_batch]]):
            if isinstance(answer, ImageError):
                raise answer
            found += len(collect_detections(runtime, answer)[0])
    return found
