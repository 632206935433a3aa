# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Reloads the engine of a node many times under a stream of images, and counts what it costs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
import multiprocessing
from pathlib import Path
import shutil
from tempfile import TemporaryDirectory
from time import perf_counter, time_ns
from typing import Any

import rclpy
from std_srvs.srv import Trigger
from vision_msgs.msg import Detection2DArray

from edge_trt_ros.benchmark.image_source import publish_images
from edge_trt_ros.benchmark.measured_node import (engine_parameters, measured_node, MeasuredNode,
                                                  NAMESPACE, START)
from edge_trt_ros.benchmark.road_frames import named_percentiles
from edge_trt_ros.engine_file import read_manifest
from edge_trt_ros.errors import EngineError
from edge_trt_ros.files import write_file
from edge_trt_ros.manifest import EngineManifest, manifest_path
from edge_trt_ros.runtime.select import Placement
from edge_trt_ros.stamps import stamp_ns

_RATE_HZ, _ONE_HOUR_S = 30.0, 3600.0
# Memory is compared with that after this part of the reloads: caches are warm by then.
_WARM_UP = 0.1
_DROPS = ('dropped_for_newer', 'lost_in_transport', 'bad_images', 'bad_results', 'failures')


class _Origins:
    """Counts messages of each engine: their labels begin with a number and a space."""

    def __init__(self) -> None:
        # The number of an engine, and the time from which on no older engine may run.
        self._swaps = [(0, 0)]
        self.results = self.mixed = self.outdated = 0

    def swapped(self, number: int) -> None:
        self._swaps.append((number, time_ns()))

    def take(self, message: Detection2DArray) -> None:
        self.results += 1
        origins = {int(found.results[0].hypothesis.class_id.split()[0])
                   for found in message.detections}
        self.mixed += len(origins) > 1
        sent_ns = stamp_ns(message.header)
        at_least = next(number for number, since_ns in reversed(self._swaps)
                        if since_ns <= sent_ns)
        self.outdated += any(origin < at_least for origin in origins)


def measure_reloads(engine: Path, backend: str, size_wh: tuple[int, int], reloads: int,
                    placement: Placement = Placement(),
                    progress: Callable[[str, float], None] = lambda phase, fraction: None
                    ) -> dict[str, Any]:
    """
    Call `~/reload` again and again, each time with other labels, at 30 images per second.

    :param engine: a detector's engine; it is copied.
    :param backend: 'auto', or the library that must run it.
    :param size_wh: width and height of the bgr8 images.
    :param reloads: number of reloads, each of them right after the one before.
    :param placement: GPU and DLA core.
    :param progress: called with a phase and the fraction of it that is done.
    :returns: a JSON object: images and their losses by reason, mixed and outdated results,
        reload_ms, stages_ms of the last 600 frames, and the resident memory after a tenth of the
        reloads and at the end.
    :raises EngineError: if the node does not start, or a reload fails.
    """
    with ExitStack() as stack:
        copy = Path(stack.enter_context(TemporaryDirectory())) / 'copy.engine'
        shutil.copyfile(engine, copy)
        manifest = read_manifest(engine)
        _label(copy, manifest, 0)
        node = stack.enter_context(measured_node(engine_parameters(
            copy, backend, placement.device_id, placement.dla_core)))
        node.run(START)
        origins = _Origins()
        node.watcher.create_subscription(
            Detection2DArray, f'{NAMESPACE}/detections', origins.take, 100)
        source = multiprocessing.get_context('spawn').Process(
            target=publish_images, daemon=True,
            args=(f'{NAMESPACE}/image', size_wh, _RATE_HZ, _ONE_HOUR_S))
        source.start()
        stack.callback(source.kill)
        while origins.results < _RATE_HZ:
            rclpy.spin_once(node.watcher, timeout_sec=0.1)
        before = _counts(node)
        reload_ms, rss_mb = _reload(node, copy, manifest, origins, reloads, progress)
        after = _counts(node)
    since = {key: after[key] - before[key] for key in after}
    return {'source_size_wh': list(size_wh), 'rate_hz': _RATE_HZ, 'reloads': reloads,
            'images': since['received'] + since['lost_in_transport'],
            'lost': sum(since[key] for key in _DROPS), **{key: since[key] for key in _DROPS},
            'mixed_results': origins.mixed, 'outdated_results': origins.outdated,
            'reload_ms': named_percentiles(reload_ms),
            'stages_ms': node.stages_ms(),
            'rss_mb': [round(value, 1) for value in rss_mb],
            'rss_growth_percent': round(100 * (rss_mb[1] / rss_mb[0] - 1), 2)}


def _reload(node: MeasuredNode, copy: Path, manifest: EngineManifest, origins: _Origins,
            reloads: int, progress: Callable[[str, float], None]
            ) -> tuple[list[float], list[float]]:
    client = node.watcher.create_client(Trigger, f'{NAMESPACE}/inference/reload')
    if not client.wait_for_service(timeout_sec=10.0):
        raise EngineError('the inference node has no service reload')
    durations_ms, rss_mb = [], []
    for number in range(1, reloads + 1):
        progress('reloads', number / reloads)
        _label(copy, manifest, number)
        started = perf_counter()
        answer = node.answer(client, Trigger.Request())
        durations_ms.append((perf_counter() - started) * 1e3)
        if not answer.success:
            raise EngineError(f'reload {number} failed: {answer.message}')
        origins.swapped(number)
        if number in (max(1, round(_WARM_UP * reloads)), reloads):
            rss_mb.append(node.process.memory_info().rss / 1e6)
    return durations_ms, [rss_mb[0], rss_mb[-1]]


def _label(engine: Path, manifest: EngineManifest, number: int) -> None:
    labels = tuple(f'{number} {label}' for label in manifest.labels)
    write_file(manifest_path(engine), replace(manifest, labels=labels).to_json().encode())


def _counts(node: MeasuredNode) -> dict[str, int]:
    """Return the counters of the next diagnostics."""
    node.statuses.clear()
    while 'received' not in node.statuses.get('inference', {}):
        rclpy.spin_once(node.watcher, timeout_sec=0.1)
    status = node.statuses['inference']
    return {key: int(status[key]) for key in ('received', 'published', *_DROPS)}
