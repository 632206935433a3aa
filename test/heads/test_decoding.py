# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Detector heads: encoded boxes are decoded to the same boxes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
import pytest

from edge_trt_ros.errors import NetworkOutputError
from edge_trt_ros.heads import HEADS
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.thresholds import Thresholds

SIDE, CLASSES, COUNT = 640, 3, 40
LETTERBOX = Letterbox.fit((SIDE, SIDE), (SIDE, SIDE))
ANCHORS = (10, 13, 16, 30, 33, 23, 30, 61, 62, 45, 59, 119, 116, 90, 156, 198, 373, 326)
# Nothing is suppressed, so all boxes must be decoded.
ALL = Thresholds(confidence=0.25, nms_iou=1.0)
Truth = dict[str, NDArray[Any]]


def truth(seed: int = 0) -> Truth:
    """Return boxes with centre, size, score and class, best first."""
    random = np.random.default_rng(seed)
    return {'centres': random.uniform(150, 490, (COUNT, 2)), 'sizes': random.uniform(8, 39, (
        COUNT, 2)), 'scores': np.sort(random.uniform(.3, .95, COUNT))[::-1],
        'classes': random.integers(0, CLASSES, COUNT)}


def logit(values: Any) -> Any:
    return np.log(values / (1 - np.asarray(values)))


def corners(true: Truth) -> NDArray[Any]:
    return np.concatenate([true['centres'] - true['sizes'] / 2,
                           true['centres'] + true['sizes'] / 2], 1)


def by_class(true: Truth, rest: float = 0.0) -> NDArray[Any]:
    values = np.full((COUNT, CLASSES), rest)
    values[np.arange(COUNT), true['classes']] = true['scores']
    return values


def yolox(true: Truth) -> Any:
    raw = np.zeros((1, 8400, 5 + CLASSES), np.float32)
    # Each box is in its own cell of the middle grid: 40 x 40 cells of 16 pixels.
    for index in range(COUNT):
        row, column = divmod(index * 37, 40)
        raw[0, 6400 + index * 37] = [
            true['centres'][index, 0] / 16 - column, true['centres'][index, 1] / 16 - row,
            *np.log(true['sizes'][index] / 16), .5, *by_class(true)[index] * 2]
    return {'output': raw}


