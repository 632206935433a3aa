# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Training and test images: frames of many scenes at the network's size, with their boxes.

An image is letterboxed exactly as the runtimes do it. The seeds of training, of tests and of
cameras are far apart, so that no test scene is part of the training.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
import multiprocessing

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.demo.road.scene import Scene, SceneFrame
from edge_trt_ros.demo.road.truth import MIN_HEIGHT_PX, MIN_VISIBILITY
from edge_trt_ros.vision.letterbox import Letterbox

NETWORK_SIZE_WH = (384, 224)
SOURCE_SIZE_WH = (1280, 720)
PAD_VALUE = 114
TRAINING_SEED, TEST_SEED = 500_000_000, 900_000_000

_FRAMES_PER_SCENE = 6
# Train on slightly smaller and more hidden objects than are scored: the limits of the score are
# then inside the training distribution.
_TAUGHT_VISIBILITY = 0.8 * MIN_VISIBILITY
_TAUGHT_HEIGHT_PX = 0.7 * MIN_HEIGHT_PX * NETWORK_SIZE_WH[0] / SOURCE_SIZE_WH[0]
_LONGEST_S = 600.0


@dataclass(frozen=True)
class Sample:
    """
    One image at the network's size.

    :param image: uint8 (height, width, 3), bgr, letterboxed.
    :param boxes_xyxy: float32 (n, 4), network pixels.
    :param class_ids: int64 (n,).
    :param taught: bool (n,); false for an object that is too small or too hidden to learn.
    """

    image: NDArray[np.uint8]
    boxes_xyxy: NDArray[np.float32]
    class_ids: NDArray[np.int64]
    taught: NDArray[np.bool_]


def scene_frames(first_seed: int, count: int,
                 per_scene: int = _FRAMES_PER_SCENE) -> Iterator[SceneFrame]:
    """
    Yield frames of many scenes, a few of each, at random times.

    :param first_seed: seed of the first scene; the next ones follow it.
    :param count: number of frames.
    :param per_scene: frames of each scene.
    """
    for number in range(count):
        seed, index = first_seed + number // per_scene, number % per_scene
        if index == 0:
            scene = Scene(seed, SOURCE_SIZE_WH)
            times = np.random.default_rng([seed, 5]).uniform(0, _LONGEST_S, per_scene)
        yield scene.frame(float(times[index]))


def sample_from_frame(frame: SceneFrame) -> Sample:
    """Letterbox a frame and its boxes."""
    fit = Letterbox.fit(SOURCE_SIZE_WH, NETWORK_SIZE_WH)
    boxes = fit.boxes_to_network(frame.boxes_xyxy)
    taught = (frame.visibility >= _TAUGHT_VISIBILITY) & (
        boxes[:, 3] - boxes[:, 1] >= _TAUGHT_HEIGHT_PX)
    return Sample(fit.apply(frame.image, PAD_VALUE), boxes, frame.class_ids, taught)


def render_samples(first_seed: int, count: int, workers: int) -> list[Sample]:
    """
    Render samples in several processes; their number does not change the result.

    :param first_seed: seed of the first scene.
    :param count: number of samples, rounded up to whole scenes.
    :param workers: number of processes.
    """
    scenes = -(-count // _FRAMES_PER_SCENE)
    seeds = range(first_seed, first_seed + scenes)
    context = multiprocessing.get_context('spawn')
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        return [sample for samples in pool.map(_scene_samples, seeds, chunksize=4)
                for sample in samples]


def _scene_samples(seed: int) -> list[Sample]:
    cv2.setNumThreads(1)
    return [sample_from_frame(frame) for frame in scene_frames(seed, _FRAMES_PER_SCENE)]


def augmented(sample: Sample, rng: np.random.Generator) -> Sample:
    """
    Return a randomly mirrored, shifted, scaled and recoloured copy of a sample.

    :param sample: not modified.
    :param rng: source of the random changes.
    """
    height, width = sample.image.shape[:2]
    zoom = float(np.exp(rng.uniform(-0.18, 0.28)))
    shift = rng.uniform(-0.08, 0.08, 2) * (width, height)
    flip = -1.0 if rng.random() < 0.5 else 1.0
    center = np.array((width / 2, height / 2))
    scale = np.array((zoom * flip, zoom))
    offset = center + shift - scale * center
    # cv2 counts from the centre of the first pixel, boxes from its edge.
    pixel_offset = offset + scale * 0.5 - 0.5
    matrix = np.array(((scale[0], 0, pixel_offset[0]), (0, scale[1], pixel_offset[1])))
    image = cv2.warpAffine(sample.image, matrix, (width, height), flags=cv2.INTER_LINEAR,
                           borderValue=(PAD_VALUE,) * 3)
    gain = np.exp(rng.normal(0, 0.12)) * np.exp(rng.normal(0, 0.05, 3))
    lift = rng.normal(0, 7)
    table = np.clip(np.arange(256)[:, None] * gain + lift, 0, 255).astype(np.uint8)
    image = cv2.LUT(image, table.reshape(1, 256, 3))
    corners = sample.boxes_xyxy.reshape(-1, 2, 2) * scale + offset
    whole = np.concatenate((corners.min(axis=1), corners.max(axis=1)), axis=1)
    boxes = np.clip(whole, 0, (width, height, width, height)).astype(np.float32)
    kept = _areas(boxes) / np.maximum(_areas(whole), 1e-6)
    visible = kept > 0.1
    taught = sample.taught & (kept > 0.5) & (boxes[:, 3] - boxes[:, 1] >= _TAUGHT_HEIGHT_PX)
    return Sample(np.asarray(image, np.uint8), boxes[visible], sample.class_ids[visible],
                  taught[visible])


def _areas(boxes_xyxy: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.asarray(np.prod(boxes_xyxy[:, 2:] - boxes_xyxy[:, :2], axis=1))
