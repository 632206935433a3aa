"""
The images that a network is calibrated on: a folder of them, or an image topic of a bag.

They pass through the very preprocessing that the manifest states, so calibration sees what the
robot will see.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
import hashlib
import importlib.util
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.convert.options import ConversionRecipe
from edge_trt_ros.errors import ConfigurationError, ImageError
from edge_trt_ros.manifest import InputContract
from edge_trt_ros.runtime.contract import Frame
from edge_trt_ros.runtime.host_preprocess import HostPreprocess
from edge_trt_ros.vision.pixel_encodings import pixels_from_bytes

SUFFIXES = ('.bmp', '.jpeg', '.jpg', '.png', '.webp')
_IMAGE, _COMPRESSED = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'


@dataclass(frozen=True)
class CalibrationSet:
    """
    A folder of images or a bag.

    :param path: a folder of images, a bag's folder, or a file `*.mcap` or `*.db3`.
    :param topic: the image topic of a bag; '' takes the only one there is.
    :param limit: how many images are taken, evenly spread over all.
    :raises ConfigurationError: if there are none.
    """

    path: Path
    topic: str = ''
    limit: int = 200

    def __post_init__(self) -> None:
        if not self.path.exists():
            raise ConfigurationError(f'there is no calibration set {self.path}: give a folder of '
                                     'images, or a bag', code='calibration_missing')
        if not self._is_bag() and not self._files():
            raise ConfigurationError(f'the calibration folder {self.path} holds no images '
                                     f"({', '.join(SUFFIXES)}) and is no bag",
                                     code='calibration_empty')

    def frames(self) -> Iterator[Frame]:
        """
        Yield the images, the same ones in the same order each time.

        :raises ImageError: for one that cannot be decoded, naming it.
        """
        if self._is_bag():
            for index, (kind, _, message) in enumerate(self._messages(decode=True)):
                yield _frame_from_message(kind, message, f'{self.path}, image {index}')
        for path in self._files():
            yield _frame_from_encoded(np.frombuffer(path.read_bytes(), np.uint8), str(path))

    def feeds(self, contract: InputContract, name: str) -> Iterator[dict[str, NDArray[Any]]]:
        """
        Yield the network's inputs, one image each.

        :param contract: the preprocessing.
        :param name: of the network's input.
        """
        preprocess = HostPreprocess(contract)
        width, height = contract.size_wh
        for frame in self.frames():
            tensor = np.empty((1, 3, height, width), np.float32)
            preprocess.fill(frame, preprocess.fit(frame), tensor)
            yield {name: tensor}

    def sha256(self) -> str:
        """Return a hash of what the images hold, hexadecimal."""
        digest = hashlib.sha256()
        if self._is_bag():
            for kind, raw, _ in self._messages(decode=False):
                digest.update(kind.encode() + hashlib.sha256(raw).digest())
        for path in self._files():
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()

    def __len__(self) -> int:
        if self._is_bag():
            return sum(1 for _ in self._messages(decode=False))
        return len(self._files())

    def _is_bag(self) -> bool:
        return self.path.suffix in ('.mcap', '.db3') or (self.path / 'metadata.yaml').is_file()

    def _files(self) -> list[Path]:
        if self._is_bag() or not self.path.is_dir():
            return []
        files = sorted(one for one in self.path.iterdir() if one.suffix.lower() in SUFFIXES)
        return [files[index] for index in _spread(len(files), self.limit)]

    def _messages(self, decode: bool) -> Iterator[tuple[str, bytes, Any]]:
        if importlib.util.find_spec('rosbags') is None:
            raise ConfigurationError(f'{self.path} is a bag, and rosbags is not installed to read '
                                     'it: pip install rosbags')
        from rosbags.highlevel import AnyReader, AnyReaderError
        from rosbags.typesys import get_typestore, Stores
        try:
            with AnyReader([self.path], default_typestore=get_typestore(Stores.ROS2_JAZZY)
                           ) as reader:
                images = [one for one in reader.connections
                          if one.msgtype in (_IMAGE, _COMPRESSED)
                          and self.topic in ('', one.topic)]
                topics = sorted({one.topic for one in images})
                if len(topics) != 1:
                    have = ', '.join(sorted({one.topic for one in reader.connections}))
                    raise ConfigurationError(
                        f'{self.path} has {len(topics)} image topics where one is expected '
                        f"(calibration_topic is '{self.topic}', the bag has {have})")
                wanted = set(_spread(sum(one.msgcount for one in images), self.limit))
                for index, (connection, _, raw) in enumerate(reader.messages(images)):
                    if index in wanted:
                        kind = connection.msgtype
                        yield kind, raw, reader.deserialize(raw, kind) if decode else None
        except AnyReaderError as error:
            raise ConfigurationError(f'{self.path} cannot be read as a bag: {error}') from error


def calibration_set(recipe: ConversionRecipe, limit: int = 0) -> CalibrationSet | None:
    """
    Return the calibration set of a recipe; None for none.

    :param recipe: the recipe.
    :param limit: fewer images than the recipe takes.
    """
    if not recipe.calibration:
        return None
    return CalibrationSet(Path(recipe.calibration).expanduser(), recipe.calibration_topic,
                          limit or recipe.calibration_images)


def calibration_sha256(recipe: ConversionRecipe) -> str:
    """Return a hash of what the images of a recipe hold; '' without a set."""
    images = calibration_set(recipe)
    return images.sha256() if images else ''


def _spread(count: int, limit: int) -> list[int]:
    return [index * count // limit for index in range(limit)] if count > limit else list(
        range(count))


def _frame_from_message(kind: str, message: Any, source: str) -> Frame:
    if kind == _COMPRESSED:
        return _frame_from_encoded(message.data, source)
    size_wh = (message.width, message.height)
    if min(size_wh) < 1:
        raise ImageError(f'{source} has size {size_wh}: take it out of the calibration set')
    pixels = pixels_from_bytes(message.data, message.encoding, size_wh, message.step, source)
    return Frame(pixels, message.encoding, size_wh, source=source)


def _frame_from_encoded(data: NDArray[np.uint8], source: str) -> Frame:
    try:
        pixels = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except cv2.error:
        pixels = None
    if pixels is None:
        raise ImageError(f'{source} cannot be decoded: take it out of the calibration set',
                         code='calibration_image_broken')
    height, width = pixels.shape[:2]
    return Frame(np.asarray(pixels, np.uint8), 'bgr8', (width, height), source=source)
