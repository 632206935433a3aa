# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Runs a TensorRT engine on a GPU: a separate stream, and a CUDA graph per batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
import hashlib
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any

from numpy.typing import NDArray

from edge_trt_ros.errors import EngineError, ImageError
from edge_trt_ros.manifest import batch_sizes, EngineManifest
from edge_trt_ros.runtime.batches import check_count
from edge_trt_ros.runtime.contract import Answers, Asked, Ticket
from edge_trt_ros.runtime.cuda.device_head import DeviceHead
from edge_trt_ros.runtime.cuda.feeds import Fitted, make_feed
from edge_trt_ros.runtime.cuda.kernel_cache import cache_folder
from edge_trt_ros.runtime.cuda.lane import Lane
from edge_trt_ros.runtime.cuda.session import CudaSession
from edge_trt_ros.runtime.cuda.slot import Slot
from edge_trt_ros.runtime.cuda.states import DeviceStates
from edge_trt_ros.runtime.cuda.upload import MAPPED, Uploads
from edge_trt_ros.runtime.decoding import decoder_of
from edge_trt_ros.runtime.device_decoding import device_decoding, DeviceDecoding
from edge_trt_ros.runtime.preprocess import host_preprocess
from edge_trt_ros.runtime.samples import Sample
from edge_trt_ros.runtime.tensorrt.device import find_gpu, GpuDevice
from edge_trt_ros.runtime.tensorrt.identity import check_identity
from edge_trt_ros.runtime.tensorrt.library import TensorRt
from edge_trt_ros.runtime.tensorrt.network import TensorRtNetwork
from edge_trt_ros.runtime.tensorrt.ultralytics_header import plan_of
from edge_trt_ros.vision.thresholds import Thresholds


