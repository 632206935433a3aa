# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Measures frames with a known number of objects, image size and precision.

Each frame is measured next to its floor: the bare network on the same frame, in turns. The
network is one that was given, and does all of its work, but objects are planted in its output.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter, process_time, sleep
from typing import Any, TypeVar

import numpy as np

from edge_trt_ros.benchmark.message_publisher import message_publisher, MessagePublisher
from edge_trt_ros.benchmark.opponents import Detect, OPPONENTS
from edge_trt_ros.benchmark.planted_objects import PlantedObjects
from edge_trt_ros.benchmark.planted_onnx import opened, planted_onnx
from edge_trt_ros.benchmark.road_frames import named_percentiles, road_frames
from edge_trt_ros.runtime.contract import Runtime
from edge_trt_ros.runtime.pipeline import detect, infer
from edge_trt_ros.runtime.samples import Frame
from edge_trt_ros.runtime.select import Placement
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.thresholds import Thresholds

T = TypeVar('T')
_WARM_UP_FRAMES = 20
# The threads of an opponent spin for a while after a frame, and would slow down the next program.
_REST_S = 0.05


@dataclass(frozen=True)
class SceneChoice:
    """
    What is measured: all combinations of objects, sizes and precisions.

    :param objects: numbers of objects.
    :param sizes_wh: widths and heights of the images.
    :param precisions: precisions of the network.
    :param frames: timed frames of each scene, at least 1.
    :param against: key of `OPPONENTS`, or ''.
    """

    objects: Sequence[int]
    sizes_wh: Sequence[tuple[int, int]]
    precisions: Sequence[str]
    frames: int
    against: str = ''


@dataclass(frozen=True)
class _Contest:
    """The programs that run each frame in turns, and the objects that they find."""

    bare: Runtime
    runtime: Runtime
    planted: PlantedObjects
    messages: MessagePublisher | None
    opponent: Detect | None


def measure_scenes(onnx: Path, choice: SceneChoice, backend: str = 'auto',
                   placement: Placement = Placement()) -> list[dict[str, Any]]:
    """
    Measure scenes.

    :param onnx: an ONNX file of a detector with the output [1, 4 + classes, anchors].
    :param choice: what is measured.
    :param backend: 'auto', or the library that runs it.
    :param placement: GPU and DLA core.
    :returns: a JSON object for each scene: objects, source_size_wh, precision; detections per
        frame; floor_ms, results_ms (bytes to detections), results_cpu_ms (the same in CPU time
        of all threads), frame_ms (bytes to published detections) and stages_ms as p50, p95 and
        p99; ratio_to_floor of frame_ms, p50; and the opponent's figures, with the ratio of
        results_ms and cpu_ratio of results_cpu_ms.
    :raises EdgeTrtError: if objects cannot be planted, or the network cannot be built or run.
    """
    return [scene for precision in choice.precisions
            for scene in _scenes(onnx, precision, choice, backend, placement)]


def _scenes(onnx: Path, precision: str, choice: SceneChoice, backend: str, placement: Placement
            ) -> list[dict[str, Any]]:
    with ExitStack() as stack:
        planted = stack.enter_context(planted_onnx(onnx, precision, backend, choice.objects,
                                                   choice.sizes_wh))
        options, path = planted.options, planted.path
        runtime, bare = (stack.enter_context(opened(path, one, placement))
                         for one in (options, replace(options, task='tensors')))
        contest = _Contest(
            bare, runtime, planted.objects,
            stack.enter_context(message_publisher(runtime.manifest.labels)),
            OPPONENTS[choice.against](path, planted.size_wh) if choice.against else None)
        return [{'precision': precision, **scene} for source_wh in choice.sizes_wh
                for scene in _measured(contest, road_frames(source_wh), choice)]


def _measured(contest: _Contest, frames: Sequence[Frame], choice: SceneChoice
              ) -> list[dict[str, Any]]:
    """Measure frames of one size; the scenes take turns, so that they share a busy machine."""
    scenes = {objects: _Scene() for objects in choice.objects}
    for index in range(-_WARM_UP_FRAMES, choice.frames):
        for objects, scene in scenes.items():
            scene.run(contest, frames[index % len(frames)], objects, counts=index >= 0)
    reports = []
    for objects, scene in scenes.items():
        report = {'objects': objects, 'source_size_wh': list(frames[0].size_wh),
                  **scene.report(choice.against)}
        if contest.messages:
            report['message'] = _message_forms(contest.messages, scene.detections, choice.frames)
        reports.append(report)
    return reports


