# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Measures one network next to another that never pauses, in one process and in two."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
import multiprocessing
from multiprocessing.synchronize import Event as ProcessEvent
from pathlib import Path
import threading
from time import monotonic, perf_counter, sleep
from typing import Any

from edge_trt_ros.benchmark.road_frames import named_percentiles, road_frames
from edge_trt_ros.opening import open_network
from edge_trt_ros.runtime.pipeline import infer, warm_up
from edge_trt_ros.runtime.samples import Frame
from edge_trt_ros.runtime.select import Placement
from edge_trt_ros.vision.thresholds import Thresholds

_RATE_HZ, _OPEN_S = 30.0, 300.0
# Title, whether the other network has a process of its own, and its priority.
_CASES = (('one process, equal priority', False, 'high'),
          ('one process, the other low', False, 'low'),
          ('two processes, equal priority', True, 'high'),
          ('two processes, the other low', True, 'low'))
Stop = threading.Event | ProcessEvent


def measure_next_to(engines: tuple[Path, Path], backend: str, size_wh: tuple[int, int],
                    count: int, device_id: int = 0,
                    progress: Callable[[str, float], None] = lambda phase, fraction: None
                    ) -> dict[str, Any]:
    """
    Run an engine at 30 Hz, alone and next to another one that runs frame after frame.

    :param engines: the measured engine, whose priority is high, and the other one.
    :param backend: 'auto', or the library that must run both.
    :param size_wh: width and height of the bgr8 frames.
    :param count: number of timed frames of each case, at least 1.
    :param device_id: number of the GPU.
    :param progress: called with a phase and the fraction of it that is done.
    :returns: for each case the latency_ms of the measured engine, from bytes to results, and the
        frames per second of the other.
    :raises EdgeTrtError: if an engine cannot be opened or fails.
    """
    progress('next to', 0.0)
    frames = road_frames(size_wh)
    found: dict[str, Any] = {'alone': {
        'latency_ms': _latencies_ms(engines[0], backend, frames, count, device_id)}}
    for index, (title, is_apart, priority) in enumerate(_CASES):
        progress('next to', (index + 1) / (len(_CASES) + 1))
        other = engines[1], backend, frames, Placement(device_id, priority=priority)
        with _running(other, is_apart) as done:
            began, before = perf_counter(), done()
            latency_ms = _latencies_ms(engines[0], backend, frames, count, device_id)
            rate_hz = (done() - before) / (perf_counter() - began)
        found[title] = {'latency_ms': latency_ms, 'other_frames_per_second': round(rate_hz, 1)}
    return found


def _latencies_ms(engine: Path, backend: str, frames: Sequence[Frame], count: int,
                  device_id: int) -> dict[str, float]:
    times_ms = []
    with open_network(engine, backend, Placement(device_id)).runtime as runtime:
        warm_up(runtime)
        due = monotonic()
        for index in range(count):
            due = max(due + 1 / _RATE_HZ, monotonic())
            sleep(max(0.0, due - monotonic()))
            started = perf_counter()
            infer(runtime, frames[index % len(frames)], Thresholds())
            times_ms.append((perf_counter() - started) * 1e3)
    return named_percentiles(times_ms)


@contextmanager
def _running(other: tuple[Path, str, Sequence[Frame], Placement], is_apart: bool
             ) -> Iterator[Callable[[], int]]:
    """Run an engine without a pause; yield a function that returns the number of its frames."""
    spawn = multiprocessing.get_context('spawn')
    stop: Stop = spawn.Event() if is_apart else threading.Event()
    done = spawn.Value('q', 0)
    start: Any = spawn.Process if is_apart else threading.Thread
    runner = start(target=_run_without_pause, args=(*other, stop, done), daemon=True)
    runner.start()
    try:
        deadline = monotonic() + _OPEN_S
        while not done.value and runner.is_alive() and monotonic() < deadline:
            sleep(0.05)
        yield lambda: int(done.value)
    finally:
        stop.set()
        runner.join()


def _run_without_pause(engine: Path, backend: str, frames: Sequence[Frame],
                       placement: Placement, stop: Stop, done: Any) -> None:
    with open_network(engine, backend, placement).runtime as runtime:
        warm_up(runtime)
        while not stop.is_set():
            infer(runtime, frames[done.value % len(frames)], Thresholds())
            done.value += 1
