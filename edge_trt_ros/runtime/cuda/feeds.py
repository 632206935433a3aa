# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Feeds copy samples into the network's input tensors on the device: one feed per slot.

An image is copied to pinned memory, uploaded, and preprocessed by a kernel. Texts and tensors
are preprocessed on the host, directly into pinned memory, and uploaded.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from contextlib import ExitStack
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
import pycuda.driver as cuda

from edge_trt_ros.network_input import ImageInput, NetworkInput, TensorInput, TextInput
from edge_trt_ros.runtime.cuda.memory import on_device, pinned
from edge_trt_ros.runtime.cuda.preprocess_kernel import PreprocessKernel
from edge_trt_ros.runtime.cuda.session import CudaSession
from edge_trt_ros.runtime.cuda.slot import Slot
from edge_trt_ros.runtime.image_preprocess import checked_frame
from edge_trt_ros.runtime.preprocess import Preprocess
from edge_trt_ros.runtime.samples import Frame, Sample
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.pixel_encodings import pixel_encoding


class Feed(Protocol):
    """Copies samples into one slot; the device's context must be current for all calls."""

    def stage(self, sample: Sample, letterbox: Letterbox) -> Hashable:
        """
        Copy a sample into pinned memory.

        :returns: a key of the queued work: if it changes, the CUDA graph must be captured again.
        :raises ImageError: for a sample of the wrong kind.
        """

    def queue(self, stream: Any, uploaded: Callable[[], None]) -> None:
        """Queue upload and preprocessing of the staged sample; call `uploaded` in between."""

    def close(self) -> None:
        """Free all memory; may be called twice."""


class ImageFeed:
    """
    Feeds images.

    :param image_input: size, colours, scale, mean, std and pad value of the input tensor.
    :param session: the GPU.
    :param slot: slot whose input tensor is filled.
    :raises EngineError: if the kernel cannot be compiled.
    """

    def __init__(self, image_input: ImageInput, session: CudaSession, slot: Slot) -> None:
        self._kernel = PreprocessKernel(session, image_input,
                                        slot.inputs[image_input.tensor].dtype)
        self._tensor = slot.addresses[image_input.tensor]
        self._held = ExitStack()
        self._staged: NDArray[np.uint8] = np.empty(0, np.uint8)
        self._source = self._allocations = 0
        self._frame: Frame | None = None
        self._letterbox: Letterbox | None = None

    def stage(self, sample: Sample, letterbox: Letterbox) -> Hashable:
        """See `Feed.stage`; buffers grow to the largest image."""
        frame = checked_frame(sample)
        pixel_encoding(frame.encoding)
        pixels = frame.pixels
        if pixels.size > self._staged.size:
            self._staged = np.empty(0, np.uint8)
            self._held.close()
            with ExitStack() as stack:
                staged = pinned(stack, pixels.size)
                self._source = on_device(stack, pixels.size)
                self._held = stack.pop_all()
            self._staged = staged
            self._allocations += 1
        # Copy with one thread: with two, the GPU must read from the cache of the second core, and
        # the slower upload cancels the faster copy.
        np.copyto(self._staged[:pixels.size].reshape(pixels.shape), pixels)
        self._frame, self._letterbox = frame, letterbox
        return frame.encoding, frame.size_wh, self._allocations

    def queue(self, stream: Any, uploaded: Callable[[], None]) -> None:
        """See `Feed.queue`."""
        frame, letterbox = self._frame, self._letterbox
        if frame is None or letterbox is None:
            raise ValueError('no frame is staged')
        size = frame.pixels.size
        cuda.memcpy_htod_async(self._source, self._staged[:size], stream)
        uploaded()
        self._kernel.launch(stream, self._source, self._tensor, frame.encoding,
                            size // frame.pixels.shape[0], letterbox)

    def close(self) -> None:
        """See `Feed.close`."""
        self._kernel.close()
        self._staged = np.empty(0, np.uint8)
        self._frame = None
        self._held.close()


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
              slot: Slot) -> Feed:
    """
    Return the feed of one slot.

    :param kinds: the network's inputs.
    :param session: the GPU; its context is current.
    :param preprocess: the network's preprocessing on the host.
    :param slot: slot whose input tensors are filled.
    :raises EngineError: if the preprocess kernel cannot be compiled.
    """
    makers: dict[type, Callable[[Any], Feed]] = {
        ImageInput: lambda image_input: ImageFeed(image_input, session, slot),
        TextInput: lambda text_input: HostFeed(preprocess, slot),
        TensorInput: lambda tensor_input: HostFeed(preprocess, slot)}
    return makers[type(kinds[0])](kinds[0])
