"""What a network runs on: a frame of a camera, the tokens of a text, or plain tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy import int32, uint8
from numpy.typing import NDArray


@dataclass(frozen=True)
class Frame:
    """
    One image.

    :param pixels: uint8, a view of the message's own bytes in the shape that the encoding
        prescribes (`vision.pixel_encodings`); rows may be padded (strided). Not modified, and
        kept alive by the frame.
    :param encoding: name of the encoding, as `sensor_msgs/Image` spells it.
    :param size_wh: width and height in pixels.
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

    def __str__(self) -> str:
        width, height = self.size_wh
        return f'{self.encoding} {width}x{height} from {self.source or "a file"}'


@dataclass(frozen=True)
class Tokens:
    """
    One text, split by the network's tokenizer.

    :param ids: int32 (length,), number of each token.
    :param attention_mask: int32 (length,), 1 for tokens of the text, 0 for padding.
    :param token_types: int32 (length,), 0 for the first of two texts.
    :param stamp_ns: when the text arrived, in nanoseconds.
    :param source: where it came from, for messages to people.
    """

    ids: NDArray[int32]
    attention_mask: NDArray[int32]
    token_types: NDArray[int32]
    stamp_ns: int = 0
    source: str = ''

    def __str__(self) -> str:
        return f'a text of {len(self.ids)} tokens from {self.source or "a file"}'


@dataclass(frozen=True)
class Tensors:
    """
    Named arrays for a network that reads no image and no text.

    :param by_name: arrays of the dtype and shape of the network's input tensors.
    :param stamp_ns: when they arrived, in nanoseconds.
    :param source: where they came from, for messages to people.
    """

    by_name: Mapping[str, NDArray[Any]]
    stamp_ns: int = 0
    source: str = ''

    def __str__(self) -> str:
        return f'tensors {sorted(self.by_name)} from {self.source or "a file"}'


Sample = Frame | Tokens | Tensors
