# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""CUDA graphs: the GPU work of a sample, captured once and launched with one call."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from cuda.bindings import driver

from edge_trt_ros.errors import EngineError

_RECORD_IN_GRAPH = 1  # CU_EVENT_RECORD_EXTERNAL


class CapturedGraph:
    """
    A CUDA graph of what a function queues on a stream.

    PyCUDA cannot capture, so cuda-bindings captures on the handle of the PyCUDA stream. The
    device's context must be current for all calls.

    :param stream: the PyCUDA stream.
    :param work: queues the work on that stream only. It is called once, with a function that
        records a numbered event on the stream.
    :param marks: number of events.
    :raises EngineError: if the work cannot be captured.
    """

    def __init__(self, stream: Any, work: Callable[[Callable[[int], None]], None], marks: int
                 ) -> None:
        self._stream = driver.CUstream(stream.handle)
        with ExitStack() as stack:
            # PyCUDA does not expose the handles of its events.
            self._events = [_event(stack) for _ in range(marks)]
            self._executable = self._captured(work)
            stack.callback(driver.cuGraphExecDestroy, self._executable)
            # Without this, the first launch uploads the graph.
            _checked(driver.cuGraphUpload(self._executable, self._stream))
            self._held = stack.pop_all()

    def launch(self) -> None:
        """Queue the captured work."""
        _checked(driver.cuGraphLaunch(self._executable, self._stream))

    def marks_ms(self) -> list[float]:
        """Return the milliseconds between consecutive events of a finished launch."""
        return [float(_checked(driver.cuEventElapsedTime(start, end)))
                for start, end in zip(self._events, self._events[1:])]

    def close(self) -> None:
        """Release the graph; may be called twice."""
        self._held.close()

    def _captured(self, work: Callable[[Callable[[int], None]], None]) -> Any:
        # Restrict only this thread: other threads may allocate during the capture.
        _checked(driver.cuStreamBeginCapture(
            self._stream, driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL))
        try:
            work(self._mark)
        except BaseException:
            driver.cuStreamEndCapture(self._stream)
            raise
        graph = _checked(driver.cuStreamEndCapture(self._stream))
        try:
            return _checked(driver.cuGraphInstantiate(graph, 0))
        finally:
            driver.cuGraphDestroy(graph)

    def _mark(self, number: int) -> None:
        # External: the event is recorded by each launch, not turned into a graph dependency.
        _checked(driver.cuEventRecordWithFlags(
            self._events[number], self._stream, _RECORD_IN_GRAPH))


def _event(stack: ExitStack) -> Any:
    event = _checked(driver.cuEventCreate(0))
    stack.callback(driver.cuEventDestroy, event)
    return event


def _checked(result: tuple[Any, ...]) -> Any:
    error, *values = result
    if error != driver.CUresult.CUDA_SUCCESS:
        raise EngineError(f'CUDA graph: {error.name}')
    return values[0] if values else None
