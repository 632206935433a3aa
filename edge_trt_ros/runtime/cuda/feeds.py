# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Feeds copy samples into the network's input tensors on the device: one feed per slot.

An image is uploaded and preprocessed by a kernel. Texts and tensors
are preprocessed on the host, directly into pinned memory, and uploaded.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from contextlib import ExitStack
from typing import Any, Protocol

import pycuda.driver as cuda

from edge_trt_ros.network_input import ImageInput, NetworkInput, TensorInput, TextInput
from edge_trt_ros.runtime.cuda.memory import pinned
from edge_trt_ros.runtime.cuda.preprocess_kernel import PreprocessKernel
from edge_trt_ros.runtime.cuda.session import CudaSession
from edge_trt_ros.runtime.cuda.slot import Slot
from edge_trt_ros.runtime.cuda.upload import Uploads
from edge_trt_ros.runtime.image_preprocess import checked_frame
from edge_trt_ros.runtime.preprocess import Preprocess
from edge_trt_ros.runtime.samples import Frame, Sample
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.pixel_encodings import pixel_encoding


class Feed(Protocol):
    """Copies samples into one slot; the device's context must be current for all calls."""

    def stage(self, sample: Sample, letterbox: Letterbox) -> Hashable:
        """
        Copy a sample into pinned memory; an image is uploaded at once.

        :returns: a key of the queued work: if it changes, the CUDA graph must be captured again.
        :raises ImageError: for a sample of the wrong kind.
        """

    def queue(self, stream: Any, uploaded: Callable[[], None]) -> None:
        """Queue upload and preprocessing of the staged sample; call `uploaded` in between."""

    def before(self, stream: Any) -> None:
        """Let a stream wait for uploads outside of the queued work."""

    def upload_ms(self) -> float:
        """Return the milliseconds of finished uploads outside of the queued work."""

    def close(self) -> None:
        """Free all memory; may be called twice."""


class ImageFeed:
    """
    Feeds images.

    :param image_input: size, colours, scale, mean, std and pad value of the input tensor.
    :param session: the GPU.
    :param slot: slot whose input tensor is filled.
    :param uploads: makes the upload.
    :raises EngineError: if the kernel cannot be compiled.
    """

    def __init__(self, image_input: ImageInput, session: CudaSession, slot: Slot,
                 uploads: Uploads) -> None:
        self._kernel = PreprocessKernel(session, image_input,
                                        slot.inputs[image_input.tensor].dtype)
        self._tensor = slot.addresses[image_input.tensor]
        self._upload = uploads.open()
        self._frame: Frame | None = None
        self._letterbox: Letterbox | None = None

    def stage(self, sample: Sample, letterbox: Letterbox) -> Hashable:
        """See `Feed.stage`; buffers grow to the largest image."""
        frame = checked_frame(sample)
        pixel_encoding(frame.encoding)
        self._upload.send(frame.pixels)
        self._frame, self._letterbox = frame, letterbox
        return frame.encoding, frame.size_wh, self._upload.allocations

    def before(self, stream: Any) -> None:
        """See `Feed.before`."""
        self._upload.before(stream)

    def upload_ms(self) -> float:
        """See `Feed.upload_ms`."""
        return self._upload.time_ms()

    def queue(self, stream: Any, uploaded: Callable[[], None]) -> None:
        """See `Feed.queue`."""
        frame, letterbox = self._frame, self._letterbox
        if frame is None or letterbox is None:
            raise ValueError('no frame is staged')
        uploaded()
        self._kernel.launch(stream, self._upload.address, self._tensor, frame.encoding,
                            frame.pixels.size // frame.pixels.shape[0], letterbox)

    def close(self) -> None:
        """See `Feed.close`."""
        self._kernel.close()
        self._frame = None
        self._upload.close()


class HostFeed:
    """
    Feeds texts and tensors, which are preprocessed on the host.

    :param preprocess: fills the input tensors.
    :param slot: slot whose input tensors are filled.
    """

    def __init__(self, preprocess: Preprocess, slot: Slot) -> None:
        self._preprocess, self._slot = preprocess, slot
        with ExitStack() as stack:
            self._pinned = {
                name: pinned(stack, spec.size_bytes).view(spec.dtype).reshape(spec.shape)
                for name, spec in slot.inputs.items()}
            self._held = stack.pop_all()

    def stage(self, sample: Sample, letterbox: Letterbox) -> Hashable:
        """See `Feed.stage`."""
        self._preprocess.fill(sample, letterbox, self._pinned)
        return 'host'

    def before(self, stream: Any) -> None:
        """See `Feed.before`: the upload is part of the queued work."""

    def upload_ms(self) -> float:
        """See `Feed.upload_ms`."""
        return 0.0

    def queue(self, stream: Any, uploaded: Callable[[], None]) -> None:
        """See `Feed.queue`."""
        for name, values in self._pinned.items():
            cuda.memcpy_htod_async(self._slot.addresses[name], values, stream)
        uploaded()

    def close(self) -> None:
        """See `Feed.close`."""
        self._pinned = {}
        self._held.close()


def make_feed(kinds: Sequence[NetworkInput], session: CudaSession, preprocess: Preprocess,
              slot: Slot, uploads: Uploads) -> Feed:
    """
    Return the feed of one slot.

    :param kinds: the network's inputs.
    :param session: the GPU; its context is current.
    :param preprocess: the network's preprocessing on the host.
    :param slot: slot whose input tensors are filled.
    :param uploads: makes the upload of images.
    :raises EngineError: if the preprocess kernel cannot be compiled.
    """
    makers: dict[type, Callable[[Any], Feed]] = {
        ImageInput: lambda image_input: ImageFeed(image_input, session, slot, uploads),
        TextInput: lambda text_input: HostFeed(preprocess, slot),
        TensorInput: lambda tensor_input: HostFeed(preprocess, slot)}
    return makers[type(kinds[0])](kinds[0])
