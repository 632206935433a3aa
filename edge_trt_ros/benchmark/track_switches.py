# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Count how often trackers switch the ID of an object while the camera pans over the synthetic road.

`python3 -m edge_trt_ros.benchmark.track_switches` prints a line for each tracker and speed. The
camera pans by a window that moves over the image. 10 % of the detections are missing; the others
have an error of 3 % of their size.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
import json
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.demo.road.scene import Scene
from edge_trt_ros.demo.road.scene_truth import NO_CLASS, truth_from_stage
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.trackers import TRACKERS

FPS = 30
_VIEW_WH, _SIDE_PX, _TOP = (800, 540), 240, 90
# An object that was unseen for as many frames may get another ID.
_GAP_FRAMES = 10


@dataclass(frozen=True)
class Switches:
    """
    What a tracker did.

    :param objects: objects with an ID.
    :param boxes: boxes with an ID.
    :param switches: boxes whose ID differs from that of the same object shortly before.
    :param per_1000_boxes: switches of 1,000 boxes.
    :param per_1000_objects: switches of 1,000 objects.
    :param frame_ms: mean time of a frame.
    """

    objects: int
    boxes: int
    switches: int
    per_1000_boxes: float
    per_1000_objects: float
    frame_ms: float


def count_switches(tracker: str, pan_px_s: float, seconds: float, seed: int) -> Switches:
    """
    Run a tracker on the panning road.

    :param tracker: a name in `vision.trackers.TRACKERS`.
    :param pan_px_s: highest speed of the pan in pixels per second.
    :param seconds: duration of the scene.
    :param seed: seed of the scene and of the errors.
    :raises MissingLibraryError: if the library of the tracker is not installed.
    """
    tracks, scene, random = TRACKERS[tracker](), Scene(seed), np.random.default_rng(seed)
    numbers: dict[tuple[int, ...], int] = {}
    last: dict[int, tuple[int, str]] = {}
    boxes = switches = 0
    spent_s = 0.0
    frames = round(FPS * seconds)
    for frame in range(frames):
        time_s = frame / FPS
        left = round(_SIDE_PX * (1 + np.sin(time_s * pan_px_s / _SIDE_PX)))
        actors, found = _seen(scene, time_s, left, numbers, random)
        image = partial(np.asarray, _view(scene, time_s, left))
        started = perf_counter()
        ids = tracks.update(found, round(time_s * 1e9), image)
        spent_s += perf_counter() - started
        for actor, track_id in zip(actors.tolist(), ids):
            if track_id:
                boxes += 1
                before, id_before = last.get(actor, (frame, track_id))
                switches += id_before != track_id and frame - before < _GAP_FRAMES
                last[actor] = frame, track_id
    return Switches(len(last), boxes, switches, round(1000 * switches / max(boxes, 1), 2),
                    round(1000 * switches / max(len(last), 1), 1),
                    round(1000 * spent_s / frames, 2))


def _view(scene: Scene, time_s: float, left: int) -> NDArray[np.uint8]:
    width, height = _VIEW_WH
    return np.ascontiguousarray(
        scene.image(time_s)[_TOP:_TOP + height, left:left + width])


def _seen(scene: Scene, time_s: float, left: int, numbers: dict[tuple[int, ...], int],
          random: np.random.Generator) -> tuple[NDArray[np.int64], Detections]:
    """Return the number of each detected object, and the detections in the view."""
    actors, stage = scene._stage(time_s)
    truth = truth_from_stage(stage, [
        NO_CLASS if actor.class_id == NO_CLASS else numbers.setdefault(actor.key, len(numbers))
        for actor in actors])
    moved = truth.boxes_xyxy - np.array([left, _TOP] * 2, np.float32)
    inside = np.clip(moved, 0, [*_VIEW_WH, *_VIEW_WH])
    seen = ~truth.labelled_boxes().ignored & (_areas(inside) > 0.5 * _areas(moved)) \
        & (random.random(len(moved)) > 0.1)
    sizes = np.tile(inside[seen][:, 2:] - inside[seen][:, :2], 2)
    boxes = inside[seen] + random.normal(0, 0.03, sizes.shape) * sizes
    scores = np.clip(random.normal(0.75, 0.15, len(boxes)), 0.26, 0.99)
    return truth.class_ids[seen], Detections(
        boxes.astype(np.float32), scores.astype(np.float32), np.zeros(len(boxes), np.int64))


def _areas(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    areas: NDArray[np.float32] = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    return areas


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a JSON line for each tracker and speed."""
    parser = argparse.ArgumentParser(description=(__doc__ or '').strip().splitlines()[0])
    parser.add_argument('--tracker', choices=tuple(TRACKERS), nargs='+', default=list(TRACKERS))
    parser.add_argument('--pan', type=float, nargs='+', default=[0.0, 300.0, 900.0],
                        metavar='PX_S', help='highest speeds of the pan in pixels per second')
    parser.add_argument('--seconds', type=float, default=10.0)
    parser.add_argument('--seed', type=int, default=1)
    chosen = parser.parse_args(arguments)
    for pan in chosen.pan:
        for tracker in chosen.tracker:
            found = count_switches(tracker, pan, chosen.seconds, chosen.seed)
            print(json.dumps({'tracker': tracker, 'pan_px_s': pan, **asdict(found)}))


if __name__ == '__main__':
    main()
