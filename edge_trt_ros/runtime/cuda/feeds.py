# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Feeds copy samples into the network's input tensors on the device: one feed per slot.

An image is uploaded and preprocessed by a kernel. Texts, tensors and a picture beside tensors
are preprocessed on the host, directly into pinned memory, and uploaded.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Protocol

import pycuda.driver as cuda

from edge_trt_ros.network_input import ImageInput, NetworkInput
from edge_trt_ros.runtime.cuda.device_head import DeviceHead
from edge_trt_ros.runtime.cuda.frame_layout import FRAME, frame_layout
from edge_trt_ros.runtime.cuda.memory import pinned
from edge_trt_ros.runtime.cuda.preprocess_kernel import PreprocessKernel
from edge_trt_ros.runtime.cuda.session import CudaSession
from edge_trt_ros.runtime.cuda.slot import Slot
from edge_trt_ros.runtime.cuda.upload import Uploads
from edge_trt_ros.runtime.image_preprocess import checked_frame
from edge_trt_ros.runtime.preprocess import Preprocess
from edge_trt_ros.runtime.samples import Sample
from edge_trt_ros.tensor_input import StateInput
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.thresholds import Thresholds


@dataclass(frozen=True)
class Fitted:
    """
    A sample that is accepted.

    :param sample: the sample.
    :param letterbox: how it is fitted to the network.
    :param thresholds: what the head keeps.
    """

    sample: Sample
    letterbox: Letterbox
    thresholds: Thresholds


class Feed(Protocol):
    """Copies samples into one slot; the device's context must be current for all calls."""

    @property
    def settings(self) -> int:
        """Device address of the head's settings of each sample; 0 for none."""

    def stage(self, asked: Sequence[Fitted]) -> Hashable:
        """
        Copy samples into pinned memory; images are uploaded at once.

        :returns: a key of the queued work: if it changes, CUDA graphs must be captured again.
        :raises ImageError: for a sample of the wrong kind.
        """

    def queue(self, stream: Any, samples: int, uploaded: Callable[[], None]) -> None:
        """Queue upload and preprocessing of staged samples; call `uploaded` in between."""

    def before(self, stream: Any) -> None:
        """Let a stream wait for uploads outside of the queued work."""

    def upload_ms(self) -> float:
        """Return the milliseconds of finished uploads outside of the queued work."""

    def close(self) -> None:
        """Free all memory; may be called twice."""


class ImageFeed:
    """
    Feeds images.

    The memory of the images starts with what kernels must know of each: first for `letterbox`,
    then for the head.

    :param image_input: size, colours, scale, mean, std and pad value of the input tensor.
    :param session: the GPU.
    :param slot: slot whose input tensor is filled.
    :param uploads: makes the upload.
    :param head: head whose settings are uploaded with the images; None for none.
    :raises EngineError: if the kernel cannot be compiled.
    """

    def __init__(self, image_input: ImageInput, session: CudaSession, slot: Slot,
                 uploads: Uploads, head: DeviceHead | None) -> None:
        self._kernel = PreprocessKernel(session, image_input,
                                        slot.inputs[image_input.tensor].dtype)
        self._tensor = slot.addresses[image_input.tensor]
        self._head, self._settings_at = head, slot.batch * FRAME.size
        settings_bytes = head.settings_bytes if head else 0
        self._upload = uploads.open(self._settings_at + slot.batch * settings_bytes)

    @property
    def settings(self) -> int:
        """Device address of the head's settings of each sample."""
        return self._upload.address + self._settings_at

    def stage(self, asked: Sequence[Fitted]) -> Hashable:
        """See `Feed.stage`; buffers grow to the largest batch."""
        frames = [checked_frame(fitted.sample) for fitted in asked]
        images = [frame.pixels for frame in frames]
        table = b''.join(map(frame_layout, frames, (fitted.letterbox for fitted in asked),
                             self._upload.starts(images)))
        if self._head is not None:
            table = table.ljust(self._settings_at, b'\0') + b''.join(
                self._head.settings(fitted.letterbox, fitted.thresholds) for fitted in asked)
        self._upload.send(images, table)
        return self._upload.allocations

    def before(self, stream: Any) -> None:
        """See `Feed.before`."""
        self._upload.before(stream)

    def upload_ms(self) -> float:
        """See `Feed.upload_ms`."""
        return self._upload.time_ms()

    def queue(self, stream: Any, samples: int, uploaded: Callable[[], None]) -> None:
        """See `Feed.queue`."""
        uploaded()
        self._kernel.launch(stream, self._upload.address, self._tensor, samples)

    def close(self) -> None:
        """See `Feed.close`."""
        self._kernel.close()
        self._upload.close()


class HostFeed:
    """
    Feeds texts and tensors, which are preprocessed on the host.

    :param preprocess: fills the input tensors.
    :param slot: slot whose input tensors are filled.
    :param names: the tensors that it fills; the others are states.
    """

    settings = 0

    def __init__(self, preprocess: Preprocess, slot: Slot, names: Collection[str]) -> None:
        self._preprocess, self._slot = preprocess, slot
        with ExitStack() as stack:
            self._pinned = {
                name: pinned(stack, slot.batch * spec.size_bytes).view(spec.dtype).reshape(
                    slot.batch, *spec.shape)
                for name, spec in slot.inputs.items() if name in names}
            self._held = stack.pop_all()

    def stage(self, asked: Sequence[Fitted]) -> Hashable:
        """See `Feed.stage`."""
        for place, fitted in enumerate(asked):
            self._preprocess.fill(fitted.sample, fitted.letterbox, {
                # Not values[place], which is no array if the shape of a sample is empty.
                name: values[place:place + 1].reshape(values.shape[1:])
                for name, values in self._pinned.items()})
        return 'host'

    def before(self, stream: Any) -> None:
        """See `Feed.before`: the upload is part of the queued work."""

    def upload_ms(self) -> float:
        """See `Feed.upload_ms`."""
        return 0.0

    def queue(self, stream: Any, samples: int, uploaded: Callable[[], None]) -> None:
        """See `Feed.queue`."""
        for name, values in self._pinned.items():
            cuda.memcpy_htod_async(self._slot.addresses[name], values[:samples], stream)
        uploaded()

    def close(self) -> None:
        """See `Feed.close`."""
        self._pinned = {}
        self._held.close()


def make_feed(kinds: Sequence[NetworkInput], session: CudaSession, preprocess: Preprocess,
              slot: Slot, uploads: Uploads, head: DeviceHead | None = None) -> Feed:
    """
    Return the feed of one slot.

    :param kinds: the network's inputs.
    :param session: the GPU; its context is current.
    :param preprocess: the network's preprocessing on the host.
    :param slot: slot whose input tensors are filled.
    :param uploads: makes the upload of images.
    :param head: head whose settings are uploaded with the images; None for none.
    :raises EngineError: if the preprocess kernel cannot be compiled.
    """
    if len(kinds) == 1 and isinstance(kinds[0], ImageInput):
        return ImageFeed(kinds[0], session, slot, uploads, head)
    return HostFeed(preprocess, slot, [
        name for kind in kinds if not isinstance(kind, StateInput) for name in kind.tensors])
