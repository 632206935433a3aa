# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Uploads the bytes of images from any host memory, in the way that is fastest on this machine.

WHOLE    one thread copies an image to pinned memory, then it is uploaded.
HALVES   two threads copy a half each, and the first half is uploaded while the second is copied.
MAPPED   the GPU shares the memory of the host (Jetson): kernels read the pinned memory itself.
"""

from __future__ import annotations

from contextlib import ExitStack
import logging
from statistics import median
from threading import Lock, Thread
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
import pycuda.driver as cuda

from edge_trt_ros.runtime.cuda.memory import mapped, on_device, pinned
from edge_trt_ros.runtime.cuda.session import CudaSession

WHOLE, HALVES, MAPPED = 'whole', 'halves', 'mapped'
_PROBE_BYTES, _WARM_UP_ROUNDS, _PROBE_ROUNDS = 1280 * 720 * 3, 5, 20
# Halves must be this much faster: they keep a second core busy.
_WORTH_IT = 0.9
# Smaller images are copied before a second thread wakes up.
_MIN_HALVES_BYTES = 1 << 19
_LOG = logging.getLogger(__name__)
Bytes = NDArray[np.uint8]


class CopyThread:
    """A second thread that copies bytes; `close` ends it and may be called twice."""

    def __init__(self) -> None:
        self._asked, self._copied = Lock(), Lock()
        self._asked.acquire()
        self._copied.acquire()
        self._job: tuple[Bytes, Bytes] | None = None
        self._thread: Thread | None = Thread(target=self._run, name='copy to pinned memory',
                                             daemon=True)
        self._thread.start()

    def start(self, to: Bytes, source: Bytes) -> None:
        """Start to copy; `wait` must follow."""
        self._job = to, source
        self._asked.release()

    def wait(self) -> None:
        """Wait until the copy is complete."""
        self._copied.acquire()

    def close(self) -> None:
        """End the thread."""
        if self._thread is not None:
            self._job = None
            self._asked.release()
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while True:
            self._asked.acquire()
            job = self._job
            if job is None:
                return
            np.copyto(*job)
            job = self._job = None
            self._copied.release()


class Upload:
    """
    The memory of one slot for images; the device's context must be current for all calls.

    :param session: the GPU.
    :param way: WHOLE, HALVES or MAPPED.
    :param helper: the second thread for HALVES.
    """

    def __init__(self, session: CudaSession, way: str, helper: CopyThread | None = None) -> None:
        self._stream, self._way, self._helper = session.copy_stream, way, helper
        self._started: Any = cuda.Event()
        self._done: Any = cuda.Event()
        self._held = ExitStack()
        self._staged: Bytes = np.empty(0, np.uint8)
        self.address = self.allocations = 0

    def send(self, pixels: Bytes) -> None:
        """
        Copy an image and queue its upload; the previous one must have been read by the device.

        :param pixels: uint8 of any shape and strides.
        """
        if pixels.size > self._staged.size:
            self._allocate(pixels.size)
        staged = self._staged[:pixels.size].reshape(pixels.shape)
        if self._way == MAPPED:
            np.copyto(staged, pixels)
            return
        self._started.record(self._stream)
        rows = len(pixels) // 2
        if self._way == HALVES and self._helper is not None and pixels.size >= _MIN_HALVES_BYTES:
            self._helper.start(staged[rows:], pixels[rows:])
            try:
                np.copyto(staged[:rows], pixels[:rows])
                self._queue(0, staged[:rows].size)
            finally:
                self._helper.wait()
            self._queue(staged[:rows].size, pixels.size)
        else:
            np.copyto(staged, pixels)
            self._queue(0, pixels.size)
        self._done.record(self._stream)

    def before(self, stream: Any) -> None:
        """Let a stream wait for the upload."""
        if self._way != MAPPED:
            stream.wait_for_event(self._done)

    def time_ms(self) -> float:
        """Return the milliseconds from the start of a finished upload to its end."""
        return 0.0 if self._way == MAPPED else float(self._started.time_till(self._done))

    def close(self) -> None:
        """Wait for a queued upload and free all memory; may be called twice."""
        if self._stream is not None:
            self._stream.synchronize()
        self._staged = np.empty(0, np.uint8)
        self._stream = self._started = self._done = None
        self._held.close()

    def _queue(self, start: int, stop: int) -> None:
        cuda.memcpy_htod_async(self.address + start, self._staged[start:stop], self._stream)

    def _allocate(self, size_bytes: int) -> None:
        self._staged = np.empty(0, np.uint8)
        self._held.close()
        with ExitStack() as stack:
            if self._way == MAPPED:
                staged, self.address = mapped(stack, size_bytes)
            else:
                staged = pinned(stack, size_bytes)
                self.address = on_device(stack, size_bytes)
            self._held = stack.pop_all()
        self._staged = staged
        self.allocations += 1


class Uploads:
    """
    Makes the uploads of a runtime; the device's context must be current for all calls.

    :param session: the GPU.
    :param way: WHOLE, HALVES or MAPPED; '' measures at the first image which is fastest here.
    """

    def __init__(self, session: CudaSession, way: str = '') -> None:
        self._session, self.way = session, way
        self.reason = 'asked for' if way else 'not needed'
        self._helper: CopyThread | None = None

    def open(self) -> Upload:
        """Return the upload of one slot."""
        if self._helper is None:
            self._helper = CopyThread()
        if not self.way:
            self.way, self.reason = self._fastest()
            _LOG.info('images are uploaded %s: %s', self.way, self.reason)
        return Upload(self._session, self.way, self._helper)

    def close(self) -> None:
        """End the second thread; may be called twice."""
        if self._helper is not None:
            self._helper.close()

    def _fastest(self) -> tuple[str, str]:
        if self._session.shares_memory:
            return MAPPED, 'the GPU shares the memory of the host'
        source = np.full((720, _PROBE_BYTES // 720), 7, np.uint8)
        times_ms = self._times_ms(source)
        found = ' and '.join(f'{way} {value:.3f} ms' for way, value in times_ms.items())
        way = HALVES if times_ms[HALVES] < _WORTH_IT * times_ms[WHOLE] else WHOLE
        return way, f'{found} for a frame of 1280x720'

    def _times_ms(self, source: Bytes) -> dict[str, float]:
        """Return the median time of an upload for each way; the ways take turns."""
        times_ms: dict[str, list[float]] = {WHOLE: [], HALVES: []}
        with ExitStack() as stack:
            uploads = {way: Upload(self._session, way, self._helper) for way in times_ms}
            for upload in uploads.values():
                stack.callback(upload.close)
            for _ in range(_WARM_UP_ROUNDS + _PROBE_ROUNDS):
                for way, upload in uploads.items():
                    started = perf_counter()
                    upload.send(source)
                    self._session.copy_stream.synchronize()
                    times_ms[way].append((perf_counter() - started) * 1e3)
        return {way: median(found[_WARM_UP_ROUNDS:]) for way, found in times_ms.items()}
