# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The synthetic road: reproducible frames, and a truth that matches the pixels."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
import pytest

from edge_trt_ros.demo.road.camera import Camera
from edge_trt_ros.demo.road.light import Light, light_from_seed
from edge_trt_ros.demo.road.scene import CLASS_NAMES, Scene
from edge_trt_ros.demo.road.scene_truth import NO_CLASS, truth_from_stage
from edge_trt_ros.demo.road.solids import Point, Sketch
from edge_trt_ros.demo.road.stage import Stage
from edge_trt_ros.demo.road.traffic import Actor, solid_of
from edge_trt_ros.demo.road.truth import Truth

CAMERA = Camera((640, 360), 460.0, (320.0, 150.0), 1.5)
DAY = Light('day', (200, 140, 70), (230, 220, 200), (0.5, 0.5, 0.5), (0.7, 0.7, 0.7),
            (0.5, 0.8, -0.33), 0.0, 0.5, 2.0)


def stage_of(*placed: tuple[str, Point, float]) -> tuple[Stage, list[int]]:
    """Return a stage of road users (kind, place, heading), the most distant first."""
    actors = [Actor(CLASS_NAMES.index(kind), kind, (1, 2, number), place, yaw, 3, False)
              for number, (kind, place, yaw) in enumerate(placed)]
    solids = [solid_of(actor, DAY) for actor in actors]
    return (Stage(CAMERA, DAY, solids, [actor.position for actor in actors]),
            [actor.class_id for actor in actors])


def painted_extent(stage: Stage) -> list[int]:
    """Return x0, y0, x1, y1 of the pixels that a stage paints on plain ground."""
    plain: NDArray[np.uint8] = np.full((360, 640, 3), (0, 255, 0), np.uint8)
    canvas = plain.copy()
    stage.paint(canvas)
    # A pixel that is covered by less than half is the anti-aliased edge.
    changed = np.abs(canvas.astype(int) - plain).max(axis=2) > 127
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    return [int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1]


def test_seed_and_time_determine_the_frame() -> None:
    first, again, other = Scene(7).frame(12.5), Scene(7).frame(12.5), Scene(8).frame(12.5)
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.boxes_xyxy, again.boxes_xyxy)
    assert not np.array_equal(first.image, other.image)


def test_a_frame_does_not_depend_on_earlier_frames() -> None:
    scene, fresh = Scene(3, (640, 360)), Scene(3, (640, 360))
    for time_s in (0.0, 400.0, 0.1, 5.0):
        scene.frame(time_s)
    scene.prepare()
    assert np.array_equal(scene.image(9.0), fresh.image(9.0))
    assert np.array_equal(scene.truth(9.0).boxes_xyxy, fresh.frame(9.0).boxes_xyxy)


def test_truth_is_well_formed_and_shows_every_class() -> None:
    seen: set[int] = set()
    for seed in range(4):
        scene = Scene(seed)
        for time_s in (1.0, 30.0):
            truth = scene.truth(time_s)
            boxes, count = truth.boxes_xyxy, len(truth.class_ids)
            assert boxes.dtype == np.float32 and boxes.shape == (count, 4)
            assert truth.class_ids.dtype == np.int64
            assert truth.visibility.dtype == np.float32 and truth.visibility.shape == (count,)
            assert np.all(boxes[:, :2] >= 0) and np.all(boxes[:, 2:] <= (1280, 720))
            assert np.all(boxes[:, 2:] > boxes[:, :2])
            assert np.all((truth.visibility > 0) & (truth.visibility <= 1))
            seen |= set(truth.class_ids.tolist())
    assert seen == set(range(len(CLASS_NAMES)))


def test_traffic_and_road_move() -> None:
    scene = Scene(5)
    before, after = scene.frame(4.0), scene.frame(4.2)
    assert before.image.shape == (720, 1280, 3) and before.image.dtype == np.uint8
    moved = np.abs(before.image.astype(int) - after.image).max(axis=2) > 40
    assert 0.005 < moved.mean() < 0.5
    assert not np.array_equal(before.boxes_xyxy, after.boxes_xyxy)


@pytest.mark.parametrize('kind', CLASS_NAMES)
@pytest.mark.parametrize('place, yaw', [
    ((0.0, 0.0, 9.0), 0.0),
    ((1.3, 0.0, 14.0), math.pi),
    ((-2.0, 0.0, 22.0), math.pi / 2),
])
def test_boxes_are_tight(kind: str, place: Point, yaw: float) -> None:
    stage, class_ids = stage_of((kind, place, yaw))
    truth = truth_from_stage(stage, class_ids)
    assert truth.boxes_xyxy[0] == pytest.approx(painted_extent(stage), abs=1.01)
    assert truth.visibility[0] == 1


def test_a_nearer_object_hides_part_of_a_box() -> None:
    alone, class_ids = stage_of(('car', (0.0, 0.0, 20.0), 0.0))
    whole = truth_from_stage(alone, class_ids)
    pair, class_ids = stage_of(('car', (0.0, 0.0, 20.0), 0.0), ('truck', (1.5, 0.0, 13.0), 0.0))
    car, truck = (truth_from_stage(pair, class_ids).visibility.tolist())
    assert 0.1 < car < 0.9
    assert truck == 1
    boxes = truth_from_stage(pair, class_ids).boxes_xyxy
    assert boxes[0, 2] < whole.boxes_xyxy[0, 2] - 3
    assert boxes[0, 0] == whole.boxes_xyxy[0, 0]


def test_the_edge_of_the_image_clips_a_box() -> None:
    stage, class_ids = stage_of(('car', (-7.2, 0.0, 12.0), 0.0))
    truth = truth_from_stage(stage, class_ids)
    assert truth.boxes_xyxy[0, 0] == 0
    assert 0.3 < truth.visibility[0] < 0.9


def test_roadside_objects_hide_others_but_are_not_labelled() -> None:
    wall = Sketch()
    wall.block((-2.0, 0.0, -0.1), (2.0, 4.0, 0.1), (90, 90, 90))
    actor = Actor(2, 'pedestrian', (1, 2, 3), (0.0, 0.0, 20.0), 0.0, 0, False)
    solids = [solid_of(actor, DAY), wall.finish(DAY)]
    stage = Stage(CAMERA, DAY, solids, [actor.position, (0.0, 0.0, 10.0)])
    assert len(truth_from_stage(stage, [2, NO_CLASS]).class_ids) == 0


def test_light_changes_with_the_seed() -> None:
    moods = {light_from_seed(np.random.default_rng(seed)).name for seed in range(60)}
    assert len(moods) >= 5


@pytest.mark.parametrize('height_px, visibility, ignored', [
    (40, 1.0, False), (39, 1.0, True), (40, 0.5, False), (200, 0.49, True)])
def test_hidden_and_small_objects_are_ignored(height_px: int, visibility: float, ignored: bool
                                              ) -> None:
    truth = Truth(np.array([[10, 10, 30, 10 + height_px]], np.float32), np.array([2]),
                  np.array([visibility], np.float32))
    labels = truth.labelled_boxes()
    assert labels.ignored.tolist() == [ignored] and labels.class_ids.tolist() == [2]
