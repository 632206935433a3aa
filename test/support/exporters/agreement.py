# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Compare results with those of an exporter's own predictor; returns the largest differences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.oriented import oriented_corners
from edge_trt_ros.vision.tasks import ClassMap, Instances

# The limits of this package's promise: source pixels, scores, degrees, and shares of pixels.
LIMITS = {'box_px': 0.5, 'score': 1e-3, 'keypoint_px': 0.1, 'angle_deg': 0.1, 'mask_iou': 0.01,
          'unmatched': 0, 'other_classes': 0}
# Objects whose score is this close to the threshold may be missing on either side.
_NEAR_THRESHOLD = 1e-3
Arrays = Mapping[str, NDArray[Any]]


def agreement(result: Any, expected: Arrays, confidence: float) -> dict[str, float]:
    """
    Return the largest differences between a result and that of a predictor.

    :param result: the result of this package.
    :param expected: arrays that the exporter wrote.
    :param confidence: the threshold of both.
    """
    if isinstance(result, ClassMap):
        return _maps(result, expected['class_map'])
    found = result.detections if isinstance(result, Instances) else result
    corners = _points(found)
    wanted = _wanted_points(expected)
    # Ultralytics drops an object whose mask is empty.
    empty = set(range(1, len(found) + 1)) - set(np.unique(result.instance_map).tolist()) \
        if isinstance(result, Instances) else set()
    pairs, unmatched = _paired(found, corners, expected, wanted, confidence, empty)
    first, second = (np.array([pair[side] for pair in pairs], int) for side in (0, 1))
    differences = {
        'objects': len(pairs), 'unmatched': unmatched,
        'box_px': _largest(corners[first] - wanted[second]),
        'score': _largest(found.scores[first] - expected['scores'][second])}
    if found.keypoints is not None:
        # Ultralytics moves keypoints outside of the picture to its edge.
        height, width = expected['pictures'].shape[1:3]
        inside = found.keypoints[first][..., :2].clip(0, (width, height))
        differences['keypoint_px'] = _largest(
            inside - expected['keypoints'][second][..., :2].clip(0, (width, height)))
    if found.angles_rad is not None:
        turned = found.angles_rad[first] - expected['oriented'][second, 4]
        differences['angle_deg'] = float(np.degrees(_largest(np.sin(turned))))
    if isinstance(result, Instances):
        differences['mask_iou'] = 1 - _mask_iou(result, expected, first, second)
    return differences


def scores_agreement(results: list[Any], expected: NDArray[Any]) -> dict[str, float]:
    """Return how often the five best classes of classifications differ, and by how much."""
    others, differences = 0, []
    for result, scores in zip(results, expected):
        best = np.argsort(-scores, kind='stable')[:5]
        others += best.tolist() != result.class_ids[:5].tolist()
        differences.append(_largest(result.scores[:5] - scores[best]))
    return {'objects': len(results), 'other_classes': others, 'score': max(differences)}


def _points(found: Detections) -> NDArray[Any]:
    """Return the corners that describe each box, (n, points, 2)."""
    if found.angles_rad is not None:
        return oriented_corners(found.boxes_xyxy, found.angles_rad)
    return found.boxes_xyxy.reshape(-1, 2, 2)


def _wanted_points(expected: Arrays) -> NDArray[Any]:
    if 'oriented' not in expected:
        # RT-DETR's predictor does not cut boxes at the edges of the picture.
        height, width = expected['pictures'].shape[1:3]
        return expected['boxes'].reshape(-1, 2, 2).clip(0, (width, height))
    centre, half = expected['oriented'][:, :2], expected['oriented'][:, 2:4] / 2
    return oriented_corners(np.concatenate([centre - half, centre + half], 1),
                            expected['oriented'][:, 4])


