"""One frame's way over the GPU: upload, preprocess, network, download, as one graph if it can."""

from __future__ import annotations

from collections.abc import Callable, Mapping
import logging
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
import pycuda.driver as cuda

from edge_trt_ros.errors import EngineError
from edge_trt_ros.runtime.contract import Frame
from edge_trt_ros.runtime.cuda.preprocess_kernel import PreprocessKernel
from edge_trt_ros.runtime.cuda.slot import Slot
from edge_trt_ros.vision.letterbox import Letterbox

try:
    from edge_trt_ros.runtime.cuda.graph import CapturedGraph
    WHY_NO_GRAPHS = ''
except ImportError as error:
    WHY_NO_GRAPHS = f'{error}: pip install cuda-bindings'

STAGES = ('upload', 'preprocess', 'network', 'download')
_LOG = logging.getLogger(__name__)


class Lane:
    """
    What one frame in flight owns; lanes of a runtime share its stream.

    The device's context has to be current for all calls.

    :param stream: the PyCUDA stream that everything is queued on.
    :param kernel: the preprocessing; None where a frame's bytes are the tensor.
    :param slot: the memory.
    :param run_network: queues the network on the stream, bound to the slot's addresses.
    :param use_graph: whether to try to capture frames; what to measure against, if not.
    """

    def __init__(self, stream: Any, kernel: PreprocessKernel | None, slot: Slot,
                 run_network: Callable[[Slot], None], use_graph: bool = True) -> None:
        self._stream, self._kernel, self._slot = stream, kernel, slot
        self._run_network = run_network
        self.why_no_graph = WHY_NO_GRAPHS if use_graph else 'not asked for'
        self._events = [cuda.Event() for _ in range(len(STAGES) + 1)]
        self._done: Any = cuda.Event(cuda.event_flags.DISABLE_TIMING)
        self._source: tuple[str, tuple[int, int]] | None = None
        self._graph: CapturedGraph | None = None
        self._host_ms: dict[str, float] = {}

    def launch(self, frame: Frame, letterbox: Letterbox) -> None:
        """
        Stage a frame and start all of its work.

        :param frame: the image, of an encoding that the kernel knows.
        :param letterbox: how it is fitted to the network.
        """
        self._done.synchronize()  # at once, unless the frame before was never collected
        started = perf_counter()
        moved = self._slot.stage(frame.pixels)
        staged = perf_counter()
        source = (frame.encoding, frame.size_wh)
        if moved or source != self._source:
            self._drop_graph()
            self._source = source
            self._graph = self._captured(frame, letterbox)
        if self._graph is not None:
            self._graph.launch()
        else:
            self._queue(frame.pixels, frame.encoding, letterbox,
                        lambda number: self._events[number].record(self._stream))
        self._done.record(self._stream)
        self._host_ms = {'copy': (staged - started) * 1e3,
                         'submit': (perf_counter() - staged) * 1e3}

    def wait(self) -> Mapping[str, NDArray[Any]]:
        """Wait for the frame and return its outputs, valid until the next launch."""
        started = perf_counter()
        self._done.synchronize()
        self._host_ms['wait'] = (perf_counter() - started) * 1e3
        return self._slot.results()

    def stage_times_ms(self) -> dict[str, float]:
        """Return the stages of the frame that was waited for: GPU by events, host by clock."""
        between_ms = self._graph.marks_ms() if self._graph is not None else [
            float(start.time_till(end)) for start, end in zip(self._events, self._events[1:])]
        return {**self._host_ms, **dict(zip(STAGES, between_ms)), 'gpu': sum(between_ms)}

    def close(self) -> None:
        """Wait for what is under way, and free the graph; once."""
        self._stream.synchronize()
        self._drop_graph()
        # While the context is current: a thread that collects garbage need not have it.
        self._events, self._done, self._stream = [], None, None

    def _captured(self, frame: Frame, letterbox: Letterbox) -> CapturedGraph | None:
        if self.why_no_graph:
            return None
        try:
            return CapturedGraph(self._stream, lambda mark: self._queue(
                frame.pixels, frame.encoding, letterbox, mark), len(STAGES) + 1)
        except (EngineError, cuda.Error) as error:
            self.why_no_graph = str(error)
            _LOG.warning('frames are launched call by call, not as a CUDA graph: %s', error)
            return None

    def _queue(self, pixels: NDArray[np.uint8], encoding: str, letterbox: Letterbox,
               mark: Callable[[int], None]) -> None:
        stream, slot = self._stream, self._slot
        mark(0)
        slot.upload(stream, pixels.size)
        mark(1)
        if self._kernel is None:
            cuda.memcpy_dtod_async(slot.tensor, slot.source, pixels.size, stream)
        else:
            self._kernel.launch(stream, slot.source, slot.tensor, encoding,
                                pixels.size // pixels.shape[0], letterbox)
        mark(2)
        self._run_network(slot)
        mark(3)
        slot.download(stream)
        mark(4)

    def _drop_graph(self) -> None:
        if self._graph is not None:
            self._graph.close()
            self._graph = None
        self._source = None
