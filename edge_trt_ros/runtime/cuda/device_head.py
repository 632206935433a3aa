# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Decodes a head on the GPU, in the graph of the samples: decode, rank, suppress, keep, gather.

The thresholds are in device memory, so that a change needs no new graph. The last kernels write
the detections to memory of the host; nothing else leaves the device.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np
from numpy.typing import NDArray
import pycuda.driver as cuda

from edge_trt_ros.runtime.cuda.head_source import head_source
from edge_trt_ros.runtime.cuda.kernel_cache import cache_folder, cubin
from edge_trt_ros.runtime.cuda.memory import mapped
from edge_trt_ros.runtime.cuda.session import CudaSession
from edge_trt_ros.runtime.cuda.slot import Slot
from edge_trt_ros.runtime.device_decoding import COUNTS, DeviceDecoding, EXTRAS, ROW, ROWS
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.thresholds import Thresholds

_WARP, _THREADS = 32, 128
_BLOCKS = 256  # of the kernels that loop over what there is


class DeviceHead:
    """
    The head of one slot; the device's context must be current for all calls.

    :param decoding: what is decoded, and how.
    :param session: the GPU.
    :param slot: the slot whose outputs are decoded.
    :raises EngineError: if the kernels cannot be compiled.
    """

    def __init__(self, decoding: DeviceDecoding, session: CudaSession, slot: Slot) -> None:
        code, tried, batch = decoding.code, decoding.candidates, slot.batch
        self._code = code
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
        self._keep = self._kernel('keep', 'PPPPPP')
        self._gather = self._kernel('gather', f'{pointers}PP') if code.extras else None
        self._settings_type = _settings_type(max(decoding.network.labels, 1))
        self._last: tuple[Letterbox, Thresholds, bytes] | None = None
        with ExitStack() as stack:
            # Two counters, and a bit for each candidate; each run leaves them zero.
            words = batch * (2 + tried // _WARP)
            self._state = session.allocate(stack, 4 * words)
            cuda.memset_d32(self._state, 0, words)
            self._rows = session.allocate(stack, batch * code.rows * ROW.itemsize)
            self._sorted = session.allocate(stack, batch * tried * ROW.itemsize)
            self._masks = session.allocate(stack, batch * tried * tried // 8)
            self._kept = session.allocate(stack, batch * (1 + tried) * 4)
            # A header of one row, the detections, and their further values in a second block.
            found, self._result = mapped(stack, batch * (1 + tried) * ROW.itemsize)
            extras, self._extras = mapped(stack, batch * tried * code.extras * 4)
            self._found = found.view(ROW).reshape(batch, 1 + tried)
            self._found_extras = extras[:batch * tried * code.extras * 4].view(
                np.float32).reshape(batch, tried, code.extras)
            self._held = stack.pop_all()

    @property
    def settings_bytes(self) -> int:
        """Size of the settings of one sample."""
        return self._settings_type.itemsize

    def settings(self, letterbox: Letterbox, thresholds: Thresholds) -> bytes:
        """Return letterbox and thresholds of one sample as the kernels read them."""
        if self._last and self._last[0] is letterbox and self._last[1] is thresholds:
            return self._last[2]  # they rarely change
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
        self._last = letterbox, thresholds, settings.tobytes()
        return self._last[2]

    def queue(self, stream: Any, settings: int, samples: int) -> None:
        """
        Queue the kernels.

        :param stream: the PyCUDA stream.
        :param settings: device address of the `settings` of each sample.
        :param samples: number of samples.
        """
        state, found = self._state, self._sorted
        grid, block = (_BLOCKS, 1, samples), (_THREADS, 1, 1)
        self._decode.prepared_async_call(
            (-(-self._code.rows // _THREADS), 1, samples), block, stream, *self._outputs,
            settings, state, self._rows)
        for address, count in self._checked:
            self._check.prepared_async_call(grid, block, stream, address, count, state)
        self._rank.prepared_async_call(grid, block, stream, state, self._rows, found)
        if self._overlap is not None:
            self._overlap.prepared_async_call(grid, (_WARP, 8, 1), stream, state, settings, found,
                                              self._masks)
        self._keep.prepared_async_call((1, 1, samples), (_WARP, 1, 1), stream, state, settings,
                                       found, self._masks, self._result, self._kept)
        if self._gather is not None:
            self._gather.prepared_async_call(grid, block, stream, *self._outputs, self._kept,
                                             self._extras)

    def results(self, place: int) -> Mapping[str, NDArray[Any]]:
        """
        Return counts, detections and their further values, valid until the slot is reused.

        :param place: place of the sample in its batch.
        """
        found = self._found[place]
        counts = found[:1].view(np.int32)[:3]
        kept = int(counts[0])
        return {COUNTS: counts, ROWS: found[1:1 + kept], EXTRAS: self._found_extras[place, :kept]}

    def close(self) -> None:
        """Unload the kernels and free all memory; may be called twice."""
        self._decode = self._check = self._rank = self._overlap = None
        self._keep = self._gather = self._module = None
        self._found = self._found_extras = np.empty((0, 0), np.uint8)
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
