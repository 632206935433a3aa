# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Training data of the synthetic road, in the folders that Ultralytics reads."""

from __future__ import annotations

from collections.abc import Iterator
import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.demo.detector.samples import scene_frames, SOURCE_SIZE_WH, TRAINING_SEED
from edge_trt_ros.demo.road.scene import CLASS_NAMES, SceneFrame
from edge_trt_ros.demo.road.truth import MIN_VISIBILITY

# Half the resolution of the camera: Ultralytics makes it smaller once more.
_IMAGE_WH = (640, 360)
_FRAMES_PER_SCENE = 2
# The gate calibrates with so many.
CALIBRATION_FRAMES = 24
# Crops are wider than their object, and show it larger than this.
_CROP_PX, _CROP_MARGIN, _MIN_CROP_PX = 96, 1.2, 48.0


def write_detection_data(folder: Path, count: int) -> Path:
    """
    Write images with the boxes of their objects.

    :param folder: a folder, which is created.
    :param count: number of images.
    :returns: the description of the data for Ultralytics.
    """
    images, labels = folder / 'images', folder / 'labels'
    for place in (images, labels):
        place.mkdir(parents=True)
    for index, frame in enumerate(scene_frames(TRAINING_SEED, count, _FRAMES_PER_SCENE)):
        cv2.imwrite(str(images / f'{index:04d}.jpg'), cv2.resize(frame.image, _IMAGE_WH))
        rows = (f'{class_id} ' + ' '.join(f'{value:.6f}' for value in box)
                for class_id, box in zip(frame.class_ids.tolist(), _relative(frame)))
        (labels / f'{index:04d}.txt').write_text('\n'.join(rows), encoding='utf-8')
    data = folder / 'data.yaml'
    # YAML contains JSON.
    data.write_text(json.dumps({'path': str(folder.resolve()), 'train': 'images', 'val': 'images',
                                'names': dict(enumerate(CLASS_NAMES))}), encoding='utf-8')
    return data


def write_frames(folder: Path, count: int) -> Path:
    """
    Write whole frames without labels, to calibrate int8.

    :param folder: a folder, which is created.
    :param count: number of frames.
    :returns: the folder.
    """
    folder.mkdir(parents=True)
    for index, frame in enumerate(scene_frames(TRAINING_SEED, count, _FRAMES_PER_SCENE)):
        cv2.imwrite(str(folder / f'{index:04d}.png'), frame.image)
    return folder


def write_crops(folder: Path, count: int) -> Path:
    """
    Write square crops of single objects, in a folder for each class.

    :param folder: a folder, which is created.
    :param count: number of frames that the crops are taken from.
    :returns: the folder.
    """
    for part in ('train', 'test'):
        for name in CLASS_NAMES:
            (folder / part / name).mkdir(parents=True)
    for index, frame in enumerate(scene_frames(TRAINING_SEED + count, count, _FRAMES_PER_SCENE)):
        for number, (class_id, crop) in enumerate(crops(frame)):
            part = 'test' if index % 10 == 0 else 'train'
            cv2.imwrite(str(folder / part / CLASS_NAMES[class_id] / f'{index:04d}_{number}.jpg'),
                        crop)
    return folder


def crops(frame: SceneFrame) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yield the class and a square picture, uint8 bgr, of each object that is easily seen."""
    height, width = frame.image.shape[:2]
    for class_id, box, visible in zip(frame.class_ids.tolist(), frame.boxes_xyxy,
                                      frame.visibility.tolist()):
        side = _CROP_MARGIN * float(max(box[2:] - box[:2]))
        left, top = ((box[:2] + box[2:] - side) / 2).round().astype(int).tolist()
        fits = 0 <= left and 0 <= top and left + side <= width and top + side <= height
        if fits and side >= _MIN_CROP_PX and visible >= MIN_VISIBILITY:
            square = frame.image[top:top + round(side), left:left + round(side)]
            yield class_id, np.asarray(cv2.resize(square, (_CROP_PX, _CROP_PX)), np.uint8)


def _relative(frame: SceneFrame) -> NDArray[np.float32]:
    """Return centre and size of the boxes as fractions of the image; small ones included."""
    low, high = frame.boxes_xyxy[:, :2], frame.boxes_xyxy[:, 2:]
    rows = np.concatenate([(low + high) / 2, high - low], 1)
    return np.asarray(rows / np.tile(SOURCE_SIZE_WH, 2), np.float32)
