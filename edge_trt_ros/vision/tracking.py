# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Persistent track IDs: matches the detections of one camera from frame to frame.

edgefirst-tracker implements ByteTrack: Kalman filters in image space, matching by overlap, and a
second matching of weak detections. This file assigns short numbers to its tracks.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any

import numpy as np

from edge_trt_ros.optional_libraries import require
from edge_trt_ros.vision.detections import Detections

# The best values on the synthetic road with a tenth to a third of the detections missing; with
# the library's defaults (0.7, 0.25, 0.5 s) fast vehicles lose their tracks.
_STARTS_AT_SCORE, _MIN_IOU, _UPDATE = 0.5, 0.25, 0.75
LIFETIME_NS = 1_000_000_000
_MAX_NUMBERS = 4096
MAX_ID = 65535


class TrackIds:
    """
    Track IDs of one camera: numbers from 1 to `MAX_ID`, then from 1 again.

    :raises MissingLibraryError: if the library is not installed.
    """

    def __init__(self) -> None:
        self._make = require('edgefirst.tracker', 'tracking').ByteTrack
        self._lock = Lock()
        self._tracker: Any = None
        self._numbers: dict[str, str] = {}
        self._given = self._last_ns = 0
        self._start()

    def reset(self) -> None:
        """Drop all tracks; numbers start at 1 again."""
        with self._lock:
            self._given = 0
            self._start()

    def update(self, detections: Detections, stamp_ns: int,
               image_bgr: Callable[[], Any] = lambda: None) -> list[str]:
        """
        Match the detections of a frame with the existing tracks.

        :param detections: detections of one frame; not modified.
        :param stamp_ns: time of exposure in nanoseconds. A step back (a bag that is played
            again) resets the tracker; a step forward of more than `LIFETIME_NS` drops all tracks.
        :param image_bgr: not called: this tracker needs no image.
        :returns: the track ID of each detection; '' if it is too weak to start a track.
        """
        with self._lock:
            if stamp_ns < self._last_ns:
                self._given = 0
                self._start()
            elif stamp_ns - self._last_ns > LIFETIME_NS:
                self._start()  # the library drops an old track only after another match
            self._last_ns = stamp_ns
            tracks = self._tracker.update(
                np.ascontiguousarray(detections.boxes_xyxy, np.float32),
                np.ascontiguousarray(detections.scores, np.float32),
                np.ascontiguousarray(detections.class_ids, np.uintp), stamp_ns)
            ids = ['' if track is None else self._number(track.uuid) for track in tracks]
            if len(self._numbers) > _MAX_NUMBERS:
                alive = {track.info.uuid for track in self._tracker.get_active_tracks()}
                self._numbers = {uuid: number for uuid, number in self._numbers.items()
                                 if uuid in alive}
            return ids

    def _start(self) -> None:
        self._tracker = self._make(high_conf=_STARTS_AT_SCORE, iou=_MIN_IOU, update=_UPDATE,
                                   lifespan_ns=LIFETIME_NS)
        self._numbers = {}

    def _number(self, uuid: str) -> str:
        if uuid not in self._numbers:
            # A mask stores the number in 16 bits, and 0 is the background.
            self._given = self._given % MAX_ID + 1
            self._numbers[uuid] = str(self._given)
        return self._numbers[uuid]
