# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
The calibration images of a network: a folder of images, or an image topic of a bag.

They pass through the preprocessing that the manifest states, as the images of the robot do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.errors import ConfigurationError, ImageError
from edge_trt_ros.files import read_file
from edge_trt_ros.network_input import NetworkInput
from edge_trt_ros.runtime.preprocess import host_preprocess
from edge_trt_ros.runtime.samples import Frame
from edge_trt_ros.sources.bags import BagReader, COMPRESSED_IMAGE, IMAGE, is_bag
from edge_trt_ros.sources.image_files import frame_from_file, images_in, SUFFIXES
from edge_trt_ros.tensor_spec import TensorSpec


@dataclass(frozen=True)
class CalibrationSet:
    """
    A folder of images or a bag.

    :param path: a folder of images, a bag's folder, or a file `*.mcap` or `*.db3`.
    :param topic: the image topic of a bag; '' selects the only image topic.
    :param limit: maximum number of images, evenly spread over the set.
    :raises ConfigurationError: if there are no images.
    """

    path: Path
    topic: str = ''
    limit: int = 200

    def __post_init__(self) -> None:
        if not self.path.exists():
            raise ConfigurationError(f'there is no calibration set {self.path}: give a folder of '
                                     'images, or a bag', code='calibration_missing')
        if not is_bag(self.path) and not self._files():
            raise ConfigurationError(f'the calibration folder {self.path} holds no images '
                                     f"({', '.join(SUFFIXES)}) and is no bag",
                                     code='calibration_empty')

    def frames(self) -> Iterator[Frame]:
        """
        Yield the images, in the same order each time.

        :raises ImageError: for an image that cannot be decoded, with its name.
        :raises BagError: if the bag cannot be read.
        """
        try:
            if is_bag(self.path):
                with BagReader(self.path) as reader:
                    for index, (connection, data) in enumerate(self._messages(reader)):
                        yield reader.frame(connection, data, f'{self.path}, image {index}')
            for path in self._files():
                yield frame_from_file(path)
        except ImageError as error:
            raise ImageError(f'{error}: take it out of the calibration set',
                             code='calibration_image_broken') from error

    def feeds(self, kinds: Sequence[NetworkInput], inputs: Sequence[TensorSpec]
              ) -> Iterator[dict[str, NDArray[Any]]]:
        """
        Yield the network's input tensors for each image.

        :param kinds: what the network reads.
        :param inputs: its input tensors.
        """
        preprocess = host_preprocess(kinds)
        for frame in self.frames():
            tensors = {spec.name: np.empty(spec.shape, spec.dtype) for spec in inputs}
            preprocess.fill(frame, preprocess.fit(frame), tensors)
            yield tensors

    def sha256(self) -> str:
        """Return a hash of the content of the images, hexadecimal."""
        digest = hashlib.sha256()
        if is_bag(self.path):
            with BagReader(self.path) as reader:
                for connection, data in self._messages(reader):
                    digest.update(connection.msgtype.encode() + hashlib.sha256(data).digest())
        for path in self._files():
            try:
                digest.update(hashlib.sha256(read_file(path)).digest())
            except OSError as error:
                raise ImageError(f'{path} cannot be read: {error.strerror}: take it out of the '
                                 'calibration set', code='calibration_image_broken') from error
        return digest.hexdigest()

    def __len__(self) -> int:
        if not is_bag(self.path):
            return len(self._files())
        with BagReader(self.path) as reader:
            return min(sum(int(connection.msgcount) for connection in self._topic(reader)),
                       self.limit)

    def _files(self) -> list[Path]:
        if is_bag(self.path) or not self.path.is_dir():
            return []
        try:
            files = images_in(self.path)
        except OSError as error:
            raise ConfigurationError(f'the calibration folder {self.path} cannot be read: '
                                     f'{error.strerror}: fix its permissions',
                                     code='calibration_missing') from error
        return [files[index] for index in _spread(len(files), self.limit)]

    def _topic(self, reader: BagReader) -> list[Any]:
        return reader.topic((IMAGE, COMPRESSED_IMAGE), self.topic, 'calibration_topic')

    def _messages(self, reader: BagReader) -> Iterator[tuple[Any, bytes]]:
        connections = self._topic(reader)
        wanted = set(_spread(sum(connection.msgcount for connection in connections), self.limit))
        for index, (connection, _, data) in enumerate(reader.messages(connections)):
            if index in wanted:
                yield connection, data


def calibration_set(options: BuildOptions, limit: int = 0) -> CalibrationSet | None:
    """
    Return the calibration set of the build options, or None if they have none.

    :param options: the build options.
    :param limit: maximum number of images; 0 uses `calibration_images`.
    """
    if not options.calibration:
        return None
    return CalibrationSet(Path(options.calibration).expanduser(), options.calibration_topic,
                          limit or options.calibration_images)


def calibration_sha256(options: BuildOptions) -> str:
    """Return a hash of the content of the calibration images, or '' without a set."""
    images = calibration_set(options)
    return images.sha256() if images else ''


def _spread(count: int, limit: int) -> list[int]:
    return [index * count // limit for index in range(limit)] if count > limit else list(
        range(count))
