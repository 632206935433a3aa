# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Uploads the bytes of images from any host memory, in the way that is fastest on this machine.

WHOLE    one thread copies an image to pinned memory, then it is uploaded.
THREADS  the threads of OpenCV copy it in two pieces; the first is uploaded during the second.
MAPPED   the GPU shares the memory of the host (Jetson): kernels read the pinned memory itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from itertools import accumulate
import logging
from statistics import median
from time import perf_counter
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
import pycuda.driver as cuda

from edge_trt_ros.runtime.cuda.memory import mapped, pinned
from edge_trt_ros.runtime.cuda.session import CudaSession

WHOLE, THREADS, MAPPED = 'whole', 'by threads', 'mapped'
_PROBE_BYTES, _WARM_UP_ROUNDS, _PROBE_ROUNDS = 1280 * 720 * 3, 5, 20
# Threads must be this much faster: they keep more cores busy.
_WORTH_IT = 0.9
# Pieces of an only image; each image of a batch is one.
_PIECES = 2
_ALIGNMENT_BYTES = 256
# Smaller images are copied before other threads wake up.
_MIN_THREADS_BYTES = 1 << 19
_LOG = logging.getLogger(__name__)
Bytes = NDArray[np.uint8]


class Upload:
    """
    The memory of one slot for images; the device's context must be current for all calls.

    It starts with a table, which the kernels read as well.

    :param session: the GPU.
    :param way: WHOLE, THREADS or MAPPED.
    :param table_bytes: size of the table.
    :ivar address: address of the memory on the device.
    :ivar allocations: how often `address` has changed.
    """

    def __init__(self, session: CudaSession, way: str, table_bytes: int = 0) -> None:
        self._session, self._stream, self._way = session, session.copy_stream, way
        self._started: Any = cuda.Event()
        self._done: Any = cuda.Event()
        self._held = ExitStack()
        self._staged: Bytes = np.empty(0, np.uint8)
        self._table_bytes = table_bytes
        self.address = self.allocations = 0

    def starts(self, images: Sequence[Bytes]) -> list[int]:
        """Return the place of each image in the memory, and where the last one ends."""
        return list(accumulate((_aligned(image.size) for image in images),
                               initial=_aligned(self._table_bytes)))

    def send(self, images: Sequence[Bytes], table: bytes = b'') -> None:
        """
        Copy images and queue their upload; the previous ones must have been read by the device.

        :param images: uint8 of any shape and strides, at least one.
        :param table: content of the table.
        """
        starts = self.starts(images)
        if starts[-1] > self._staged.size:
            self._allocate(starts[-1])
        self._staged[:len(table)] = np.frombuffer(table, np.uint8)
        if self._way != MAPPED:
            self._started.record(self._stream)
        sent = 0
        for image, start in zip(images, starts):
            to = self._staged[start:start + image.size].reshape(image.shape)
            for first, last in self._pieces(image, len(images)):
                self._copy(to[first:last], image[first:last])
                end = start + to[:last].size
                if self._way != MAPPED:
                    cuda.memcpy_htod_async(self.address + sent, self._staged[sent:end],
                                           self._stream)
                sent = end
        if self._way != MAPPED:
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

    def _pieces(self, image: Bytes, images: int) -> list[tuple[int, int]]:
        """Return the first row of each piece, and the first row after it."""
        rows = len(image)
        if self._way != THREADS or images > 1 or image.size < _MIN_THREADS_BYTES:
            return [(0, rows)]
        return [(rows * index // _PIECES, rows * (index + 1) // _PIECES)
                for index in range(_PIECES)]

    def _copy(self, to: Bytes, source: Bytes) -> None:
        if self._way == THREADS and source.size >= _MIN_THREADS_BYTES // _PIECES:
            # The only operation of OpenCV that copies on several threads: no byte is below 0.
            cv2.threshold(source, 0, 255, cv2.THRESH_TOZERO, dst=to)
        else:
            np.copyto(to, source)

    def _allocate(self, size_bytes: int) -> None:
        self._staged = np.empty(0, np.uint8)
        self._held.close()
        with ExitStack() as stack:
            if self._way == MAPPED:
                staged, self.address = mapped(stack, size_bytes)
            else:
                staged = pinned(stack, size_bytes)
                self.address = self._session.allocate(stack, size_bytes)
            self._held = stack.pop_all()
        self._staged = staged
        self.allocations += 1


def _aligned(size_bytes: int) -> int:
    return -(-size_bytes // _ALIGNMENT_BYTES) * _ALIGNMENT_BYTES


class Uploads:
    """
    Makes the uploads of a runtime; the device's context must be current for all calls.

    :param session: the GPU.
    :param way: WHOLE, THREADS or MAPPED; '' measures at the first image which is fastest here.
    """

    def __init__(self, session: CudaSession, way: str = '') -> None:
        self._session, self.way = session, way
        self.reason = 'asked for' if way else 'not needed'

    def open(self, table_bytes: int = 0) -> Upload:
        """Return the upload of one slot."""
        if not self.way:
            self.way, self.reason = self._fastest()
            _LOG.info('images are uploaded %s: %s', self.way, self.reason)
        return Upload(self._session, self.way, table_bytes)

    def _fastest(self) -> tuple[str, str]:
        if self._session.shares_memory:
            return MAPPED, 'the GPU shares the memory of the host'
        source = np.full((720, _PROBE_BYTES // 720), 7, np.uint8)
        times_ms = self._times_ms(source)
        found = ' and '.join(f'{way} {value:.3f} ms' for way, value in times_ms.items())
        way = THREADS if times_ms[THREADS] < _WORTH_IT * times_ms[WHOLE] else WHOLE
        return way, f'{found} for a frame of 1280x720'

    def _times_ms(self, source: Bytes) -> dict[str, float]:
        """Return the median time of an upload for each way; the ways take turns."""
        times_ms: dict[str, list[float]] = {WHOLE: [], THREADS: []}
        with ExitStack() as stack:
            uploads = {way: Upload(self._session, way) for way in times_ms}
            for upload in uploads.values():
                stack.callback(upload.close)
            for _ in range(_WARM_UP_ROUNDS + _PROBE_ROUNDS):
                for way, upload in uploads.items():
                    started = perf_counter()
                    upload.send([source])
                    self._session.copy_stream.synchronize()
                    times_ms[way].append((perf_counter() - started) * 1e3)
        return {way: median(found[_WARM_UP_ROUNDS:]) for way, found in times_ms.items()}
