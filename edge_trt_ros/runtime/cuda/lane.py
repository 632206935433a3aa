# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Runs samples on the GPU: upload, preprocess, network, head, download; in a CUDA graph."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
import logging
from time import perf_counter
from typing import Any

from numpy.typing import NDArray
import pycuda.driver as cuda

from edge_trt_ros.errors import EngineError
from edge_trt_ros.runtime.cuda.device_head import DeviceHead
from edge_trt_ros.runtime.cuda.feeds import Feed, Fitted
from edge_trt_ros.runtime.cuda.slot import Slot
from edge_trt_ros.runtime.cuda.states import DeviceStates

try:
    from edge_trt_ros.runtime.cuda.graph import CapturedGraph
    WHY_NO_GRAPHS = ''
except ImportError as error:
    WHY_NO_GRAPHS = f'{error}: pip install cuda-bindings'

STAGES = ('upload', 'preprocess', 'network', 'head', 'download')
# Events in a graph and their times cost 0.05 ms: only some launches have them.
_TIMED_EVERY = 32
_LOG = logging.getLogger(__name__)


class Lane:
    """
    Runs one batch at a time; all lanes of a runtime share its stream.

    The device's context must be current for all calls.

    :param stream: the PyCUDA stream of all work.
    :param feed: copies samples into the slot.
    :param slot: the tensors.
    :param run_network: queues the network on the stream, bound to the slot's addresses, for a
        number of samples.
    :param head: decodes the outputs on the device; None if the engine or the host does.
    :param use_graph: whether to capture the work as a CUDA graph; False is for comparison.
    :param states: feeds outputs back to inputs; None for a network without states.
    """

    def __init__(self, stream: Any, feed: Feed, slot: Slot,
                 run_network: Callable[[Slot, int], None], head: DeviceHead | None = None,
                 use_graph: bool = True, states: DeviceStates | None = None) -> None:
        self._stream, self._feed, self._slot = stream, feed, slot
        self._run_network, self._head, self._states = run_network, head, states
        self.why_no_graph = WHY_NO_GRAPHS if use_graph else 'not asked for'
        self._events = [cuda.Event() for _ in range(len(STAGES) + 1)]
        self._done: Any = cuda.Event(cuda.event_flags.DISABLE_TIMING)
        self._captured_for: Hashable = None
        # By the number of samples, and whether the stages are timed.
        self._graphs: dict[tuple[int, bool], CapturedGraph] = {}
        self._launched: CapturedGraph | None = None
        self._launches = 0
        self._is_timed = False
        self._host_ms: dict[str, float] = {}
        self._device_ms: dict[str, float] = {}

    def launch(self, asked: Sequence[Fitted]) -> None:
        """
        Stage samples and start their work.

        :param asked: the samples, at most as many as the slot has places for.
        """
        self._done.synchronize()  # waits only if the previous samples were not collected
        started = perf_counter()
        graph_key = self._feed.stage(asked)
        staged = perf_counter()
        self._feed.before(self._stream)
        if graph_key != self._captured_for:
            self._drop_graphs()
            self._captured_for = graph_key
        self._is_timed = self._launches % _TIMED_EVERY == 0
        self._launches += 1
        self._launched = self._graph(len(asked), self._is_timed)
        if self._launched is not None:
            self._launched.launch()
        else:
            self._is_timed = True
            self._queue(len(asked), lambda number: self._events[number].record(self._stream))
        self._done.record(self._stream)
        self._host_ms = {'copy': (staged - started) * 1e3,
                         'submit': (perf_counter() - staged) * 1e3}

    def wait(self, place: int) -> Mapping[str, NDArray[Any]]:
        """
        Wait for the samples and return the outputs of one, valid until the next launch.

        :param place: place of the sample in its batch.
        """
        started = perf_counter()
        self._done.synchronize()
        self._host_ms['wait'] = (perf_counter() - started) * 1e3
        outputs = self._slot.results(place)
        if self._head is not None:
            outputs.update(self._head.results(place))
        return outputs

    def stage_times_ms(self) -> dict[str, float]:
        """
        Return the milliseconds per stage of the last samples, from CUDA events and a clock.

        The stages on the device are those of the last launch that was timed.
        """
        if self._is_timed:
            self._is_timed = False
            self._device_ms = self._read_events()
        return {**self._host_ms, **self._device_ms}

    def close(self) -> None:
        """Wait for queued work and free the CUDA graphs; must be called only once."""
        self._stream.synchronize()
        self._drop_graphs()
        # Free now: the garbage collector may run in a thread without the context.
        self._events, self._done, self._stream = [], None, None

    def _read_events(self) -> dict[str, float]:
        between_ms = self._launched.marks_ms() if self._launched is not None else [
            float(start.time_till(end)) for start, end in zip(self._events, self._events[1:])]
        times_ms = {**dict(zip(STAGES, between_ms)), 'gpu': sum(between_ms)}
        # The upload of an image overlaps its copy and the other slot's work, so `gpu`, the time
        # of the queued work, does not contain it.
        times_ms['upload'] += self._feed.upload_ms()
        if self._head is None:
            del times_ms['head']
        return times_ms

    def _graph(self, samples: int, is_timed: bool) -> CapturedGraph | None:
        if self.why_no_graph:
            return None
        key = samples, is_timed
        if key not in self._graphs:
            def queue(mark: Callable[[int], None]) -> None:
                self._queue(samples, mark if is_timed else lambda number: None)
            try:
                self._graphs[key] = CapturedGraph(
                    self._stream, queue, len(STAGES) + 1 if is_timed else 0)
            except (EngineError, cuda.Error) as error:
                self.why_no_graph = str(error)
                _LOG.warning('samples are launched call by call, not as a CUDA graph: %s', error)
                return None
        return self._graphs[key]

    def _queue(self, samples: int, mark: Callable[[int], None]) -> None:
        mark(0)
        self._feed.queue(self._stream, samples, lambda: mark(1))
        mark(2)
        self._run_network(self._slot, samples)
        if self._states is not None:
            self._states.queue(self._stream)
        mark(3)
        if self._head is not None:
            self._head.queue(self._stream, self._feed.settings, samples)
        mark(4)
        self._slot.download(self._stream, samples)
        mark(5)

    def _drop_graphs(self) -> None:
        for graph in self._graphs.values():
            graph.close()
        self._graphs, self._launched = {}, None
        self._captured_for = None
