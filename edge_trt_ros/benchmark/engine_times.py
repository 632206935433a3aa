# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Measures an engine: latency of each stage, throughput, memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
import importlib.util
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import psutil

from edge_trt_ros.benchmark.road_frames import named_percentiles, percentile_curve, road_frames
from edge_trt_ros.files import sha256_hex
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.opening import open_network
from edge_trt_ros.runtime.contract import Runtime
from edge_trt_ros.runtime.pipeline import infer, warm_up
from edge_trt_ros.runtime.samples import Frame, Sample, Tensors
from edge_trt_ros.runtime.select import Placement
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.thresholds import Thresholds

_HOST_STAGES = ('preprocess', 'copy', 'submit', 'postprocess', 'message')
_WARM_UP_FRAMES = 30


def measure_engine(path: Path, backend: str, size_wh: tuple[int, int], count: int,
                   placement: Placement = Placement(),
                   progress: Callable[[str, float], None] = lambda phase, fraction: None
                   ) -> dict[str, Any]:
    """
    Measure an engine on frames of the synthetic road, and on random values of other tensors.

    If frames run as CUDA graphs, the result also contains the same frames launched call by call
    ('without_graph').

    :param path: an engine or ONNX file.
    :param backend: 'auto', or the library that must run it.
    :param size_wh: width and height of the bgr8 frames.
    :param count: number of timed frames, at least 1.
    :param placement: GPU and DLA core.
    :param progress: called between frames with a phase and the fraction of it that is done.
    :returns: a JSON object; times in milliseconds as p50, p95 and p99.
    :raises EdgeTrtError: if the engine cannot be opened or fails.
    """
    progress('open', 0.0)
    frames = road_frames(size_wh)
    started = perf_counter()
    opened = open_network(path, backend, placement)
    with opened.runtime as runtime:
        warm_up(runtime)
        opened_s = perf_counter() - started
        manifest = runtime.manifest
        samples = _samples(manifest, frames)
        figures = {
            'backend': manifest.backend, 'backend_version': manifest.backend_version,
            'device': runtime.device_name, 'reason': opened.reason, 'precision':
            manifest.options.get('precision', ''), 'engine_sha256': manifest.engine_sha256,
            'source_size_wh': list(size_wh),
            'input_sha256': sha256_hex(b''.join(frame.pixels.tobytes() for frame in frames)),
            'frames': count, 'open_s': round(opened_s, 3),
            **_latency(runtime, samples, count, lambda done: progress('latency', done))}
        on_gpu = 'gpu' in figures['stages_ms']
        for in_flight in (1, 2):
            progress('throughput', in_flight / 3)
            figures[f'frames_per_second_{in_flight}_in_flight'] = _rate_hz(
                runtime, samples, count, in_flight)
        progress('memory', 0.0)
        figures['memory_mb'] = _memory_mb(path, backend, placement, runtime, samples)
    if on_gpu and placement.use_graph:
        plain = Placement(placement.device_id, placement.dla_core, use_graph=False)
        with open_network(path, backend, plain).runtime as runtime:
            figures['without_graph'] = _latency(
                runtime, samples, count, lambda done: progress('without graph', done))
    return figures


def _samples(manifest: EngineManifest, frames: Sequence[Frame]) -> Sequence[Sample]:
    """Return what the network reads: the frames, or tensors with the frames as pictures."""
    contract = manifest.contract
    if contract is None:
        return frames
    generator = np.random.default_rng(0)
    return [Tensors({tensor.spec.name: frame if tensor.image else tensor.random(generator)
                     for tensor in contract.received}, source='random values')
            for frame in frames]


def _latency(runtime: Runtime, frames: Sequence[Sample], count: int,
             progress: Callable[[float], None]) -> dict[str, Any]:
    times_ms: dict[str, list[float]] = {}
    to_message = _message_maker(runtime.manifest.labels)
    found = 0
    for index in range(-_WARM_UP_FRAMES, count):
        progress(max(index, 0) / count)
        started = perf_counter()
        result, stages_ms = infer(runtime, frames[index % len(frames)], Thresholds(),
                                  slot=index % runtime.slots)
        done = perf_counter()
        if isinstance(result, Detections):
            if to_message is not None:
                to_message(result)
                stages_ms['message'] = (perf_counter() - done) * 1e3
            found += len(result) * (index >= 0)
        stages_ms['bytes_to_results'] = (done - started) * 1e3
        stages_ms['host_work'] = sum(stages_ms.get(stage, 0.0) for stage in _HOST_STAGES
                                     if not (stage == 'preprocess' and 'gpu' in stages_ms))
        if index >= 0:
            for stage, value in stages_ms.items():
                times_ms.setdefault(stage, []).append(value)
    return {'detections_per_frame': round(found / count, 1),
            'stages_ms': {stage: named_percentiles(times_ms[stage]) for stage in times_ms},
            'bytes_to_results_curve_ms': percentile_curve(times_ms['bytes_to_results'])}


def _message_maker(labels: Sequence[str]) -> Callable[[Detections], Any] | None:
    """Return a function that makes the message of detections as nodes do; None without ROS."""
    if importlib.util.find_spec('vision_msgs') is None:
        return None
    from std_msgs.msg import Header

    from edge_trt_ros.ros.messages.detections_cdr import detections_cdr
    header = Header(frame_id='camera')
    return lambda detections: detections_cdr(detections, header, labels)


def _rate_hz(runtime: Runtime, frames: Sequence[Sample], count: int, in_flight: int) -> float:
    """Return decoded frames per second with `in_flight` frames submitted at a time."""
    tickets: deque[Any] = deque()
    started = perf_counter()
    for index in range(count):
        if len(tickets) == in_flight:
            runtime.collect(tickets.popleft())
        tickets.append(runtime.submit(frames[index % len(frames)], slot=index % runtime.slots))
    while tickets:
        runtime.collect(tickets.popleft())
    return round(count / (perf_counter() - started), 1)


def _memory_mb(path: Path, backend: str, placement: Placement, runtime: Runtime,
               frames: Sequence[Sample]) -> dict[str, float]:
    """Return memory in use; opening a second time shows the memory besides the engine's own."""
    memory = {'host': psutil.Process().memory_info().rss / 1e6, **runtime.memory_mb()}
    if 'gpu_memory_used_mb' in memory:
        with open_network(path, backend, placement).runtime as second:
            for slot in range(second.slots):
                infer(second, frames[0], Thresholds(), slot=slot)
            after = second.memory_mb()
            memory['beside_the_engine'] = (
                after['gpu_memory_used_mb'] - memory['gpu_memory_used_mb']
                - after['engine_memory_mb'])
    return {name: round(value, 1) for name, value in memory.items()}
