"""
The same object, the same id: detections of one camera matched from frame to frame.

The matching is ByteTrack of edgefirst-tracker: Kalman filters in image space, overlap, and a
second chance for weak detections. This file gives its tracks short numbers.
"""

from __future__ import annotations

from threading import Lock
from typing import Any

import numpy as np

from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.vision.detections import Detections

# Best on the synthetic road with a tenth to a third of the detections missing; the library's
# own (0.7, 0.25, 0.5 s) lose who drives fast.
_STARTS_AT_SCORE, _MIN_IOU, _UPDATE = 0.5, 0.25, 0.75
LIFETIME_NS = 1_000_000_000
_MAX_NUMBERS = 4096
MAX_ID = 65535


class TrackIds:
    """
    Numbers for the objects that one camera sees, from 1 to `MAX_ID` and round again.

    :raises ConfigurationError: if the library is not installed.
    """

    def __init__(self) -> None:
        try:
            from edgefirst.tracker import ByteTrack
        except ImportError as error:
            raise ConfigurationError(f'track is true, and the tracker is not installed ({error}): '
                                     'pip install edgefirst-tracker') from error
        self._make = ByteTrack
        self._lock = Lock()
        self._tracker: Any = None
        self._numbers: dict[str, str] = {}
        self._given = self._last_ns = 0
        self._start()

    def reset(self) -> None:
        """Forget every track; numbers start at 1 again."""
        with self._lock:
            self._given = 0
            self._start()

    def update(self, detections: Detections, stamp_ns: int) -> list[str]:
        """
        Match the detections of a frame with those before.

        :param detections: of one frame; not modified.
        :param stamp_ns: time of exposure in nanoseconds. A step back (a bag that starts
            again) begins anew; a step ahead by more than `LIFETIME_NS` ends every track.
        :returns: the id of each detection; '' for one too weak to begin a track.
        """
        with self._lock:
            if stamp_ns < self._last_ns:
                self._given = 0
                self._start()
            elif stamp_ns - self._last_ns > LIFETIME_NS:
                self._start()  # the library ends a track only after it has matched once more
            self._last_ns = stamp_ns
            tracks = self._tracker.update(
                np.ascontiguousarray(detections.boxes_xyxy, np.float32),
                np.ascontiguousarray(detections.scores, np.float32),
                np.ascontiguousarray(detections.class_ids, np.uintp), stamp_ns)
            ids = ['' if track is None else self._number(track.uuid) for track in tracks]
            if len(self._numbers) > _MAX_NUMBERS:
                alive = {one.info.uuid for one in self._tracker.get_active_tracks()}
                self._numbers = {uuid: number for uuid, number in self._numbers.items()
                                 if uuid in alive}
            return ids

    def _start(self) -> None:
        self._tracker = self._make(high_conf=_STARTS_AT_SCORE, iou=_MIN_IOU, update=_UPDATE,
                                   lifespan_ns=LIFETIME_NS)
        self._numbers = {}

    def _number(self, uuid: str) -> str:
        if uuid not in self._numbers:
            # A mask holds them in 16 bits, where 0 is the background.
            self._given = self._given % MAX_ID + 1
            self._numbers[uuid] = str(self._given)
        return self._numbers[uuid]
