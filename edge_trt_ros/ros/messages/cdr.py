# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Writes a message as the bytes that a middleware sends (CDR), without Python objects for its fields.

`publisher.publish(bytes)` sends them unchanged. This saves the objects of a message and their
conversion, which cost more than the rest of a frame if the frame shows many objects.
"""

from __future__ import annotations

import struct
from typing import Any

from numpy.typing import NDArray

# Plain CDR, little endian, no options. Offsets and alignment count from the byte after it.
ENCAPSULATION = b'\0\1\0\0'
_WORD = 4


def text_words(text: str) -> bytes:
    """Return a string with its length in front, padded to a multiple of 4 bytes."""
    encoded = text.encode() + b'\0'
    return struct.pack('<I', len(encoded)) + encoded + bytes(-len(encoded) % _WORD)


class CdrWriter:
    """Writes the fields of a message, in the order of its definition."""

    def __init__(self) -> None:
        self._parts: list[bytes | memoryview] = [ENCAPSULATION]
        self._length = 0

    def numbers(self, code: str, *values: float) -> None:
        """
        Write numbers of a type.

        :param code: format character of `struct`, such as 'I' for uint32 and 'd' for float64.
        :param values: the numbers.
        """
        self._align(struct.calcsize(code))
        self._add(struct.pack(f'<{len(values)}{code}', *values))

    def text(self, text: str) -> None:
        """Write a string."""
        encoded = text.encode() + b'\0'
        self.numbers('I', len(encoded))
        self._add(encoded)

    def sequence(self, values: NDArray[Any]) -> None:
        """
        Write a sequence of numbers; the array is read when `message` is called.

        :param values: uint8 or float32 (n,), contiguous.
        """
        self.numbers('I', len(values))
        self._add(values.astype(values.dtype.newbyteorder('<'), copy=False).data)

    def header(self, header: Any) -> None:
        """Write a `std_msgs/Header`."""
        self.numbers('i', header.stamp.sec)
        self.numbers('I', header.stamp.nanosec)
        self.text(header.frame_id)

    def message(self) -> bytes:
        """Return the message, with one copy of its bytes."""
        return b''.join(self._parts)

    def _align(self, size: int) -> None:
        gap = -self._length % size
        if gap:
            self._add(bytes(gap))

    def _add(self, part: bytes | memoryview) -> None:
        self._parts.append(part)
        self._length += memoryview(part).nbytes
