# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Persistent track IDs for a moving camera: BoT-SORT of the package trackers.

It estimates the motion of the camera from the image and moves the predicted boxes along.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.optional_libraries import require
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.tracking import LIFETIME_NS, MAX_ID

# As for ByteTrack. The library counts lost frames at 30 per second.
_STARTS_AT_SCORE, _STRONG_SCORE = 0.5, 0.5


class MovingCameraTrackIds:
    """
    Track IDs of one camera that moves; see `vision.tracking.TrackIds`.

    :raises MissingLibraryError: if the library is not installed.
    """

    def __init__(self) -> None:
        self._make = require('trackers', 'tracking with botsort').BoTSORTTracker
        self._pack = require('supervision', 'tracking with botsort').Detections
        self._lock = Lock()
        self._last_ns = 0
        self._tracker: Any = None
        self._start()

    def reset(self) -> None:
        """Drop all tracks; numbers start at 1 again."""
        with self._lock:
            self._start()

    def update(self, detections: Detections, stamp_ns: int,
               image_bgr: Callable[[], NDArray[Any] | None] = lambda: None) -> list[str]:
        """
        Match the detections of a frame with the existing tracks.

        :param detections: detections of one frame; not modified.
        :param stamp_ns: time of exposure in nanoseconds. A step back, or one of more than
            `LIFETIME_NS`, drops all tracks.
        :param image_bgr: returns the frame, uint8 (H, W, 3), or None, which leaves the motion of
            the camera out.
        :returns: the track ID of each detection; '' if it has no track yet.
        """
        with self._lock:
            if not 0 <= stamp_ns - self._last_ns <= LIFETIME_NS:
                self._start()
            self._last_ns = stamp_ns
            # The place of each detection travels along: the library may sort them.
            packed = self._pack(
                xyxy=detections.boxes_xyxy.astype(np.float32),
                confidence=detections.scores.astype(np.float32),
                class_id=detections.class_ids.astype(int),
                data={'place': np.arange(len(detections))})
            found = self._tracker.update(packed, image_bgr(), stamp_ns / 1e9)
            ids = [''] * len(detections)
            for place, number in zip(found.data.get('place', ()), found.tracker_id):
                if number >= 0:
                    ids[int(place)] = str(int(number) % MAX_ID + 1)
            return ids

    def _start(self) -> None:
        self._tracker = self._make(
            lost_track_buffer=round(LIFETIME_NS * 30 / 1e9), frame_rate=30.0,
            track_activation_threshold=_STARTS_AT_SCORE, high_conf_det_threshold=_STRONG_SCORE)
