# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
The contract of every runtime.

A runtime runs a sample and returns the engine's outputs by name; `decode` turns them into a
result. A runtime owns its preprocessing and its decoder, because each device computes them in a
different place. Every runtime computes the same input tensor: letterbox with half-pixel centres
and bilinear interpolation, then pad value, scale, mean, std and colour order as the manifest
states.

A runtime has `slots` independent sets of buffers. `submit` uses one slot and returns
immediately; `collect` waits for that ticket only, with the GIL released. At most one thread at a
time may call a runtime; different threads may take turns.

A network may have states: outputs that become inputs of the next run, in the order of submission.
The runtime keeps them; `collect` does not return them.

`submit_batch` runs several samples together, where the device does that in less time than one
after the other: on a GPU, with an engine that is built for it. `max_batch` says how many.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol

from numpy.typing import NDArray

from edge_trt_ros.errors import ImageError
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.runtime.decoding import Decode
from edge_trt_ros.runtime.samples import Sample
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.thresholds import Thresholds


@dataclass(frozen=True)
class Ticket:
    """
    A sample in flight.

    :param slot: slot of the sample; its outputs are valid until the slot is submitted again. The
        samples of a batch share it.
    :param letterbox: how an image was fitted to the network; maps results back.
    :param thresholds: what to keep of this sample.
    :param handle: private to the back end.
    """

    slot: int
    letterbox: Letterbox
    thresholds: Thresholds
    handle: Any


# A sample, and what to keep of it.
Asked = tuple[Sample, Thresholds]
# For each sample of a batch its ticket, or why it was refused.
Answers = tuple[Ticket | ImageError, ...]


class Runtime(Protocol):
    """
    An open engine, and a context manager that closes it. `close` may be called twice.

    :ivar slots: number of sets of buffers.
    """

    slots: int

    @property
    def max_batch(self) -> int:
        """Maximum number of samples of `submit_batch`."""

    @property
    def manifest(self) -> EngineManifest:
        """The manifest of the engine."""

    @property
    def device_name(self) -> str:
        """The device that runs the network."""

    @property
    def decode(self) -> Decode:
        """Turns outputs into a result."""

    def submit(self, sample: Sample, thresholds: Thresholds = Thresholds(), *, slot: int = 0
               ) -> Ticket:
        """
        Stage a sample, start the network and return immediately.

        :param sample: the sample; its arrays must not change until it is collected.
        :param thresholds: what to keep: a GPU decodes the head with them.
        :param slot: set of buffers to use, 0 to `slots` - 1.
        :raises ImageError: for a sample of the wrong kind.
        """

    def submit_batch(self, asked: Sequence[Asked], *, slot: int = 0) -> Answers:
        """
        Start the network for several samples, which may differ in size and encoding.

        A sample that is refused does not cost the others.

        :param asked: 1 to `max_batch` samples; see `submit`.
        :param slot: set of buffers to use for all of them.
        :returns: in the order of the samples, the ticket of each or the error that refuses it.
        """

    def collect(self, ticket: Ticket) -> Mapping[str, NDArray[Any]]:
        """
        Wait for a sample and return what `decode` reads: the network's outputs by name.

        If the device decodes the head, only the detections and the outputs that the host needs
        as well leave it.

        :returns: arrays that are valid until the ticket's slot is submitted again; outputs have
            the manifest's dtypes and shapes.
        :raises EngineError: if the device fails.
        """

    def reset_state(self) -> None:
        """Give all states their initial values, after the samples that are submitted."""

    def stage_times_ms(self, ticket: Ticket) -> Mapping[str, float]:
        """
        Return the milliseconds of each stage of a collected ticket, as 'preprocess'.

        Those of a batch are of all its samples together.
        """

    def memory_mb(self) -> Mapping[str, float]:
        """Return memory figures in MB by name, as 'gpu_memory_used_mb'; empty on a CPU."""

    def close(self) -> None:
        """Release all resources of the runtime; any thread may call it."""

    def __enter__(self) -> Runtime: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None: ...
