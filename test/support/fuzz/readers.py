# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The readers that are fuzzed: valid inputs, and a function that reads any bytes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
import struct
from types import MappingProxyType, SimpleNamespace

import cv2
import numpy as np
from sensor_msgs.msg import Image
from support.frames import noise_frame
from support.models import dense_model, end_to_end_model, save
from support.task_models import segment_model
from support.text_models import save_text_model, save_tokenizer

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.plan import plan_build
from edge_trt_ros.manifest import manifest_path
from edge_trt_ros.network_input import TextInput
from edge_trt_ros.opening import open_network
from edge_trt_ros.ros.messages.image import frame_from_image
from edge_trt_ros.runtime.pipeline import warm_up
from edge_trt_ros.runtime.text_preprocess import TextTokens
from edge_trt_ros.sources.bags import BagReader, COMPRESSED_IMAGE, IMAGE
from edge_trt_ros.sources.frames import frame_from_compressed_message
from edge_trt_ros.vision.pixel_encodings import PIXEL_ENCODINGS, to_bgr

_HEADER = SimpleNamespace(stamp=SimpleNamespace(sec=1, nanosec=2), frame_id='camera')
_ENCODINGS = (*PIXEL_ENCODINGS, 'mono16', '16UC1', 'nonsense', '')
_FORMATS = ('jpeg', 'rgb8; jpeg compressed bgr8', 'png', '16UC1; compressedDepth png', '')


class Reader(ABC):
    """
    A reader.

    :param folder: a folder for its files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def seeds(self) -> list[bytes]:
        """Return valid inputs."""

    @abstractmethod
    def read(self, data: bytes) -> None:
        """
        Read an input.

        :raises EdgeTrtError: if it is rejected; any other exception is a bug.
        """


class RawImages(Reader):
    """`sensor_msgs/Image`: five numbers, and then the pixels."""

    def seeds(self) -> list[bytes]:
        """See `Reader.seeds`."""
        return [struct.pack('<BIIIB', index, 16, 8, layout.row_bytes(16), 0)
                + bytes(range(256))[:layout.row_bytes(16)] * layout.rows(8)
                for index, layout in enumerate(PIXEL_ENCODINGS.values())]

    def read(self, data: bytes) -> None:
        """See `Reader.read`."""
        encoding, width, height, step, big = struct.unpack('<BIIIB', data[:14].ljust(14, b'\0'))
        message = Image(encoding=_ENCODINGS[encoding % len(_ENCODINGS)], width=width,
                        height=height, step=step, is_bigendian=big)
        message.data.frombytes(data[14:])
        frame = frame_from_image(message, 'fuzz')
        to_bgr(frame.pixels, frame.encoding)


class CompressedImages(Reader):
    """`sensor_msgs/CompressedImage`: the number of a format, and then the file."""

    def seeds(self) -> list[bytes]:
        """See `Reader.seeds`."""
        pixels = noise_frame((48, 32)).pixels
        files = [cv2.imencode(suffix, pixels, options)[1].tobytes() for suffix, options in (
            ('.jpg', []), ('.jpg', [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]), ('.png', []),
            ('.bmp', []), ('.webp', []), ('.webp', [cv2.IMWRITE_WEBP_QUALITY, 101]))]
        return [b'\0' + data for data in files]

    def read(self, data: bytes) -> None:
        """See `Reader.read`."""
        message = SimpleNamespace(
            format=_FORMATS[data[0] % len(_FORMATS) if data else 0], header=_HEADER,
            data=np.frombuffer(data[1:], np.uint8))
        frame_from_compressed_message(message, 'fuzz')


class Manifests(Reader):
    """A manifest next to the engine that it claims to describe, which is then run once."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        text = folder / 'text'
        text.mkdir()
        onnx = [save(dense_model(), folder / 'boxes.onnx'),
                save(segment_model(), folder / 'masks.onnx'), save_text_model(text, length=16)]
        self._engines = [path.with_suffix('.engine') for path in onnx]
        for path, engine in zip(onnx, self._engines):
            build_engine(path, engine, BuildOptions(backend='onnxruntime'))
        self._seeds = [manifest_path(engine).read_bytes() for engine in self._engines]

    def seeds(self) -> list[bytes]:
        """See `Reader.seeds`."""
        return self._seeds

    def read(self, data: bytes) -> None:
        """See `Reader.read`."""
        engine = next((engine for engine, seed in zip(self._engines, self._seeds)
                       if seed[30:80] in data), self._engines[0])
        manifest_path(engine).write_bytes(data)
        with open_network(engine).runtime as runtime:
            warm_up(runtime)


class OnnxFiles(Reader):
    """An ONNX file, up to the plan of its build."""

    def seeds(self) -> list[bytes]:
        """See `Reader.seeds`."""
        return [model.SerializeToString() for model in (
            dense_model(), end_to_end_model(), segment_model())]

    def read(self, data: bytes) -> None:
        """See `Reader.read`."""
        path = self.folder / 'm.onnx'
        path.write_bytes(data)
        plan_build(path, BuildOptions(backend='onnxruntime'))


class Tokenizers(Reader):
    """A `tokenizer.json`, and a text for it."""

    def seeds(self) -> list[bytes]:
        """See `Reader.seeds`."""
        save_tokenizer(self.folder)
        return [(self.folder / 'tokenizer.json').read_bytes()]

    def read(self, data: bytes) -> None:
        """See `Reader.read`."""
        tokens = TextTokens(TextInput(32, {'ids': 'ids'}, data.decode('utf-8', 'replace')))
        for text in ('', 'turn left now, please', 'é' * 5000, data.decode('latin-1')[:3000]):
            tokens.sample(text)
        tokens.samples()


class Bags(Reader):
    """A bag: MCAP, SQLite, or the metadata.yaml next to an MCAP file."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        from rosbags.rosbag2 import StoragePlugin
        from support.image_folder import image_bag
        bags = [image_bag(folder / storage.name, storage, 2)
                for storage in (StoragePlugin.MCAP, StoragePlugin.SQLITE3)]
        self._files = [next(path for path in bag.iterdir() if path.suffix in ('.mcap', '.db3'))
                       for bag in bags]
        self._seeds = [path.read_bytes() for path in (
            *self._files, self._files[0].with_name('metadata.yaml'))]

    def seeds(self) -> list[bytes]:
        """See `Reader.seeds`."""
        return self._seeds

    def read(self, data: bytes) -> None:
        """See `Reader.read`."""
        mcap, sqlite = self._files
        if data[:3] == b'ros':
            (mcap.parent / 'metadata.yaml').write_bytes(data)
            mcap.write_bytes(self._seeds[0])
            self._read(mcap.parent)
        elif data[:6] == b'SQLite':
            sqlite.write_bytes(data)
            self._read(sqlite.parent)
        else:
            mcap.write_bytes(data)
            self._read(mcap)

    def _read(self, path: Path) -> None:
        with BagReader(path) as bag:
            images = [connection for connection in bag.connections
                      if connection.msgtype in (IMAGE, COMPRESSED_IMAGE)]
            for connection, _, data in bag.messages(images):
                bag.frame(connection, data, 'fuzz')


READERS: Mapping[str, type[Reader]] = MappingProxyType({
    'image': RawImages, 'compressed': CompressedImages, 'manifest': Manifests, 'onnx': OnnxFiles,
    'tokenizer': Tokenizers, 'bag': Bags})
