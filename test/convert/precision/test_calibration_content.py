# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Calibration images that show nothing are refused before anything is measured on them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_trt_ros.convert.precision.calibration import CalibrationSet
from edge_trt_ros.convert.precision.calibration_content import check_content
from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.sources.sample_images import road_images

RANDOM = np.random.default_rng(0)
BLACK = np.zeros((90, 160, 3), np.uint8)
NOISE = RANDOM.integers(0, 256, (90, 160, 3), np.uint8)
ROAD = road_images()[0].pixels
# A dark night, fog, strong noise of a sensor, and few pixels still show something.
POOR = (ROAD // 12, ROAD // 8 + 180, np.clip(ROAD + RANDOM.normal(0, 30, ROAD.shape), 0, 255),
        ROAD[::16, ::16])


def images(folder: Path, *pictures: np.ndarray) -> CalibrationSet:
    for index, picture in enumerate(pictures):
        cv2.imwrite(str(folder / f'{index}.png'), picture.astype(np.uint8))
    return CalibrationSet(folder)


@pytest.mark.parametrize('pictures, said', [
    ((BLACK,), 'all pixels are about 0'), ((BLACK + 255, BLACK), 'all pixels are about 255'),
    ((NOISE, NOISE), 'as in noise'), ((NOISE, BLACK, ROAD), '2 of 3 calibration images')])
def test_images_that_show_nothing_are_refused(
        tmp_path: Path, pictures: tuple[np.ndarray, ...], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        check_content(images(tmp_path, *pictures))
    assert caught.value.code == 'calibration_shows_nothing'


@pytest.mark.parametrize('picture', range(len(POOR)))
def test_poor_images_are_accepted(tmp_path: Path, picture: int) -> None:
    check_content(images(tmp_path, POOR[picture]))


def test_a_camera_that_starts_black_is_accepted(tmp_path: Path) -> None:
    check_content(images(tmp_path, BLACK, ROAD, ROAD, BLACK, ROAD))
