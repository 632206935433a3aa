# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Reads the size of an encoded image from its header, before anything is decoded.

A PNG of 876 kB can claim 30000x30000 pixels, which take 4.6 GB and 8 s to decode.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

Data = bytes | memoryview
# Baseline, extended and progressive JPEG, and two kinds with arithmetic coding.
_SIZE_FIELDS = (0xc0, 0xc1, 0xc2, 0xc9, 0xca)
_WITHOUT_LENGTH = (0x01, *range(0xd0, 0xd9), 0xff)
_MOST_SEGMENTS = 4096
_END_MARKERS = (0xd9, 0xda)


def encoded_size(data: Data) -> tuple[int, int] | None:
    """
    Return width and height that the header of an image states.

    :param data: the image, or as much of it as there is.
    :returns: the size, or None if it is no JPEG, PNG, BMP or WebP, or its header is cut short.
    """
    for start, read in _READERS.items():
        if data[:len(start)] == start:
            try:
                return read(data)
            except IndexError:
                return None
    return None


def _png(data: Data) -> tuple[int, int] | None:
    if data[12:16] != b'IHDR' or len(data) < 24:
        return None
    return int.from_bytes(data[16:20], 'big'), int.from_bytes(data[20:24], 'big')


def _jpeg(data: Data) -> tuple[int, int] | None:
    at = 2
    for _ in range(_MOST_SEGMENTS):
        if data[at] != 0xff:
            return None
        marker = data[at + 1]
        if marker in _SIZE_FIELDS:
            return data[at + 7] << 8 | data[at + 8], data[at + 5] << 8 | data[at + 6]
        if marker in _END_MARKERS:
            return None
        at += 1 if marker == 0xff else 2  # 0xff fills the space between segments
        if marker not in _WITHOUT_LENGTH:
            at += data[at] << 8 | data[at + 1]
    return None


def _bmp(data: Data) -> tuple[int, int] | None:
    if len(data) < 26:
        return None
    if int.from_bytes(data[14:18], 'little') == 12:  # the header of OS/2
        return int.from_bytes(data[18:20], 'little'), int.from_bytes(data[20:22], 'little')
    width, height = (int.from_bytes(data[start:start + 4], 'little', signed=True)
                     for start in (18, 22))
    return width, abs(height)  # a negative height: the rows go from top to bottom


def _webp(data: Data) -> tuple[int, int] | None:
    kind, body = data[12:16], data[20:30]
    if data[8:12] != b'WEBP' or len(body) < 10:
        return None
    if kind == b'VP8X':
        return (int.from_bytes(body[4:7], 'little') + 1, int.from_bytes(body[7:10], 'little') + 1)
    if kind == b'VP8L':
        bits = int.from_bytes(body[1:5], 'little')
        return (bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1
    if kind == b'VP8 ':
        return (int.from_bytes(body[6:8], 'little') & 0x3fff,
                int.from_bytes(body[8:10], 'little') & 0x3fff)
    return None


_READERS: Mapping[bytes, Callable[[Data], tuple[int, int] | None]] = MappingProxyType({
    b'\x89PNG\r\n\x1a\n': _png, b'\xff\xd8': _jpeg, b'BM': _bmp, b'RIFF': _webp})