def yolo_grids(true: Truth) -> Any:
    outputs = {f'grid_{index}': np.full((1, 3, side, side, 5 + CLASSES), -20, np.float32)
               for index, side in enumerate((80, 40, 20))}
    for index in range(COUNT):
        grid, anchor = index % 3, index // 3 % 3
        stride = (8, 16, 32)[grid]
        column, row = (true['centres'][index] // stride).astype(int)
        offset = true['centres'][index] / stride - (column, row)
        # A box must be smaller than four times its anchor, and boxes must not share a cell.
        cell = outputs[f'grid_{grid}'][0, anchor, row, column]
        assert cell[4] == -20
        anchor_wh = np.reshape(ANCHORS, (3, 3, 2))[grid, anchor]
        root = np.sqrt(true['sizes'][index] / anchor_wh)
        cell[:] = [*logit((offset + .5) / 2), *logit(root / 2),
                   logit(true['scores'][index]), *np.where(
                       np.arange(CLASSES) == true['classes'][index], 30, -30)]
    return outputs


def detr_sigmoid(true: Truth) -> Any:
    boxes = np.concatenate([true['centres'], true['sizes']], 1) / SIDE
    return {'logits': logit(by_class(true, .01))[None].astype(np.float32),
            'boxes': boxes[None].astype(np.float32)}


def detr_softmax(true: Truth) -> Any:
    probabilities = np.concatenate([by_class(true, 1e-9), 1 - true['scores'][:, None]], 1)
    return {'logits': (np.log(probabilities) + 7)[None].astype(np.float32),
            'boxes': detr_sigmoid(true)['boxes']}


def normalized_rows(true: Truth) -> Any:
    boxes = detr_sigmoid(true)['boxes'][0]
    return {'output': np.concatenate([boxes, by_class(true)], 1)[None].astype(np.float32)}


def normalized_final(true: Truth) -> Any:
    boxes = detr_sigmoid(true)['boxes'][0]
    return {'output': np.concatenate([
        boxes, true['scores'][:, None], true['classes'][:, None]], 1)[None].astype(np.float32)}


def final_boxes(true: Truth) -> Any:
    return {'boxes': corners(true).astype(np.float32),
            'scores': true['scores'].astype(np.float32), 'labels': true['classes']}


def counted_boxes(true: Truth) -> Any:
    final = {name: np.concatenate([values, values[:5]])[None]
             for name, values in final_boxes(true).items()}
    return {'count': np.array([[COUNT]], np.int32), **final}


def rows_of_seven(true: Truth) -> Any:
    return {'output': np.concatenate([
        np.zeros((COUNT, 1)), corners(true), true['classes'][:, None], true['scores'][:, None]],
        1).astype(np.float32)}


def scored_corners(true: Truth) -> Any:
    return {'boxes': corners(true)[None].astype(np.float32),
            'scores': by_class(true)[None].astype(np.float32)}


def scored_centres(true: Truth) -> Any:
    boxes = np.concatenate([true['centres'], true['sizes']], 1)
    return {**scored_corners(true), 'boxes': boxes[None].astype(np.float32)}


ENCODERS: dict[str, Callable[[Truth], Any]] = {encoder.__name__: encoder for encoder in (
    yolox, yolo_grids, detr_sigmoid, detr_softmax, normalized_rows, normalized_final,
    final_boxes, counted_boxes, rows_of_seven, scored_corners, scored_centres)}
PARAMETERS = [pytest.param(name, id=name) for name in ENCODERS]


def decode(head: str, outputs: Any, thresholds: Thresholds = ALL) -> Any:
    options = {'anchors_wh': ANCHORS} if head == 'yolo_grids' else {}
    return HEADS[head].decode(outputs, LETTERBOX, thresholds, **options)


def test_every_detector_head_is_tested() -> None:
    from test_rows_of_boxes import MAKERS
    from support import current_networks
    detectors = {name for name, head in HEADS.items() if 'detect' in head.tasks}
    # `test_current_families.py` decodes these.
    current = {name.replace('_plus', '') for name in current_networks.NETWORKS}
    assert detectors == set(ENCODERS) | current | set(MAKERS) & set(HEADS)


@pytest.mark.parametrize('head', PARAMETERS)
@pytest.mark.parametrize('seed', [3, 4])
def test_decoded_boxes_equal_encoded_boxes(head: str, seed: int) -> None:
    true = truth(seed)
    found = decode(head, ENCODERS[head](true))
    assert len(found) == COUNT
    np.testing.assert_allclose(found.boxes_xyxy, corners(true), atol=1e-3)
    np.testing.assert_allclose(found.scores, true['scores'], atol=1e-5)
    np.testing.assert_array_equal(found.class_ids, true['classes'])


@pytest.mark.parametrize('head', PARAMETERS)
def test_confidence_threshold(head: str) -> None:
    true = truth(3)
    limit = float(true['scores'][9:11].mean())
    assert len(decode(head, ENCODERS[head](true), Thresholds(limit, 1.0))) == 10
    assert len(decode(head, ENCODERS[head](true), Thresholds(0.99, 1.0))) == 0


@pytest.mark.parametrize('head', PARAMETERS)
def test_values_that_are_not_finite_are_rejected(head: str) -> None:
    outputs = ENCODERS[head](truth(3))
    for name, values in outputs.items():
        if values.dtype.kind == 'f':
            broken = values.copy()
            broken.reshape(-1)[3] = np.nan
            with pytest.raises(NetworkOutputError, match=f"1 of .*'{name}'"):
                decode(head, {**outputs, name: broken})


def test_identical_boxes() -> None:
    """Heads with built-in NMS, or without need for NMS, keep identical boxes."""
    true = truth(3)
    true['centres'][:], true['sizes'][:], true['classes'][:] = 300, 50, 1
    for head in set(ENCODERS) - {'yolox', 'yolo_grids'}:
        found = decode(head, ENCODERS[head](true), Thresholds(0.25, 0.5))
        assert len(found) == (1 if head.startswith('scored') else COUNT), head


def test_invalid_count() -> None:
    outputs = counted_boxes(truth(3))
    assert len(decode('counted_boxes', {**outputs, 'count': np.array([[-3]])})) == 0
    assert len(decode('counted_boxes', {**outputs, 'count': np.array([[10_000]])})) == COUNT + 5
