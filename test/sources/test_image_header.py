# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Sizes of encoded images are read from the header, and checked before anything is decoded."""

from __future__ import annotations

import struct
from time import perf_counter
from types import SimpleNamespace
import zlib

import cv2
import numpy as np
import pytest

from edge_trt_ros.errors import ImageError
from edge_trt_ros.sources.frames import frame_from_compressed_message, frame_from_encoded
from edge_trt_ros.sources.image_header import encoded_size

IMAGE = np.random.default_rng(1).integers(0, 256, (31, 77, 3), np.uint8)
KINDS: dict[str, tuple[str, list[int]]] = {
    'png': ('.png', []), 'jpeg': ('.jpg', []), 'bmp': ('.bmp', []),
    'progressive': ('.jpg', [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]),
    'restarts': ('.jpg', [cv2.IMWRITE_JPEG_RST_INTERVAL, 3]),
    'webp': ('.webp', [cv2.IMWRITE_WEBP_QUALITY, 80]),
    'lossless webp': ('.webp', [cv2.IMWRITE_WEBP_QUALITY, 101])}


def encoded(kind: str) -> bytes:
    suffix, options = KINDS[kind]
    return cv2.imencode(suffix, IMAGE, options)[1].tobytes()


def png(width: int, height: int) -> bytes:
    """Return the start of a PNG of zeros; its rows are missing."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (struct.pack('>I', len(data)) + kind + data
                + struct.pack('>I', zlib.crc32(kind + data)))
    header = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header)
            + chunk(b'IDAT', zlib.compress(bytes(100_000))) + chunk(b'IEND', b''))


@pytest.mark.parametrize('kind', KINDS)
def test_size_of_every_format(kind: str) -> None:
    data = encoded(kind)
    assert encoded_size(data) == (77, 31)
    frame = frame_from_encoded(np.frombuffer(data, np.uint8), 'a')
    assert frame.size_wh == (77, 31) and frame.encoding == 'bgr8'


def test_rgba_webp_and_exif_headers() -> None:
    rgba = cv2.imencode('.webp', np.dstack([IMAGE, IMAGE[..., :1]]), [
        cv2.IMWRITE_WEBP_QUALITY, 80])[1].tobytes()
    assert encoded_size(rgba) == (77, 31)
    jpeg = encoded('jpeg')
    exif = jpeg[:2] + b'\xff\xff\xff\xe1' + struct.pack('>H', 10) + bytes(8) + jpeg[2:]
    assert encoded_size(exif) == (77, 31)


@pytest.mark.parametrize('kind', KINDS)
def test_damaged_headers_are_rejected_without_an_exception(kind: str) -> None:
    data, random = encoded(kind), np.random.default_rng(2)
    for length in range(64):
        encoded_size(data[:length])
    for _ in range(300):
        flipped = np.frombuffer(data, np.uint8).copy()
        flipped[random.integers(0, min(64, flipped.size), 4)] = random.integers(0, 256, 4)
        encoded_size(flipped.tobytes())


@pytest.mark.parametrize('width, height, message', [
    (30000, 30000, 'size 30000x30000, expected 1 to 16384'),
    (0, 10, 'size 0x10'), (2 ** 31 - 1, 1, 'expected 1 to 16384'),
    (16000, 16000, 'size 16000x16000, expected at most 34 megapixels.*max_image_megapixels'),
])
def test_a_huge_image_is_rejected_before_it_is_decoded(
        width: int, height: int, message: str) -> None:
    started = perf_counter()
    with pytest.raises(ImageError, match=message):
        frame_from_encoded(np.frombuffer(png(width, height), np.uint8), 'a')
    assert perf_counter() - started < 0.1


def test_the_limit_can_be_set() -> None:
    data = np.frombuffer(encoded('png'), np.uint8)
    assert frame_from_encoded(data, 'a', max_pixels=77 * 31).size_wh == (77, 31)
    with pytest.raises(ImageError, match='77x31'):
        frame_from_encoded(data, 'a', max_pixels=77 * 31 - 1)


@pytest.mark.parametrize('data', [
    b'', b'\xff\xd8', b'\xff\xd8' + b'\xff' * 5_000_000, b'\xff\xd8' + bytes(5_000_000),
    b'\xff\xd8' + b'\xff\xe0\x00\x02' * 1_000_000, b'GIF89a' + bytes(100), b'II*\0' + bytes(100)])
def test_other_bytes_are_rejected_quickly(data: bytes) -> None:
    started = perf_counter()
    with pytest.raises(ImageError, match='expected JPEG, PNG, BMP or WebP'):
        frame_from_encoded(np.frombuffer(data, np.uint8), 'a')
    assert perf_counter() - started < 0.2


@pytest.mark.parametrize('name, kind', [
    ('16UC1; png compressed ', 'is depth'), ('16UC1; compressedDepth png', 'is depth'),
    ('32FC1; compressedDepth', 'is depth'), ('mono16; png compressed ', '')])
def test_depth_is_not_taken_for_a_picture(name: str, kind: str) -> None:
    depth = np.full((20, 30), 1500, np.uint16)
    message = SimpleNamespace(
        format=name, data=np.frombuffer(cv2.imencode('.png', depth)[1].tobytes(), np.uint8),
        header=None)
    if not kind:
        assert frame_from_compressed_message(message, 'a').size_wh == (30, 20)
        return
    with pytest.raises(ImageError, match=f"format '{name}', which is depth"):
        frame_from_compressed_message(message, 'a')