class TensorRtRuntime:
    """
    A network on a GPU (see `runtime.contract.Runtime`).

    :param engine: bytes of the engine file.
    :param manifest: manifest of the engine; the bytes were checked against it when they were read.
    :param library: `tensorrt` or `tensorrt_rtx`.
    :param device_id: number of the GPU.
    :param dla_core: DLA core for an engine that was built for DLA; -1 selects the first.
    :param use_graph: whether to use a CUDA graph; False launches each call, for comparison.
    :param all_outputs: whether `collect` also returns outputs that the device decodes.
    :param upload: how images are uploaded (see `runtime.cuda.upload`); '' measures it.
    :param priority: priority of its work on the GPU: 'high' or 'low'.
    :raises EngineError: if the engine cannot run here; all memory is freed.
    """

    slots = 2

    def __init__(self, engine: bytes, manifest: EngineManifest, library: TensorRt, *,
                 device_id: int = 0, dla_core: int = -1, use_graph: bool = True,
                 all_outputs: bool = False, upload: str = '', priority: str = 'high') -> None:
        gpu = find_gpu(device_id)
        if gpu is None:
            raise EngineError(f'the engine needs an NVIDIA GPU, and there is none with the number '
                              f'{device_id} here: does `nvidia-smi` show it?')
        check_identity(manifest, library, gpu)
        self.decode = decoder_of(manifest)
        self._preprocess = host_preprocess(manifest.input_kinds)
        self.manifest, self._library = manifest, library
        self.max_batch = manifest.max_batch
        self._closing = Lock()
        self._session = CudaSession(device_id, priority)
        self.device_name = self._session.device_name
        with self._session.current(), ExitStack() as stack:
            stack.callback(self._session.close)
            free_bytes = [self._session.memory_bytes()[0]]
            self._network = TensorRtNetwork(plan_of(engine), manifest, library, dla_core,
                                            _compiled_path(manifest, gpu))
            stack.callback(self._network.close)
            free_bytes.append(self._session.memory_bytes()[0])
            decoding = device_decoding(manifest, {
                spec.name: spec for spec in self._network.outputs})
            if decoding is not None:
                self.decode = decoding.decode
            self._uploads = Uploads(self._session, upload)
            is_mapped = upload == MAPPED or not upload and self._session.shares_memory
            slots: list[Slot] = []
            self._lanes: list[Lane] = []
            self._states: list[DeviceStates] = []
            to_host = decoding.to_host if decoding is not None else manifest.results
            for _ in range(self.slots):
                slots.append(Slot(self._session, self._network.inputs, self._network.outputs,
                                  None if all_outputs else to_host,
                                  batch=self.max_batch, shares=slots[0] if slots else None,
                                  is_mapped=is_mapped))
                stack.callback(slots[-1].close)
                self._lanes.append(self._lane(stack, slots[-1], decoding, use_graph))
            free_bytes.append(self._session.memory_bytes()[0])
            # The first run allocates and compiles, which is not allowed during a graph capture.
            for size in batch_sizes(self.max_batch):
                self._enqueue(slots[0], size)
            self._session.stream.synchronize()
            self._network.remember_compiled()
            self._reset_state()
            free_bytes.append(self._session.memory_bytes()[0])
            self._engine_bytes = free_bytes[0] - free_bytes[1] + free_bytes[2] - free_bytes[3]
            self._held = stack.pop_all()

    @property
    def why_no_graph(self) -> str:
        """Why samples are launched call by call; '' if each sample is one CUDA graph."""
        return self._lanes[0].why_no_graph or self._lanes[1].why_no_graph

    @property
    def upload(self) -> str:
        """How images are uploaded, and why; '' if the network reads none."""
        way, reason = self._uploads.way, self._uploads.reason
        return f'images are uploaded {way} ({reason})' if way else ''

    def submit(self, sample: Sample, thresholds: Thresholds = Thresholds(), *, slot: int = 0
               ) -> Ticket:
        """See `Runtime.submit`."""
        fitted = Fitted(sample, self._preprocess.fit(sample), thresholds)
        with self._session.current():
            self._lanes[slot].launch([fitted])
        return Ticket(slot, fitted.letterbox, thresholds, 0)

    def submit_batch(self, asked: Sequence[Asked], *, slot: int = 0) -> Answers:
        """See `Runtime.submit_batch`."""
        check_count(asked, self.max_batch)
        answers: list[Ticket | ImageError] = []
        fitted: list[Fitted] = []
        for sample, thresholds in asked:
            try:
                letterbox = self._preprocess.fit(sample)
            except ImageError as error:
                answers.append(error)
            else:
                answers.append(Ticket(slot, letterbox, thresholds, len(fitted)))
                fitted.append(Fitted(sample, letterbox, thresholds))
        if fitted:
            with self._session.current():
                self._lanes[slot].launch(fitted)
        return tuple(answers)

    def collect(self, ticket: Ticket) -> Mapping[str, NDArray[Any]]:
        """See `Runtime.collect`."""
        with self._session.current():
            return self._lanes[ticket.slot].wait(ticket.handle)

    def reset_state(self) -> None:
        """See `Runtime.reset_state`."""
        with self._session.current():
            self._reset_state()

    def stage_times_ms(self, ticket: Ticket) -> Mapping[str, float]:
        """See `Runtime.stage_times_ms`."""
        with self._session.current():
            return self._lanes[ticket.slot].stage_times_ms()

    def memory_mb(self) -> Mapping[str, float]:
        """See `Runtime.memory_mb`."""
        with self._session.current():
            free_bytes, total_bytes = self._session.memory_bytes()
        return {'gpu_memory_used_mb': (total_bytes - free_bytes) / 1e6,
                'gpu_memory_total_mb': total_bytes / 1e6,
                # The decrease of free device memory: weights, activations, code, and allocations
                # of other processes in the meantime.
                'engine_memory_mb': self._engine_bytes / 1e6,
                # Tensors, images and candidates, which this package allocates.
                'frames_memory_mb': self._session.allocated_bytes / 1e6}

    def layers(self) -> str:
        """Return the layers of the engine as JSON text, from TensorRT's engine inspector."""
        with self._session.current():
            return self._network.layers(self._library)

    def close(self) -> None:
        """See `Runtime.close`."""
        with self._closing, self._session.current():
            self._held.close()

    def __enter__(self) -> TensorRtRuntime:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def _lane(self, stack: ExitStack, slot: Slot, decoding: DeviceDecoding | None,
              use_graph: bool) -> Lane:
        head = None
        if decoding is not None:
            head = DeviceHead(decoding, self._session, slot)
            stack.callback(head.close)
        feed = make_feed(self.manifest.input_kinds, self._session, self._preprocess, slot,
                         self._uploads, head)
        stack.callback(feed.close)
        states = None
        if self.manifest.states:
            states = DeviceStates(self.manifest.states, slot)
            stack.callback(states.close)
            self._states.append(states)
        lane = Lane(self._session.stream, feed, slot, self._enqueue, head, use_graph, states)
        stack.callback(lane.close)
        return lane

    def _reset_state(self) -> None:
        for states in self._states[:1]:  # the slots share the tensors on the device
            states.reset(self._session.stream)

    def _enqueue(self, slot: Slot, samples: int) -> None:
        self._network.enqueue(slot.addresses, samples, self._session.stream.handle)


def _compiled_path(manifest: EngineManifest, gpu: GpuDevice) -> Path:
    identity = '\n'.join((manifest.engine_sha256, manifest.backend_version, gpu.name,
                          gpu.compute_capability, gpu.driver))
    return cache_folder() / f'{hashlib.sha256(identity.encode()).hexdigest()[:32]}.runtime_cache'
