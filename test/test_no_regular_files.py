# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A FIFO or a device as the path of a file is rejected at once; opening one would block."""

from __future__ import annotations

from collections.abc import Callable
import os
from pathlib import Path
import time

import pytest
from support.models import dense_model, save

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.graph.check import check_onnx
from edge_trt_ros.convert.labels import labels_from_file
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.plan import draft_plan
from edge_trt_ros.convert.plan_identity import why_stale
from edge_trt_ros.convert.precision.calibration import CalibrationSet
from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.errors import ConfigurationError, EdgeTrtError
from edge_trt_ros.manifest import manifest_path
from edge_trt_ros.sources.image_files import frame_from_file, image_paths

OPTIONS = BuildOptions(backend='onnxruntime')


def engine_of(folder: Path) -> Path:
    """Build an engine to stand next to what is no file."""
    engine = folder / 'good.engine'
    build_engine(save(dense_model(), folder / 'good.onnx'), engine, OPTIONS)
    return engine


READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    'an ONNX': ('.onnx', check_onnx),
    'an ONNX that is planned': ('.onnx', lambda path: _raise(draft_plan(path, OPTIONS).errors)),
    'an ONNX whose engine may be stale': ('.onnx', lambda path: why_stale(
        engine_of(path.parent), path, OPTIONS)),
    'an engine': ('.engine', read_engine),
    'a manifest': ('.engine.json', lambda path: read_engine(_engine_beside(path))),
    'an image': ('.png', frame_from_file),
    'an image of a folder': ('.png', lambda path: [
        frame_from_file(image) for image in image_paths([path.parent])]),
    'a calibration image': ('.png', lambda path: list(CalibrationSet(path.parent).frames())),
    'labels': ('.txt', lambda path: labels_from_file(str(path))),
}


def _raise(errors: list[EdgeTrtError]) -> None:
    raise errors[0]


def _engine_beside(path: Path) -> Path:
    engine = path.with_name(path.name.removesuffix('.json'))
    engine.write_bytes(b'engine')
    assert manifest_path(engine) == path
    return engine


@pytest.mark.timeout(20)
@pytest.mark.parametrize('name', READERS)
def test_a_fifo_is_rejected(name: str, tmp_path: Path) -> None:
    suffix, read = READERS[name]
    path = tmp_path / f'file{suffix}'
    os.mkfifo(path)
    started = time.monotonic()
    with pytest.raises(EdgeTrtError, match='it is a FIFO, expected a regular file') as refused:
        read(path)
    assert str(path) in str(refused.value) and '\n' not in str(refused.value)
    assert time.monotonic() - started < 10


@pytest.mark.timeout(20)
@pytest.mark.parametrize('name', [name for name in READERS if 'folder' not in name])
def test_a_device_is_rejected(name: str, tmp_path: Path) -> None:
    suffix, read = READERS[name]
    path = tmp_path / f'file{suffix}'
    path.symlink_to('/dev/zero')  # which never ends
    with pytest.raises(EdgeTrtError, match='it is a character device, expected a regular file'):
        read(path)


def test_a_folder_without_images_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match='holds no images'):
        list(image_paths([tmp_path]))