class _Scene:
    """The figures of one scene; `detections` are those of its last frame."""

    def __init__(self) -> None:
        self.detections = Detections.empty()
        self._found: list[int] = []
        self._found_by_opponent: list[int] = []
        self._times_ms: dict[str, list[float]] = {}

    def run(self, contest: _Contest, frame: Frame, objects: int, *, counts: bool) -> None:
        """Run a frame through all programs; it counts unless it warms up."""
        thresholds = contest.planted.thresholds(objects)

        def opponent() -> tuple[int, dict[str, float]]:
            if contest.opponent is None:
                return 0, {}
            started, cpu_started = perf_counter(), process_time()
            found = contest.opponent(frame.pixels, thresholds)
            return found, {'opponent': (perf_counter() - started) * 1e3,
                           'opponent_cpu': (process_time() - cpu_started) * 1e3}

        def in_turn(program: Callable[[], tuple[T, dict[str, float]]]
                    ) -> tuple[T, dict[str, float]]:
            if contest.opponent:
                sleep(_REST_S)
                program()  # every program is timed with warm caches
            return program()
        _, bare_ms = in_turn(lambda: infer(contest.bare, frame, Thresholds()))
        self.detections, stages_ms = in_turn(lambda: _run_frame(contest, frame, thresholds))
        found, their_ms = in_turn(opponent)
        if counts:
            self._found.append(len(self.detections))
            self._found_by_opponent.append(found)
            for stage, value in {**stages_ms, **their_ms, 'floor': bare_ms['network']}.items():
                self._times_ms.setdefault(stage, []).append(value)

    def report(self, against: str) -> dict[str, Any]:
        """Return the figures as a JSON object; `against` is the name of the opponent, or ''."""
        stages = {stage: named_percentiles(times) for stage, times in self._times_ms.items()}
        floor_ms, results_ms, cpu_ms, frame_ms = (
            stages.pop(stage) for stage in ('floor', 'results', 'results_cpu', 'frame'))
        figures = {
            'frames': len(self._found), 'detections': round(float(np.mean(self._found)), 1),
            'floor_ms': floor_ms, 'results_ms': results_ms, 'results_cpu_ms': cpu_ms,
            'frame_ms': frame_ms, 'ratio_to_floor': round(frame_ms['p50'] / floor_ms['p50'], 3)}
        if against:
            theirs_ms, their_cpu_ms = stages.pop('opponent'), stages.pop('opponent_cpu')
            figures[against] = {
                'detections': round(float(np.mean(self._found_by_opponent)), 1),
                'results_ms': theirs_ms, 'results_cpu_ms': their_cpu_ms,
                'ratio': round(results_ms['p50'] / theirs_ms['p50'], 3),
                'cpu_ratio': round(cpu_ms['p50'] / their_cpu_ms['p50'], 3)}
        return {**figures, 'stages_ms': stages}


def _run_frame(contest: _Contest, frame: Frame, thresholds: Thresholds
               ) -> tuple[Detections, dict[str, float]]:
    started, cpu_started = perf_counter(), process_time()
    result, times_ms = detect(contest.runtime, frame, thresholds)
    decoded = perf_counter()
    stages_ms = {**times_ms, 'results': (decoded - started) * 1e3,
                 'results_cpu': (process_time() - cpu_started) * 1e3}
    if contest.messages:
        contest.messages.publish(result)
        stages_ms['message'] = (perf_counter() - decoded) * 1e3
    stages_ms['frame'] = (perf_counter() - started) * 1e3
    return result, stages_ms


def _message_forms(messages: MessagePublisher, detections: Detections, count: int
                   ) -> dict[str, Any]:
    """Return what building and publishing a message takes as bytes and as objects, in turns."""
    times_ms: tuple[list[float], list[float]] = [], []

    def timed(publish: Callable[[Detections], None]) -> float:
        started = perf_counter()
        publish(detections)
        return (perf_counter() - started) * 1e3
    for _ in range(count):
        times_ms[0].append(timed(messages.publish))
        times_ms[1].append(timed(messages.publish_objects))
    as_bytes, as_objects = map(named_percentiles, times_ms)
    return {'bytes_ms': as_bytes, 'objects_ms': as_objects,
            'ratio': round(as_bytes['p50'] / as_objects['p50'], 3)}
