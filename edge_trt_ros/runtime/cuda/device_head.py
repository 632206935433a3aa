# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Decodes a head on the GPU, in the graph of the sample: decode, rank, suppress, keep, gather.

The thresholds are in device memory, so that a change needs no new graph. Only the detections
leave the device.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np
from numpy.typing import NDArray
import pycuda.driver as cuda

from edge_trt_ros.runtime.cuda.head_source import head_source
from edge_trt_ros.runtime.cuda.kernel_cache import cache_folder, cubin
from edge_trt_ros.runtime.cuda.memory import on_device, pinned
from edge_trt_ros.runtime.cuda.session import CudaSession
from edge_trt_ros.runtime.cuda.slot import Slot
from edge_trt_ros.runtime.device_decoding import COUNTS, DeviceDecoding, EXTRAS, ROW, ROWS
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.thresholds import Thresholds

_WARP, _THREADS = 32, 128
_BLOCKS = 256  # of the kernels that loop over what there is
_MIN_CAPACITY = 128


class DeviceHead:
    """
    The head of one slot; the device's context must be current for all calls.

    :param decoding: what is decoded, and how.
    :param session: the GPU.
    :param slot: the slot whose outputs are decoded.
    :raises EngineError: if the kernels cannot be compiled.
    """

    def __init__(self, decoding: DeviceDecoding, session: CudaSession, slot: Slot) -> None:
        code, tried = decoding.code, decoding.candidates
        self._code, self._tried = code, tried
        source = head_source(code, decoding.network, decoding.outputs, tried)
        self._module: Any = cuda.module_from_buffer(
            cubin(source, session.compute_capability, cache_folder()))
        self._outputs = [slot.addresses[spec.name] for spec in decoding.outputs.values()]
        self._checked = [(slot.addresses[spec.name], int(np.prod(spec.shape)))
                         for role, spec in decoding.outputs.items() if role in code.to_host]
        pointers = 'P' * len(self._outputs)
        self._decode = self._kernel('decode', f'{pointers}PPP')
        self._check = self._kernel('check', 'PiP')
        self._rank = self._kernel('rank', 'PPP')
        self._overlap = self._kernel('overlap', 'PPPP') if code.suppress else None
        self._keep = self._kernel('keep', 'PPPPP')
        self._gather = self._kernel('gather', f'{pointers}PP') if code.extras else None
        # Two counters, and a bit for each candidate.
        self._state_words = 2 + tried // _WARP
        self._settings_type = _settings_type(max(decoding.network.labels, 1))
        size_bytes = self._settings_type.itemsize
        with ExitStack() as stack:
            self._settings = on_device(stack, size_bytes)
            self._staged = pinned(stack, size_bytes)
            self._state = on_device(stack, 4 * self._state_words)
            self._rows = on_device(stack, code.rows * ROW.itemsize)
            self._sorted = on_device(stack, tried * ROW.itemsize)
            self._masks = on_device(stack, tried * tried // 8)
            # A header of one row, the detections, and their further values in a second block.
            self._result = on_device(stack, (1 + tried) * ROW.itemsize)
            self._extras = on_device(stack, tried * code.extras * 4)
            self._found = pinned(stack, (1 + tried) * ROW.itemsize).view(ROW)
            self._found_extras = pinned(stack, max(tried * code.extras * 4, 4)).view(np.float32)
            self._held = stack.pop_all()
        self._capacity = _MIN_CAPACITY

    def stage(self, letterbox: Letterbox, thresholds: Thresholds) -> Hashable:
        """
        Write thresholds and letterbox into pinned memory.

        :returns: a key of the queued work: if it changes, the CUDA graph must be captured again.
        """
        settings = np.zeros((), self._settings_type)
        settings['confidence'], settings['iou'] = thresholds.confidence, thresholds.nms_iou
        settings['scale'] = letterbox.scale_x, letterbox.scale_y
        settings['pad'] = letterbox.pad_left, letterbox.pad_top
        settings['size'] = letterbox.source_size_wh
        settings['max_detections'] = max(thresholds.max_detections, 0)
        if thresholds.class_ids is not None:
            settings['filtered'] = 1
            for label in thresholds.class_ids:
                if 0 <= label < 32 * settings['wanted'].size:
                    settings['wanted'][label // 32] |= np.uint32(1 << label % 32)
        self._staged[:] = np.frombuffer(settings.tobytes(), np.uint8)
        while self._capacity < min(thresholds.max_detections, self._tried):
            self._capacity *= 2
        self._capacity = min(self._capacity, self._tried)
        return self._capacity

    def queue(self, stream: Any) -> None:
        """Queue the kernels."""
        state, settings, found = self._state, self._settings, self._sorted
        cuda.memcpy_htod_async(settings, self._staged, stream)
        cuda.memset_d32_async(state, 0, self._state_words, stream)
        self._decode.prepared_async_call(
            (-(-self._code.rows // _THREADS), 1, 1), (_THREADS, 1, 1), stream, *self._outputs,
            settings, state, self._rows)
        for address, count in self._checked:
            self._check.prepared_async_call((_BLOCKS, 1, 1), (_THREADS, 1, 1), stream, address,
                                            count, state)
        self._rank.prepared_async_call((_BLOCKS, 1, 1), (_THREADS, 1, 1), stream, state,
                                       self._rows, found)
        if self._overlap is not None:
            self._overlap.prepared_async_call((_BLOCKS, 1, 1), (_WARP, 8, 1), stream, state,
                                              settings, found, self._masks)
        self._keep.prepared_async_call((1, 1, 1), (_WARP, 1, 1), stream, state, settings, found,
                                       self._masks, self._result)
        if self._gather is not None:
            self._gather.prepared_async_call((_BLOCKS, 1, 1), (_THREADS, 1, 1), stream,
                                             *self._outputs, self._result, self._extras)

    def download(self, stream: Any) -> None:
        """Queue the copy of the detections to the host."""
        cuda.memcpy_dtoh_async(self._found[:1 + self._capacity], self._result, stream)
        if self._code.extras:
            cuda.memcpy_dtoh_async(self._found_extras[:self._capacity * self._code.extras],
                                   self._extras, stream)

    def results(self) -> Mapping[str, NDArray[Any]]:
        """Return counts, detections and their further values, valid until the slot is reused."""
        counts = self._found[:1].view(np.int32)[:3]
        kept = int(counts[0])
        return {COUNTS: counts, ROWS: self._found[1:1 + kept],
                EXTRAS: self._found_extras[:kept * self._code.extras].reshape(
                    kept, self._code.extras)}

    def close(self) -> None:
        """Unload the kernels and free all memory; may be called twice."""
        self._decode = self._check = self._rank = self._overlap = None
        self._keep = self._gather = self._module = None
        self._staged = self._found = self._found_extras = np.empty(0, np.uint8)
        self._held.close()

    def _kernel(self, name: str, arguments: str) -> Any:
        function = self._module.get_function(name)
        function.prepare(arguments)
        return function


def _settings_type(labels: int) -> np.dtype[Any]:
    """Return the layout of `Settings` in head.cu."""
    return np.dtype([('confidence', 'f4'), ('iou', 'f4'), ('scale', 'f4', 2), ('pad', 'f4', 2),
                     ('size', 'f4', 2), ('max_detections', 'i4'), ('filtered', 'i4'),
                     ('wanted', 'u4', (labels + 31) // 32)])
