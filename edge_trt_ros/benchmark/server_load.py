# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Measures a server under the load of several robots, at the rates of their cameras."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from threading import Barrier, Thread
from time import monotonic, perf_counter, sleep
from typing import Any

import numpy as np

from edge_trt_ros.errors import EdgeTrtError
from edge_trt_ros.percentiles import percentiles
from edge_trt_ros.runtime.contract import Ticket
from edge_trt_ros.runtime.kserve.options import ServerOptions
from edge_trt_ros.runtime.kserve.runtime import KServeRuntime
from edge_trt_ros.runtime.pipeline import collect_result
from edge_trt_ros.runtime.samples import Frame


@dataclass(frozen=True)
class ServerLoad:
    """
    What a server did under a load.

    :param robots: number of robots.
    :param offered_hz: images per second of all robots.
    :param answered_hz: answers per second.
    :param dropped: images that were not sent, since two were on their way.
    :param failed: images that the server did not answer.
    :param p50_ms: median time from the image to its result.
    :param p99_ms: 99th percentile of it.
    """

    robots: int
    offered_hz: float
    answered_hz: float
    dropped: int
    failed: int
    p50_ms: float
    p99_ms: float


def measure_load(options: ServerOptions, size_wh: tuple[int, int], robots: int, rate_hz: float,
                 seconds: float) -> ServerLoad:
    """
    Send the images of several robots to a server.

    :param options: the model on its server.
    :param size_wh: size of the images.
    :param robots: number of robots, each with a connection of its own.
    :param rate_hz: images per second of each robot.
    :param seconds: duration.
    :raises ServerError: if the server cannot be used at first.
    """
    runtimes: list[KServeRuntime] = []
    try:
        for _ in range(robots):
            runtimes.append(KServeRuntime(options))
        barrier = Barrier(robots)
        clients = [_Robot(runtime, size_wh, rate_hz, seconds, barrier, index / robots / rate_hz)
                   for index, runtime in enumerate(runtimes)]
        threads = [Thread(target=client.run) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        for runtime in runtimes:
            runtime.close()
    times_ms = [value for client in clients for value in client.times_ms]
    p50, p99 = percentiles(times_ms, (50, 99))
    return ServerLoad(robots, robots * rate_hz, len(times_ms) / seconds,
                      sum(client.dropped for client in clients),
                      sum(client.failed for client in clients), p50, p99)


class _Robot:
    """Sends an image at each period; if two are on their way, the image is dropped."""

    def __init__(self, runtime: KServeRuntime, size_wh: tuple[int, int], rate_hz: float,
                 seconds: float, barrier: Barrier, delay_s: float) -> None:
        self._runtime, self._barrier, self._delay_s = runtime, barrier, delay_s
        self._period_s, self._count = 1 / rate_hz, round(seconds * rate_hz)
        width, height = size_wh
        self._frame = Frame(np.random.default_rng(0).integers(
            0, 256, (height, width, 3), np.uint8), 'bgr8', size_wh)
        self._tickets: dict[int, Ticket] = {}
        self.times_ms: list[float] = []
        self.dropped = self.failed = 0

    def run(self) -> None:
        """Send all images, at the times at which a camera would."""
        self._barrier.wait()
        started = monotonic() + self._delay_s
        for index in range(self._count):
            sleep(max(0.0, started + index * self._period_s - monotonic()))
            slot = next((slot for slot in range(self._runtime.slots) if self._is_free(slot)), None)
            if slot is None:
                self.dropped += 1
            else:
                self._send(slot)
        for slot in list(self._tickets):
            self._collect(slot)

    def _is_free(self, slot: int) -> bool:
        if slot in self._tickets and not self._tickets[slot].handle.answer.done():
            return False
        self._collect(slot)
        return True

    def _send(self, slot: int) -> None:
        began = perf_counter()
        try:
            ticket = self._runtime.submit(self._frame, slot=slot)
        except EdgeTrtError:
            self.failed += 1
            return
        self._tickets[slot] = ticket

        def ended(answer: Future[Any]) -> None:
            if answer.exception() is None:
                self.times_ms.append((perf_counter() - began) * 1e3)
        ticket.handle.answer.add_done_callback(ended)

    def _collect(self, slot: int) -> None:
        ticket = self._tickets.pop(slot, None)
        try:
            if ticket is not None:
                collect_result(self._runtime, ticket)
        except EdgeTrtError:
            self.failed += 1


def rounded(measured: Any) -> dict[str, Any]:
    """Return the fields of a measurement, rounded for people."""
    return {name: round(value, 2) if isinstance(value, float) else value
            for name, value in vars(measured).items()}
