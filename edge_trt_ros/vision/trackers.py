# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The trackers that give persistent IDs, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

from numpy.typing import NDArray

from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.moving_camera_tracking import MovingCameraTrackIds
from edge_trt_ros.vision.tracking import TrackIds

# Returns the image of a frame as uint8 (H, W, 3) BGR; only some trackers need it.
ImageOfFrame = Callable[[], NDArray[Any] | None]


class Tracks(Protocol):
    """The tracks of one camera."""

    def reset(self) -> None:
        """Drop all tracks; numbers start at 1 again."""

    def update(self, detections: Detections, stamp_ns: int, image_bgr: ImageOfFrame) -> list[str]:
        """
        Match the detections of a frame with the existing tracks.

        :param detections: detections of one frame; not modified.
        :param stamp_ns: time of exposure in nanoseconds.
        :param image_bgr: returns the frame.
        :returns: the track ID of each detection; '' if it has none.
        """


TRACKERS: Mapping[str, Callable[[], Tracks]] = MappingProxyType({
    'bytetrack': TrackIds, 'botsort': MovingCameraTrackIds})
