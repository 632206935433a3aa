# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Reads image files, and folders of image files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from edge_trt_ros.errors import ConfigurationError, ImageError
from edge_trt_ros.files import read_file
from edge_trt_ros.runtime.samples import Frame
from edge_trt_ros.sources.frames import frame_from_encoded

SUFFIXES = ('.bmp', '.jpeg', '.jpg', '.png', '.webp')


def images_in(folder: Path) -> list[Path]:
    """Return the image files in a folder, sorted by name."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)


def image_paths(given: Sequence[Path]) -> Iterator[Path]:
    """
    Yield the given files, and the images in the given folders sorted by name.

    :raises ConfigurationError: for a folder without images.
    """
    for path in given:
        if path.is_dir():
            found = images_in(path)
            if not found:
                raise ConfigurationError(f"{path} holds no images ({', '.join(SUFFIXES)})")
            yield from found
        else:
            yield path


def frame_from_file(path: Path) -> Frame:
    """
    Read an image file as a bgr8 frame.

    :raises ImageError: if the file cannot be read or is not an image.
    """
    try:
        data = np.frombuffer(read_file(path), np.uint8)
    except FileNotFoundError:
        raise ImageError(f'{path} cannot be read: there is no such file') from None
    except OSError as error:
        raise ImageError(f'{path} cannot be read: {error.strerror}') from error
    return frame_from_encoded(data, str(path))
