"""
The contract of every runtime.

In goes a sample, out come the engine's outputs by name, and `decode` makes them a result. A
runtime owns its preprocessing and its head, because where pixels become a tensor and scores
become boxes is a property of the device. Every runtime makes the same tensor: letterbox with
half-pixel centres and bilinear weights, then pad value, scale, mean, std and colour order as the
manifest states.

A runtime has `slots` independent sets of buffers. `submit` claims one and returns at once;
`collect` waits for that ticket alone, with the GIL released. One thread at a time may call a
runtime, but it need not always be the same thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol

from numpy.typing import NDArray

from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.runtime.decoding import Decode
from edge_trt_ros.runtime.samples import Sample
from edge_trt_ros.vision.letterbox import Letterbox


@dataclass(frozen=True)
class Ticket:
    """
    A sample in flight.

    :param slot: the buffers it occupies until it is collected and the slot is used again.
    :param letterbox: how an image was fitted to the network; maps results back.
    :param handle: the back end's own.
    """

    slot: int
    letterbox: Letterbox
    handle: Any


class Runtime(Protocol):
    """An open engine; a context manager that closes itself. `close` may be called twice."""

    manifest: EngineManifest
    device_name: str
    slots: int
    decode: Decode

    def submit(self, sample: Sample, *, slot: int = 0) -> Ticket:
        """
        Stage a sample, start the network and return at once.

        :param sample: what the network reads; its arrays must not change until it is collected.
        :param slot: which set of buffers to use, below `slots`.
        :raises ImageError: for a sample that the network does not read.
        """

    def collect(self, ticket: Ticket) -> Mapping[str, NDArray[Any]]:
        """
        Wait for one sample and return the outputs by name.

        :returns: arrays of the manifest's dtypes and shapes; views that are valid until the
            ticket's slot is submitted again.
        :raises EngineError: if the device failed.
        """

    def stage_times_ms(self, ticket: Ticket) -> Mapping[str, float]:
        """Milliseconds of each stage of a collected ticket ('preprocess', 'network', ...)."""

    def memory_mb(self) -> Mapping[str, float]:
        """Return the device's memory in MB by use, as 'gpu_memory_used_mb'; empty on a CPU."""

    def close(self) -> None:
        """Release everything that opening acquired; any thread may call it."""

    def __enter__(self) -> Runtime: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None: ...