def _paired(found: Detections, corners: NDArray[Any], expected: Arrays, wanted: NDArray[Any],
            confidence: float, empty: set[int]) -> tuple[list[tuple[int, int]], int]:
    """Return pairs of the nearest objects of a class, and how many clear ones have none."""
    free, pairs, unmatched = set(range(len(wanted))), [], 0
    for index, (label, score) in enumerate(zip(found.class_ids, found.scores)):
        near = [other for other in free if expected['class_ids'][other] == label
                and abs(expected['scores'][other] - score) < 0.02
                and np.abs(corners[index] - wanted[other]).max() < 2]
        if near:
            best = min(near, key=lambda other: float(
                np.abs(corners[index] - wanted[other]).max()))
            free.remove(best)
            pairs.append((index, best))
        elif score > confidence + _NEAR_THRESHOLD and index + 1 not in empty:
            # A box in the padding may suppress others in a predictor, and never does here.
            unmatched += not any(
                expected['class_ids'][other] == label and expected['scores'][other] > score
                and not _has_area(wanted[other], expected) for other in range(len(wanted)))
    # A predictor may keep boxes in the padding of the letterbox, which are empty when clipped.
    unmatched += sum(1 for other in free
                     if expected['scores'][other] > confidence + _NEAR_THRESHOLD
                     and _has_area(wanted[other], expected)
                     and not _repeats(wanted, expected, other))
    return pairs, unmatched


def _maps(result: ClassMap, expected: NDArray[Any]) -> dict[str, float]:
    own = result.in_source_resolution() if expected.shape == result.letterbox.source_size_wh[
        ::-1] else result.classes
    shares = []
    for label in np.unique(expected):
        first, second = own == label, expected == label
        shares.append((float((first & second).sum()), float((first | second).sum())))
    common, union = np.array(shares).sum(0)
    return {'objects': len(shares), 'mask_iou': 1 - float(common / union)}


def _mask_iou(result: Instances, expected: Arrays, first: NDArray[Any], second: NDArray[Any]
              ) -> float:
    """Return the overlap of all masks, where the better object is on top in both."""
    best_first = np.zeros(expected['masks'].shape[1:], int)
    on_edge = np.zeros(best_first.shape, bool)
    for index, other in sorted(zip(first.tolist(), second.tolist()), reverse=True):
        inside, core = (np.zeros(best_first.shape, bool) for _ in range(2))
        left, top, right, bottom = (int(np.ceil(edge - 0.5))
                                    for edge in result.detections.boxes_xyxy[index])
        inside[max(top - 1, 0):bottom + 1, max(left - 1, 0):right + 1] = True
        core[top + 1:bottom - 1, left + 1:right - 1] = True
        best_first[expected['masks'][other].astype(bool) & inside] = index + 1
        on_edge |= inside & ~core  # a predictor cuts up to a pixel beside the edge of the box
    own = np.where(np.isin(result.instance_map, first + 1), result.instance_map, 0)
    both = (own == best_first) & (own > 0) & ~on_edge
    union = ((own > 0) | (best_first > 0)) & ~on_edge
    return float(both.sum() / max(union.sum(), 1))


def _largest(values: NDArray[Any]) -> float:
    return float(np.abs(values).max(initial=0))


def _repeats(wanted: NDArray[Any], expected: Arrays, row: int) -> bool:
    """Return whether a predictor has the same box with a better class, as those of DETR do."""
    better = expected['scores'] > expected['scores'][row]
    return bool((np.abs(wanted[better] - wanted[row]).reshape(-1, wanted[row].size).max(
        1, initial=np.inf if not better.any() else 0) < 1e-3).any())


def _has_area(corners: NDArray[Any], expected: Arrays) -> bool:
    """Return whether a box shows something of the picture."""
    height, width = expected['pictures'].shape[1:3]
    inside = corners.clip(0, (width, height))
    # An inverted box has no area either.
    ordered = len(corners) > 2 or bool((corners[1] > corners[0]).all())
    return ordered and bool(((inside.max(0) - inside.min(0)) > 0.5).all())
