# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Track IDs of a camera that pans: BoT-SORT keeps what ByteTrack loses."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from edge_trt_ros.benchmark.track_switches import count_switches
from edge_trt_ros.errors import MissingLibraryError
from edge_trt_ros.ros.inference.parameters import InferenceParameters
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.moving_camera_tracking import MovingCameraTrackIds
from edge_trt_ros.vision.trackers import TRACKERS
from edge_trt_ros.vision.tracking import LIFETIME_NS

FRAME_NS = 33_333_333


def one(x: float, score: float = 0.9) -> Detections:
    return Detections(np.array([[x, 20, x + 30, 60]], np.float32), np.array([score], np.float32),
                      np.zeros(1, np.int64))


@pytest.fixture
def tracks() -> MovingCameraTrackIds:
    pytest.importorskip('trackers', reason='tracking with botsort needs trackers')
    return MovingCameraTrackIds()


def test_the_default_is_bytetrack_and_each_tracker_has_a_name() -> None:
    assert InferenceParameters().tracker == 'bytetrack' and set(TRACKERS) == {
        'bytetrack', 'botsort'}


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'trackers', None)
    with pytest.raises(MissingLibraryError, match='botsort needs trackers.*pip') as caught:
        TRACKERS['botsort']()
    assert caught.value.code == 'botsort_missing'


@pytest.mark.parametrize('pan_px_s', [300.0, 900.0])
def test_a_pan_switches_no_ids(pan_px_s: float, tracks: MovingCameraTrackIds) -> None:
    pytest.importorskip('edgefirst.tracker', reason='bytetrack needs edgefirst-tracker')
    moving, plain = (count_switches(name, pan_px_s, 2.0, 1) for name in ('botsort', 'bytetrack'))
    assert moving.boxes > 200 and moving.per_1000_boxes <= 5 < plain.per_1000_boxes


def test_ids_start_at_1_and_again_after_a_reset_or_a_gap(tracks: MovingCameraTrackIds) -> None:
    ids = [tracks.update(one(10 + index), index * FRAME_NS)[0] for index in range(9)]
    assert set(ids) == {'1'}
    tracks.reset()
    assert tracks.update(one(10), 10 * FRAME_NS) == ['1']
    later = 11 * FRAME_NS + LIFETIME_NS
    assert tracks.update(one(300), later) == ['1']
    assert tracks.update(one(300), 0) == ['1']  # a bag that is played again


def test_the_order_of_the_detections_is_kept(tracks: MovingCameraTrackIds) -> None:
    boxes = np.array([[100, 20, 140, 60], [10, 20, 50, 60], [200, 20, 240, 60]], np.float32)
    for frame, order in enumerate(([0, 1, 2], [2, 0, 1], [1, 2, 0])):
        found = Detections(boxes[order], np.array([.9, .3, .8], np.float32)[order],
                           np.zeros(3, np.int64))
        ids = tracks.update(found, frame * FRAME_NS)
        if frame == 0:
            first = ids
        assert ids == [first[index] for index in order]
    assert first[1] == '' and '' not in (first[0], first[2])
    assert tracks.update(Detections.empty(), 4 * FRAME_NS) == []
