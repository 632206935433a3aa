"""Images from files and folders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2

from edge_trt_ros.errors import ConfigurationError, ImageError
from edge_trt_ros.runtime.contract import Frame

SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp')


def image_paths(given: Sequence[Path]) -> Iterator[Path]:
    """
    Yield files, and the images in folders in the order of their names.

    :raises ConfigurationError: for a folder without images.
    """
    for path in given:
        if path.is_dir():
            found = sorted(one for one in path.iterdir() if one.suffix.lower() in SUFFIXES)
            if not found:
                raise ConfigurationError(f"{path} holds no images ({', '.join(SUFFIXES)})")
            yield from found
        else:
            yield path


def frame_from_file(path: Path) -> Frame:
    """
    Read an image file as a bgr8 frame.

    :raises ImageError: if it cannot be read.
    """
    if not path.is_file():
        raise ImageError(f'{path} cannot be read: there is no such file')
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ImageError(f'{path} cannot be read: it is no image that OpenCV knows')
    height, width = pixels.shape[:2]
    return Frame(pixels, 'bgr8', (width, height), source=str(path))
