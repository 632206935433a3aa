"""
The contract between a frame and any back end.

In goes a `Frame`, out come the network's outputs by name. A runtime owns its preprocessing,
because where pixels become a tensor is a property of the device; every runtime makes the same
tensor: letterbox with half-pixel centres and bilinear weights, then pad value, scale, mean,
std, colour order and layout as the manifest states.

A runtime has `slots` independent sets of buffers. `submit` claims one and returns at once;
`collect` waits for that ticket alone, with the GIL released. One thread at a time may call a
runtime, but it need not always be the same one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol

from numpy import uint8
from numpy.typing import NDArray

from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.vision.letterbox import Letterbox


@dataclass(frozen=True)
class Frame:
    """
    One image, or text, on its way to a network.

    :param pixels: uint8, a view of the message's own bytes in the shape that the encoding
        prescribes (`vision.pixel_encodings`); rows may be padded (strided). Not modified, and
        kept alive by whoever holds the frame. Of a text: the tensor's own bytes.
    :param encoding: name of the encoding, as `sensor_msgs/Image` spells it; 'tokens' of a text.
    :param size_wh: width and height in pixels, or tokens and 1.
    :param stamp_ns: time of exposure in nanoseconds of the publisher's clock.
    :param frame_id: the camera's coordinate frame.
    :param source: where it came from (topic or file), for messages to people.
    """

    pixels: NDArray[uint8]
    encoding: str
    size_wh: tuple[int, int]
    stamp_ns: int = 0
    frame_id: str = ''
    source: str = ''


@dataclass(frozen=True)
class Ticket:
    """
    A frame in flight.

    :param slot: the buffers it occupies until it is collected and the slot is used again.
    :param letterbox: how the frame was fitted to the network; maps results back.
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

    def submit(self, frame: Frame, *, slot: int = 0) -> Ticket:
        """
        Stage the pixels, start the network and return at once.

        :param frame: the image; its pixels must stay as they are until it is collected.
        :param slot: which set of buffers to use, below `slots`.
        :raises ImageError: for an image that the preprocessing cannot take.
        """

    def collect(self, ticket: Ticket) -> Mapping[str, NDArray[Any]]:
        """
        Wait for one frame and return the outputs by name.

        :returns: arrays of the manifest's dtypes and shapes; views that are valid until the
            ticket's slot is submitted again.
        :raises EngineError: if the device failed.
        """

    def stage_times_ms(self, ticket: Ticket) -> Mapping[str, float]:
        """Milliseconds of each stage of a collected ticket ('preprocess', 'network', ...)."""

    def memory_mb(self) -> Mapping[str, float]:
        """Return the device's memory in MB by use, as 'gpu_memory_used_mb'; empty on a CPU."""

    def close(self) -> None:
        """Release everything that open acquired, whichever thread calls."""

    def __enter__(self) -> Runtime: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None: ...
