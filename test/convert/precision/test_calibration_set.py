# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Calibration images from folders and bags, and the errors of invalid sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin
from support.image_folder import image_bag, image_folder

from edge_trt_ros.convert.precision.calibration import CalibrationSet
from edge_trt_ros.errors import BagError, ConfigurationError, ImageError
from edge_trt_ros.network_input import ImageInput
from edge_trt_ros.runtime.image_preprocess import ImagePreprocess
from edge_trt_ros.tensor_spec import TensorSpec


@pytest.mark.parametrize('storage', [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
def test_bag_and_folder_yield_the_same_images(tmp_path: Path, storage: StoragePlugin) -> None:
    images = CalibrationSet(image_folder(tmp_path / 'images'))
    bag = CalibrationSet(image_bag(tmp_path / 'bag', storage))
    assert len(images) == len(bag) == 6
    for from_folder, from_bag in zip(images.frames(), bag.frames(), strict=True):
        np.testing.assert_array_equal(from_folder.pixels, from_bag.pixels)


def test_feeds_match_the_runtime_preprocessing(tmp_path: Path) -> None:
    images = CalibrationSet(image_folder(tmp_path / 'images', 2))
    image_input = ImageInput((64, 48), color_order='bgr', mean=(.1, .2, .3))
    preprocess = ImagePreprocess(image_input)
    for frame, feed in zip(images.frames(), images.feeds(
            (image_input,), (TensorSpec('images', 'float32', (1, 3, 48, 64)),)), strict=True):
        tensor = np.empty((1, 3, 48, 64), np.float32)
        preprocess.fill_tensor(frame, preprocess.fit(frame), tensor)
        np.testing.assert_array_equal(feed['images'], tensor)


def test_images_are_spread_over_the_set(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / 'images', 10)
    few = CalibrationSet(folder, limit=3)
    assert [Path(frame.source).stem for frame in few.frames()] == ['00', '03', '06']
    bag = image_bag(tmp_path / 'bag', StoragePlugin.MCAP, 10)
    assert [frame.size_wh for frame in CalibrationSet(bag, limit=3).frames()] == [
        frame.size_wh for frame in few.frames()]


def test_hash_depends_on_the_content(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / 'images')
    before = CalibrationSet(folder).sha256()
    assert before == CalibrationSet(image_folder(tmp_path / 'moved')).sha256()
    (folder / '03.png').write_bytes((folder / '02.png').read_bytes())
    assert before != CalibrationSet(folder).sha256() != CalibrationSet(folder, limit=2).sha256()


def test_missing_or_empty_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match='there is no calibration set'):
        CalibrationSet(tmp_path / 'none')
    (tmp_path / 'note.txt').write_text('no image')
    with pytest.raises(ConfigurationError, match='holds no images'):
        CalibrationSet(tmp_path)


@pytest.mark.parametrize('content', [b'', b'no image'])
def test_error_names_the_broken_image(tmp_path: Path, content: bytes) -> None:
    folder = image_folder(tmp_path / 'images', 2)
    (folder / '00.png').write_bytes(content)
    with pytest.raises(ImageError, match='00.png: .* cannot be decoded.*calibration set'):
        list(CalibrationSet(folder).frames())


def test_ambiguous_or_missing_topic_is_refused(tmp_path: Path) -> None:
    bag = image_bag(tmp_path / 'bag', StoragePlugin.MCAP, 2, ('/left', '/right'))
    with pytest.raises(BagError, match='has images on: /left, /right; give calibration_topic'):
        len(CalibrationSet(bag))
    with pytest.raises(BagError, match="no images on '/rear'.*/left, /right"):
        len(CalibrationSet(bag, '/rear'))
    assert len(CalibrationSet(bag, '/left')) == 2


def test_broken_bag_is_refused(tmp_path: Path) -> None:
    path = tmp_path / 'a.mcap'
    path.write_bytes(b'no bag at all')
    with pytest.raises(BagError, match='cannot be read as a bag'):
        list(CalibrationSet(path).frames())
