# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Track IDs: objects on the synthetic road keep them, and a reset drops them."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from edge_trt_ros.demo.road.scene import Scene
from edge_trt_ros.demo.road.scene_truth import NO_CLASS, truth_from_stage
from edge_trt_ros.errors import MissingLibraryError
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.tracking import LIFETIME_NS, TrackIds

FRAME_NS = 33_333_333
SECONDS = 6


def detections_of(*boxes: tuple[float, float, float, float], scores: float = 0.9) -> Detections:
    """Return detections of one class."""
    return Detections(np.array(boxes, np.float32).reshape(-1, 4),
                      np.full(len(boxes), scores, np.float32), np.zeros(len(boxes), np.int64))


@pytest.fixture
def tracks() -> TrackIds:
    pytest.importorskip('edgefirst.tracker', reason='tracking needs edgefirst-tracker')
    return TrackIds()


@pytest.mark.parametrize('seed', [1, 2026])
def test_objects_on_the_road_keep_their_ids(tracks: TrackIds, seed: int) -> None:
    """10 % of the detections are missing; the others have an error of 3 % of their size."""
    scene, random = Scene(seed), np.random.default_rng(seed)
    numbers: dict[tuple[int, ...], int] = {}
    last: dict[int, tuple[int, str]] = {}
    owners: dict[str, set[int]] = {}
    followed = switches = after_a_gap = 0
    for frame in range(30 * SECONDS):
        actors, stage = scene._stage(frame / 30)
        # Object numbers replace the classes, to identify the objects.
        truth = truth_from_stage(stage, [
            NO_CLASS if actor.class_id == NO_CLASS else numbers.setdefault(
                actor.key, len(numbers)) for actor in actors])
        seen = ~truth.labelled_boxes().ignored & (random.random(len(truth.class_ids)) > 0.1)
        boxes = truth.boxes_xyxy[seen]
        sizes = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
        boxes = boxes + random.normal(0, 0.03, boxes.shape).astype(np.float32) * sizes
        scores = np.clip(random.normal(0.75, 0.15, len(boxes)), 0.26, 0.99).astype(np.float32)
        found = Detections(boxes.astype(np.float32), scores, np.zeros(len(boxes), np.int64))
        for actor, track_id in zip(truth.class_ids[seen].tolist(),
                                   tracks.update(found, frame * FRAME_NS)):
            if not track_id:
                continue
            followed += 1
            owners.setdefault(track_id, set()).add(actor)
            before, id_before = last.get(actor, (frame, track_id))
            if id_before != track_id:
                switches += frame - before < 10
                after_a_gap += frame - before >= 10
            last[actor] = frame, track_id
    reused = sum(len(objects) > 1 for objects in owners.values())
    print(f'seed {seed}: {len(last)} objects in {followed} detections, {switches} IDs switched '
          f'while visible, {after_a_gap} after a gap, {reused} IDs assigned to several objects')
    assert followed > 500 and len(last) > 20
    assert switches <= 0.01 * followed and reused <= 0.15 * len(last)


def test_fast_small_object_keeps_its_id(tracks: TrackIds) -> None:
    ids = {tracks.update(detections_of((10 + 8 * i, 20, 40 + 8 * i, 60)), i * FRAME_NS)[0]
           for i in range(60)}
    assert ids == {'1'}


def test_crossing_and_missing_objects(tracks: TrackIds) -> None:
    first = tracks.update(detections_of((0, 0, 50, 50), (200, 0, 250, 50)), 0)
    assert first == ['1', '2']
    assert tracks.update(detections_of(), FRAME_NS) == []
    assert tracks.update(
        detections_of((200, 1, 250, 51), (1, 0, 51, 50)), 2 * FRAME_NS) == ['2', '1']
    # Missing for longer than LIFETIME_NS: a new track.
    assert tracks.update(detections_of((0, 0, 50, 50)), 3 * FRAME_NS + LIFETIME_NS) == ['3']


def test_weak_detections_continue_tracks_but_do_not_start_them(tracks: TrackIds) -> None:
    assert tracks.update(detections_of((0, 0, 50, 50), scores=0.3), 0) == ['']
    assert tracks.update(detections_of((0, 0, 50, 50)), FRAME_NS) == ['1']
    assert tracks.update(detections_of((0, 0, 50, 50), scores=0.3), 2 * FRAME_NS) == ['1']


def test_reset_drops_all_tracks(tracks: TrackIds) -> None:
    tracks.update(detections_of((0, 0, 50, 50), (200, 0, 250, 50)), 10 * FRAME_NS)
    tracks.reset()
    assert tracks.update(detections_of((200, 0, 250, 50)), 11 * FRAME_NS) == ['1']
    # A bag is played again.
    assert tracks.update(detections_of((0, 0, 50, 50)), 0) == ['1']


def test_track_numbers_do_not_accumulate(tracks: TrackIds) -> None:
    for index in range(5000):
        left = 200 * (index % 7)
        tracks.update(detections_of((left, 0, left + 50, 50)), index * 6 * LIFETIME_NS // 10)
    assert len(tracks._numbers) <= 4097 and tracks._given == 5000


def test_missing_library_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'edgefirst.tracker', None)
    with pytest.raises(MissingLibraryError, match='pip install edgefirst-tracker'):
        TrackIds()
