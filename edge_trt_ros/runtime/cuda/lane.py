# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Runs a sample on the GPU: upload, preprocess, network, head, download; in a CUDA graph."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
import logging
from time import perf_counter
from typing import Any

from numpy.typing import NDArray
import pycuda.driver as cuda

from edge_trt_ros.errors import EngineError
from edge_trt_ros.runtime.cuda.device_head import DeviceHead
from edge_trt_ros.runtime.cuda.feeds import Feed
from edge_trt_ros.runtime.cuda.slot import Slot
from edge_trt_ros.runtime.samples import Sample
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.thresholds import Thresholds

try:
    from edge_trt_ros.runtime.cuda.graph import CapturedGraph
    WHY_NO_GRAPHS = ''
except ImportError as error:
    WHY_NO_GRAPHS = f'{error}: pip install cuda-bindings'

STAGES = ('upload', 'preprocess', 'network', 'head', 'download')
_LOG = logging.getLogger(__name__)


class Lane:
    """
    Runs one sample at a time; all lanes of a runtime share its stream.

    The device's context must be current for all calls.

    :param stream: the PyCUDA stream of all work.
    :param feed: copies samples into the slot.
    :param slot: the tensors.
    :param run_network: queues the network on the stream, bound to the slot's addresses.
    :param head: decodes the outputs on the device; None if the engine or the host does.
    :param use_graph: whether to capture the work as a CUDA graph; False is for comparison.
    """

    def __init__(self, stream: Any, feed: Feed, slot: Slot,
                 run_network: Callable[[Slot], None], head: DeviceHead | None = None,
                 use_graph: bool = True) -> None:
        self._stream, self._feed, self._slot = stream, feed, slot
        self._run_network, self._head = run_network, head
        self.why_no_graph = WHY_NO_GRAPHS if use_graph else 'not asked for'
        self._events = [cuda.Event() for _ in range(len(STAGES) + 1)]
        self._done: Any = cuda.Event(cuda.event_flags.DISABLE_TIMING)
        self._captured_for: Hashable = None
        self._graph: CapturedGraph | None = None
        self._host_ms: dict[str, float] = {}

    def launch(self, sample: Sample, letterbox: Letterbox, thresholds: Thresholds) -> None:
        """
        Stage a sample and start its work.

        :param sample: the sample.
        :param letterbox: how it is fitted to the network.
        :param thresholds: what the head keeps.
        :raises ImageError: for a sample of the wrong kind.
        """
        self._done.synchronize()  # waits only if the previous sample was not collected
        started = perf_counter()
        graph_key = (self._feed.stage(sample, letterbox),
                     self._head.stage(letterbox, thresholds) if self._head else None)
        staged = perf_counter()
        self._feed.before(self._stream)
        if graph_key != self._captured_for:
            self._drop_graph()
            self._captured_for = graph_key
            self._graph = self._captured()
        if self._graph is not None:
            self._graph.launch()
        else:
            self._queue(lambda number: self._events[number].record(self._stream))
        self._done.record(self._stream)
        self._host_ms = {'copy': (staged - started) * 1e3,
                         'submit': (perf_counter() - staged) * 1e3}

    def wait(self) -> Mapping[str, NDArray[Any]]:
        """Wait for the sample and return its outputs, valid until the next launch."""
        started = perf_counter()
        self._done.synchronize()
        self._host_ms['wait'] = (perf_counter() - started) * 1e3
        return {**self._slot.results(), **(self._head.results() if self._head else {})}

    def stage_times_ms(self) -> dict[str, float]:
        """Return the milliseconds per stage of the last sample, from CUDA events and a clock."""
        between_ms = self._graph.marks_ms() if self._graph is not None else [
            float(start.time_till(end)) for start, end in zip(self._events, self._events[1:])]
        times_ms = {**self._host_ms, **dict(zip(STAGES, between_ms)), 'gpu': sum(between_ms)}
        # The upload of an image overlaps its copy and the other slot's work, so `gpu`, the time
        # of the queued work, does not contain it.
        times_ms['upload'] += self._feed.upload_ms()
        if self._head is None:
            del times_ms['head']
        return times_ms

    def close(self) -> None:
        """Wait for queued work and free the CUDA graph; must be called only once."""
        self._stream.synchronize()
        self._drop_graph()
        # Free now: the garbage collector may run in a thread without the context.
        self._events, self._done, self._stream = [], None, None

    def _captured(self) -> CapturedGraph | None:
        if self.why_no_graph:
            return None
        try:
            return CapturedGraph(self._stream, self._queue, len(STAGES) + 1)
        except (EngineError, cuda.Error) as error:
            self.why_no_graph = str(error)
            _LOG.warning('samples are launched call by call, not as a CUDA graph: %s', error)
            return None

    def _queue(self, mark: Callable[[int], None]) -> None:
        mark(0)
        self._feed.queue(self._stream, lambda: mark(1))
        mark(2)
        self._run_network(self._slot)
        mark(3)
        if self._head is not None:
            self._head.queue(self._stream)
        mark(4)
        self._slot.download(self._stream)
        if self._head is not None:
            self._head.download(self._stream)
        mark(5)

    def _drop_graph(self) -> None:
        if self._graph is not None:
            self._graph.close()
            self._graph = None
        self._captured_for = None
